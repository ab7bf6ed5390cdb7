// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/run.hpp>

#include <ddpm/sampler/ancestral.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <vector>

namespace ddpm::test {

TEST_CASE("a run is stepped by hand, and its callback sees every step", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<index> timesteps{19, 10, 3};
    const one_step_plan plan = ancestral{}.plan(schedule, timesteps);
    const predictor_archetype<double> predictor;
    philox_noise noise(1, noise_stream::sampler);
    const batch<double> start = pattern<double>(4, 2, 1);

    sampling_run<double, const predictor_archetype<double>, philox_noise> run(plan, predictor, noise, start);
    std::vector<index> seen;
    const step_callback<double> watch = [&](const sample_step<double>& step) {
        CHECK(step.steps == 3);
        CHECK(step.step == static_cast<index>(seen.size()));
        if (seen.empty()) {
            CHECK((step.xt.array() == start).all());
        }
        // The bare callable predicts ε = x/2, so x_0 = (x − σ x/2)/α.
        const auto [alpha, sigma] = marginal_at(schedule, step.t);
        CHECK((step.x0.array() - step.xt.array() * (1 - sigma / 2) / alpha).abs().maxCoeff() < 1e-12);
        seen.push_back(step.t);
        return true;
    };
    while (!run.done()) {
        CHECK(run.step(watch));
    }
    CHECK(seen == timesteps);
    const batch<double> end = run.x();
    CHECK(run.step(watch));
    CHECK((run.x() == end).all());
    CHECK(seen.size() == 3);
}

TEST_CASE("a run starts at any sample and step of the noise", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const one_step_plan whole = ancestral{}.plan(schedule, std::vector<index>{19, 10, 3});
    const one_step_plan rest = ancestral{}.plan(schedule, std::vector<index>{10, 3});
    const predictor_archetype<float> predictor;
    philox_noise noise(1, noise_stream::sampler);
    using run_type = sampling_run<float, const predictor_archetype<float>, philox_noise>;
    const batch<float> start = pattern<float>(4, 5, 1);

    run_type all(whole, predictor, noise, start);
    all.step();
    run_type second(rest, predictor, noise, all.x().middleCols(2, 3), {}, 2, 1);
    while (!all.done()) {
        all.step();
    }
    while (!second.done()) {
        second.step();
    }
    CHECK((all.x().middleCols(2, 3) == second.x()).all());
}

}  // namespace ddpm::test
