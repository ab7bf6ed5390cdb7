// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <cstddef>
#include <cstdint>

namespace ddpm::diffusers {

/// The limits of the numbers in a model's JSON files, against files that would exhaust time or memory. All are far
/// beyond any real model. A file beyond a limit is rejected before anything is created, with less than 16 MB of memory.
/// The weights of the folder, if there are any, limit the config too: see read_unet_config.
struct config_limits {
    /// The size of a file, and the number of JSON values in it, about 100 bytes of memory each.
    static constexpr std::uint64_t text_bytes = std::uint64_t{1} << 21;
    static constexpr std::size_t values = std::size_t{1} << 15;

    /// Every whole number without a smaller limit below.
    static constexpr isize integer = isize{1} << 24;

    /// A U-Net: its parameters, 4 GiB in float, if there are no weights beside its config; the residual blocks of a
    /// level; the pixels of an image.
    static constexpr isize parameters = isize{1} << 30;
    static constexpr isize layers = 1024;
    static constexpr isize pixels = isize{1} << 24;

    /// T. A step of a schedule's table takes 88 bytes, 9 MB for the longest; real models have 1000 to 4000.
    static constexpr isize train_timesteps = 100'000;

    /// The order of a multistep solver.
    static constexpr isize solver_order = 16;

    /// Langevin corrector steps at each noise level.
    static constexpr isize corrections = 1000;

    /// Files of a model's weights, all open at the same time.
    static constexpr std::size_t shards = 1000;
};

}  // namespace ddpm::diffusers
