// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Sampling by a trainer's average, in the two ways that a program calls it. The test reads which functions this object
// compiles, and which it takes from ddpm::compiled.

#include <ddpm/ddpm.hpp>

ddpm::batch<float> by_sampler(const ddpm::nn::mlp<float>& average, const ddpm::noise_schedule<>& schedule) {
    return ddpm::sample(ddpm::ddim{}, schedule, ddpm::predicts(average, ddpm::prediction::v), {.steps = 2});
}

ddpm::batch<float> by_plan(const ddpm::nn::mlp<float>& average, const ddpm::sampling_plan& plan) {
    return ddpm::sample(plan, ddpm::predicts(average, ddpm::prediction::v));
}
