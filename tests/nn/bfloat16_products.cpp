// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/bfloat16_products.hpp>
#include <ddpm/nn/layers/attention.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include "support/catch.hpp"
#include "support/conv_case.hpp"
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

namespace {

/// A convolution with products of bfloat16, and maps for it.
struct conv_run {
    explicit conv_run(const conv_case& of)
        : layer(of.inputs, of.outputs, of.kernel, of.stride, of.padding),
          gradient(layer),
          side(of.side),
          out_side(layer.output_size(side)),
          x(random_batch<float>(of.inputs * side * side, of.samples, 5)),
          dy(random_batch<float>(of.outputs * out_side * out_side, of.samples, 6)),
          y(dy.rows(), of.samples),
          dx(x.rows(), of.samples) {
        disturb(layer, 0.2, 4);
        layer.products = &nn::bfloat16_products;
    }

    void forward() { layer.forward(square_maps(x, layer.inputs(), side), square_maps(y, layer.outputs(), out_side)); }
    void forward_add() {
        layer.forward_add(square_maps(x, layer.inputs(), side), square_maps(y, layer.outputs(), out_side));
    }
    void backward() {
        layer.backward(square_maps(x, layer.inputs(), side), square_maps(dy, layer.outputs(), out_side),
                       square_maps(dx, layer.inputs(), side), gradient);
    }

    nn::conv2d<float> layer, gradient;
    isize side, out_side;
    batch<float> x, dy, y, dx;
};

void check_convolution(const conv_case& of) {
    CAPTURE(of.inputs, of.outputs, of.kernel, of.stride, of.side, of.samples);
    conv_run run(of);
    nn::conv2d<double> exact(of.inputs, of.outputs, of.kernel, of.stride, of.padding), d_exact = exact;
    copy_rounded(run.layer, exact);
    const batch<double> x = rounded(run.x), dy = rounded(run.dy);
    batch<double> y(dy.rows(), of.samples), dx(x.rows(), of.samples);
    exact.forward(square_maps(x, of.inputs, of.side), square_maps(y, of.outputs, run.out_side));
    exact.backward(square_maps(x, of.inputs, of.side), square_maps(dy, of.outputs, run.out_side),
                   square_maps(dx, of.inputs, of.side), d_exact);
    run.forward();
    CHECK(difference(run.y, y) < 2e-5);
    run.forward_add();
    CHECK(difference(run.y, 2 * y) < 2e-5);
    run.backward();
    CHECK(difference(run.dx, dx) < 4e-5);
    CHECK(difference(values_of(run.gradient.weight), values_of(d_exact.weight)) < 4e-5);
    run.backward();  // a second time: gradients are added
    CHECK(difference(values_of(run.gradient.weight), 2 * values_of(d_exact.weight)) < 4e-5);
}

}  // namespace

TEST_CASE("a convolution with products of bfloat16 is that of the rounded numbers, forward and backward", "[nn]") {
    using enum nn::conv_padding;
    for_each_instruction_set([] {
        // Few channels, Winograd's algorithm with tiles of 4 × 4 and 2 × 2 outputs, and pointwise.
        for (const conv_case& of : {conv_case{3, 20, 3, 1, 9, 2},
                                    {40, 3, 3, 1, 9, 2},
                                    {32, 32, 3, 1, 16, 2},
                                    {64, 64, 3, 1, 4, 2},
                                    {24, 40, 1, 1, 8, 2}}) {
            check_convolution(of);
        }
        // Strides, larger kernels, and images without a pixel for some taps.
        for (const conv_case& of : {conv_case{16, 32, 3, 2, 8, 2},
                                    {16, 32, 3, 2, 9, 2, after},
                                    {32, 16, 5, 1, 7, 2},
                                    {20, 33, 5, 2, 8, 1},
                                    {17, 18, 1, 2, 7, 2},
                                    {16, 16, 3, 3, 10, 1},
                                    {16, 16, 3, 1, 1, 3},
                                    {8, 8, 3, 1, 5, 2, after}}) {
            check_convolution(of);
        }
        // More than a chain of sums over 4096 positions, which are 6 · 29 · 29; and rows longer than half a block of 256.
        check_convolution({96, 48, 3, 1, 28, 6});
        check_convolution({4, 4, 3, 1, 150, 1});
    });
}

TEST_CASE("the bits of a convolution with products of bfloat16 depend on their sample only, and on no threads",
          "[nn]") {
    for_each_instruction_set([] {
        for (const conv_case& of : {conv_case{32, 64, 3, 1, 17, 5}, {64, 32, 3, 1, 5, 5}, {32, 40, 1, 1, 9, 5}}) {
            conv_run all(of);
            all.forward();
            all.backward();
            const isize threads = thread_count();
            for (const isize count : {1, 3}) {
                set_thread_count(count);
                conv_run again(of);
                again.forward();
                again.backward();
                CHECK((again.y == all.y).all());
                CHECK((again.dx == all.dx).all());
                CHECK((values_of(again.gradient.weight) == values_of(all.gradient.weight)).all());
                CHECK((values_of(again.gradient.bias) == values_of(all.gradient.bias)).all());
            }
            set_thread_count(threads);
            conv_case one = of;
            one.samples = 1;
            conv_run alone(one);
            alone.x = all.x.col(3);
            alone.dy = all.dy.col(3);
            alone.forward();
            alone.backward();
            CHECK((alone.y == all.y.col(3)).all());
            CHECK((alone.dx == all.dx.col(3)).all());
        }
    });
}

TEST_CASE("a convolution with products of bfloat16 adds a bias for each sample", "[nn]") {
    for_each_instruction_set([] {
        conv_run run({32, 40, 3, 1, 6, 3}), plain({32, 40, 3, 1, 6, 3});
        const batch<float> bias = random_batch<float>(40, 3, 7);
        plain.forward();
        run.layer.forward(square_maps(run.x, 32, 6), square_maps(run.y, 40, 6), bias);
        for (isize n = 0; n < 3; ++n) {
            for (isize i = 0; i < run.y.rows(); ++i) {
                REQUIRE(std::abs(run.y(i, n) - plain.y(i, n) - bias(i % 40, n)) < 1e-5f);
            }
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
