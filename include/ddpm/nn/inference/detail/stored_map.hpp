// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// The scalar of a packed network's samples and sums, float for every T. That it depends on T keeps compilers from
/// instantiating layers that a program does not use.
template <class T>
struct packed_scalar {
    using type = float;
};

/// How the pixels of an image are divided for a layer: tasks of whole rows, which are divided into blocks. It depends on
/// the layer's shape only.
struct pixel_blocks {
    static constexpr isize most_pixels = 96;  ///< of a block: whole tiles of 12 pixels and of 32

    isize height = 0;
    isize width = 0;
    isize rows = 0;  ///< of a task

    [[nodiscard]] isize tasks() const noexcept { return ddpm::detail::divided_up(height, rows); }
    [[nodiscard]] isize blocks_per_task() const noexcept { return ddpm::detail::divided_up(rows * width, most_pixels); }
    [[nodiscard]] isize blocks() const noexcept { return tasks() * blocks_per_task(); }

    [[nodiscard]] isize rows_of(isize task) const noexcept { return std::min(rows, height - task * rows); }

    /// 0 for the last blocks of a last task that has fewer rows.
    [[nodiscard]] isize pixels(isize block) const noexcept {
        const isize first = block % blocks_per_task() * most_pixels;
        return std::clamp<isize>(rows_of(block / blocks_per_task()) * width - first, 0, most_pixels);
    }
};

/// A batch of images of floats or bfloat16 in memory of the caller, in the order of feature_map, and the moments of its
/// blocks, which the layer that wrote it has computed.
template <class T>
struct stored_map {
    T* data = nullptr;
    isize channels = 0;
    isize height = 0;
    isize width = 0;
    isize samples = 0;
    float* moments = nullptr;  ///< sample, block, panel of 32 channels, mean or squares, channel; or null
    pixel_blocks blocks{};

    [[nodiscard]] isize pixels() const noexcept { return height * width; }
    [[nodiscard]] isize size() const noexcept { return channels * pixels() * samples; }
    [[nodiscard]] T* row(isize n, isize y) const noexcept { return data + ((n * height + y) * width) * channels; }

    /// The floats of the moments of one block.
    [[nodiscard]] isize block_moments() const noexcept { return 2 * ddpm::detail::rounded_up(channels, panel); }
    [[nodiscard]] float* moments_of(isize n, isize block) const noexcept {
        return moments + (n * blocks.blocks() + block) * block_moments();
    }

    static constexpr isize panel = kernels::detail::packed_outputs;
};

}  // namespace ddpm::nn::detail
