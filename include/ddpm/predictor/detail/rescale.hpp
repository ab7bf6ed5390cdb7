// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

namespace ddpm::detail {

/// Σ (x − mean)² over a column, in double: the squared standard deviation times the number of elements.
template <class Column>
[[nodiscard]] double squared_deviation(const Column& column) {
    const double first = static_cast<double>(column(0));  // a value near the mean avoids cancellation
    const double mean = first + (column.template cast<double>() - first).mean();
    return (column.template cast<double>() - mean).square().sum();
}

/// Multiplies a column by φ · target / std + 1 − φ, which moves its standard deviation towards the target by the
/// fraction φ. Leaves it unchanged if its standard deviation is 0 or the target is not finite.
/// @source Lin et al. 2023, arXiv 2305.08891, equations 15 and 16
template <class Column>
void rescale_deviation(double target_squared_deviation, double phi, Column column) {
    const double own = squared_deviation(column);
    if (own > 0 && std::isfinite(target_squared_deviation)) {
        using S = typename Column::Scalar;
        column *= static_cast<S>(phi * std::sqrt(target_squared_deviation / own) + 1 - phi);
    }
}

/// Calls change(n) in parallel for the columns n at whose time the rule guides.
template <class Rule, class Change>
void for_each_guided(std::span<const double> t, isize rows, const Rule& rule, const Change& change) {
    const isize per_task = kernels::columns_per_task(rows);
    parallel_for(static_cast<isize>(t.size()), per_task, [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            if (rule.guides(t[static_cast<std::size_t>(n)])) {
                change(n);
            }
        }
    });
}

/// With larger factors a float loses nearly all digits of a guided difference, and then overflows.
inline constexpr double largest_guidance = 1e6;

/// @throws value_error unless |value| ≤ 10⁶
inline void require_guidance_factor(std::string_view where, std::string_view what, double value) {
    if (!(std::abs(value) <= largest_guidance)) {
        throw value_error(where, what, text("within ", -largest_guidance, " ... ", largest_guidance), value);
    }
}

/// @throws value_error unless |scale| ≤ 10⁶, φ is in [0, 1], and from ≤ to
inline void require_guidance(std::string_view where, double scale, double phi, double from, double to) {
    require_guidance_factor(where, "scale", scale);
    if (!(phi >= 0 && phi <= 1)) {
        throw value_error(where, "rescale", "0 <= rescale <= 1", phi);
    }
    if (!(from <= to)) {
        throw value_error(where, "interval", "from <= to", text(from, ", ", to));
    }
}

}  // namespace ddpm::detail
