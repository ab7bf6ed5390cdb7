// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/timesteps.hpp>
#include <ddpm/loss/decoder.hpp>
#include <ddpm/process/variance.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ddpm {

/// Which model the variational bound is of, and how it is measured. Fewer steps per sample than the chain has make an
/// estimate without bias: of t = 0, and of one timestep at random in each of equal parts of the others.
struct bound_options {
    reverse_variance variance = reverse_variance::fixed_small;
    any_decoder decoder = discretized_decoder{};
    bool clip_denoised = true;       ///< limits x̂_0 to [−1, 1], for the discretized decoder only
    std::vector<isize> timesteps{};  ///< falling, 0-based: the chain; empty: every timestep
    isize steps_per_sample = 0;  ///< at how many timesteps, at least 2, a sample is measured; 0: at all of the chain
    isize batch = 128;           ///< samples at once
    std::uint64_t seed = 0;      ///< of the noise, and of which timesteps
    isize first_sample = 0;      ///< the number of the first sample, which addresses its noise
    measurement_callback progress{};  ///< sees each timestep of a batch; of data part by part the length is not known
};

/// @throws value_error if an option is outside its domain, for a schedule of T = `steps`
inline void require_valid(std::string_view where, const bound_options& options, isize steps) {
    require_valid(where, options.decoder);
    if (!options.timesteps.empty()) {
        require_timesteps(where, options.timesteps, steps);
        steps = static_cast<isize>(options.timesteps.size());
    }
    const isize least = std::min<isize>(2, steps), given = options.steps_per_sample;
    if (given != 0 && (given < least || given > steps)) {
        throw value_error(where, "steps per sample", detail::text("0, or in [", least, ", ", steps, "]"), given);
    }
    if (options.batch < 1) {
        throw value_error(where, "samples at once", ">= 1", options.batch);
    }
    if (options.first_sample < 0) {
        throw value_error(where, "first sample", ">= 0", options.first_sample);
    }
}

}  // namespace ddpm
