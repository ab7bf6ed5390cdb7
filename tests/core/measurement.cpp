// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/measurement.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

TEST_CASE("a measurement tells how far it is, and ends when told to", "[core]") {
    std::vector<double> parts;
    const measurement_callback callback = [&](const measurement_progress& p) {
        parts.push_back(p.part);
        return parts.size() < 3;
    };
    detail::measurement work(callback, 8);
    CHECK(work.is_watched());
    CHECK(work.add(2));
    CHECK(work.reach(6));
    CHECK_FALSE(work.is_stopped());
    CHECK_FALSE(work.add(2));
    CHECK(work.is_stopped());
    CHECK_FALSE(work.add(2));  // and is called no more
    CHECK(parts == std::vector<double>{0.25, 0.75, 1});
}

TEST_CASE("a measurement that nobody watches goes on, and one of unknown length has no part", "[core]") {
    const measurement_callback none;
    detail::measurement alone(none, 1);
    CHECK_FALSE(alone.is_watched());
    CHECK(alone.add(1));
    double part = 0;
    const measurement_callback callback = [&](const measurement_progress& p) {
        part = p.part;
        return true;
    };
    for (const double length : {0.0, std::numeric_limits<double>::quiet_NaN()}) {
        detail::measurement endless(callback, length);
        CHECK(endless.add(5));
        CHECK(std::isnan(part));
        part = 0;
    }
}

}  // namespace ddpm::test
