// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/likelihood/detail/dormand_prince.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace ddpm::test {
namespace {

using detail::dormand_prince;

/// y' = −2 u y², y = 1/(c + u²), and a rotation by u²/2, which no method of finite order solves exactly.
batch<double> solution(const batch<double>& start, double u) {
    batch<double> y(3, start.cols());
    y.row(0) = start.row(0) / (1 + start.row(0) * u * u);
    y.row(1) = std::cos(u * u / 2) * start.row(1) - std::sin(u * u / 2) * start.row(2);
    y.row(2) = std::sin(u * u / 2) * start.row(1) + std::cos(u * u / 2) * start.row(2);
    return y;
}

void slope(std::span<const double> u, const batch<double>& y, batch<double>& dy) {
    for (isize n = 0; n < y.cols(); ++n) {
        const double at = u[static_cast<std::size_t>(n)];
        dy(0, n) = -2 * at * y(0, n) * y(0, n);
        dy(1, n) = -at * y(2, n);
        dy(2, n) = at * y(1, n);
    }
}

batch<double> some_start() {
    batch<double> y(3, 2);
    y << 1, 0.1, 0.7, 40, 0.2, -30;
    return y;
}

}  // namespace

TEST_CASE("with equal steps the method has order 5", "[likelihood]") {
    const auto error = [](isize steps) {
        dormand_prince solver({.tolerance = std::numeric_limits<double>::infinity(),
                               .first_step = 3.0 / static_cast<double>(steps),
                               .growth = 1},
                              some_start(), 0);
        solver.integrate(3, slope);
        CHECK(solver.accepted(0) == steps);
        CHECK(solver.rejected(0) == 0);
        CHECK(solver.evaluations() == 6 * steps + 1);
        CHECK(solver.u(1) == 3);
        return (solver.y() - solution(some_start(), 3)).abs().maxCoeff();
    };
    double before = error(40);
    for (const isize steps : {80, 160, 320}) {
        const double now = error(steps), order = std::log2(before / now);
        INFO(steps << ": " << now << ", order " << order);
        CHECK(std::abs(order - 5) < 0.4);
        before = now;
    }
}

TEST_CASE("chosen steps meet the tolerance, each column's by itself", "[likelihood]") {
    for (const double tolerance : {1e-4, 1e-7, 1e-10}) {
        dormand_prince solver({.tolerance = tolerance}, some_start(), 0);
        solver.integrate(3, slope);
        const batch<double> expected = solution(some_start(), 3);
        CHECK(((solver.y() - expected) / (1 + expected.abs())).abs().maxCoeff() < 100 * tolerance);
        CHECK(solver.accepted(0) != solver.accepted(1));
        for (isize n = 0; n < 2; ++n) {
            dormand_prince alone({.tolerance = tolerance}, batch<double>(some_start().col(n)), 0);
            alone.integrate(3, slope);
            CHECK((alone.y().col(0) == solver.y().col(n)).all());
            CHECK(alone.accepted(0) == solver.accepted(n));
            CHECK(alone.rejected(0) == solver.rejected(n));
        }
    }
}

TEST_CASE("a first step that is much too long is tried again with shorter ones", "[likelihood]") {
    dormand_prince solver({.tolerance = 1e-8, .first_step = 100}, some_start(), 0);
    solver.integrate(3, slope);
    CHECK(solver.rejected(0) > 0);
    CHECK((solver.y() - solution(some_start(), 3)).abs().maxCoeff() < 1e-6);
}

TEST_CASE("a column that is not finite is given up, and the others go on", "[likelihood]") {
    dormand_prince whole({.tolerance = 1e-7}, some_start(), 0);
    whole.integrate(3, slope);
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
    for (const double from : {0.0, 1.0}) {  // at 0 a step may become as short as a number can be
        for (const double value : {nan, infinity, -infinity}) {
            batch<double> start = some_start();
            start(2, 0) = value;
            dormand_prince solver({.tolerance = 1e-7}, start, from);
            solver.integrate(3, slope);
            CHECK(solver.u(0) == from);
            CHECK(solver.accepted(0) == 0);
            CHECK(solver.rejected(0) < 600);
            CHECK(solver.u(1) == 3);
            CHECK((from > 0 || (solver.y().col(1) == whole.y().col(1)).all()));
        }
    }
    // Where f fails from some time on, a column comes as far as that.
    dormand_prince late({.tolerance = 1e-7}, some_start(), 0);
    late.integrate(3, [&](std::span<const double> u, const batch<double>& y, batch<double>& dy) {
        slope(u, y, dy);
        if (u[1] > 2) {
            dy(1, 1) = nan;
        }
    });
    CHECK(late.u(1) > 1.999);
    CHECK(late.u(1) <= 2);
    CHECK(late.y().allFinite());
    CHECK(late.u(0) == 3);
}

}  // namespace ddpm::test
