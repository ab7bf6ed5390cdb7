// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <cstddef>
#include <cstdint>

namespace ddpm::diffusers {

/// What the JSON files of a model may ask for at most, whoever wrote them. All limits are far beyond any real model;
/// a file that passes one is refused before anything is made of it, and to refuse it takes less than 16 MB. What a
/// config asks for is bounded by the folder's weights too, where there are some: see read_unet_config.
struct config_limits {
    /// Of a file. A value of the text becomes about 100 bytes of memory.
    static constexpr std::uint64_t text_bytes = std::uint64_t{1} << 21;
    static constexpr std::size_t values = std::size_t{1} << 15;

    /// Of every whole number for which nothing smaller is said here.
    static constexpr isize integer = isize{1} << 24;

    /// Of a U-Net: its parameters, 4 GiB in float, where no weights lie beside its config to say how many there may be;
    /// the residual blocks of a level; the pixels of an image.
    static constexpr isize parameters = isize{1} << 30;
    static constexpr isize layers = 1024;
    static constexpr isize pixels = isize{1} << 24;

    /// T. A step of a schedule's table takes 88 bytes, 9 MB for the longest; real models have 1000 to 4000.
    static constexpr isize train_timesteps = 100'000;

    /// Of a multistep solver: a step of order p looks back at p others and solves p equations.
    static constexpr isize solver_order = 16;

    /// Steps of Langevin's correction at each level.
    static constexpr isize corrections = 1000;

    /// Files of a model's weights, all of which are open at once.
    static constexpr std::size_t shards = 1000;
};

}  // namespace ddpm::diffusers
