// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/pndm.hpp>

#include <ddpm/grid/timesteps.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/golden_loop.hpp"
#include "support/solver_check.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ddpm::test {

namespace {

std::vector<double> times_of(const sampling_plan& plan) {
    std::vector<double> times;
    for (const stage& s : plan.stages()) {
        times.push_back(s.t);
    }
    return times;
}

std::vector<isize> offset_by_one(std::vector<isize> timesteps) {
    for (isize& t : timesteps) {
        ++t;
    }
    return timesteps;
}

double golden_sum(double beta, grid_end end, prediction kind = prediction::epsilon) {
    const noise_schedule<float32_tables> schedule{linear_beta{.start = beta}, 1000};
    const pndm sampler{.average = kind == prediction::v ? pndm::averaged::v : pndm::averaged::epsilon,
                       .level_of = schedule};
    const auto timesteps = make_timesteps(1000, 10, timestep_spacing::leading);
    return golden_loop(sampler.plan(make_grid(schedule, timesteps, end)), {.kind = kind}).sum;
}

void check_sum(double found, double expected) {
    INFO(found << ", expected " << expected);
    CHECK(std::abs(found - expected) <= 1e-2);
}

}  // namespace

TEST_CASE("pndm: diffusers' loops", "[sampler]") {
    check_sum(golden_sum(1e-4, grid_end::least_noise), 198.1318);
    check_sum(golden_sum(1e-4, grid_end::least_noise, prediction::v), 67.3986);
    check_sum(golden_sum(0.01, grid_end::zero_noise), 230.0399);
    check_sum(golden_sum(0.01, grid_end::least_noise), 186.9482);
}

TEST_CASE("pndm: it evaluates at diffusers' timesteps", "[sampler]") {
    const noise_schedule schedule{linear_beta{}, 1000};
    const auto grid = [&](isize steps) {
        return make_grid(schedule, offset_by_one(make_timesteps(1000, steps, timestep_spacing::leading)));
    };
    CHECK(times_of(pndm{}.plan(grid(10))) == std::vector<double>{901, 851, 851, 801, 801, 751, 751, 701, 701, 651, 651,
                                                                 601, 601, 501, 401, 301, 201, 101, 1});
    CHECK(times_of(pndm{.skip_runge_kutta = true}.plan(grid(10))) ==
          std::vector<double>{901, 801, 801, 701, 601, 501, 401, 301, 201, 101, 1});
    CHECK(times_of(pndm{.skip_runge_kutta = true}.plan(grid(1))) == std::vector<double>{1});
    CHECK(times_of(pndm{}.plan(grid(1))) == std::vector<double>{1});
    CHECK(times_of(pndm{}.plan(grid(2))) == std::vector<double>{501, 251, 251, 1, 1});
    // Of an odd distance the middle is rounded down.
    const std::vector<isize> odd{11, 4};
    CHECK(times_of(pndm{}.plan(make_grid(schedule, odd))) == std::vector<double>{11, 7, 7, 4, 4});
}

TEST_CASE("pndm: it has its order over equal steps of sigma / alpha, and order 2 over others", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        for (const bool skip : {false, true}) {
            for (const isize order : {1, 2, 3, 4}) {
                INFO("order " << order);
                const pndm sampler{.skip_runge_kutta = skip, .order = order};
                CHECK(convergence_order(over_grid{sampler, uniform_ratio_grid}, kind, order) >
                      static_cast<double>(order) - 0.15);
            }
            CHECK(convergence_order(pndm{.skip_runge_kutta = skip}, kind) > 1.85);
            const double of_v = convergence_order(pndm{.skip_runge_kutta = skip, .average = pndm::averaged::v}, kind);
            CHECK(std::abs(of_v - 1) < 0.15);
        }
    }
}

TEST_CASE("pndm: order 1 is ddim; data that is one point is found", "[sampler]") {
    check_same(pndm{.order = 1}, ddim{}, 1e-300);
    check_same(pndm{.order = 1, .average = pndm::averaged::v}, ddim{}, 1e-12);
    for (const isize order : {1, 2, 3, 4}) {
        check_finds_point(pndm{.order = order});
        check_finds_point(pndm{.skip_runge_kutta = true, .order = order});
    }
}

// The transfer of an average v as diffusers computes it, from x.
TEST_CASE("pndm: the average v is turned into epsilon at the beginning of the step", "[sampler]") {
    const gaussian_data data{};
    const time_grid grid = grid_on(path_kind::preserving, {5, 2, 1, 0.4});
    const auto v_at = [&](const noise_level<double>& level, double x) {
        const double x0 = data.x0(level, x);
        return level.signal * (x - level.signal * x0) / level.sigma - level.sigma * x0;
    };
    const auto transfer = [&](const noise_level<double>& from, const noise_level<double>& to, double x, double v) {
        const double x0 = from.signal * x - from.sigma * v, eps = from.signal * v + from.sigma * x;
        return to.signal * x0 + to.sigma * eps;
    };
    const auto level = [&](isize k) { return grid[k].level; };
    batch<double> x(1, 1);
    x << 1.4;
    // Two evaluations in the first step, then the methods of order 2 and 3.
    const double v0 = v_at(level(0), 1.4);
    const double guess = transfer(level(0), level(1), 1.4, v0);
    const double x1 = transfer(level(0), level(1), 1.4, (v0 + v_at(level(1), guess)) / 2);
    const double v1 = v_at(level(1), x1), x2 = transfer(level(1), level(2), x1, (3 * v1 - v0) / 2);
    const double v2 = v_at(level(2), x2), x3 = transfer(level(2), level(3), x2, (23 * v2 - 16 * v1 + 5 * v0) / 12);
    const pndm sampler{.skip_runge_kutta = true, .average = pndm::averaged::v};
    CHECK(std::abs(run_exactly(sampler.plan(grid), data, prediction::v, x)(0, 0) - x3) < 1e-13);
}

TEST_CASE("pndm: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(pndm{.order = 0}.plan(grid), value_error);
    CHECK_THROWS_AS(pndm{.order = 5}.plan(grid), value_error);
}

}  // namespace ddpm::test
