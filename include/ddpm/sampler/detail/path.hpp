// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/grid/time_grid.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

namespace ddpm::detail {

/// The level with a given σ/α on the path on which a and b lie: of preserved variance, a rectified flow, or constant
/// signal; on another one ln α is linear in ln(σ/α).
[[nodiscard]] inline noise_level<double> level_between(const noise_level<double>& a, const noise_level<double>& b,
                                                       double ratio) {
    if (a.signal == b.signal) {
        return {a.signal, a.signal * ratio};
    }
    const auto both = [&](auto holds) { return holds(a.signal, a.sigma) && holds(b.signal, b.sigma); };
    if (both([](double signal, double sigma) { return std::abs(signal * signal + sigma * sigma - 1) < 1e-6; })) {
        return variance_preserving_level(ratio);
    }
    if (both([](double signal, double sigma) { return std::abs(signal + sigma - 1) < 1e-6; })) {
        return {1 / (1 + ratio), std::isinf(ratio) ? 1 : ratio / (1 + ratio)};
    }
    const double from = noise_ratio(a), width = std::log(noise_ratio(b) / from);
    const double part = std::isfinite(width) ? std::log(ratio / from) / width : 0;
    const double signal = a.signal * std::pow(b.signal / a.signal, part);
    return {signal, signal * ratio};
}

/// The model's time at a σ/α.
using time_function = std::function<double(double ratio)>;

/// The point with a given σ/α on the path of step k, or, where there is more noise than at its ends, of the steps
/// before it. Without a function its time is interpolated between the grid's: linearly in σ, if they are proportional to it,
/// else in ln(σ/α), and there not beyond the grid's first.
[[nodiscard]] inline grid_point point_at_ratio(const time_grid& grid, isize k, double ratio,
                                               const time_function& time_of) {
    const auto ratio_at = [&](isize i) { return noise_ratio(grid[i].level); };
    while (k > 0 && ratio > std::max(ratio_at(k), ratio_at(k + 1)) && std::isfinite(ratio_at(k - 1))) {
        --k;
    }
    const grid_point& a = grid[k];
    const grid_point& b = grid[k + 1];
    const noise_level<double> level = level_between(a.level, b.level, ratio);
    if (time_of) {
        return {time_of(ratio), level};
    }
    const double by_sigma = a.t * b.level.sigma, rounding = 1e-6 * std::abs(by_sigma);
    if (a.level.sigma > 0 && std::abs(by_sigma - b.t * a.level.sigma) <= rounding) {
        return {a.t / a.level.sigma * level.sigma, level};
    }
    const double width = std::log(ratio_at(k + 1) / ratio_at(k));
    const double part = std::isfinite(width) ? std::log(ratio / ratio_at(k)) / width : 0;
    return {a.t + (b.t - a.t) * std::clamp(part, 0.0, 1.0), level};
}

/// Whether all times are whole numbers, as those of a discrete schedule are: a time in between is then rounded down.
[[nodiscard]] inline bool has_whole_times(const time_grid& grid) {
    for (isize k = 0; k <= grid.steps(); ++k) {
        if (grid[k].t != std::floor(grid[k].t)) {
            return false;
        }
    }
    return true;
}

/// The point at a given time from point k of a grid on; without a function ln(σ/α) is linear in time between the
/// points.
[[nodiscard]] inline grid_point point_at_time(const time_grid& grid, isize k, double t,
                                              const std::optional<level_function>& level_of) {
    if (level_of) {
        return {t, (*level_of)(t)};
    }
    const auto passed = [&](isize i) { return (grid[i].t - t) * (grid[i + 1].t - t) <= 0; };
    while (k + 1 < grid.steps() && !passed(k)) {
        ++k;
    }
    const grid_point& a = grid[k];
    const grid_point& b = grid[k + 1];
    if (t == b.t || a.t == b.t) {
        return {t, b.level};
    }
    const double from = noise_ratio(a.level), to = noise_ratio(b.level), part = (t - a.t) / (b.t - a.t);
    const double ratio = to > 0 && from > 0 ? from * std::pow(to / from, part) : from + (to - from) * part;
    return {t, level_between(a.level, b.level, ratio)};
}

}  // namespace ddpm::detail
