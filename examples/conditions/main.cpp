// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Conditions: what the network is told besides x_t and t. Here a label, which selects a radius, and a vector, which is a
// direction; the data are points in the plane near radius · direction. The third form, maps, is in the example
// super_resolution.
#include "support/console.hpp"

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/guidance.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

namespace {

using ddpm::isize;
using matrix = ddpm::batch<float>;

constexpr isize count = 4000;
constexpr float radii[] = {0.5f, 1.0f};

int run(bool quick) {
    std::vector<isize> labels;
    matrix directions(2, count), points(2, count), noise(2, count);
    const ddpm::philox_noise random(1, static_cast<ddpm::noise_stream>(ddpm::first_user_stream));
    random.normal<float>(noise, 0);
    random.normal<float>(directions, 1);
    directions.rowwise() /= directions.square().colwise().sum().sqrt().eval();
    for (isize n = 0; n < count; ++n) {
        labels.push_back(n % 2);
        points.col(n) = radii[n % 2] * directions.col(n) + 0.05f * noise.col(n);
    }

    // The network takes one of two labels, and a vector of two elements, which may be absent: learned_null. In a fifth of
    // the training it is.
    ddpm::nn::mlp<float> net{
        {.dim = 2, .hidden = 64, .blocks = 2, .classes = 2, .vector = 2, .learned_null = true, .seed = 1}};
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 200};
    ddpm::trainer trainer{net, schedule, {.batch = 128, .learning_rate = 3e-3, .predicts = ddpm::prediction::v}};
    const auto fitted = trainer.fit({points, {.labels = labels, .vectors = directions}},
                                    {.steps = quick ? 800 : 4000, .condition_dropout = {.vector = 0.2}});
    if (fitted.status != ddpm::fit_status::finished) {
        std::printf("the loss is not finite\n");
        return 1;
    }

    // A condition with one value is that of all samples; else it has one for each.
    std::printf("asked for                     mean of 200 samples within 0.15\n");
    for (const isize label : {0, 1}) {
        for (const int degrees : {0, 120, 240}) {
            const double angle = degrees * std::numbers::pi / 180;
            const matrix direction =
                (matrix(2, 1) << static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))).finished();
            const auto told = ddpm::conditioned(trainer.ema(), {.labels = {&label, 1}, .vectors = direction});
            const matrix x = ddpm::sample(ddpm::ddim{}, schedule, told, {.steps = 25, .count = 200});
            const bool near = (x.rowwise().mean() - radii[label] * direction.col(0)).matrix().norm() < 0.15f;
            std::printf("radius %.1f, direction %3d deg  %s\n", static_cast<double>(radii[label]), degrees,
                        near ? "yes" : "no");
        }
    }

    // A form that is absent is replaced by what the network has learned to do without it: all directions.
    const isize outer = 1;
    const auto told = ddpm::conditioned(trainer.ema(), {.labels = {&outer, 1}});
    const matrix x = ddpm::sample(ddpm::ddim{}, schedule, told, {.steps = 25, .count = 1000});
    const bool right_length = std::abs(x.square().colwise().sum().sqrt().mean() - radii[1]) < 0.15f;
    const bool all_around = x.rowwise().mean().matrix().norm() < 0.3f;
    std::printf("radius 1.0, no direction      length %s, mean near 0 %s\n", right_length ? "yes" : "no",
                all_around ? "yes" : "no");
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
