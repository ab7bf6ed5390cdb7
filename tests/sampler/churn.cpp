// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/churn.hpp>
#include <ddpm/sampler/consistency.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/dpm_sde.hpp>
#include <ddpm/sampler/dpm_singlestep.hpp>
#include <ddpm/sampler/euler.hpp>
#include <ddpm/sampler/euler_ancestral.hpp>
#include <ddpm/sampler/kdpm2.hpp>

#include "support/catch.hpp"
#include "support/solver_check.hpp"

#include <cmath>
#include <limits>

namespace ddpm::test {

TEST_CASE("churn raises the noise of x, and says where x is then", "[sampler]") {
    for (const path_kind path : {path_kind::preserving, path_kind::exploding, path_kind::flow}) {
        const time_grid grid = grid_on(path, {10, 4, 1, 0});
        for (const isize k : {0, 1, 2}) {
            sampling_plan plan(grid);
            const grid_point there = detail::add_churn(plan, k, {.s_churn = 0.9, .s_noise = 2});
            const double ratio = noise_ratio(grid[k].level), raised = 1.3 * ratio;
            const noise_level<double> level = level_on(path, raised);
            CHECK(std::abs(there.level.signal - level.signal) < 1e-12);
            CHECK(std::abs(there.level.sigma - level.sigma) < 1e-12 * level.sigma);
            if (path != path_kind::preserving) {  // whose sigma is no time that a line goes through
                CHECK(std::abs(there.t - level.sigma) < 1e-12 * level.sigma);
            }
            REQUIRE(plan.draws().size() == 1);
            REQUIRE(plan.before().size() == 1);
            const std::vector<term>& sum = plan.before()[0].terms;
            REQUIRE(sum.size() == 2);
            CHECK(std::abs(sum[0].factor - level.signal / grid[k].level.signal) < 1e-12);
            CHECK(std::abs(sum[1].factor - 2 * level.signal * ratio * std::sqrt(0.69)) < 1e-12 * (1 + ratio));
        }
    }
}

TEST_CASE("churn adds the noise between the two levels unless told otherwise", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {10, 4, 1, 0});
    sampling_plan plan(grid);
    CHECK(std::abs(detail::add_churn(plan, 0, {.s_churn = 0.9}).level.sigma - 13) < 1e-13);
    CHECK(std::abs(plan.before()[0].terms[1].factor - std::sqrt(169.0 - 100)) < 1e-13);
}

TEST_CASE("churn is limited, by its range and to sqrt 2 - 1", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {10, 4, 1, 0});
    const auto factor = [&](isize k, const churn_options& churn) {
        sampling_plan plan(grid);
        const double from = noise_ratio(grid[k].level);
        return detail::add_churn(plan, k, churn).level.sigma / from - 1;
    };
    CHECK(std::abs(factor(0, {.s_churn = 100}) - (std::sqrt(2.0) - 1)) < 1e-15);
    CHECK(factor(0, {.s_churn = 1, .s_tmax = 9}) == 0);
    CHECK(factor(2, {.s_churn = 1, .s_tmin = 2}) == 0);
    CHECK(std::abs(factor(1, {.s_churn = 1, .s_tmin = 4, .s_tmax = 4}) - 1.0 / 3) < 1e-15);
    // The steps are those of the whole run.
    sampling_plan rest(grid.from(1));
    CHECK(std::abs(detail::add_churn(rest, 0, {.s_churn = 1}).level.sigma / 4 - 4.0 / 3) < 1e-15);
    // No noise is added to noise alone.
    const time_grid flow = grid_on(path_kind::flow, {INFINITY, 1, 0});
    sampling_plan plan(flow);
    CHECK(detail::add_churn(plan, 0, {.s_churn = 1}).level.sigma == 1);
    CHECK(plan.draws().empty());
}

TEST_CASE("churn draws where it adds noise, or everywhere", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {10, 4, 1, 0});
    for (const bool always : {false, true}) {
        sampling_plan plan(grid);
        const grid_point there = detail::add_churn(plan, 0, {.s_churn = 1, .s_tmax = 1, .always_draw = always});
        CHECK(there.level.sigma == 10);
        CHECK(plan.draws().size() == (always ? 1 : 0));
        if (always) {
            CHECK(plan.before()[0].terms[0].factor == 1);
            CHECK(plan.before()[0].terms[1].factor == 0);
            CHECK(plan.draws()[0].from == 10);
            CHECK(plan.draws()[0].to == 4);
        }
    }
    sampling_plan plan(grid);
    CHECK(detail::add_churn(plan, 1, {.s_churn = 3, .time_of = [](double ratio) { return 100 * ratio; }}).t ==
          100 * (4 * (1 + (std::sqrt(2.0) - 1))));
}

TEST_CASE("churn: what is outside its domain is an error", "[sampler]") {
    const double nan = std::nan("");
    CHECK_NOTHROW(require_valid("test", {}));
    CHECK_NOTHROW(require_valid("test", {.s_tmin = 2, .s_tmax = 2, .s_noise = 0}));
    for (const churn_options& bad :
         {churn_options{.s_churn = -1}, churn_options{.s_churn = nan}, churn_options{.s_tmin = -1},
          churn_options{.s_tmin = nan}, churn_options{.s_tmin = 2, .s_tmax = 1}, churn_options{.s_noise = -1},
          churn_options{.s_noise = nan}}) {
        CHECK_THROWS_AS(require_valid("test", bad), value_error);
    }
}

TEST_CASE("a factor of noise is finite and not too large", "[sampler]") {
    const time_grid grid({{9, {0.6, 0.8}}, {5, {0.8, 0.6}}, {0, {1, 0}}});
    for (const double wrong : {-1.0, 1e300, std::numeric_limits<double>::infinity(), std::nan("")}) {
        CHECK_THROWS_AS(euler{.churn = {.s_noise = wrong}}.plan(grid), value_error);
        CHECK_THROWS_AS(euler_ancestral{.s_noise = wrong}.plan(grid), value_error);
        CHECK_THROWS_AS(dpm_sde{.s_noise = wrong}.plan(grid), value_error);
        CHECK_THROWS_AS(dpm_multistep{.s_noise = wrong}.plan(grid), value_error);
        CHECK_THROWS_AS(dpm_singlestep{.s_noise = wrong}.plan(grid), value_error);
        CHECK_THROWS_AS(consistency{.s_noise = wrong}.plan(grid), value_error);
    }
    CHECK_THROWS_AS(kdpm2{.eta = std::numeric_limits<double>::infinity()}.plan(grid), value_error);
}

}  // namespace ddpm::test
