// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/step_noise.hpp>

#include "support/catch.hpp"

#include <vector>

namespace ddpm::test {
namespace {

using detail::step_noise;

const time_grid two_points({{9, {0.6, 0.8}}, {0, {1, 0}}});

TEST_CASE("the factor of a draw follows it through x and the base to the end of its step", "[sampler]") {
    sampling_plan plan(two_points);
    const isize first = plan.evaluate(0, two_points[0]), z = plan.draw(two_points[0].level, two_points[1].level);
    plan.set(quantity::base, {term::x(2), term::noise(z, 3)});
    plan.set(quantity::x, {term::base(5), term::x0(first, 1), term::noise(z, 0.5)});
    CHECK(detail::step_noise_of(plan) == std::vector<step_noise>{{15.5, nullptr}});

    // Read again in the next step it counts no more, as does one that the step's result does not contain.
    const isize second = plan.evaluate(1, two_points[1]), other = plan.draw(two_points[0].level, two_points[1].level);
    plan.set(quantity::base, {term::noise(other, 1)});
    plan.set(quantity::x, {term::x0(second, 1), term::noise(z, 7)});
    CHECK(detail::step_noise_of(plan) == std::vector<step_noise>{{15.5, nullptr}, {0, nullptr}});
}

TEST_CASE("a draw that comes before the first evaluation is no noise of a step", "[sampler]") {
    sampling_plan plan(two_points);
    const isize z = plan.draw(two_points[0].level, two_points[1].level);
    plan.set(quantity::x, {term::x(1), term::noise(z, 2)});
    for (const isize step : {0, 1}) {
        static_cast<void>(plan.evaluate(step, two_points[step]));
        plan.set(quantity::x, {term::x(1), term::noise(z, 3)});
    }
    CHECK(detail::step_noise_of(plan) == std::vector<step_noise>{{0, nullptr}});
}

TEST_CASE("only noise spread by the variance head has its deviation", "[sampler]") {
    sampling_plan plan(two_points);
    static_cast<void>(plan.evaluate(0, two_points[0]));
    const isize plain = plan.draw(two_points[0].level, two_points[1].level),
                spread = plan.draw(two_points[0].level, two_points[1].level);
    plan.set(quantity::x, {term::x(1), term::noise(plain, 2), term::spread_noise(spread, 3)});
    plan.spread({.kind = reverse_variance::learned});
    const step_noise learned{3, &*plan.stages()[0].variance};
    CHECK(detail::step_noise_of(plan) == std::vector<step_noise>{{2, nullptr}, learned});
}

TEST_CASE("steps of the forward process have no noise, and shrink that before them", "[sampler]") {
    sampling_plan plan(two_points);
    static_cast<void>(plan.evaluate(0, two_points[0]));
    const isize z = plan.draw(two_points[0].level, two_points[1].level);
    plan.set(quantity::x, {term::x(1), term::noise(z, 3)});
    plan.renoise(two_points[1].level, two_points[0].level, 0.5, 0.25);
    CHECK(detail::step_noise_of(plan) == std::vector<step_noise>{{3, nullptr}, {0, nullptr}});
}

}  // namespace
}  // namespace ddpm::test
