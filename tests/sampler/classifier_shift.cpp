// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/classifier_shift.hpp>

#include <ddpm/process/variance.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <vector>

namespace ddpm::test {

TEST_CASE("each step is shifted by its variance times the gradient at its beginning", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<index> timesteps{19, 10, 3};
    const predictor_archetype<double> predictor;
    philox_noise noise(1, noise_stream::sampler);
    std::vector<double> told;
    const auto gradient = [&](batch_view<const double> xt, std::span<const double> t, batch_view<double> out) {
        told.push_back(t[1]);
        out.array() = 2 - xt.array();
    };
    const batch<double> start = pattern<double>(4, 2, 1);
    const batch<double> got = denoise_with_gradient<double>(make_plan(ancestral{}, schedule, timesteps), predictor, gradient,
                                                            3, batch<double>(start), noise);
    CHECK(told == std::vector<double>{19, 10, 3});

    batch<double> x = start;
    for (index k = 0; k < 3; ++k) {
        const std::vector<index> rest(timesteps.begin() + k, timesteps.end());
        const sampling_plan plan = make_plan(ancestral{}, schedule, rest);
        sampling_run<double, const predictor_archetype<double>, philox_noise> run(plan, predictor, noise, x, {}, 0, k);
        const batch<double> slope = 2 - x;
        run.step();
        const double variance =
            k == 2 ? 0
                   : reverse_variance_at(schedule, reverse_variance::fixed_small, timesteps[static_cast<std::size_t>(k)],
                                         timesteps[static_cast<std::size_t>(k) + 1]);
        x = run.x().array() + 3 * variance * slope;
    }
    CHECK((got - x).abs().maxCoeff() < 1e-14);
}

}  // namespace ddpm::test
