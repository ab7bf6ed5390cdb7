// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/sampler/repaint.hpp>

#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "sampler/detail/factor_of.hpp"
#include "support/catch.hpp"
#include "support/plan_moments.hpp"
#include "support/predictors.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

static_assert(Sampler<repaint>);

TEST_CASE("repaint walks as often as it should", "[sampler]") {
    const repaint sampler{.jump_length = 2, .jump_count = 3};
    CHECK(sampler.path(5) == std::vector<isize>{0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 3, 4, 3, 2, 3, 4, 3, 2, 3, 4, 5});
    CHECK(repaint{.jump_count = 1}.path(4) == std::vector<isize>{0, 1, 2, 3, 4});
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<isize> timesteps{19, 14, 9, 4, 1};
    const time_grid grid = make_grid(schedule, timesteps);
    // Without jumps it is the ancestral sampler.
    const predictor_archetype<float> predictor;
    const sample_options options{.count = 3, .shape = 4};
    CHECK((sample(repaint{.jump_count = 1}, grid, predictor, options) == sample(ancestral{}, grid, predictor, options))
              .all());
    const sampling_plan plan = sampler.plan(grid);
    CHECK(plan.stages().size() == 13);
    CHECK(plan.steps() == 13);
    CHECK(plan.draws().size() == 20);  // 12 of 13 steps down, 8 up
    CHECK_THROWS_AS(repaint{.jump_length = 0}.plan(grid), value_error);
    CHECK_THROWS_AS(repaint{.jump_count = 0}.plan(grid), value_error);
}

TEST_CASE("repaint refuses jumps that are none, and noise that rises", "[sampler]") {
    for (const isize length : {0, -1}) {
        CHECK_THROWS_AS(repaint{.jump_length = length}.path(4), value_error);
    }
    for (const isize count : {0, -1}) {
        CHECK_THROWS_AS(repaint{.jump_count = count}.path(4), value_error);
    }
    CHECK_THROWS_AS(repaint{}.path(-1), value_error);
    CHECK(repaint{}.path(0) == std::vector<isize>{0});
    const time_grid falling({{7, {0.6, 0.8}}, {3, {0.8, 0.6}}, {-1, {1, 0}}});
    CHECK_NOTHROW(repaint{}.plan(falling));
    CHECK_THROWS_AS(repaint{}.plan(falling.reversed()), value_error);
}

TEST_CASE("repaint denoises as the ancestral sampler, and goes back by the forward process", "[sampler]") {
    for (const auto variance :
         {reverse_variance::fixed_small, reverse_variance::fixed_large, reverse_variance::learned_range}) {
        for (const time_grid& grid : all_kinds_of_levels()) {
            if (grid.steps() < 2) {
                continue;
            }
            const sampling_plan plan = repaint{.jump_length = 1, .jump_count = 2, .variance = variance}.plan(grid);
            const sampling_plan once = ancestral{.variance = variance}.plan(grid);
            // From point 0 to point 1, back to point 0, and to point 1 again.
            const noise_level<double>&noisy = grid[0].level, &cleaner = grid[1].level;
            const double kept = noisy.signal / cleaner.signal;
            const double added = std::sqrt(noisy.sigma * noisy.sigma - kept * kept * cleaner.sigma * cleaner.sigma);
            const auto &there = plan.stages()[0].then.at(0).terms, &again = plan.stages()[1].then.at(0).terms;
            const auto& expected = once.stages()[0].then.at(0).terms;
            for (const quantity of :
                 {quantity::x, quantity::x0, quantity::eps, quantity::noise, quantity::spread_noise}) {
                CHECK(std::abs(factor_of(there, of) - kept * factor_of(expected, of)) < 1e-13);
            }
            for (const quantity of : {quantity::noise, quantity::spread_noise}) {
                CHECK(factor_of(again, of, 2) == factor_of(expected, of));
            }
            CHECK(factor_of(again, quantity::x) == factor_of(expected, quantity::x));
            CHECK(factor_of(again, quantity::x0, 1) == factor_of(expected, quantity::x0));
            CHECK(std::abs(factor_of(there, quantity::noise, 1) - added) < 1e-13 * noisy.sigma);
            const noise_draw& back = plan.draws()[1];
            CHECK(std::abs(back.kept.value() - kept) < 1e-14);
            CHECK(back.from == noise_ratio(cleaner));
            CHECK(back.to == noise_ratio(noisy));
            CHECK(plan.stages()[0].variance.has_value() == needs_head(variance));
        }
    }
}

TEST_CASE("repaint's samples have the moments of its plan", "[sampler]") {
    std::vector<grid_point> points;
    for (const double lambda : {-2.0, -0.5, 0.5, 1.5, 3.0}) {
        points.push_back({lambda, variance_preserving_level(std::exp(-lambda))});
    }
    check_moments(repaint{.jump_length = 2, .jump_count = 2}.plan(time_grid(points)));
}

}  // namespace ddpm::test
