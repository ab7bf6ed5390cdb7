// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/plan.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace ddpm::test {

TEST_CASE("a plan is what was added to it, in order", "[sampler]") {
    const time_grid grid({{7, {0.6, 0.8}}, {3, {0.8, 0.6}}, {-1, {1, 0}}});
    sampling_plan plan(grid);
    plan.set(quantity::base, {term::x(2)});
    CHECK(plan.evaluate(0, grid[0]) == 0);
    CHECK(plan.draw(grid[0].level, grid[1].level) == 0);
    plan.set(quantity::x, {term::x0(0, 0.5), term::noise(0, 0.25)});
    CHECK(plan.evaluate(1, grid[1]) == 1);
    CHECK(plan.draw(grid[1].level, grid[2].level) == 1);
    CHECK(plan.steps() == 2);
    REQUIRE(plan.before().size() == 1);
    CHECK(plan.before()[0].target == quantity::base);
    REQUIRE(plan.stages().size() == 2);
    CHECK(plan.stages()[0].t == 7);
    CHECK(plan.stages()[0].level.sigma == 0.8);
    REQUIRE(plan.stages()[0].then.size() == 1);
    CHECK(plan.stages()[0].then[0].terms[1].of == quantity::noise);
    CHECK(plan.stages()[0].then[0].terms[1].factor == 0.25);
    CHECK(plan.stages()[1].step == 1);
    CHECK(plan.stages()[1].then.empty());
    CHECK(plan.draws()[0].from == 0.8 / 0.6);
    CHECK(plan.draws()[1].to == 0);
}

TEST_CASE("assignments in a row to one target become one", "[sampler]") {
    const time_grid grid({{7, {0.6, 0.8}}, {-1, {1, 0}}});
    sampling_plan plan(grid);
    plan.evaluate(0, grid[0]);
    for (int i = 0; i < 3; ++i) {
        plan.draw(grid[0].level, grid[1].level);
    }
    plan.set(quantity::base, {term::x(3)});
    plan.set(quantity::x, {term::x0(0, 0.5), term::x(4), term::noise(0, 0.25)});
    plan.set(quantity::x, {term::x(2), term::base(5), term::noise(1, 7)});
    plan.set(quantity::x, {term::noise(2, 8), term::x(0.5)});
    plan.set(quantity::base, {term::x(1)});
    plan.set(quantity::x, {term::x(2)});
    const std::vector<assignment>& then = plan.stages()[0].then;
    REQUIRE(then.size() == 4);
    const std::vector<std::pair<quantity, double>> expected{{quantity::noise, 8},  {quantity::x0, 0.5},
                                                            {quantity::x, 4},      {quantity::noise, 0.25},
                                                            {quantity::base, 2.5}, {quantity::noise, 3.5}};
    REQUIRE(then[1].terms.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(then[1].terms[i].of == expected[i].first);
        CHECK(then[1].terms[i].factor == expected[i].second);
    }
    CHECK(then[1].terms[0].number == 2);
    CHECK(then[1].terms[5].number == 1);
    CHECK(then[3].terms.size() == 1);  // something else was assigned in between
}

TEST_CASE("only x and base are assigned, and a variance needs an evaluation", "[sampler]") {
    const time_grid grid({{7, {0.6, 0.8}}, {-1, {1, 0}}});
    sampling_plan plan(grid);
    CHECK_THROWS_AS(plan.spread({reverse_variance::learned}), value_error);
    plan.evaluate(0, grid[0]);
    for (const quantity wrong : {quantity::x0, quantity::eps, quantity::noise, quantity::spread_noise}) {
        CHECK_THROWS_AS(plan.set(wrong, {term::x(1)}), value_error);
    }
    CHECK(plan.stages()[0].then.empty());
    CHECK_NOTHROW(plan.set(quantity::x, {term::x0(0, 1)}));
    CHECK_NOTHROW(plan.set(quantity::base, {term::x(1)}));
    CHECK_NOTHROW(plan.spread({reverse_variance::learned}));
    CHECK(plan.stages()[0].variance->kind == reverse_variance::learned);
}

TEST_CASE("orders outside their domain", "[sampler]") {
    CHECK_NOTHROW(detail::require_order("here", "order", 3, 1, 3));
    CHECK_NOTHROW(detail::require_order("here", "order", 1000, 1));
    CHECK_THROWS_AS(detail::require_order("here", "order", 4, 1, 3), value_error);
    CHECK_THROWS_AS(detail::require_order("here", "order", 0, 1), value_error);
}

TEST_CASE("noise that rises", "[sampler]") {
    const time_grid falling({{1, {0.5, 0.5}}, {0, {1, 0}}});
    CHECK_NOTHROW(detail::require_falling_noise("here", falling));
    CHECK_THROWS_AS(detail::require_falling_noise("here", falling.reversed()), value_error);
}

}  // namespace ddpm::test
