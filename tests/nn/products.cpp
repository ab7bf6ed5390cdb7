// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/layers/mlp_block.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/products.hpp>

#include "support/catch.hpp"
#include "support/digit_unet.hpp"

#include <algorithm>
#include <atomic>

namespace ddpm::test {

namespace {

std::atomic<int> product_calls = 0, round_calls = 0;  // some are made in parallel
bool products_are_faster = false;

/// Products whose right factor is rounded to 0, counted.
constexpr nn::float_products counted_products{
    "counted",
    [](const kernels::matrix_ref<float>& a, const kernels::matrix_ref<float>&, batch_view<float> c,
       const kernels::product_start<float>& start) {
        ++product_calls;
        for (isize n = 0; n < c.columns(); ++n) {
            for (isize i = 0; i < a.rows; ++i) {
                c(i, n) = start.accumulate ? c(i, n) : start.row_bias != nullptr ? start.row_bias[i] : 0;
            }
        }
    },
    [](isize size, const float*, float* out) {
        ++round_calls;
        std::fill_n(out, size, 0.0f);
    },
    [] { return products_are_faster; }};

}  // namespace

TEST_CASE("set_products reaches every layer with products, however deep, and takes them back", "[nn]") {
    nn::dense<float> layer(3, 4);
    CHECK(nn::set_products(layer, &counted_products) == 1);
    CHECK(layer.products == &counted_products);
    CHECK(nn::set_products(layer, nullptr) == 1);
    CHECK(layer.products == nullptr);

    nn::group_norm<float> norm(8, 4, 1e-5);
    CHECK(nn::set_products(norm, &counted_products) == 0);

    // Two layers in each block; two for the time; the first and the last.
    nn::mlp<float> net{{.dim = 4, .hidden = 16, .blocks = 3}};
    const isize layers = nn::set_products(net, &counted_products);
    isize matrices = 0;
    for (const nn::parameter<float>& p : nn::parameters(net)) {
        matrices += p.shape.dimensions() > 1 ? 1 : 0;
    }
    CHECK(layers == matrices);

    // Layers with matrices, and the attention, whose own products are those of the scores.
    nn::unet<float> images(digit_options());
    isize attentions = 0;
    matrices = 0;
    for (const nn::parameter<float>& p : nn::parameters(images)) {
        matrices += p.shape.dimensions() > 1 ? 1 : 0;
        attentions += p.name.ends_with("to_q.weight") ? 1 : 0;
    }
    CHECK(attentions > 0);
    CHECK(nn::set_products(images, &counted_products) == matrices + attentions);
}

TEST_CASE("a dense layer computes all its products as it is told", "[nn]") {
    nn::dense<float> layer(3, 4), d(3, 4);
    std::fill_n(layer.weight.data(), 12, 1.0f);
    std::fill_n(layer.bias.data(), 4, 0.5f);
    layer.products = &counted_products;
    const batch<float> x = batch<float>::Constant(3, 2, 1), dy = batch<float>::Constant(4, 2, 1);
    batch<float> y(4, 2), dx(3, 2);
    product_calls = 0;
    layer.forward(x, batch_view<float>(y));
    CHECK(product_calls == 1);
    CHECK((y == 0.5f).all());
    layer.forward_add(x, batch_view<float>(y));
    CHECK((y == 1).all());
    layer.backward(x, dy, batch_view<float>(dx), d);
    CHECK(product_calls == 4);
    CHECK((dx == 0).all());
    CHECK(d.weight[0] == 0);
    CHECK(d.bias[0] == 2);  // no product
}

TEST_CASE("a convolution multiplies as it is told, or rounds its maps and weights and multiplies in float", "[nn]") {
    for (const isize kernel : {1, 3}) {
        for (const bool faster : {false, true}) {
            CAPTURE(kernel, faster);
            products_are_faster = faster;
            nn::conv2d<float> layer(32, 32, kernel), d(32, 32, kernel);
            std::fill_n(layer.weight.data(), layer.weight.size(), 1.0f);
            layer.products = &counted_products;
            CHECK(layer.winograd_outputs(16, 16) == (kernel == 3 ? 4 : 0));
            batch<float> x = batch<float>::Constant(32 * 256, 1, 1), y(32 * 256, 1), dx(32 * 256, 1);
            const nn::feature_map<float> in{x.data(), 32, 16, 16, 1}, out{y.data(), 32, 16, 16, 1},
                d_in{dx.data(), 32, 16, 16, 1};
            product_calls = round_calls = 0;
            layer.forward(in, out);
            CHECK((product_calls > 0) == faster);
            CHECK(round_calls == (faster ? 0 : 2));
            CHECK((y == 0).all());
            y = 1;
            product_calls = round_calls = 0;
            layer.backward(in, out, d_in, d);
            CHECK((product_calls > 1) == faster);
            CHECK(round_calls == (faster ? 0 : 3));
            CHECK((dx == 0).all());
            CHECK(d.weight[0] == 0);
            CHECK(d.bias[0] == 256);
        }
    }
    products_are_faster = false;
}

}  // namespace ddpm::test
