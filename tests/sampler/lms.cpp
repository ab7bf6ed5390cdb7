// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/lms.hpp>

#include <ddpm/sampler/ddim.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/sigma_golden.hpp"
#include "support/solver_check.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

namespace {

/// What diffusers does after the first `from` steps of a grid were left out: the polynomial goes on through the slopes
/// that were never computed, and what they would add is left out too.
sampling_plan without_history(const time_grid& grid, isize from) {
    const sampling_plan whole = lms{}.plan(grid);
    sampling_plan rest(grid.from(from));
    for (isize k = from; k < grid.steps(); ++k) {
        static_cast<void>(rest.evaluate(k - from, grid[k]));
        std::vector<term> terms;
        for (term t : whole.stages()[static_cast<std::size_t>(k)].then[0].terms) {
            t.number -= from;
            if (t.number >= 0) {
                terms.push_back(t);
            }
        }
        rest.set(quantity::x, terms);
    }
    return rest;
}

}  // namespace

TEST_CASE("lms: diffusers' loops", "[sampler]") {
    const sigma_golden golden;
    golden.check(lms{}.plan(golden.linspace()), 1006.388);
    golden.check(lms{}.plan(golden.karras()), 3812.9927);
    golden.check(without_history(golden.linspace(), 8), 27663.6895, {.with_noise = true});
    // The published 0.0017 is below its own tolerance.
    const golden_loop_options v{.kind = prediction::v, .scale = golden.table.range().highest, .overwrite_scaled = true};
    CHECK(std::abs(golden_loop(lms{}.plan(golden.linspace()), v).sum / 0.0017415 - 1) < 1e-4);
}

TEST_CASE("lms: it has its order", "[sampler]") {
    // Order 4 shows at fine steps only.
    const auto fine = [](isize steps) { return uniform_lambda_grid(4 * steps, -1, 1); };
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        for (const isize order : {1, 2, 3, 4}) {
            INFO("order " << order);
            CHECK(convergence_order(over_grid{lms{order}, fine}, kind, order) > static_cast<double>(order) - 0.15);
        }
    }
}

TEST_CASE("lms: order 1 is ddim; data that is one point is found", "[sampler]") {
    check_same(lms{1}, ddim{}, 1e-14);
    for (const isize order : {1, 2, 3, 4}) {
        check_finds_point(lms{order});
    }
}

TEST_CASE("lms: over equal steps it is the Adams-Bashforth method", "[sampler]") {
    const sampling_plan plan = lms{}.plan(grid_on(path_kind::exploding, {10, 8, 6, 4, 2, 0}));
    const double expected[] = {55, -59, 37, -9};
    for (isize back = 0; back < 4; ++back) {
        double factor = 0;
        for (const term& t : plan.stages()[3].then[0].terms) {
            factor += t.of == quantity::eps && t.number == 3 - back ? t.factor : 0;
        }
        CHECK(std::abs(factor - ((back == 0 ? 4 : 0) - 2 * expected[back] / 24)) < 1e-13);
    }
}

TEST_CASE("lms: noise alone at the beginning is no node", "[sampler]") {
    const time_grid grid = grid_on(path_kind::flow, {INFINITY, 3, 1, 0.2, 0});
    const sampling_plan plan = lms{}.plan(grid), rest = lms{}.plan(grid.from(1));
    for (std::size_t k = 1; k < 4; ++k) {
        const auto& a = plan.stages()[k].then[0].terms;
        const auto& b = rest.stages()[k - 1].then[0].terms;
        REQUIRE(a.size() == b.size());
        for (std::size_t i = 0; i < a.size(); ++i) {
            CHECK(a[i].factor == b[i].factor);
            CHECK(a[i].number == b[i].number + 1);
        }
    }
}

TEST_CASE("lms: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(lms{0}.plan(grid), value_error);
    CHECK_THROWS_AS(lms{5}.plan(grid), value_error);
}

}  // namespace ddpm::test
