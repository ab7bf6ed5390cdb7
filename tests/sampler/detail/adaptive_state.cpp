// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/adaptive_state.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

grid_point point_at(double lambda) { return {10 * lambda, variance_preserving_level(std::exp(-lambda))}; }

}  // namespace

// The formula of adaptive_dpm_solver's docstring, with the powers of the errors added up as logarithms.
TEST_CASE("the next step follows the errors of this and the last two accepted steps", "[sampler]") {
    const double p = 0.3, i = 0.4, d = 0.05, safety = 0.81;
    for (const isize order : {2, 3}) {
        detail::step_controller control({p, i, d}, safety, 0.05, order);
        CHECK(control.step() == 0.05);
        std::vector<double> accepted;  // logarithms, the newest last
        double step = 0.05;
        bool rejected_one = false;
        for (const double error : {0.7, 0.2, 30.0, 1.1, 0.9, 4.0, 0.0, 0.5}) {
            const double now = std::log(error + 1e-8);
            if (accepted.empty()) {
                accepted = {now, now};
            }
            const double last = accepted.back(), before = accepted[accepted.size() - 2];
            const double growth =
                std::exp((-(p + i + d) * now + (p + 2 * d) * last - d * before) / static_cast<double>(order));
            const double factor = 1 + std::atan(growth - 1);
            step *= factor;
            CHECK(control.accepts(error) == (factor >= safety));
            CHECK(std::abs(control.step() / step - 1) < 1e-12);
            if (factor >= safety) {
                accepted.push_back(now);
            } else {
                rejected_one = true;
            }
        }
        CHECK(rejected_one);
    }
}

TEST_CASE("an error that is not finite makes the step a fifth, and is forgotten", "[sampler]") {
    detail::step_controller control({0.3, 0.4, 0.05}, 0.81, 1, 3), other = control;
    CHECK(control.accepts(0.5) == other.accepts(0.5));
    for (const double error : {std::numeric_limits<double>::infinity(), std::nan("")}) {
        const double before = control.step();
        CHECK_FALSE(control.accepts(error));
        CHECK(control.step() == before / 5);
    }
    const double ratio = control.step() / other.step();
    CHECK(control.accepts(0.4) == other.accepts(0.4));
    CHECK(std::abs(control.step() / other.step() - ratio) < 1e-16);
}

TEST_CASE("the stages of an adaptive step divide it evenly", "[sampler]") {
    const detail::step_controller control({0, 1, 0}, 0.81, 0.5, 3);
    detail::adaptive_state state(3, control, -1);
    CHECK(state.order() == 3);
    CHECK(state.h() == 0);
    state.set_step(0.6, point_at);
    CHECK(state.h() == 0.6);
    for (isize j = 0; j <= 3; ++j) {
        CHECK(std::abs(state.point(j).t - 10 * (-1 + 0.2 * static_cast<double>(j))) < 1e-13);
    }
}

TEST_CASE("an adaptive step is accepted to its end, and no further than the run's", "[sampler]") {
    const detail::step_controller control({0, 1, 0}, 0.81, 0.5, 2);
    detail::adaptive_state state(2, control, -1);
    state.set_step(0.5, point_at);
    CHECK_FALSE(state.finish_step(1e6, 3));
    CHECK(state.lambda == -1);
    CHECK(state.rejected == 1);
    CHECK(state.accepted == 0);
    state.set_step(0.25, point_at);
    CHECK(state.finish_step(0.1, 3));
    CHECK(state.lambda == -0.75);
    CHECK(state.accepted == 1);
    CHECK(state.rejected == 1);
    // The end of a step is the beginning of the next, and is not computed again.
    const std::function<grid_point(double)> other = [](double lambda) { return grid_point{lambda, {0.6, 0.8}}; };
    state.set_step(0.5, other);
    CHECK(state.point(0).t == -7.5);
    CHECK(state.point(2).t == -0.25);
    CHECK(state.finish_step(0.1, -0.3));
    CHECK(state.lambda == -0.3);
}

// Algorithms 4 and 5 of Lu et al. 2022, with α' x/α written out.
TEST_CASE("the stages of an adaptive step have the factors of DPM-Solver-2 and -3", "[sampler]") {
    for (const isize order : {2, 3}) {
        const detail::step_controller control({0, 1, 0}, 0.81, 0.5, order);
        detail::adaptive_state state(order, control, -1);
        const double h = 0.6;
        state.set_step(h, point_at);
        for (isize j = 1; j <= order; ++j) {
            const double rh = h * static_cast<double>(j) / static_cast<double>(order), growth = std::exp(rh) - 1;
            const noise_level<double> from = state.point(0).level, to = state.point(j).level;
            for (const detail::adaptive_correction c : {detail::adaptive_correction{0, 0}, {1.5, 0}, {0, 2}}) {
                const auto f = state.factors<double>(j, c);
                const double later = -to.sigma * (c.first * growth + c.second * (growth / rh - 1));
                CHECK(std::abs(f.x - to.signal / from.signal) < 1e-14);
                CHECK(std::abs(f.later - later) < 1e-14);
                CHECK(std::abs(f.eps + later + to.sigma * growth) < 1e-14);
            }
        }
        state.set_step(0, point_at);  // a sample that waits: its factors are not used, and are finite
        CHECK(std::isfinite(state.factors<double>(order, {1, 1}).later));
    }
}

}  // namespace ddpm::test
