// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/nn/detail/convolution_start.hpp>
#include <ddpm/nn/detail/pair_convolution.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>

#include "support/catch.hpp"
#include "support/conv_case.hpp"
#include "support/each_target.hpp"
#include "support/emulated_panels.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#if defined(__x86_64__)

namespace ddpm::test {

namespace {

batch<float> rounded_numbers(isize rows, isize columns, std::uint64_t seed) {
    return random_batch<float>(rows, columns, seed).unaryExpr([](float x) { return to_float(to_bfloat16(x)); });
}

/// Factors for which max(0, a·x + b) is a number that bfloat16 holds if x is: for each sample the a of all channels, then
/// the b.
batch<float> exact_factors(isize channels, isize samples) {
    batch<float> factors(2 * channels, samples);
    for (isize n = 0; n < samples; ++n) {
        for (isize c = 0; c < channels; ++c) {
            const isize kind = (c + n) % 3;
            factors(c, n) = kind == 0 ? 0.0f : kind == 1 ? 2.0f : -0.5f;
            factors(channels + c, n) = kind == 0 ? 0.75f : 0.0f;
        }
    }
    return factors;
}

/// Checks the three passes of a convolution, on numbers that bfloat16 holds, against one of double. The input may be read
/// with factors.
template <class Panels>
void check_passes(const conv_case& of, bool normalized = false) {
    using ways = nn::detail::pair_convolution<Panels>;
    CAPTURE(of.inputs, of.outputs, of.kernel, of.stride, of.side, of.samples);
    nn::conv2d<double> exact(of.inputs, of.outputs, of.kernel, of.stride, of.padding), d_exact = exact;
    const isize out = exact.output_size(of.side), taps = of.kernel * of.kernel;
    const batch<float> x = rounded_numbers(of.inputs * of.side * of.side, of.samples, 1),
                       dy = rounded_numbers(of.outputs * out * out, of.samples, 2),
                       weights = rounded_numbers(of.outputs * of.inputs * taps, 1, 3),
                       biases = rounded_numbers(of.outputs, of.samples, 4);
    std::copy_n(weights.data(), weights.size(), exact.weight.data());
    const batch<float> factors = exact_factors(of.inputs, of.samples);
    const nn::feature_map<const float> map = square_maps(x, of.inputs, of.side);
    const nn::normalized_map<float> input =
        normalized ? nn::normalized_map<float>(map, factors.data(), nn::activation::relu) : map;
    batch<float> x_read = x;
    if (normalized) {
        input.write(square_maps(x_read, of.inputs, of.side));
    }
    const batch<double> x_exact = x_read.cast<double>(), dy_exact = dy.cast<double>(),
                        biases_exact = biases.cast<double>();
    batch<double> y_exact(dy.rows(), of.samples), dx_exact(x.rows(), of.samples);
    exact.forward(square_maps(x_exact, of.inputs, of.side), square_maps(y_exact, of.outputs, out), biases_exact);
    exact.backward(square_maps(x_exact, of.inputs, of.side), square_maps(dy_exact, of.outputs, out),
                   square_maps(dx_exact, of.inputs, of.side), d_exact);

    const nn::detail::convolution_kernel kernel{
        weights.data(), of.inputs, of.outputs,
        of.kernel,      of.stride, of.padding == nn::conv_padding::symmetric ? of.kernel / 2 : 0};
    const std::vector<float> zero(static_cast<std::size_t>(of.outputs));
    const auto near = [](const batch<float>& found, const batch<double>& expected) {
        return (found.cast<double>() - expected).abs().maxCoeff() < 1e-5 * expected.abs().maxCoeff();
    };
    batch<float> y(dy.rows(), of.samples), dx(x.rows(), of.samples), d_weights = batch<float>::Ones(weights.rows(), 1);
    REQUIRE(
        ways::convolve(kernel, input, square_maps(y, of.outputs, out), {.bias = zero.data(), .sample_bias = biases}));
    CHECK(near(y, y_exact));
    if (ways::input_gradient(kernel, square_maps(dy, of.outputs, out), square_maps(dx, of.inputs, of.side))) {
        CHECK(near(dx, dx_exact));
    } else {
        CHECK((of.stride > 1 || of.padding != nn::conv_padding::symmetric || of.outputs < 16));
    }
    REQUIRE(ways::add_weight_gradient(kernel, input, square_maps(dy, of.outputs, out), d_weights.data()));
    const Eigen::Map<const batch<double>> d_weights_exact(d_exact.weight.data(), weights.rows(), 1);
    CHECK(near(d_weights - 1.0f, d_weights_exact));
}

constexpr conv_case pair_cases[] = {{3, 20, 3, 1, 9, 2},   {40, 3, 3, 1, 5, 2},
                                    {32, 33, 3, 1, 16, 1}, {64, 32, 1, 1, 4, 3},
                                    {16, 8, 3, 2, 9, 2},   {16, 8, 3, 2, 8, 2, nn::conv_padding::after},
                                    {20, 24, 5, 1, 6, 2},  {16, 17, 5, 2, 8, 1},
                                    {1, 1, 3, 1, 1, 1},    {2, 2, 3, 1, 68, 1}};

/// The panels of AVX512_BF16, also on a processor that multiplies floats faster.
struct pairs_of_avx512 : kernels::detail::native_panels {
    static void multiply(const packed_problem<bfloat16>& problem) {
        kernels::detail::avx512::pairs_product<bfloat16>(problem);
    }
};

}  // namespace

TEST_CASE("convolutions of pairs of bfloat16 are those of the numbers, on tiles that are emulated", "[nn]") {
    for (const conv_case& of : pair_cases) {
        check_passes<emulated_panels>(of);
        if (of.samples > 1) {  // the others take seconds
            check_passes<emulated_panels>(of, true);
        }
    }
}

TEST_CASE("convolutions of pairs of bfloat16 are those of the numbers, by instructions", "[nn]") {
    constexpr conv_case large_cases[] = {{64, 96, 3, 1, 30, 6}, {8, 8, 3, 2, 133, 1}};  // copied in parts
    if (is_supported(instruction_set::avx512_bf16)) {
        for (const conv_case& of : pair_cases) {
            check_passes<pairs_of_avx512>(of);
            check_passes<pairs_of_avx512>(of, true);
        }
        for (const conv_case& of : large_cases) {
            check_passes<pairs_of_avx512>(of);
        }
    } else {
        WARN("skipped: this machine does not have AVX512_BF16");
    }
    if (is_supported(instruction_set::amx)) {
        const ddpm::detail::scoped_simd_target on(instruction_set::amx);
        for (const conv_case& of : pair_cases) {
            check_passes<kernels::detail::native_panels>(of);
            check_passes<kernels::detail::native_panels>(of, true);
        }
        for (const conv_case& of : large_cases) {
            check_passes<kernels::detail::native_panels>(of);
        }
    } else {
        WARN("skipped: this machine does not have AMX");
    }
}

}  // namespace ddpm::test

#endif
