// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/run_memory.hpp>

#include "support/catch.hpp"

namespace ddpm::test {

TEST_CASE("a slot is used again after the last stage that uses its content", "[sampler]") {
    const time_grid grid({{7, {0.6, 0.8}}, {3, {0.8, 0.6}}, {0, {0.9, 0.4}}, {-1, {1, 0}}});
    sampling_plan plan(grid);
    const isize early = plan.draw(grid[0].level, grid[1].level);
    plan.set(quantity::x, {term::x(1), term::noise(early, 0.5)});
    const isize first = plan.evaluate(0, grid[0]);
    plan.set(quantity::x, {term::x0(first, 1)});
    const isize second = plan.evaluate(1, grid[1]);
    plan.set(quantity::x, {term::x0(first, 1), term::eps(second, 1)});
    plan.evaluate(2, grid[2]);
    plan.set(quantity::x, {term::eps(second, 1)});

    detail::plan_storage storage(plan, true);
    CHECK(storage.draw_stage(early) == -1);
    CHECK(storage.slot_of(quantity::noise, early) == 0);
    CHECK(storage.slot_of(quantity::x0, first) == 0);    // the draw is used up
    CHECK(storage.slot_of(quantity::eps, second) == 1);  // made while that is still in use
    CHECK(storage.slot_of(quantity::eps, first) == detail::no_slot);
    CHECK(storage.slots() == 2);
    CHECK_FALSE(storage.uses_base());
    CHECK_FALSE(storage.uses_head());
}

TEST_CASE("nothing is used before it is made", "[sampler]") {
    const time_grid grid({{7, {0.6, 0.8}}, {-1, {1, 0}}});
    sampling_plan before(grid);
    before.set(quantity::x, {term::x0(0, 1)});
    before.evaluate(0, grid[0]);
    CHECK_THROWS_AS(detail::plan_storage(before, true), value_error);
    sampling_plan undrawn(grid);
    undrawn.evaluate(0, grid[0]);
    undrawn.set(quantity::x, {term::noise(0, 1)});
    CHECK_THROWS_AS(detail::plan_storage(undrawn, true), value_error);
}

}  // namespace ddpm::test
