// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/measurement.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

/// measure(callback) gives numbers: watched the same bits, told by parts that never fall, up to 1, in at least so many
/// pieces.
template <class Measure>
void check_watched(const Measure& measure, std::size_t pieces) {
    const std::vector<double> alone = measure(measurement_callback{});
    std::vector<double> parts;
    const std::vector<double> watched = measure([&](const measurement_progress& p) {
        CHECK((parts.empty() || p.part >= parts.back()));
        CHECK(p.seconds >= 0);
        CHECK(p.seconds_left >= 0);
        parts.push_back(p.part);
        return true;
    });
    CHECK(watched == alone);
    CHECK(parts.size() >= pieces);
    REQUIRE(!parts.empty());
    CHECK(parts.back() == 1);
}

/// Stopped at its first piece, it is called no more, and all numbers are NaN.
template <class Measure>
void check_stopped(const Measure& measure) {
    int calls = 0;
    for (const double number : measure([&](const measurement_progress& p) {
             CHECK(p.part < 1);
             ++calls;
             return false;
         })) {
        CHECK(std::isnan(number));
    }
    CHECK(calls == 1);
}

template <class Measure>
void check_watched_and_stopped(const Measure& measure, std::size_t pieces = 2) {
    check_watched(measure, pieces);
    check_stopped(measure);
}

}  // namespace ddpm::test
