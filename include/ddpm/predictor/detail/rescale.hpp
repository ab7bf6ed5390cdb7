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

/// Multiplies a column by φ · target / std + 1 − φ, with φ = share: its standard deviation moves towards the target by
/// the fraction φ. Leaves it unchanged if its standard deviation is 0 or the target is not finite.
/// @source Lin et al. 2023, arXiv 2305.08891, equations 15 and 16
template <class Column>
void rescale_deviation(double target_squared_deviation, double share, Column column) {
    const double own = squared_deviation(column);
    if (own > 0 && std::isfinite(target_squared_deviation)) {
        using S = typename Column::Scalar;
        column *= static_cast<S>(share * std::sqrt(target_squared_deviation / own) + 1 - share);
    }
}

/// Calls change(n) in parallel for the columns n that are guided.
template <class Guides, class Change>
void for_each_guided(std::span<const double> t, isize rows, const Guides& guides, const Change& change) {
    const isize per_task = kernels::columns_per_task(rows);
    parallel_for(static_cast<isize>(t.size()), per_task, [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            if (guides(t[static_cast<std::size_t>(n)])) {
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

/// @throws value_error unless |scale| ≤ 10⁶, the share is in [0, 1], and from ≤ to
inline void require_guidance(std::string_view where, double scale, double share, double from, double to) {
    require_guidance_factor(where, "scale", scale);
    if (!(share >= 0 && share <= 1)) {
        throw value_error(where, "rescale", "0 <= rescale <= 1", share);
    }
    if (!(from <= to)) {
        throw value_error(where, "interval", "from <= to", text(from, ", ", to));
    }
}

}  // namespace ddpm::detail
