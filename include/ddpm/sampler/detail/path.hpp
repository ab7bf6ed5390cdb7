// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/level_function.hpp>
#include <ddpm/grid/time_grid.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

namespace ddpm::detail {

/// The noise level with σ/α = ratio on the path through a and b: of preserved variance, of a rectified flow, or of
/// constant signal; for other a and b, ln α is interpolated linearly in ln(σ/α).
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
    const double fraction = std::isfinite(width) ? std::log(ratio / from) / width : 0;
    const double signal = a.signal * std::pow(b.signal / a.signal, fraction);
    return {signal, signal * ratio};
}

/// The point with σ/α = ratio on the path of step k, or of an earlier step if the ratio is above those at both ends of
/// step k. If time_of is empty, the time is interpolated between the grid's times: linearly in σ if they are
/// proportional to σ, otherwise linearly in ln(σ/α), and never beyond the grid's first time.
[[nodiscard]] inline grid_point point_at_ratio(const time_grid& grid, isize k, double ratio,
                                               const std::function<double(double ratio)>& time_of) {
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
    const double fraction = std::isfinite(width) ? std::log(ratio / ratio_at(k)) / width : 0;
    return {a.t + (b.t - a.t) * std::clamp(fraction, 0.0, 1.0), level};
}

/// Whether all times are whole numbers, as for a discrete schedule; samplers then round intermediate times down.
[[nodiscard]] inline bool has_whole_times(const time_grid& grid) {
    for (isize k = 0; k <= grid.steps(); ++k) {
        if (grid[k].t != std::floor(grid[k].t)) {
            return false;
        }
    }
    return true;
}

/// The point at time t, after point k of the grid. If level_of is empty, ln(σ/α) is interpolated linearly in time.
[[nodiscard]] inline grid_point point_at_time(const time_grid& grid, isize k, double t,
                                              const std::optional<level_function>& level_of) {
    if (level_of) {
        return {t, (*level_of)(t)};
    }
    const auto contains = [&](isize i) { return (grid[i].t - t) * (grid[i + 1].t - t) <= 0; };
    while (k + 1 < grid.steps() && !contains(k)) {
        ++k;
    }
    const grid_point& a = grid[k];
    const grid_point& b = grid[k + 1];
    if (t == b.t || a.t == b.t) {
        return {t, b.level};
    }
    const double from = noise_ratio(a.level), to = noise_ratio(b.level), fraction = (t - a.t) / (b.t - a.t);
    const double ratio = to > 0 && from > 0 ? from * std::pow(to / from, fraction) : from + (to - from) * fraction;
    return {t, level_between(a.level, b.level, ratio)};
}

}  // namespace ddpm::detail
