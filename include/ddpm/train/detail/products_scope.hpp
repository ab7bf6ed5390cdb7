// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/products.hpp>
#include <ddpm/predictor/network.hpp>

#include <type_traits>

namespace ddpm::detail {

/// Lets the layers of a network of float compute their products as `products` says, or in float if it is null, until the
/// scope ends; then in float. A network of double is left as it is.
template <Network Net>
class products_scope {
public:
    products_scope(Net& net, const nn::float_products* products) : net_(&net) { layers_ = set(products); }
    ~products_scope() { set(nullptr); }
    products_scope(const products_scope&) = delete;
    products_scope& operator=(const products_scope&) = delete;

    /// How many layers compute products.
    [[nodiscard]] isize layers() const noexcept { return layers_; }

private:
    isize set(const nn::float_products* products) {
        if constexpr (std::is_same_v<typename Net::scalar, float>) {
            return nn::set_products(*net_, products);
        } else {
            return 0;
        }
    }

    Net* net_;
    isize layers_ = 0;
};

/// Returns the network, whose layers then compute their products in float, so that its copies do too.
/// @throws value_error if there are products, but the network has no layers of float that compute them
template <Network Net>
[[nodiscard]] Net& require_products(Net& net, const nn::float_products* products) {
    const isize layers = products_scope(net, products).layers();
    require(products == nullptr || layers > 0, "trainer", "products: layers of float that compute them", {">= 1"},
            {layers});
    return net;
}

}  // namespace ddpm::detail
