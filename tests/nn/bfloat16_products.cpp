// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/nn/bfloat16_products.hpp>
#include <ddpm/nn/layers/attention.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

namespace {

/// What a layer of float with products of bfloat16 reads, as double.
batch<double> rounded(const batch<float>& x) {
    return x.unaryExpr([](float value) { return to_float(to_bfloat16(value)); }).cast<double>();
}

/// A layer of double with the rounded parameters of one of float; biases are as they are.
template <class Exact, class Layer>
void copy_rounded(const Layer& from, Exact& to) {
    const auto single = nn::parameters(from);
    const auto wide = nn::parameters(to);
    for (std::size_t p = 0; p < single.size(); ++p) {
        for (std::size_t i = 0; i < single[p].values.size(); ++i) {
            const float value = single[p].values[i];
            wide[p].values[i] =
                static_cast<double>(single[p].name.ends_with("bias") ? value : to_float(to_bfloat16(value)));
        }
    }
}

template <class Single>
double difference(const Single& found, const batch<double>& expected) {
    return (found.template cast<double>() - expected).abs().maxCoeff() / expected.abs().maxCoeff();
}

batch<double> values_of(const nn::tensor<double>& t) { return Eigen::Map<const batch<double>>(t.data(), t.size(), 1); }
batch<float> values_of(const nn::tensor<float>& t) { return Eigen::Map<const batch<float>>(t.data(), t.size(), 1); }

}  // namespace

TEST_CASE("a dense layer with products of bfloat16 is that of the rounded numbers, forward and backward", "[nn]") {
    for_each_instruction_set([] {
        nn::dense<float> layer(70, 40), d(70, 40);
        nn::dense<double> exact(70, 40), d_exact(70, 40);
        disturb(layer, 0.3, 1);
        copy_rounded(layer, exact);
        layer.products = &nn::bfloat16_products;
        const batch<float> x = random_batch<float>(70, 50, 2), dy = random_batch<float>(40, 50, 3);
        const batch<double> x_exact = rounded(x), dy_exact = rounded(dy);
        batch<float> y(40, 50), dx(70, 50);
        batch<double> y_exact(40, 50), dx_exact(70, 50);
        layer.forward(x, batch_view<float>(y));
        exact.forward(x_exact, batch_view<double>(y_exact));
        CHECK(difference(y, y_exact) < 2e-6);
        layer.backward(x, dy, batch_view<float>(dx), d);
        exact.backward(x_exact, dy_exact, batch_view<double>(dx_exact), d_exact);
        CHECK(difference(dx, dx_exact) < 2e-6);
        CHECK(difference(values_of(d.weight), values_of(d_exact.weight)) < 2e-6);
        // The gradient of the bias is a sum of what is not rounded.
        const batch<double> sums = dy.cast<double>().rowwise().sum();
        CHECK(difference(values_of(d.bias), sums) < 2e-6);
    });
}

TEST_CASE("a convolution with products of bfloat16 is that of the rounded numbers, forward and backward", "[nn]") {
    struct layout {
        isize inputs, outputs, kernel, stride, side;
    };
    for_each_instruction_set([] {
        // Directly, by Winograd's algorithm with tiles of 4 × 4 and 2 × 2 outputs, pointwise, and every second pixel.
        for (const layout& l :
             {layout{3, 20, 3, 1, 9}, {32, 32, 3, 1, 16}, {64, 64, 3, 1, 4}, {24, 40, 1, 1, 8}, {16, 32, 3, 2, 8}}) {
            CAPTURE(l.inputs, l.outputs, l.kernel, l.stride);
            nn::conv2d<float> layer(l.inputs, l.outputs, l.kernel, l.stride), d = layer;
            nn::conv2d<double> exact(l.inputs, l.outputs, l.kernel, l.stride), d_exact = exact;
            disturb(layer, 0.2, 4);
            copy_rounded(layer, exact);
            layer.products = &nn::bfloat16_products;
            const isize out = layer.output_size(l.side), n = 2;
            const batch<float> x = random_batch<float>(l.inputs * l.side * l.side, n, 5),
                               dy = random_batch<float>(l.outputs * out * out, n, 6);
            const batch<double> x_exact = rounded(x), dy_exact = rounded(dy);
            batch<float> y(dy.rows(), n), dx(x.rows(), n);
            batch<double> y_exact(dy.rows(), n), dx_exact(x.rows(), n);
            const auto map = [&](auto* data, isize channels, isize side) {
                return nn::feature_map<std::remove_pointer_t<decltype(data)>>{data, channels, side, side, n};
            };
            layer.forward(map(x.data(), l.inputs, l.side), map(y.data(), l.outputs, out));
            exact.forward(map(x_exact.data(), l.inputs, l.side), map(y_exact.data(), l.outputs, out));
            CHECK(difference(y, y_exact) < 2e-5);
            layer.forward_add(map(x.data(), l.inputs, l.side), map(y.data(), l.outputs, out));
            CHECK(difference(y, 2 * y_exact) < 2e-5);
            layer.backward(map(x.data(), l.inputs, l.side), map(dy.data(), l.outputs, out),
                           map(dx.data(), l.inputs, l.side), d);
            exact.backward(map(x_exact.data(), l.inputs, l.side), map(dy_exact.data(), l.outputs, out),
                           map(dx_exact.data(), l.inputs, l.side), d_exact);
            CHECK(difference(dx, dx_exact) < 4e-5);
            CHECK(difference(values_of(d.weight), values_of(d_exact.weight)) < 4e-5);
        }
    });
}

TEST_CASE("attention with products of bfloat16 is near that of float, forward and backward", "[nn]") {
    for_each_instruction_set([] {
        nn::attention<float> layer(32, 2, 8, 1e-5), d = layer, d_single = layer;
        disturb(layer, 0.3, 7);
        const auto of = [](batch<float>& x) { return nn::feature_map<float>{x.data(), 32, 6, 6, 3}; };
        batch<float> x = random_batch<float>(32 * 36, 3, 8), dout = random_batch<float>(32 * 36, 3, 9);
        const auto run = [&](const nn::float_products* products, nn::attention<float>& gradient) {
            nn::set_products(layer, products);
            nn::arena<float> memory;
            nn::attention<float>::activations a;
            batch<float> out(x.rows(), 3), dx(x.rows(), 3);
            layer.forward(of(x), a, of(out), memory);
            layer.backward(of(x), a, of(dout), of(dx), gradient, memory);
            return std::vector<batch<float>>{out,
                                             dx,
                                             values_of(gradient.to_q.weight),
                                             values_of(gradient.to_k.weight),
                                             values_of(gradient.to_v.weight),
                                             values_of(gradient.to_out.weight)};
        };
        nn::set_products(d, nullptr);
        const auto found = run(&nn::bfloat16_products, d), expected = run(nullptr, d_single);
        for (std::size_t i = 0; i < found.size(); ++i) {
            const double near = difference(found[i], expected[i].cast<double>());
            CHECK(near > 1e-5);  // they are rounded
            CHECK(near < 2e-2);
        }
    });
}

}  // namespace ddpm::test
