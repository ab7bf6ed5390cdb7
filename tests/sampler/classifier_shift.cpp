// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/classifier_shift.hpp>

#include <ddpm/predictor/predicts.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/random/brownian_tree.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/any_sampler.hpp>
#include <ddpm/sampler/consistency.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/dpm_sde.hpp>
#include <ddpm/sampler/euler.hpp>
#include <ddpm/sampler/euler_ancestral.hpp>
#include <ddpm/sampler/heun.hpp>
#include <ddpm/sampler/kdpm2.hpp>
#include <ddpm/sampler/repaint.hpp>
#include <ddpm/sampler/sa_solver.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace ddpm::test {

TEST_CASE("each step is shifted by its variance times the gradient at its beginning", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<isize> timesteps{19, 10, 3};
    const predictor_archetype<double> predictor;
    philox_noise noise(1, noise_stream::sampler);
    std::vector<double> told;
    const auto gradient = [&](batch_view<const double> xt, std::span<const double> t, batch_view<double> out) {
        told.push_back(t[1]);
        out.array() = 2 - xt.array();
    };
    const batch<double> start = pattern<double>(4, 2, 1);
    const batch<double> got = denoise_with_gradient<double>(make_plan(ancestral{}, schedule, timesteps), predictor,
                                                            gradient, 3, batch<double>(start), noise);
    CHECK(told == std::vector<double>{19, 10, 3});

    batch<double> x = start;
    for (isize k = 0; k < 3; ++k) {
        const std::vector<isize> rest(timesteps.begin() + k, timesteps.end());
        const sampling_plan plan = make_plan(ancestral{}, schedule, rest);
        sampling_run<double, const predictor_archetype<double>, philox_noise> run(plan, predictor, noise, x, {}, 0, k);
        const batch<double> slope = 2 - x;
        run.step();
        const double variance = k == 2 ? 0
                                       : reverse_variance_at(schedule, reverse_variance::fixed_small,
                                                             timesteps[static_cast<std::size_t>(k)],
                                                             timesteps[static_cast<std::size_t>(k) + 1]);
        x = run.x().array() + 3 * variance * slope;
    }
    CHECK((got - x).abs().maxCoeff() < 1e-15 * x.abs().maxCoeff());
}

namespace {

/// What a gradient of 1 moves a run by, in one dimension; the network predicts 0.3, and a variance head if one is
/// given.
double moved_by(const sampling_plan& plan, double scale = 1, std::optional<double> head = {},
                prediction kind = prediction::epsilon) {
    auto network = predicts(
        [&](batch_view<const double>, std::span<const double>, const model_output<double>& out) {
            out.prediction.array() = 0.3;
            if (head && out.variance.size() > 0) {
                out.variance.array() = *head;
            }
        },
        kind);
    const auto gradient = [](batch_view<const double>, std::span<const double>, batch_view<double> out) {
        out.array() = 1;
    };
    philox_noise noise(5, noise_stream::sampler);
    const batch<double> start = pattern<double>(1, 1, 1);
    const batch<double> moved = denoise_with_gradient<double>(plan, network, gradient, scale, start, noise);
    return (moved - denoise_from<double>(plan, network, start, noise))(0, 0);
}

}  // namespace

TEST_CASE("a gradient with sessions has a new one in each run", "[sampler]") {
    /// A gradient that counts its calls in a session. Called without a session, it is wrong.
    struct counting_gradient {
        struct counter {
            isize samples;
            double calls = 0;
            void operator()(batch_view<const double>, std::span<const double>, batch_view<double> out) {
                out.array() = ++calls + 10 * static_cast<double>(samples);
            }
        };
        isize shape = 0;  // its own, unlike that of predictors
        void operator()(batch_view<const double>, std::span<const double>, batch_view<double> out) const {
            out.array() = 1e6;
        }
        [[nodiscard]] counter session(isize samples) const { return {samples}; }
    };
    const noise_schedule schedule{cosine_beta{}, 20};
    const sampling_plan plan = make_plan(ancestral{}, schedule, std::vector<isize>{19, 10, 3});
    const predictor_archetype<double> predictor;
    philox_noise noise(1, noise_stream::sampler);
    const counting_gradient gradient;
    const auto run = [&](const auto& slope) {
        return denoise_with_gradient<double>(plan, predictor, slope, 0.5, pattern<double>(4, 2, 1), noise);
    };
    double calls = 0;
    const batch<double> expected = run(
        [&](batch_view<const double>, std::span<const double>, batch_view<double> out) { out.array() = ++calls + 20; });
    CHECK(calls == 3);
    CHECK((run(gradient) == expected).all());
    CHECK((run(gradient) == expected).all());
}

TEST_CASE("a mean is shifted by the variance of every kind of step", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const time_grid both = make_grid(schedule, std::vector<isize>{50, 40}), grid({both[0], both[1]});
    const noise_level<double> from = grid[0].level, to = grid[1].level;
    const double small = posterior_between(to, from).variance, large = transition_between(to, from).variance;
    const double rho = noise_ratio(from), next = noise_ratio(to),
                 up = to.sigma * std::sqrt(1 - next * next / (rho * rho));
    const auto check = [](double got, double expected) {
        INFO(got << ", expected " << expected);
        CHECK(std::abs(got - expected) < 1e-14);
    };
    check(moved_by(ancestral{}.plan(grid), 3), 3 * small);
    check(moved_by(ancestral{.variance = reverse_variance::fixed_large}.plan(grid)), large);
    check(moved_by(ancestral{.variance = reverse_variance::learned}.plan(grid), 1, std::log(0.4)), 0.4);
    check(moved_by(ancestral{.variance = reverse_variance::learned_range}.plan(grid), 1, 1.0), large);
    check(moved_by(ancestral{.variance = reverse_variance::learned_range}.plan(grid), 1, -1.0), small);
    check(moved_by(ancestral{.variance = reverse_variance::learned_range}.plan(grid), 2, 0.0),
          2 * std::sqrt(small * large));
    const double of_x0 = posterior_between(to, from).x0;
    check(moved_by(ancestral{.variance = reverse_variance::optimal}.plan(grid), 1, 0.5), small + of_x0 * of_x0 / 2);
    check(moved_by(ddim{.eta = 0.6}.plan(grid)), 0.36 * small);
    check(moved_by(euler_ancestral{.s_noise = 0.5}.plan(grid)), up * up / 4);
    // Two evaluations in a step, of which the second makes the result, and two draws, of which the second does.
    check(moved_by(kdpm2{.eta = 1}.plan(grid)), up * up);
    check(moved_by(dpm_sde{}.plan(grid)), up * up);
    check(moved_by(dpm_multistep{.algorithm = dpm_algorithm::sde_dpmsolver_pp}.plan(grid)),
          to.sigma * to.sigma * (1 - std::pow(next / rho, 2)));
    // To the data: x̂_0 moves by 1/α of what x moves by.
    const time_grid to_data({grid[0], grid[1], {-1, {1, 0}}});
    check(moved_by(consistency{.sigma_min = 0}.plan(to_data)), to.sigma * to.sigma / to.signal);
}

TEST_CASE("a draw that a later correction uses again is shifted there too", "[sampler]") {
    // x̂_0 is always 0.3: a step is σ_t/σ_s e^{−τ²h} x + noise, and so is the shift carried on.
    const noise_schedule schedule{cosine_beta{}, 100};
    const time_grid whole = make_grid(schedule, std::vector<isize>{60, 50, 40, 30});
    const time_grid grid({whole[0], whole[1], whole[2], whole[3]});
    const sampling_plan plan = sa_solver{.tau = [](double) { return 1.0; }}.plan(grid);
    double expected = 0;
    for (isize k = 0; k < 3; ++k) {
        const noise_level<double> from = grid[k].level, to = grid[k + 1].level;
        const double decay = noise_ratio(to) / noise_ratio(from);  // e^{−h}
        expected = to.sigma / from.sigma * decay * expected + to.sigma * to.sigma * (1 - decay * decay);
    }
    CHECK(std::abs(moved_by(plan, 1, {}, prediction::x0) - expected) < 1e-14);
}

TEST_CASE("a jump back to more noise is not shifted, only what it starts from", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const std::vector<isize> timesteps{60, 50, 40, 30};
    const time_grid grid = make_grid(schedule, timesteps);
    const sampling_plan plan = repaint{.jump_length = 1, .jump_count = 2}.plan(grid);
    const std::vector<detail::step_noise> noise = detail::step_noise_of(plan);
    // Down, back up, down, down, …: draws 0, 2, … are the reverse chain's.
    REQUIRE(noise.size() == 9);
    const double first = std::sqrt(posterior_between(grid[1].level, grid[0].level).variance);
    CHECK(std::abs(noise[0].deviation - first) < 1e-15);
    CHECK(noise[1] == detail::step_noise{});
    CHECK(std::abs(noise[2].deviation - first) < 1e-15);
}

TEST_CASE("the noise of a step is that of its result, whatever way it takes", "[sampler]") {
    const time_grid grid({{9, {0.3, 0.95}}, {5, {0.6, 0.8}}, {2, {0.9, 0.4}}});
    sampling_plan plan(grid);
    plan.evaluate(0, grid[0]);
    plan.set(quantity::base, {term::x(1), term::noise(plan.draw(grid[0].level, grid[1].level), 2)});
    plan.set(quantity::x, {term::base(0.5), term::x(1), term::noise(plan.draw(grid[0].level, grid[1].level), 3)});
    plan.evaluate(0, grid[0]);
    plan.set(quantity::x, {term::x(0.25), term::base(0.75), term::eps(1, 1)});
    plan.evaluate(1, grid[1]);
    const head_variance head{reverse_variance::learned};
    plan.spread(head);
    plan.set(quantity::base, {term::base(1), term::noise(0, 9)});
    plan.set(quantity::x, {term::base(1), term::spread_noise(plan.draw(grid[1].level, grid[2].level), 4)});
    const std::vector<detail::step_noise> noise = detail::step_noise_of(plan);
    REQUIRE(noise.size() == 3);
    CHECK(noise[0] == detail::step_noise{0.25 * 0.5 * 2 + 0.75 * 2});
    CHECK(noise[1] == detail::step_noise{0.25 * 3});
    CHECK(noise[2].deviation == 4);
    REQUIRE(noise[2].head != nullptr);
    CHECK(noise[2].head->kind == reverse_variance::learned);
}

TEST_CASE("a gradient has nothing to shift where steps have no noise", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const time_grid grid = make_grid(schedule, std::vector<isize>{60, 50, 40});
    for (const any_sampler& sampler : {any_sampler(ddim{}), any_sampler(heun{.churn = {.s_churn = 20}}),
                                       any_sampler(euler{.churn = {.s_churn = 20}}), any_sampler(kdpm2{}),
                                       any_sampler(euler_ancestral{.eta = 0}), any_sampler(dpm_multistep{})}) {
        CHECK_THROWS_AS(moved_by(sampler.plan(grid)), value_error);
    }
    CHECK_NOTHROW(moved_by(ddim{.eta = 0.1}.plan(grid)));
}

TEST_CASE("a gradient shifts the increments of a path in time", "[sampler]") {
    const time_grid grid({{50, {0.6, 0.8}}, {40, {0.8, 0.6}}});
    const auto network = [](batch_view<const double>, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = 0.3;
    };
    const auto gradient = [](batch_view<const double>, std::span<const double>, batch_view<double> out) {
        out.array() = 2;
    };
    const brownian_tree tree(7, 0.75, 0.8 / 0.6);
    const sampling_plan plan = euler_ancestral{}.plan(grid);
    const batch<double> start = pattern<double>(3, 2, 1);
    const batch<double> moved = denoise_with_gradient<double>(plan, network, gradient, 1.5, start, tree);
    const double deviation = detail::step_noise_of(plan)[0].deviation;
    CHECK((moved - denoise_from<double>(plan, network, start, tree) - 3 * deviation * deviation).abs().maxCoeff() <
          1e-14);
}

TEST_CASE("a gradient of scale 0 does nothing, whatever it is", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const sampling_plan plan = make_plan(ancestral{}, schedule, std::vector<isize>{19, 10, 3});
    const predictor_archetype<double> predictor;
    const auto gradient = [](batch_view<const double>, std::span<const double>, batch_view<double> out) {
        out.array() = std::numeric_limits<double>::infinity();
    };
    philox_noise noise(1, noise_stream::sampler);
    const batch<double> start = pattern<double>(4, 2, 1);
    CHECK((denoise_with_gradient<double>(plan, predictor, gradient, 0, start, noise) ==
           denoise_from<double>(plan, predictor, start, noise))
              .all());
}

}  // namespace ddpm::test
