// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace ddpm {

/// How `count` = n timesteps are spaced in 0 … T − 1.
enum class timestep_spacing {
    linspace,  ///< evenly from T − 1 to 0, both included, rounded half to even
    leading,   ///< multiples of ⌊T/n⌋ from 0: t = 0 is included, T − 1 usually not
    trailing,  ///< T − 1, then down in steps of T/n
};

/// @throws value_error unless there is at least one timestep, and they fall strictly within 0 … T − 1
inline void require_timesteps(std::string_view where, std::span<const isize> timesteps, isize steps) {
    if (timesteps.empty()) {
        throw value_error(where, "number of timesteps", ">= 1", 0);
    }
    isize above = steps;
    for (std::size_t k = 0; k < timesteps.size(); ++k) {
        const isize t = timesteps[k];
        if (t < 0 || t >= above) {
            throw value_error(where, detail::text("timestep at position ", k), detail::text("0 <= t < ", above), t);
        }
        above = t;
    }
}

/// `count` timesteps out of T = `steps`, the noisiest first. With leading spacing `offset` is added to each.
/// @units timesteps are 0-based
/// @throws value_error unless 1 ≤ count ≤ steps and all timesteps are in 0 … T − 1; if another spacing has an offset
/// @source Lin et al. 2023, arXiv 2305.08891, table 2 (the three spacings); rounding as in diffusers
[[nodiscard]] inline std::vector<isize> make_timesteps(isize steps, isize count,
                                                       timestep_spacing spacing = timestep_spacing::trailing,
                                                       isize offset = 0) {
    if (count < 1 || count > steps) {
        throw value_error("make_timesteps", "number of timesteps", detail::text("1 <= count <= ", steps), count);
    }
    if (offset != 0 && spacing != timestep_spacing::leading) {
        throw value_error("make_timesteps", "offset of a spacing that is not leading", 0, offset);
    }
    const double top = static_cast<double>(steps);
    const double stride = (top - top / static_cast<double>(count)) - top;  // rounded twice, as in numpy.arange
    std::vector<isize> timesteps(static_cast<std::size_t>(count));
    for (isize k = 0; k < count; ++k) {
        const isize from_end = count - 1 - k;
        isize& t = timesteps[static_cast<std::size_t>(k)];
        switch (spacing) {
            case timestep_spacing::linspace:
                t = count == 1 ? 0
                               : static_cast<isize>(
                                     std::nearbyint(static_cast<double>(from_end) *
                                                    (static_cast<double>(steps - 1) / static_cast<double>(count - 1))));
                break;
            case timestep_spacing::leading:
                t = from_end * (steps / count) + offset;
                break;
            case timestep_spacing::trailing:
                t = static_cast<isize>(std::nearbyint(top + static_cast<double>(k) * stride)) - 1;
                break;
        }
    }
    require_timesteps("make_timesteps", timesteps, steps);
    return timesteps;
}

/// `count` timesteps of a run that ends at the next timestep of the same spacing: for linspace and leading,
/// `make_timesteps` of count + 1 without the last; for trailing, `make_timesteps` of count. These are the timesteps of
/// diffusers' DPM-Solver, UniPC, DEIS and SA-Solver.
/// @units timesteps are 0-based
/// @throws value_error as make_timesteps with that count
[[nodiscard]] inline std::vector<isize> solver_timesteps(isize steps, isize count, timestep_spacing spacing,
                                                         isize offset = 0) {
    if (spacing == timestep_spacing::trailing) {
        return make_timesteps(steps, count, spacing, offset);
    }
    std::vector<isize> timesteps = make_timesteps(steps, count + 1, spacing, offset);
    timesteps.pop_back();
    return timesteps;
}

/// All timesteps, the noisiest first: T − 1 … 0.
[[nodiscard]] inline std::vector<isize> all_timesteps(isize steps) {
    return make_timesteps(steps, steps, timestep_spacing::leading);
}

}  // namespace ddpm
