// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A user's program in hard circumstances: names that headers of Windows, X11, termios and C define as macros come
// first, and the compiler warns of everything (see project.cmake). What it uses is compiled, never run.
#define near
#define far
#define small char
#define hyper long
#define pascal
#define cdecl
#define interface struct
#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define VOID void
#define TRUE 1
#define FALSE 0
#define BOOLEAN int
#define INT 1
#define FLOAT 2
#define DOUBLE 3
#define ERROR 0
#define NO_ERROR 0L
#define DELETE 0x00010000L
#define IGNORE 0
#define INFINITE 0xFFFFFFFF
#define STRICT 1
#define THIS void
#define ABSOLUTE 1
#define RELATIVE 2
#define TRANSPARENT 1
#define DOMAIN 1
#define SING 2
#define OVERFLOW 3
#define UNDERFLOW 4
#define TLOSS 5
#define PLOSS 6
#define Bool int
#define Status int
#define True 1
#define False 0
#define None 0L
#define Always 2
#define Unsorted 0
#define Above 0
#define Below 1
#define Convex 2
#define Complex 0
#define Nil 0
#define YES 1
#define NO 0
#define LOG 1
#define DEBUG 1
#define INFO 2
#define WARNING 3
#define FATAL 4
#define EMPTY 1
#define PI 3
#define ABS(a) a
#define MIN(a, b) a
#define MAX(a, b) a
#define min(a, b) a
#define max(a, b) a
#define CHECK(x) x
#define major(x) x
#define minor(x) x
#define I (__extension__ 1.0iF)
#define unix 1
#define linux 1

#include <ddpm/ddpm.hpp>

double uses_much();

double uses_much() {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    const ddpm::batch<float> x0 = ddpm::batch<float>::Random(64, 100);
    ddpm::nn::mlp<float> net{{.dim = 64, .hidden = 64, .blocks = 3}};
    ddpm::trainer trainer{net, schedule, {.batch = 128, .learning_rate = 1e-3, .predicts = ddpm::prediction::v}};
    static_cast<void>(trainer.fit(x0, {.steps = 4}));
    const ddpm::batch<float> samples =
        ddpm::sample(ddpm::ddim{.eta = 0}, schedule, trainer.ema(), {.steps = 50, .count = 64, .shape = 64, .seed = 7});
    const ddpm::nn::unet<double> unet(ddpm::nn::unet_options{});
    const ddpm::batch<double> images =
        ddpm::sample(ddpm::any_sampler(ddpm::dpm_multistep{}), schedule, unet, {.steps = 5, .count = 4, .seed = 7});
    const auto mixture = ddpm::gaussian_mixture::isotropic({1}, ddpm::batch<double>::Zero(2, 1), {1});
    const auto density = ddpm::log_density(mixture, ddpm::batch<double>::Zero(2, 3), ddpm::noise_level<double>{1, 0});
    ddpm::io::write_npy("samples.npy", samples);
    return ddpm::frechet_distance(samples, x0) + images(0, 0) + density(0);
}
