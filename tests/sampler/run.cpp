// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/run.hpp>

#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>

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

namespace {

/// philox_noise under another name, which the run must ask for the noise itself.
struct drawn_noise {
    template <Scalar S>
    void normal(batch_view<S> out, index step, index first_sample) {
        ++draws;
        source.normal(out, step, first_sample);
    }
    philox_noise source;
    int draws = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("the noise that a run makes on the fly is the noise that it would draw", "[sampler]", float,
                   double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<index> timesteps{19, 12, 5};
    const predictor_archetype<S> predictor;
    const denoise_options options{.clip_x0 = 0.8, .clip_epsilon = true};
    const auto check = [&](const one_step_plan& plan, int draws) {
        philox_noise noise(1, noise_stream::sampler);
        drawn_noise drawn{noise};
        sampling_run<S, const predictor_archetype<S>, philox_noise> on_the_fly(plan, predictor, noise,
                                                                               pattern<S>(70, 3, 1), options, 7);
        sampling_run<S, const predictor_archetype<S>, drawn_noise> asking(plan, predictor, drawn, pattern<S>(70, 3, 1),
                                                                          options, 7);
        while (!on_the_fly.done()) {
            on_the_fly.step();
            asking.step([](const sample_step<S>&) { return true; });
        }
        CHECK((on_the_fly.x() == asking.x()).all());
        CHECK(drawn.draws == draws);
    };
    check(ancestral{}.plan(schedule, timesteps), 2);  // the last step needs none
    check(ddim{.eta = 0.5}.plan(schedule, timesteps), 2);
    check(ddim{}.plan(schedule, timesteps), 0);
}

TEMPLATE_TEST_CASE("a fused step is denoise and then advance", "[sampler]", float, double) {
    using S = TestType;
    const noise_schedule schedule{linear_beta{}, 100};
    philox_noise noise(1, noise_stream::sampler);
    for (const denoise_options& options :
         {denoise_options{}, denoise_options{.clip_x0 = 0.5}, denoise_options{.clip_x0 = 0.5, .clip_epsilon = true}}) {
        const one_step_plan plan = ddim{.eta = 1}.plan(schedule, std::vector<index>{99, 50, 10});
        const session_archetype<S> network;
        sampling_run<S, const session_archetype<S>, philox_noise> run(plan, network, noise, pattern<S>(4, 5, 1),
                                                                      options);
        batch<S> x = pattern<S>(4, 5, 1), x0(4, 5), eps(4, 5), z(4, 5);
        for (index k = 0; k < 3; ++k) {
            run.step();
            denoise<S>(prediction::v, plan[k].level, x, (x / S(4)).eval(), options, {x0, eps});
            noise.normal(batch_view<S>(z), k + 1, 0);
            plan.advance<S>(k, x, {x0, eps}, z);
            CHECK((run.x() == x).all());
        }
    }
}

}  // namespace ddpm::test
