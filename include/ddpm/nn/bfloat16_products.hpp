// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/bfloat16_product.hpp>
#include <ddpm/nn/detail/pair_convolution.hpp>
#include <ddpm/nn/products.hpp>

namespace ddpm::nn {

/// Products of factors rounded to bfloat16, with sums in float, made for processors with AMX or AVX512_BF16, which compute
/// them several times as fast as those of float. On others the rounded factors are multiplied as floats, at the speed of
/// float less the time for rounding. A trainer takes it as trainer_options::products.
/// @accuracy rounding changes a factor of normal size by at most 2⁻⁹ of it. Rounding errors of n factors of a sum are
///     independent: together they are about 2⁻⁹ √(Σ_k (a_k·b_k)²)
/// @complexity the thread that calls a layer keeps rounded copies of what it reads: where products are not faster than those
///     of float, of a layer's maps and weights, as large as they are; otherwise of the weights of a convolution, half as large,
///     and in backward of its maps, the input as large as it is and the gradient half as large. Each thread keeps about 2 MB
/// @source Micikevicius et al. 2017, arXiv 1710.03740; Kalamkar et al. 2019, arXiv 1905.12322
inline constexpr float_products bfloat16_products{
    "bfloat16",
    [](const kernels::matrix_ref<float>& a, const kernels::matrix_ref<float>& b, batch_view<float> c,
       const kernels::product_start<float>& start) { kernels::detail::bfloat16_product(a, b, c, start); },
    [](isize size, const float* x, float* out) {
        kernels::for_each_block(size, 1, [&](isize, isize first, isize last) {
            kernels::detail::convert_as<bfloat16>(last - first, x + first, out + first);
        });
    },
    [] { return kernels::detail::takes_pairs(); }, detail::pair_convolutions()};

}  // namespace ddpm::nn
