// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>

namespace ddpm::nn::detail {

/// The scalar of a packed network's samples and sums, float for every T. That it depends on T keeps compilers from
/// instantiating layers that a program does not use.
template <class T>
struct packed_scalar {
    static_assert(std::same_as<T, float> || std::same_as<T, bfloat16>, "ddpm: wanted is float or bfloat16");
    using type = float;
};

/// A batch of images of floats or bfloat16 in memory of the caller, in the order of feature_map, and the moments of its
/// blocks, which the layer that wrote it has computed. A block is some whole rows of an image, or of a phase of it: those
/// pixels whose row is even or odd, and whose column is (see convolution_staging).
template <class T>
struct stored_map {
    T* data = nullptr;
    isize channels = 0;
    isize height = 0;
    isize width = 0;
    isize samples = 0;
    isize phases = 1;          ///< 1 or 4
    float* moments = nullptr;  ///< sample, phase, block, panel of 32 channels, mean or squares, channel; or null

    [[nodiscard]] isize pixels() const noexcept { return height * width; }
    [[nodiscard]] isize size() const noexcept { return channels * pixels() * samples; }
    [[nodiscard]] T* row(isize n, isize y) const noexcept { return data + ((n * height + y) * width) * channels; }

    /// The rows of a block, of which the last may have fewer: about as many as a first-level cache holds the sums of.
    [[nodiscard]] static isize block_rows(isize width) noexcept {
        constexpr std::size_t pixels = 96;
        return static_cast<isize>(std::bit_floor(std::max<std::size_t>(1, pixels / static_cast<std::size_t>(width))));
    }
    [[nodiscard]] isize phase_height() const noexcept { return phases > 1 ? height / 2 : height; }
    [[nodiscard]] isize phase_width() const noexcept { return phases > 1 ? width / 2 : width; }
    [[nodiscard]] isize phase_blocks() const noexcept {
        return ddpm::detail::divided_up(phase_height(), block_rows(phase_width()));
    }
    /// The number of pixels of a block of a phase.
    [[nodiscard]] isize block_pixels(isize block) const noexcept {
        const isize rows = block_rows(phase_width());
        return std::min(rows, phase_height() - block * rows) * phase_width();
    }

    /// The floats of the moments of one block, and of all.
    [[nodiscard]] isize block_moments() const noexcept { return 2 * ddpm::detail::rounded_up(channels, panel); }
    [[nodiscard]] isize all_moments() const noexcept { return samples * phases * phase_blocks() * block_moments(); }
    [[nodiscard]] float* moments_of(isize n, isize phase, isize block) const noexcept {
        return moments + ((n * phases + phase) * phase_blocks() + block) * block_moments();
    }

    static constexpr isize panel = kernels::detail::packed_outputs;
};

}  // namespace ddpm::nn::detail
