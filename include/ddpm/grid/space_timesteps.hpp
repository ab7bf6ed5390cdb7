// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/timesteps.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

namespace ddpm {

/// A selection of the timesteps 0 … T − 1 (T = `steps`), the noisiest first. They are divided into one section per
/// count (if the lengths differ, the first ones are longer by one). Section i contributes counts[i] timesteps, evenly
/// spaced with both ends included, rounded half to even; a count of 1 takes its first one.
/// @units timesteps are 0-based
/// @throws value_error unless T ≥ 1, there is a count, each is in [0, its section's length], and their sum is above 0
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672 (space_timesteps of their code)
[[nodiscard]] inline std::vector<isize> space_timesteps(isize steps, std::span<const isize> counts) {
    if (steps < 1) {
        throw value_error("space_timesteps", "number of timesteps", ">= 1", steps);
    }
    if (counts.empty()) {
        throw value_error("space_timesteps", "number of sections", ">= 1", 0);
    }
    const isize sections = static_cast<isize>(counts.size());
    std::vector<isize> timesteps;
    isize start = 0;
    for (isize i = 0; i < sections; ++i) {
        const isize length = steps / sections + (i < steps % sections ? 1 : 0);
        const isize count = counts[static_cast<std::size_t>(i)];
        if (count < 0 || count > length) {
            throw value_error("space_timesteps", detail::text("count of section ", i),
                              detail::text("0 <= count <= ", length), count);
        }
        const double stride = count > 1 ? static_cast<double>(length - 1) / static_cast<double>(count - 1) : 1;
        double position = 0;  // summed, not multiplied: rounds as the original code
        for (isize k = 0; k < count; ++k, position += stride) {
            timesteps.push_back(start + static_cast<isize>(std::nearbyint(position)));
        }
        start += length;
    }
    if (timesteps.empty()) {
        throw value_error("space_timesteps", "sum of the counts", ">= 1", 0);
    }
    std::reverse(timesteps.begin(), timesteps.end());
    return timesteps;
}

/// As above, from a text: counts separated by commas ("10,15,20"), or "ddimN", the multiples of the smallest integer
/// stride that gives exactly N timesteps.
/// @units timesteps are 0-based
/// @throws value_error as above, if the text is neither, or if no stride below T gives N timesteps
[[nodiscard]] inline std::vector<isize> space_timesteps(isize steps, std::string_view spacing) {
    const auto number = [&](std::string_view part) {
        isize value = 0;
        const char* const end = part.data() + part.size();
        // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): `end` ends it
        const auto [stop, status] = std::from_chars(part.data(), end, value);
        if (status != std::errc{} || stop != end) {
            throw value_error("space_timesteps", "spacing", "\"ddimN\" or counts with commas between",
                              detail::text('"', spacing, '"'));
        }
        return value;
    };
    constexpr std::string_view ddim = "ddim";
    if (spacing.starts_with(ddim)) {
        const isize count = number(spacing.substr(ddim.size()));
        for (isize stride = 1; stride < steps; ++stride) {
            if ((steps - 1) / stride + 1 == count) {
                std::vector<isize> timesteps = all_timesteps(count);
                for (isize& t : timesteps) {
                    t *= stride;
                }
                return timesteps;
            }
        }
        throw value_error("space_timesteps", "spacing",
                          detail::text("N that a whole stride takes out of ", steps, " timesteps"), spacing);
    }
    std::vector<isize> counts;
    while (true) {
        const std::size_t comma = spacing.find(',', 0);
        counts.push_back(number(spacing.substr(0, comma)));
        if (comma == std::string_view::npos) {
            return space_timesteps(steps, counts);
        }
        spacing.remove_prefix(comma + 1);
    }
}

}  // namespace ddpm
