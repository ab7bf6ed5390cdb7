// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>

#include <cstddef>

namespace ddpm::kernels::detail {

// Winograd's minimal filtering F(m × m, 3 × 3): the m × m outputs of a 3 × 3 convolution of a tile d of (m + 2) × (m + 2)
// inputs are Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A. For each of the (m + 2)² places of a transformed tile the sum over the input
// channels is a matrix product over tiles and outputs: (m + 2)² products for m² outputs, where a direct convolution has
// 9 m². For m = 4 that is a fourth, for m = 2 four ninths.
// @source Lavin and Gray 2016, arXiv:1509.09308

/// The length of a side of a transformed tile, for `Outputs` (m) outputs along a side.
template <isize Outputs>
inline constexpr isize winograd_side = Outputs + 2;

/// The channels of a transformed tile are a multiple of this.
inline constexpr isize winograd_channels = 16;

/// One row of G g Gᵀ, row · g · Gᵀ, for the kernels g of 32 outputs. The weight of output o and
/// input k of tap number t lies at t · tap + input · k + o; of bfloat16, whose inputs lie in pairs (see packed_problem),
/// at t · tap + input · (k − k % 2) + 2 · o + k % 2.
template <isize Outputs, class W>
struct winograd_filter {
    float row[3];      // of G
    const W* weights;  // of the first tap
    isize tap;         // from one tap to the next
    isize input;       // from one k to the next
    isize depth;       // of k, a multiple of packed_step<W>
    float* to;         // output o of k at place q of the row at q · to_place + 32 · k + o
    isize to_place;
};

/// The rows of G.
template <isize Outputs>
[[nodiscard]] constexpr auto winograd_filter_rows() noexcept {
    struct rows {
        float row[static_cast<std::size_t>(winograd_side<Outputs>)][3];
    };
    if constexpr (Outputs == 2) {
        return rows{{{1, 0, 0}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0, 0, 1}}};
    } else {
        constexpr float sixth = 1.0f / 6, twelfth = 1.0f / 12, twentyfourth = 1.0f / 24;
        return rows{{{0.25f, 0, 0},
                     {-sixth, -sixth, -sixth},
                     {-sixth, sixth, -sixth},
                     {twentyfourth, twelfth, sixth},
                     {twentyfourth, -twelfth, sixth},
                     {0, 0, 1}}};
    }
}

/// Bᵀ d B for a row of tiles, whose inputs overlap by two pixels.
template <isize Outputs>
struct winograd_input {
    const float* rows[static_cast<std::size_t>(winograd_side<Outputs>)];  // each from the first tile's first pixel on
    isize pixel;                                                          // distance of neighbouring pixels
    isize channels;                                                       // a multiple of winograd_channels
    isize tiles;
    float* to;  // channel c of place q of tile t at q · to_place + t · to_tile + c
    isize to_place, to_tile;
};

/// Aᵀ M A for a row of tiles and a panel of 32 outputs.
template <isize Outputs>
struct winograd_output {
    const float* from;  // output o of place q of tile t at q · from_place + t · 32 + o
    isize from_place;
    isize tiles;
    float* sums;  // output o of pixel p of row r at (r · sums_row + p) · 32 + o
    isize sums_row;
    bool add;  // to the sums that are there
};

/// A y Aᵀ for a row of tiles of Outputs × Outputs results y, which do not overlap: the gradient of the products from that
/// of the outputs.
template <isize Outputs>
struct winograd_gradient {
    const float* rows[static_cast<std::size_t>(Outputs)];
    isize pixel;     // distance of neighbouring pixels
    isize channels;  // a multiple of winograd_channels
    isize tiles;
    float* to;  // as winograd_input
    isize to_place, to_tile;
};

/// g += Gᵀ u G for `count` kernels g, a multiple of winograd_channels: the gradient of the kernels from that of their
/// transforms u. Tap t of kernel i lies at t · tap + i, place q of its transform at q · place + i.
template <isize Outputs>
struct winograd_filter_gradient {
    const float* from;
    isize place;
    isize count;
    float* to;
    isize tap;
};

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/winograd.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCE(transform_inputs<2>)
DDPM_KERNEL_INSTANCE(transform_inputs<4>)
DDPM_KERNEL_INSTANCE(transform_outputs<2>)
DDPM_KERNEL_INSTANCE(transform_outputs<4>)
DDPM_KERNEL_INSTANCE(transform_filters<2, float>)
DDPM_KERNEL_INSTANCE(transform_filters<4, float>)
DDPM_KERNEL_INSTANCE(transform_filters<2, bfloat16>)
DDPM_KERNEL_INSTANCE(transform_filters<4, bfloat16>)
DDPM_KERNEL_INSTANCE(transform_gradients<2>)
DDPM_KERNEL_INSTANCE(transform_gradients<4>)
DDPM_KERNEL_INSTANCE(add_filter_gradients<2>)
DDPM_KERNEL_INSTANCE(add_filter_gradients<4>)

namespace ddpm::kernels::detail {

// The transforms, by the active instruction set. Their arithmetic is float.

template <isize Outputs>
void transform(const winograd_input<Outputs>& of) {
    DDPM_DISPATCH(transform_inputs<Outputs>)(of);
}
template <isize Outputs>
void transform(const winograd_output<Outputs>& of) {
    DDPM_DISPATCH(transform_outputs<Outputs>)(of);
}
template <isize Outputs, class W>
void transform(const winograd_filter<Outputs, W>& of) {
    DDPM_DISPATCH(transform_filters<Outputs, W>)(of);
}
template <isize Outputs>
void transform(const winograd_gradient<Outputs>& of) {
    DDPM_DISPATCH(transform_gradients<Outputs>)(of);
}
template <isize Outputs>
void transform(const winograd_filter_gradient<Outputs>& of) {
    DDPM_DISPATCH(add_filter_gradients<Outputs>)(of);
}

}  // namespace ddpm::kernels::detail
