// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/exponential_multistep.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace ddpm::test {

TEST_CASE("a corrected multistep plan keeps the corrected state in the base", "[sampler]") {
    const time_grid grid = uniform_lambda_grid(4);
    // Steps 0 and 1 are corrected; all but step 3 make a draw.
    detail::multistep_planner planner(grid, quantity::x0, {});
    for (const isize k : {0, 1, 2, 3}) {
        planner.step({.predictor_order = 2,
                      .corrector_order = k == 0   ? 3
                                         : k == 1 ? 2
                                                  : 0,
                      .tau = 1,
                      .s_noise = k < 3 ? std::optional(0.5) : std::nullopt});
    }
    const sampling_plan plan = std::move(planner).plan();
    const auto shape = [&](isize k) {  // of each assignment: target, state, evaluations, draw
        std::vector<std::vector<isize>> assignments;
        for (const assignment& a : plan.stages()[static_cast<std::size_t>(k)].then) {
            std::vector<isize> numbers{static_cast<isize>(a.target)};
            for (const term& t : a.terms) {
                numbers.push_back(t.of == quantity::x || t.of == quantity::base ? static_cast<isize>(t.of) : t.number);
            }
            assignments.push_back(numbers);
        }
        return assignments;
    };
    using list = std::vector<std::vector<isize>>;
    constexpr isize x = static_cast<isize>(quantity::x), base = static_cast<isize>(quantity::base);
    REQUIRE(plan.stages().size() == 4);
    CHECK(plan.draws().size() == 3);
    CHECK(shape(0) == list{{base, x}, {x, x, 0, 0}});
    CHECK(shape(1) == list{{base, base, 0, 1, 0}, {x, base, 1, 0, 1}});
    CHECK(shape(2) == list{{base, base, 1, 2, 1}, {x, base, 2, 1, 2}});
    CHECK(shape(3) == list{{x, x, 3, 2}});
    const detail::exponential_step step(grid[1].level, grid[2].level, quantity::x0, 1);
    CHECK(plan.stages()[1].then[1].terms.back().factor == 0.5 * step.noise());
    CHECK(plan.stages()[2].then[0].terms.back().factor == 0.5 * step.noise());
}

TEST_CASE("orders near the end", "[sampler]") {
    std::vector<grid_point> points;
    for (int k = 0; k <= 16; ++k) {
        points.push_back({static_cast<double>(k), {0.5 + 0.01 * k, 0.5}});
    }
    const time_grid sixteen(points), few(std::vector<grid_point>(points.begin(), points.begin() + 15));
    CHECK(detail::order_before_end(3, sixteen, 13) == 3);
    CHECK(detail::order_before_end(3, sixteen, 14) == 2);
    CHECK(detail::order_before_end(3, sixteen, 15) == 1);
    CHECK(detail::order_before_end_of_few(3, sixteen, 15) == 3);
    CHECK(detail::order_before_end_of_few(3, sixteen.from(10), 5) == 3);
    CHECK(detail::order_before_end_of_few(3, few, 13) == 1);
}

}  // namespace ddpm::test
