// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/linear_combination.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES_OF(linear_combination, 1)
DDPM_KERNEL_INSTANCES_OF(linear_combination, 2)
DDPM_KERNEL_INSTANCES_OF(linear_combination, 3)
DDPM_KERNEL_INSTANCES_OF(linear_combination, 4)

namespace ddpm::kernels {

/// out = Σ factor[i] · x[i] over `size` elements, for one to four arrays; out may be one of them.
/// @determinism the same bits on every instruction set: products first, then sums from left to right
/// @accuracy at most k roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of Σ |factor[i] · x[i]| for k arrays, unless a product
///     underflows
template <Scalar S, std::size_t Terms>
void linear_combination(isize size, const S (&factor)[Terms], const S* const (&x)[Terms], S* out, bool stream = false) {
    static_assert(Terms >= 1 && Terms <= 4);
    DDPM_DISPATCH(linear_combination<Terms, S>)(size, factor, x, out, stream);
}

namespace detail {

/// The sum of the first `count` of the terms.
template <std::size_t Terms, Scalar S>
void combine_first(std::size_t count, isize size, const S (&factor)[Terms], const S* const (&x)[Terms], S* out,
                   bool stream) {
    if (count == Terms) {
        linear_combination<S, Terms>(size, factor, x, out, stream);
    } else if constexpr (Terms > 1) {
        S fewer[Terms - 1];
        const S* columns[Terms - 1];
        std::copy_n(factor, Terms - 1, fewer);
        std::copy_n(x, Terms - 1, columns);
        combine_first<Terms - 1>(count, size, fewer, columns, out, stream);
    } else {
        std::fill_n(out, size, S{0});
    }
}

}  // namespace detail

/// out(:, n) = Σ factors[i] · x[i](:, n) with factors = factors_of(n), an array. `out` may be one of the inputs; if it
/// is not and is larger than the caches, it is written with streaming stores. An input with factor 0 is not read, so it
/// may be infinite or NaN.
/// @shape all D × N
/// @throws shape_error if the shapes differ
/// @determinism as above
/// @accuracy as above
template <Scalar S, std::size_t Terms, class FactorsOf>
    requires std::is_invocable_r_v<std::array<S, Terms>, const FactorsOf&, isize>
void linear_combination(const batch_view<const S> (&x)[Terms], const FactorsOf& factors_of, batch_view<S> out) {
    for (const batch_view<const S>& input : x) {
        ddpm::detail::require_same_shape("linear_combination", "out has the shape of the inputs", input, out);
    }
    const bool stream = [&]<std::size_t... Place>(std::index_sequence<Place...>) {
        return detail::should_stream(out, x[Place]...);
    }(std::make_index_sequence<Terms>());
    for_each_block(out.rows(), out.columns(), [&](isize n, isize first, isize last) {
        const std::array<S, Terms> factors = factors_of(n);
        S factor[Terms];
        const S* columns[Terms];
        std::size_t read = 0;
        for (std::size_t i = 0; i < Terms; ++i) {
            if (factors[i] != 0) {
                factor[read] = factors[i];
                columns[read++] = x[i].column(n) + first;
            }
        }
        detail::combine_first<Terms>(read, last - first, factor, columns, out.column(n) + first, stream);
    });
}

}  // namespace ddpm::kernels
