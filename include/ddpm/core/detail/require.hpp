// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>

#include <cmath>
#include <initializer_list>
#include <string_view>

namespace ddpm::detail {

/// @throws an Error "where: what; expected X, got Y" unless the condition holds. X and Y are joined from their parts
template <class Error = value_error>
[[gnu::noinline]] void require(bool holds, std::string_view where, std::string_view what,
                               std::initializer_list<text_part> expected, std::initializer_list<text_part> got) {
    if (!holds) {
        throw Error(where, what, joined(expected), joined(got));
    }
}

/// @throws value_error unless low ≤ value ≤ high
inline void require_between(std::string_view where, std::string_view what, double value, double low, double high) {
    if (!(value >= low && value <= high)) {
        throw value_error(where, what, text(low, " <= ", what, " <= ", high), value);
    }
}

/// @throws value_error unless α and σ are finite, not negative, and not both 0
inline void require_level(std::string_view where, const noise_level<double>& level) {
    if (!(level.signal >= 0 && level.sigma >= 0 && level.signal + level.sigma > 0 &&
          std::isfinite(level.signal + level.sigma))) {
        throw value_error(where, "level", "finite signal and sigma >= 0, not both 0",
                          text(level.signal, ", ", level.sigma));
    }
}

}  // namespace ddpm::detail
