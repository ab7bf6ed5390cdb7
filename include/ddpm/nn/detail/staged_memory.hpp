// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>

#include <type_traits>

namespace ddpm::nn::detail {

/// Calls body(X{}) with the type that products of weights of type T read on the active instruction set: float, or
/// bfloat16 if they read pairs.
template <class T, class Body>
void with_product_input(const Body& body) {
    if constexpr (std::is_same_v<T, bfloat16>) {
        if (kernels::detail::takes_pairs()) {
            body(bfloat16{});
            return;
        }
    }
    body(float{});
}

/// Scratch memory of the thread for `length` numbers of type X: see thread_scratch.
template <class Tag, class X>
[[nodiscard]] X* staged_memory(isize length) {
    return reinterpret_cast<X*>(
        thread_scratch<Tag, float>(ddpm::detail::divided_up(length * isize{sizeof(X)}, isize{sizeof(float)})));
}

}  // namespace ddpm::nn::detail
