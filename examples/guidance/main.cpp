// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Classifier-free guidance: unconditional + scale · (conditional − unconditional). Two classes on a line overlap; the
// exact predictors of the left class and of both together show what a larger scale does. Nothing is trained.
#include "support/console.hpp"

#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/predictor/guidance.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cmath>
#include <cstdio>

namespace {

int run(bool) {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};
    const ddpm::batch<double> both_means = (ddpm::batch<double>(1, 2) << -0.5, 0.5).finished();
    const auto both = ddpm::gaussian_mixture::isotropic({1, 1}, both_means, {0.25, 0.25});
    const auto left = ddpm::gaussian_mixture::isotropic({1}, both_means.leftCols(1), {0.25});
    const ddpm::mixture_oracle unconditional(both, schedule), conditional(left, schedule);

    const auto report = [&](const char* name, const auto& predictor) {
        const auto x =
            ddpm::sample<double>(ddpm::dpm_multistep{}, schedule, predictor, {.steps = 50, .count = 10000, .seed = 1});
        const double mean = x.mean(), deviation = std::sqrt((x - mean).square().mean());
        const double wrong = static_cast<double>((x > 0).count()) / static_cast<double>(x.size());
        std::printf("%-30s %6.2f  %9.2f  %5.0f %%\n", name, mean, deviation, 100 * wrong);
    };
    std::printf("%-30s %6s  %9s  %7s\n", "asked for: the left class", "mean", "deviation", "x > 0");
    report("scale 0: not asked", ddpm::guided(conditional, unconditional, 0.0));
    report("scale 1: as it is learned", ddpm::guided(conditional, unconditional, 1.0));
    report("scale 2", ddpm::guided(conditional, unconditional, 2.0));
    report("scale 5", ddpm::guided(conditional, unconditional, 5.0));
    // Only where the noise is neither strong nor weak: most of the variety stays.
    const ddpm::guidance_interval middle{.from = 200, .to = 600};
    report("scale 5, timesteps 200 ... 600",
           ddpm::guided(conditional, unconditional, {.scale = 5, .interval = middle}));
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
