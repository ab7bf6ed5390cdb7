// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/ancestral_split.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <limits>

namespace ddpm::test {

TEST_CASE("a step is split into a lower level and noise that makes up for it", "[sampler]") {
    for (const double eta : {0.0, 0.4, 1.0, 5.0}) {
        for (const double to : {0.0, 0.5, 2.9, 3.0}) {
            const auto [down, up] = detail::split_step(3, to, eta);
            CHECK(std::abs(down * down + up * up - to * to) < 1e-14);
            CHECK(std::abs(up - std::min(to, eta * std::sqrt(to * to * (9 - to * to) / 9))) < 1e-15);
        }
    }
    const auto [down, up] = detail::split_step(std::numeric_limits<double>::infinity(), 2, 1);
    CHECK(down == 0);
    CHECK(up == 2);
}

TEST_CASE("eta and s_noise must not be negative", "[sampler]") {
    CHECK_NOTHROW(detail::require_ancestral("test", 0, 0));
    CHECK_THROWS_AS(detail::require_ancestral("test", -1, 1), value_error);
    CHECK_THROWS_AS(detail::require_ancestral("test", std::nan(""), 1), value_error);
    CHECK_THROWS_AS(detail::require_ancestral("test", 1, -1), value_error);
    CHECK_THROWS_AS(detail::require_ancestral("test", 1, std::nan("")), value_error);
}

}  // namespace ddpm::test
