// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace ddpm::nn {

namespace detail {

template <Scalar S>
struct convolution_start;

/// The kernel of a convolution: see conv2d.
struct convolution_kernel {
    const float* weights;  ///< tap, input, output, the outputs fastest
    isize inputs, outputs;
    isize size, stride;
    isize before;  ///< rows and columns of zeros before the image
};

/// Convolutions by other ways than products of gathered patches. Each returns false, and does nothing, for sizes that it
/// does not compute.
struct convolution_ways {
    /// y = start + W * x
    bool (*convolve)(const convolution_kernel& kernel, const normalized_map<float>& x, const feature_map<float>& y,
                     const convolution_start<float>& start);
    /// dx = the adjoint of W * dy
    bool (*input_gradient)(const convolution_kernel& kernel, const feature_map<const float>& dy,
                           const feature_map<float>& dx);
    /// d_weights += Σ dy · patch(x)ᵀ
    bool (*add_weight_gradient)(const convolution_kernel& kernel, const normalized_map<float>& x,
                                const feature_map<const float>& dy, float* d_weights);
};

}  // namespace detail

/// A way to compute the products of layers of float, in forward and backward, other than in float: the factors are rounded,
/// the sums are of float. See bfloat16_products. All else that a layer computes, and its parameters, stay float.
struct float_products {
    std::string_view name;  ///< as a checkpoint records it: what tells these products from others
    /// c = start + a·b with rounded factors. Shapes and errors as kernels::matrix_product. The bits of c(i, j) depend only on
    /// row i of a and column j of b.
    void (*product)(const kernels::matrix_ref<float>& a, const kernels::matrix_ref<float>& b, batch_view<float> c,
                    const kernels::product_start<float>& start);
    /// out = x, rounded as the factors are; out may be x.
    void (*round)(isize size, const float* x, float* out);
    /// Whether this machine computes `product` faster than a product of float. Otherwise a convolution rounds its maps and
    /// weights once, and is computed as one of float, by Winograd's algorithm too.
    bool (*faster)();
    /// If not null: convolutions where `product` is faster. For the library's own products: null for those of others.
    const detail::convolution_ways* convolutions = nullptr;
};

namespace detail {

/// Sets the products of layers that have them, and of all layers below, and counts them.
struct products_visitor {
    const float_products* products;
    isize* count;

    template <class Member>
    void operator()(const char* /*name*/, Member& member) const {
        if constexpr (requires { member.begin(); }) {
            for (auto& element : member) {
                (*this)("", element);
            }
        } else if constexpr (requires { Member::visit(member, *this); }) {
            set(member);
            Member::visit(member, *this);
        }
    }

    template <class L>
    void set(L& layer) const {
        if constexpr (requires {
                          { layer.products } -> std::same_as<const float_products*&>;
                      }) {
            layer.products = products;
            ++*count;
        }
    }
};

}  // namespace detail

/// Sets how all layers with a member `products` in a layer or network of float (dense, conv2d, attention) compute them; null:
/// in float. It reaches the layers that `visit` names as such, not those whose tensors it names as its own. A trainer sets
/// them itself, by its options. `products` must outlive the layers.
/// @returns the number of layers that were set
template <Layer L>
    requires std::is_same_v<typename L::scalar, float>
isize set_products(L& layer, const float_products* products) {
    isize count = 0;
    const detail::products_visitor visitor{products, &count};
    visitor("", layer);
    return count;
}

}  // namespace ddpm::nn
