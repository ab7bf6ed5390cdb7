// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/products.hpp>

#include <type_traits>

namespace ddpm::nn::detail {

/// c = start + a·b, computed by `products`, or in S if that is null.
template <Scalar S>
void product(const float_products* products, const kernels::matrix_ref<S>& a, const kernels::matrix_ref<S>& b,
             batch_view<S> c, const kernels::product_start<S>& start = {}) {
    if constexpr (std::is_same_v<S, float>) {
        if (products != nullptr) {
            products->product(a, b, c, start);
            return;
        }
    }
    kernels::matrix_product<S>(a, b, c, start);
}

/// `size` values as the factors of products are rounded: a copy in this thread's scratch memory for Tag, or `values`
/// themselves if `products` is null.
template <class Tag, Scalar S>
[[nodiscard]] const S* rounded(const float_products* products, isize size, const S* values) {
    if constexpr (std::is_same_v<S, float>) {
        if (products != nullptr) {
            float* const copy = thread_scratch<Tag, float>(size);
            products->round(size, values, copy);
            return copy;
        }
    }
    return values;
}

}  // namespace ddpm::nn::detail
