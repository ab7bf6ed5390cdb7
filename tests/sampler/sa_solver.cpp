// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/sa_solver.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/golden_grid.hpp"
#include "support/golden_loop.hpp"
#include "support/plan_moments.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace ddpm::test {
namespace {

const auto none = [](double) { return 0.0; };

}  // namespace

TEST_CASE("SA-Solver without noise and corrector of order 1 is DDIM", "[sampler]") {
    for (const time_grid& grid : all_kinds_of_levels()) {
        for (const bool x0 : {true, false}) {
            const sa_solver sampler{.predictor_order = 1, .corrector_order = 0, .predict_x0 = x0, .tau = none};
            CHECK(is_ddim(sampler.plan(grid)));
        }
    }
}

TEST_CASE("SA-Solver carries constants exactly", "[sampler]") {
    for (const time_grid& grid : all_kinds_of_levels()) {
        for (isize predictor = 1; predictor <= 4; ++predictor) {
            for (isize corrector = 0; corrector <= 4; ++corrector) {
                for (const bool option : {true, false}) {
                    const sa_solver sampler{.predictor_order = predictor,
                                            .corrector_order = corrector,
                                            .predict_x0 = option,
                                            .lower_order_final = !option};
                    const auto plan = sampler.plan(grid);
                    CHECK(constant_error(plan) < 1e-12);
                    CHECK(plan.draws().size() == plan.stages().size());
                }
            }
        }
    }
}

TEST_CASE("SA-Solver ends where diffusers' tests do", "[sampler]") {
    const auto plan = sa_solver{}.plan(golden_grid(10, grid_end::least_noise, 1100));
    const auto karras = sa_solver{}.plan(golden_karras_grid(1100));
    const auto sum = [](const sampling_plan& p, prediction kind) { return golden_loop<float>(p, {.kind = kind}).sum; };
    CHECK(std::abs(sum(plan, prediction::epsilon) - 337.394287) < 1e-2);
    CHECK(std::abs(sum(plan, prediction::v) - 193.146774) < 1e-2);
    CHECK(std::abs(sum(karras, prediction::epsilon) - 837.255493) < 1e-2);
    check_mean<float>(plan, 0.43931547, 0.43931547);
    check_mean<float>(plan, 0.25149319, 0.25149319, {.kind = prediction::v});
    check_mean<float>(karras, 1.09017646, 1.09017646);
}

// What diffusers 0.42 computes in single precision with the inputs of its tests.
TEST_CASE("SA-Solver ends where diffusers does, with every option", "[sampler]") {
    struct row {
        isize predictor, corrector;
        bool x0;
        double usual, without_noise, tau, whole;  // the default τ, τ = 0, τ = 0.6, then without lower_order_final
    };
    constexpr row rows[] = {
        {1, 1, true, 251.22838, 185.12609, 274.76828, 251.22838},
        {1, 2, true, 248.18615, 180.33493, 268.80405, 248.18615},
        {1, 2, false, 487.71111, 194.96983, 271.68101, 487.71111},
        {1, 4, true, 243.90511, 178.92045, 265.61558, 244.05582},
        {1, 4, false, 268.12822, 193.78608, 262.8542, 307.52171},
        {2, 1, true, 346.16158, 201.06615, 322.69608, 1686.5171},
        {2, 2, true, 341.57976, 195.3845, 315.00726, 1667.4787},
        {2, 2, false, 29721.422, 188.94731, 23240.093, 86971.19},
        {2, 3, true, 334.64689, 193.57558, 310.71694, 1633.3884},
        {3, 2, true, 344.93241, 195.34906, 315.72166, 2296.937},
        {3, 3, true, 337.78645, 193.53496, 311.3442, 2294.7994},
        {3, 4, false, 25410.854, 186.48793, 37547.79, 690575.1},
        {4, 3, true, 337.78746, 193.53808, 311.32739, 9965.174},
        {4, 4, true, 337.43023, 193.60382, 311.18454, 9939.6402},
        {4, 4, false, 57585.408, 184.17288, 99953.527, 6615088},
    };
    for (const row& r : rows) {
        INFO("orders " << r.predictor << " and " << r.corrector << ", x0 " << r.x0);
        sa_solver sampler{.predictor_order = r.predictor, .corrector_order = r.corrector, .predict_x0 = r.x0};
        check_sum<float>(sampler.plan(golden_grid()), r.usual, 1e-4);
        sampler.lower_order_final = false;
        check_sum<float>(sampler.plan(golden_grid()), r.whole, 2e-4);
        sampler.lower_order_final = true;
        sampler.tau = none;
        check_sum<float>(sampler.plan(golden_grid()), r.without_noise, 1e-4);
        sampler.tau = [](double) { return 0.6; };
        check_sum<float>(sampler.plan(golden_grid()), r.tau, 1e-4);
    }
}

TEST_CASE("SA-Solver without noise converges with its orders", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        for (const bool x0 : {true, false}) {
            for (isize predictor = 1; predictor <= 3; ++predictor) {
                for (const isize corrector : {isize{0}, predictor, predictor + 1}) {
                    const sa_solver sampler{.predictor_order = predictor,
                                            .corrector_order = corrector,
                                            .predict_x0 = x0,
                                            .tau = none,
                                            .lower_order_final = false};
                    const double slope = convergence_order(sampler, kind, std::max(predictor, corrector), 640, 80);
                    const isize order = corrector == 0 ? predictor : std::min(corrector, predictor + 1);
                    INFO("orders " << predictor << " and " << corrector << ", x0 " << x0 << ": " << slope);
                    CHECK(slope > static_cast<double>(std::min<isize>(order, 3)) - 0.15);
                }
            }
        }
    }
}

TEST_CASE("SA-Solver has the moments of its recursion", "[sampler]") {
    for (const bool x0 : {true, false}) {
        for (isize predictor = 1; predictor <= 3; ++predictor) {
            for (isize corrector = 0; corrector <= 3; ++corrector) {
                check_moments(sa_solver{
                    .predictor_order = predictor,
                    .corrector_order = corrector,
                    .predict_x0 = x0,
                    .tau = [](double lambda) {
                        return lambda > -1 && lambda < 1 ? 0.8 : 0.2;
                    }}.plan(uniform_lambda_grid(8)));
            }
        }
    }
}

// Equations of one step, corrected through two estimates with the draw of its prediction.
TEST_CASE("SA-Solver's corrector uses the draw of the step before", "[sampler]") {
    const gaussian_data data;
    const time_grid grid = uniform_lambda_grid(2, -1, 1);
    const double tau = 0.8, rate = 1 + tau * tau, h = 1;
    const auto plan = sa_solver{.predictor_order = 1, .tau = [&](double) { return tau; }}.plan(grid);
    const auto states = propagate(plan, data);
    const auto step = [&](isize k) {
        const auto &s = grid[k].level, &t = grid[k + 1].level;
        return std::array{t.sigma / s.sigma * std::exp(-tau * tau * h), t.signal * (1 - std::exp(-rate * h)),
                          t.sigma * std::sqrt(1 - std::exp(-2 * tau * tau * h))};
    };
    const auto [a, b, c] = step(0);
    const auto [a2, b2, c2] = step(1);
    const auto &s = grid[0].level, &m = grid[1].level;
    const double s1 = data.x0(s, 1) - data.x0(s, 0), m1 = data.x0(m, 1) - data.x0(m, 0);
    // Of x and of the first draw: predicted u, corrected y = a x + b D(x) + w (D(u) − D(x)) + c z, then a y + b D(u) +
    // c z'.
    const double w = m.signal * rate * h / 2;
    const double u_x = a + b * s1, u_z = c;
    const double y_x = a + b * s1 + w * (m1 * u_x - s1), y_z = c + w * m1 * u_z;
    CHECK(std::abs(states[1].factors(1) - u_x) < 1e-14);
    CHECK(std::abs(states[1].factors(2) - u_z) < 1e-14);
    CHECK(std::abs(states[2].factors(1) - (a2 * y_x + b2 * m1 * u_x)) < 1e-14);
    CHECK(std::abs(states[2].factors(2) - (a2 * y_z + b2 * m1 * u_z)) < 1e-14);
    CHECK(std::abs(states[2].factors(3) - c2) < 1e-14);
}

TEST_CASE("SA-Solver rejects what it cannot do", "[sampler]") {
    const time_grid grid = golden_grid();
    CHECK_THROWS_AS(sa_solver{.predictor_order = 0}.plan(grid), value_error);
    CHECK_THROWS_AS(sa_solver{.corrector_order = -1}.plan(grid), value_error);
    CHECK_THROWS_AS(sa_solver{.tau = nullptr}.plan(grid), value_error);
    CHECK_THROWS_AS(sa_solver{.tau = [](double) { return -1.0; }}.plan(grid), value_error);
    CHECK_THROWS_AS(sa_solver{.tau = [](double) { return std::numeric_limits<double>::infinity(); }}.plan(grid),
                    value_error);
    CHECK_THROWS_AS(sa_solver{}.plan(grid.reversed()), value_error);
    CHECK(sa_solver{}.plan(golden_grid(1)).stages().size() == 1);
}

}  // namespace ddpm::test
