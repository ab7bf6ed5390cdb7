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

/// The model whose variational bound is computed, and how. With steps_per_sample > 0 the bound is estimated without
/// bias: each sample uses the chain's last timestep, usually 0, and one random timestep from each of steps_per_sample − 1
/// equal parts of the others.
struct bound_options {
    reverse_variance variance = reverse_variance::fixed_small;  ///< of the model's reverse steps
    any_decoder decoder = discretized_decoder{};                ///< the model's p(x_0|x_t) of the chain's last step
    bool clip_denoised = true;        ///< clamps x̂_0 to [−1, 1]; for the discretized decoder only
    std::vector<isize> timesteps{};   ///< the chain's timesteps, falling, 0-based; empty: all
    isize steps_per_sample = 0;       ///< timesteps evaluated per sample, at least 2; 0: all of the chain
    isize batch = 128;                ///< samples processed at once
    std::uint64_t seed = 0;           ///< for the noise and the random timesteps
    isize first_sample = 0;           ///< the number of the first sample, the address of its noise
    measurement_callback progress{};  ///< called for each timestep of a batch; for a BatchSource the total is unknown
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
