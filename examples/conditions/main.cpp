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

constexpr isize count = 4000, no_label = 2;
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

    // The network takes one of two labels or a third that stands for none, and a vector of two elements, which may be
    // absent: learned_null.
    ddpm::nn::mlp<float> net{
        {.dim = 2, .hidden = 64, .blocks = 2, .classes = 3, .vector = 2, .learned_null = true, .seed = 1}};
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 200};
    ddpm::trainer trainer{net, schedule, {.batch = 128, .learning_rate = 3e-3, .predicts = ddpm::prediction::v}};
    const auto fitted =
        trainer.fit({points, {.labels = labels, .vectors = directions}},
                    {.steps = quick ? 800 : 4000, .dropout = {.label = 0.1, .vector = 0.1, .null_label = no_label}});
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

    // Told nothing, the network draws from all of the data.
    const auto untold = ddpm::conditioned(trainer.ema(), {.labels = {&no_label, 1}});
    const matrix x = ddpm::sample(ddpm::ddim{}, schedule, untold, {.steps = 25, .count = 2000});
    const matrix far = x.square().colwise().sum().sqrt();
    const double outer = static_cast<double>((far > 0.75f).count()) / 2000;
    std::printf("nothing: both radii, each in 35 to 65 %% of the samples: %s\n",
                outer > 0.35 && outer < 0.65 ? "yes" : "no");
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
