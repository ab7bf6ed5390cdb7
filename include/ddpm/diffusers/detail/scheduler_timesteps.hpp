// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/scheduler_values.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace ddpm::diffusers::detail {

/// The timesteps below `last` of trailing spacing with `count` steps over all T. Halves are rounded as by numpy.arange,
/// whose stride is the difference of two rounded numbers.
/// @throws value_error unless 1 ≤ count ≤ T
[[nodiscard]] inline std::vector<isize> trailing_timesteps(isize train_steps, isize last, isize count) {
    if (count < 1 || count > train_steps) {
        throw value_error("scheduler_timesteps", "number of timesteps",
                          ddpm::detail::text("1 <= count <= ", train_steps), count);
    }
    const double start = static_cast<double>(last),
                 step = static_cast<double>(train_steps) / static_cast<double>(count);
    const double stride = (start - step) - start;
    const isize inside = std::min(count, static_cast<isize>(std::ceil(start / step)));
    std::vector<isize> timesteps;
    for (isize k = 0; k < inside; ++k) {
        const double t = std::nearbyint(start + static_cast<double>(k) * stride) - 1;
        if (t >= 0) {  // the last one may be −1 by rounding
            timesteps.push_back(static_cast<isize>(t));
        }
    }
    return timesteps;
}

/// The timesteps of the config's spacing.
/// @throws value_error unless 1 ≤ count ≤ T, or if a timestep with its offset is above T − 1
[[nodiscard]] inline std::vector<isize> spaced_timesteps(const scheduler_config& config, isize count) {
    const isize offset = config.spacing == timestep_spacing::leading ? config.steps_offset : 0;
    return make_timesteps(config.train_timesteps, count, config.spacing, offset);
}

/// As above, but with linspace not rounded. For linspace and leading count may exceed T; the stride ⌊T/n⌋ of leading is
/// then 0, and all times are the offset.
/// @throws value_error as spaced_timesteps
[[nodiscard]] inline std::vector<double> fractional_timesteps(const scheduler_config& config, isize count) {
    const double last = static_cast<double>(config.train_timesteps - 1);
    if (config.spacing == timestep_spacing::linspace && count > 1) {
        const double stride = last / static_cast<double>(count - 1);
        std::vector<double> times{last};
        for (isize k = 1; k < count; ++k) {
            times.push_back(static_cast<double>(count - 1 - k) * stride);
        }
        return times;
    }
    if (config.spacing == timestep_spacing::leading && count > config.train_timesteps) {
        return std::vector<double>(static_cast<std::size_t>(count), static_cast<double>(config.steps_offset));
    }
    const std::vector<isize> whole = spaced_timesteps(config, count);
    return {whole.begin(), whole.end()};
}

/// The first and the last of these timesteps, whose σ are the range of chosen σ. For trailing with more than T steps: T
/// − 1 and 0.
[[nodiscard]] inline std::vector<double> outermost_timesteps(const scheduler_config& config, isize count) {
    if (count > config.train_timesteps && config.spacing == timestep_spacing::trailing) {
        return {static_cast<double>(config.train_timesteps - 1), 0};
    }
    const std::vector<double> all = fractional_timesteps(config, count);
    return {all.front(), all.back()};
}

/// The timesteps of DPM-Solver, UniPC, DEIS and SA-Solver below `last`, the noisiest first, also for a solver that
/// inverts.
[[nodiscard]] inline std::vector<isize> solver_kind_timesteps(const scheduler_config& config, isize last, isize count,
                                                              bool inverts) {
    if (config.spacing == timestep_spacing::trailing) {
        return trailing_timesteps(config.train_timesteps, last, count);
    }
    const isize offset = config.spacing == timestep_spacing::leading ? config.steps_offset : 0;
    if (inverts) {
        std::vector<isize> timesteps = make_timesteps(last, count + 1, config.spacing, offset);
        timesteps.erase(timesteps.begin());
        return timesteps;
    }
    return solver_timesteps(last, count, config.spacing, offset);
}

/// The timesteps of UnCLIPScheduler.
/// @throws value_error as make_timesteps
[[nodiscard]] inline std::vector<isize> unclip_timesteps(const scheduler_config& config, isize count) {
    return count == 1 ? std::vector<isize>{config.train_timesteps - 1}
                      : make_timesteps(config.train_timesteps, count, timestep_spacing::linspace);
}

}  // namespace ddpm::diffusers::detail
