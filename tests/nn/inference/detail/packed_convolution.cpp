// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/nn/detail/concatenate.hpp>
#include <ddpm/nn/inference/detail/norm_factors.hpp>
#include <ddpm/nn/inference/detail/packed_convolution.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/layers/resample.hpp>
#include <ddpm/nn/memory/arena.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/stored_number.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

namespace ddpm::test {

namespace {

/// A map that owns its memory and moments.
template <class T>
struct owned_map {
    owned_map(isize channels, isize height, isize width, isize samples)
        : values(static_cast<std::size_t>(channels * height * width * samples)),
          map{values.data(), channels, height, width, samples} {
        map.phases = height % 2 == 0 && width % 2 == 0 ? 4 : 1;  // the more moments
        moments.resize(static_cast<std::size_t>(map.all_moments()));
        map.phases = 1;
        moments.resize(std::max(moments.size(), static_cast<std::size_t>(map.all_moments())));
        map.moments = moments.data();
    }
    owned_map(const owned_map&) = delete;

    /// Takes the values of a batch, rounded to what T can hold, and rounds the batch too.
    void assign(batch<float>& x) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            kernels::detail::convert(1, x.data() + i, &values[i]);
            x.data()[i] = number(values[i]);
        }
    }

    std::vector<T> values;
    std::vector<float> moments;
    nn::detail::stored_map<T> map;
};

struct packed_layout {
    isize inputs, more_inputs, outputs, kernel, stride;
    nn::conv_padding padding;
    isize height, width, samples;
    bool up, normalizes;
    isize shortcut;  // its input channels; 0: none
    bool adds;
    isize winograd_outputs = 0;
};

/// Compares with the layers that a network would run one after another.
template <class T>
void check_packed(const packed_layout& l) {
    CAPTURE(l.inputs, l.more_inputs, l.outputs, l.kernel, l.stride, l.height, l.width, l.up, l.normalizes, l.shortcut,
            l.winograd_outputs);
    constexpr bool narrow = std::is_same_v<T, bfloat16>;
    const isize channels = l.inputs + l.more_inputs;
    nn::conv2d<float> conv(channels, l.outputs, l.kernel, l.stride, l.padding),
        shortcut(std::max<isize>(1, l.shortcut), l.outputs, 1);
    disturb(conv, 0.4, 7);
    conv.winograd = false;
    disturb(shortcut, 0.4, 8);
    nn::group_norm<float> norm(channels, channels % 2 == 0 ? 2 : 1, 1e-5);
    disturb(norm, 0.3, 9);
    owned_map<T> first(l.inputs, l.height, l.width, l.samples), second(l.more_inputs, l.height, l.width, l.samples),
        other(l.shortcut, l.height, l.width, l.samples);
    batch<float> x1 = random_batch<float>(l.inputs * l.height * l.width, l.samples, 1) + 3;
    batch<float> x2 = random_batch<float>(l.more_inputs * l.height * l.width, l.samples, 2);
    batch<float> x3 = random_batch<float>(l.shortcut * l.height * l.width, l.samples, 3);
    first.assign(x1);
    second.assign(x2);
    other.assign(x3);

    // The layers.
    nn::arena<float> memory;
    nn::feature_map<float> x{x1.data(), l.inputs, l.height, l.width, l.samples};
    if (l.more_inputs > 0) {
        const nn::feature_map<float> both = memory.map(l.inputs + l.more_inputs, l.height, l.width, l.samples);
        nn::detail::concatenate<float>(x, {x2.data(), l.more_inputs, l.height, l.width, l.samples}, both);
        x = both;
    }
    std::vector<float> factors(static_cast<std::size_t>(2 * channels * l.samples));
    if (l.normalizes) {
        nn::feature_map<float> normed = memory.like(x);
        const batch_view<float> moments = memory.columns(2, norm.groups * l.samples);
        norm.forward(x, nn::activation::none, {}, normed, moments);
        norm.forward(x, nn::activation::silu, {}, x, moments);
        // The factors, from the definition.
        for (isize n = 0; n < l.samples; ++n) {
            for (isize c = 0; c < channels; ++c) {
                const float* const moment = moments.column(n * norm.groups + c / (channels / norm.groups));
                float* const of_sample = factors.data() + 2 * channels * n;
                of_sample[c] = moment[1] * norm.weight[c];
                of_sample[channels + c] = norm.bias[c] - moment[0] * of_sample[c];
            }
        }
    }
    nn::feature_map<float> wide = x;
    if (l.up) {
        wide = memory.map(channels, 2 * l.height, 2 * l.width, l.samples);
        nn::upsample_nearest{}.forward<float>(x, wide);
    }
    const isize height = conv.output_size(wide.height), width = conv.output_size(wide.width);
    batch<float> expected(l.outputs * height * width, l.samples);
    const nn::feature_map<float> y{expected.data(), l.outputs, height, width, l.samples};
    conv.forward(wide, y);
    if (l.shortcut > 0) {
        nn::feature_map<float> added = memory.like(y);
        shortcut.forward(nn::feature_map<const float>{x3.data(), l.shortcut, l.height, l.width, l.samples}, added);
        expected += Eigen::Map<batch<float>>(added.data, expected.rows(), expected.cols());
    }

    const nn::detail::packed_convolution<T> packed(conv, l.shortcut > 0 ? &shortcut : nullptr, l.up,
                                                   l.winograd_outputs);
    REQUIRE(packed.output_size(l.height) == height);
    owned_map<T> out(l.outputs, height, width, l.samples), residual(l.outputs, height, width, l.samples);
    out.map.phases = packed.phases();
    batch<float> x4 = random_batch<float>(expected.rows(), l.samples, 4);
    residual.assign(x4);
    if (l.adds) {
        expected = (expected + x4) / 2;
    }
    const std::array<nn::detail::stored_map<T>, 2> parts{first.map, second.map};
    nn::detail::packed_input<T> input;
    input.parts = std::span(parts).first(l.more_inputs > 0 ? 2 : 1);
    if (l.normalizes) {
        input.factors = factors.data();
        input.act = nn::activation::silu;
    }
    nn::detail::packed_input<T> raw;
    raw.parts = {&other.map, 1};
    const nn::detail::packed_output<T> to{
        .map = out.map, .added = l.adds ? residual.map.data : nullptr, .factor = l.adds ? 0.5f : 1.0f};
    packed.forward(input, l.shortcut > 0 ? &raw : nullptr, to);
    double worst = 0;
    const double scale = static_cast<double>(expected.abs().maxCoeff());
    for (std::size_t i = 0; i < out.values.size(); ++i) {
        worst = std::max(worst, static_cast<double>(std::abs(number(out.values[i]) - expected.data()[i])));
    }
    CHECK(worst < (narrow ? 0.02 : l.winograd_outputs == 4 ? 2e-5 : l.winograd_outputs == 2 ? 5e-6 : 2e-6) * scale);
    CHECK(std::isfinite(worst));

    // The moments give the norm of what was stored.
    nn::group_norm<float> next(l.outputs, 1, 1e-5);
    disturb(next, 0.3, 10);
    std::vector<float> found(static_cast<std::size_t>(2 * l.outputs));
    const isize last = l.samples - 1;
    nn::detail::find_norm_factors<T>(next, {&out.map, 1}, last, {}, found.data());
    batch<float> stored(l.outputs * height * width, 1), normed = stored, moments(2, 1);
    for (isize i = 0; i < stored.size(); ++i) {
        stored(i, 0) = number(out.values[static_cast<std::size_t>(last * stored.size() + i)]);
    }
    next.forward({stored.data(), l.outputs, height, width, 1}, nn::activation::none, {},
                 {normed.data(), l.outputs, height, width, 1}, batch_view<float>(moments));
    for (isize i = 0; i < stored.size(); ++i) {
        const auto c = static_cast<std::size_t>(i % l.outputs);
        REQUIRE(std::abs(found[c] * stored(i, 0) + found[c + static_cast<std::size_t>(l.outputs)] - normed(i, 0)) <
                2e-5f * (1 + std::abs(normed(i, 0))));
    }

    // Leaves NaN in the memory of the threads, which must not matter to the next convolution.
    for (std::vector<T>* values : {&first.values, &second.values, &other.values}) {
        std::fill(values->begin(), values->end(), stored_as<T>(std::nanf("")));
    }
    packed.forward(input, l.shortcut > 0 ? &raw : nullptr, to);
}

}  // namespace

TEMPLATE_TEST_CASE("a packed convolution is the layers that it joins, on every target", "[nn]", float, bfloat16) {
    for_each_instruction_set([&] {
        check_packed<TestType>({32, 0, 33, 3, 1, nn::conv_padding::symmetric, 6, 7, 2, false, true, 0, true});
        check_packed<TestType>({20, 14, 40, 3, 1, nn::conv_padding::symmetric, 5, 9, 2, false, true, 7, false});
        check_packed<TestType>({3, 0, 32, 3, 1, nn::conv_padding::symmetric, 9, 30, 1, false, false, 0, false});
        check_packed<TestType>({2, 1, 5, 3, 2, nn::conv_padding::after, 8, 6, 2, false, true, 0, false});
        check_packed<TestType>({18, 0, 16, 3, 2, nn::conv_padding::after, 8, 10, 2, false, false, 0, false});
        check_packed<TestType>({18, 0, 16, 3, 2, nn::conv_padding::symmetric, 7, 9, 1, false, false, 0, true});
        check_packed<TestType>({24, 0, 70, 1, 1, nn::conv_padding::symmetric, 4, 4, 3, false, true, 0, true});
        check_packed<TestType>({16, 0, 8, 3, 1, nn::conv_padding::symmetric, 3, 5, 2, true, false, 0, false});
        check_packed<TestType>({17, 16, 8, 3, 1, nn::conv_padding::symmetric, 2, 3, 1, true, true, 0, false});
        check_packed<TestType>({4, 0, 8, 5, 1, nn::conv_padding::symmetric, 1, 1, 1, false, false, 0, false});
        check_packed<TestType>({4, 0, 4, 3, 1, nn::conv_padding::symmetric, 2, 3, 1, false, false, 2052, false});
        check_packed<TestType>({64, 0, 3, 3, 1, nn::conv_padding::symmetric, 33, 50, 1, false, true, 0, false});
        check_packed<TestType>({96, 32, 32, 3, 1, nn::conv_padding::symmetric, 16, 16, 5, false, true, 96, true});
        check_packed<TestType>({8, 0, 32, 3, 1, nn::conv_padding::after, 4, 18, 3, false, true, 0, false});
        check_packed<TestType>({40, 0, 33, 3, 1, nn::conv_padding::symmetric, 8, 17, 5, true, true, 0, true});
        check_packed<TestType>({33, 0, 36, 5, 1, nn::conv_padding::symmetric, 3, 18, 2, true, false, 0, false});
        check_packed<TestType>({33, 0, 36, 7, 1, nn::conv_padding::symmetric, 3, 4, 2, true, false, 0, false});
        check_packed<TestType>({33, 0, 36, 1, 1, nn::conv_padding::symmetric, 3, 4, 2, true, true, 0, false});
        check_packed<TestType>({34, 0, 40, 5, 1, nn::conv_padding::symmetric, 4, 4, 9, false, true, 33, false});
        check_packed<TestType>({32, 0, 32, 1, 1, nn::conv_padding::symmetric, 2, 120, 2, false, false, 0, true});
    });
}

TEMPLATE_TEST_CASE("a convolution by Winograd's algorithm is the direct one, on every target", "[nn]", float,
                   bfloat16) {
    for_each_instruction_set([&] {
        for (const isize m : {2, 4}) {
            constexpr auto around = nn::conv_padding::symmetric;
            check_packed<TestType>({32, 0, 33, 3, 1, around, 6, 7, 2, false, true, 0, true, m});
            check_packed<TestType>({16, 32, 70, 3, 1, around, 5, 9, 2, false, true, 7, false, m});
            check_packed<TestType>({144, 0, 32, 3, 1, around, 9, 30, 1, false, false, 0, false, m});
            check_packed<TestType>({96, 64, 32, 3, 1, around, 16, 16, 5, false, true, 96, true, m});
            check_packed<TestType>({48, 0, 33, 3, 1, around, 8, 17, 3, sizeof(TestType) == 4, true, 0, true, m});
            check_packed<TestType>({16, 0, 40, 3, 1, around, 3, 2, 70, false, true, 33, false, m});
            check_packed<TestType>({16, 0, 40, 3, 1, around, 33, 100, 2, false, false, 0, false, m});
            check_packed<TestType>({16, 0, 8, 3, 1, around, 1, 1, 1, false, false, 0, false, m});
        }
    });
}

}  // namespace ddpm::test
