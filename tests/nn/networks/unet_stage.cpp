// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/unet_stage.hpp>

#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

nn::feature_map<double> stage_map(batch<double>& x, isize height, isize width) {
    return {x.data(), x.rows(), height, width, x.cols() / (height * width)};
}
nn::feature_map<const double> stage_map(const batch<double>& x, isize height, isize width) {
    return {x.data(), x.rows(), height, width, x.cols() / (height * width)};
}

nn::residual_block<double> stage_block(isize inputs, isize outputs, nn::resampling resample = nn::resampling::none) {
    return nn::residual_block<double>(
        {.inputs = inputs, .outputs = outputs, .embedding = 3, .groups = 2, .resample = resample});
}

/// Two layers of 4 channels, of which the first has an attention, for maps of 2 channels.
nn::unet_stage<double> two_layers() {
    nn::unet_stage<double> stage;
    stage.resnets = {stage_block(2, 4), stage_block(4, 4)};
    stage.attentions = {nn::attention<double>(4, 2, 2, 1e-5)};
    return stage;
}

constexpr isize stage_height = 2, stage_width = 4, stage_samples = 2,
                stage_columns = stage_height * stage_width * stage_samples;

}  // namespace

TEST_CASE("a resampler convolves with a stride of 2, or the upsampled map", "[nn]") {
    const batch<double> x = random_batch(2, stage_columns, 1);
    const nn::feature_map<const double> map = stage_map(x, stage_height, stage_width);
    nn::arena<double> memory;

    nn::conv_resampler<double> down{nn::conv2d<double>(2, 3, 3, 2)};
    disturb(down, 0.5, 2);
    const nn::feature_map<double> half = down.forward(map, memory);
    batch<double> expected_half(3, stage_columns / 4);
    down.conv.forward(map, stage_map(expected_half, 1, 2));
    CHECK(half.height == 1);
    CHECK(half.width == 2);
    CHECK((half.columns().array() == expected_half).all());

    nn::conv_resampler<double> up{nn::conv2d<double>(2, 3, 3), true};
    disturb(up, 0.5, 2);
    const nn::feature_map<double> twice = up.forward(map, memory);
    batch<double> widened(2, 4 * stage_columns), expected(3, 4 * stage_columns);
    for (isize n = 0; n < stage_samples; ++n) {
        for (isize row = 0; row < 4; ++row) {
            for (isize column = 0; column < 8; ++column) {
                widened.col((n * 4 + row) * 8 + column) = x.col((n * 2 + row / 2) * 4 + column / 2);
            }
        }
    }
    up.conv.forward(stage_map(std::as_const(widened), 4, 8), stage_map(expected, 4, 8));
    CHECK(twice.height == 4);
    CHECK(twice.width == 8);
    CHECK((twice.columns().array() == expected).all());

    const nn::feature_map<const double> other{x.data(), 1, 4, 4, 2};
    CHECK_THROWS_AS(down.forward(other, memory), shape_error);
    CHECK_THROWS_AS(up.forward(other, memory), shape_error);
}

TEST_CASE("the gradients of a resampler are the central differences", "[nn]") {
    for (const bool up : {false, true}) {
        nn::conv_resampler<double> layer{nn::conv2d<double>(2, 3, 3, up ? 1 : 2), up};
        disturb(layer, 0.5, 2);
        batch<double> x = random_batch(2, stage_columns, 1), dx = batch<double>::Constant(2, stage_columns, 9);
        const isize height = up ? 4 : 1, width = up ? 8 : 2;
        const batch<double> dout = random_batch(3, height * width * stage_samples, 3);
        nn::arena<double> memory;
        const auto map = [&] { return stage_map(std::as_const(x), stage_height, stage_width); };
        const auto loss = [&] {
            memory.clear();
            return (layer.forward(map(), memory).columns().array() * dout).sum();
        };
        static_cast<void>(loss());
        nn::conv_resampler<double> d = nn::zeros_like(layer);
        layer.backward(map(), stage_map(dout, height, width), stage_map(dx, stage_height, stage_width), d, memory);
        CHECK(gradient_error(elements(x), elements(dx), loss) < 1e-7);
        CHECK(parameter_gradient_error(layer, d, loss) < 1e-7);
        // The gradient may take the place of x.
        batch<double> place = x;
        nn::conv_resampler<double> d_again = nn::zeros_like(layer);
        layer.backward(stage_map(std::as_const(place), stage_height, stage_width), stage_map(dout, height, width),
                       stage_map(place, stage_height, stage_width), d_again, memory);
        CHECK((place == dx).all());
        CHECK(std::ranges::equal(d_again.conv.weight.values(), d.conv.weight.values()));
    }
}

TEST_CASE("a layer of a stage is a residual block, and its attention if it has one", "[nn]") {
    nn::unet_stage<double> stage = two_layers();
    disturb(stage, 0.3, 1);
    CHECK(stage.layers() == 2);
    CHECK_FALSE(stage.resamples());
    batch<double> x = random_batch(2, stage_columns, 1);
    const batch<double> emb = random_batch(3, stage_samples, 2);
    nn::arena<double> memory;
    nn::unet_stage<double>::activations first, second;
    const auto map = stage_map(x, stage_height, stage_width);
    const nn::feature_map<double> after = stage.forward(0, map, emb, first, memory, true);
    const nn::feature_map<double> end = stage.forward(1, after, emb, second, memory, true);

    batch<double> block(4, stage_columns), attended(4, stage_columns), last(4, stage_columns);
    nn::residual_block<double>::activations of_block;
    nn::attention<double>::activations of_attention;
    stage.resnets[0].forward(map, emb, of_block, stage_map(block, stage_height, stage_width), memory);
    stage.attentions[0].forward(stage_map(std::as_const(block), stage_height, stage_width), of_attention,
                                stage_map(attended, stage_height, stage_width), memory);
    stage.resnets[1].forward(stage_map(std::as_const(attended), stage_height, stage_width), emb, of_block,
                             stage_map(last, stage_height, stage_width), memory);
    CHECK((first.between.columns().array() == block).all());
    CHECK((after.columns().array() == attended).all());
    CHECK((end.columns().array() == last).all());
    CHECK(first.in.data == x.data());
    CHECK(second.between.empty());
}

TEST_CASE("layers that are not kept are computed again for backward, with the same bits", "[nn]") {
    nn::unet_stage<double> stage = two_layers();
    disturb(stage, 0.3, 1);
    batch<double> x = random_batch(2, stage_columns, 1), emb = random_batch(3, stage_samples, 2);
    const batch<double> dout = random_batch(4, stage_columns, 3);
    struct gradients {
        batch<double> dx, demb;
        nn::unet_stage<double> d;
    };
    const auto run = [&](bool keep) {
        nn::arena<double> memory;
        nn::unet_stage<double>::activations first, second;
        gradients g{x, batch<double>::Constant(3, stage_samples, 0), nn::zeros_like(stage)};
        const nn::feature_map<double> middle =
            stage.forward(0, stage_map(g.dx, stage_height, stage_width), emb, first, memory, keep);
        const double* const next = memory.take(0);
        // Without `keep` there is the result alone.
        CHECK((next == middle.data + middle.size()) == !keep);
        static_cast<void>(stage.forward(1, middle, emb, second, memory, keep));
        const nn::feature_map<double> dmiddle =
            stage.backward(1, emb, second, stage_map(dout, stage_height, stage_width), g.demb, g.d, memory, keep);
        CHECK(dmiddle.data == middle.data);  // a gradient takes the place of what it is the gradient of
        CHECK(stage.backward(0, emb, first, dmiddle, g.demb, g.d, memory, keep).data == g.dx.data());
        return g;
    };
    gradients kept = run(true);
    const gradients again = run(false);
    CHECK((kept.dx == again.dx).all());
    CHECK((kept.demb == again.demb).all());
    const auto a = nn::parameters(std::as_const(kept.d)), b = nn::parameters(again.d);
    for (std::size_t p = 0; p < a.size(); ++p) {
        CHECK(std::ranges::equal(a[p].values, b[p].values));
    }
    const auto loss = [&] {
        nn::arena<double> memory;
        nn::unet_stage<double>::activations first, second;
        const auto middle = stage.forward(0, stage_map(x, stage_height, stage_width), emb, first, memory, false);
        return (stage.forward(1, middle, emb, second, memory, false).columns().array() * dout).sum();
    };
    CHECK(gradient_error(elements(x), elements(kept.dx), loss) < 1e-6);
    CHECK(gradient_error(elements(emb), elements(kept.demb), loss) < 1e-6);
    CHECK(whole_gradient_error(stage, kept.d, loss) < 1e-6);
}

TEST_CASE("a stage resamples by a convolution or by a residual block", "[nn]") {
    for (const bool by_conv : {true, false}) {
        nn::unet_stage<double> stage;
        if (by_conv) {
            stage.by_conv = {nn::conv2d<double>(4, 4, 3, 2), false};
        } else {
            stage.by_residual = stage_block(4, 4, nn::resampling::down);
        }
        disturb(stage, 0.3, 1);
        CHECK(stage.resamples());
        CHECK(stage.layers() == 0);
        batch<double> x = random_batch(4, stage_columns, 1), emb = random_batch(3, stage_samples, 2);
        batch<double> demb = batch<double>::Zero(3, stage_samples);
        const batch<double> dout = random_batch(4, stage_columns / 4, 3);
        nn::arena<double> memory;
        nn::unet_stage<double>::activations a;
        const auto loss = [&] {
            memory.clear();
            const auto out = stage.resample(stage_map(x, stage_height, stage_width), emb, a, memory);
            CHECK(out.height == 1);
            CHECK(out.width == 2);
            return (out.columns().array() * dout).sum();
        };
        static_cast<void>(loss());
        nn::arena<double> scratch;
        nn::unet_stage<double>::activations of_stage;
        nn::residual_block<double>::activations of_block;
        batch<double> alone(4, stage_columns / 4);
        if (by_conv) {
            alone = stage.by_conv->forward(stage_map(std::as_const(x), stage_height, stage_width), scratch)
                        .columns()
                        .array();
        } else {
            stage.by_residual->forward(stage_map(std::as_const(x), stage_height, stage_width), emb, of_block,
                                       stage_map(alone, 1, 2), scratch);
        }
        const auto resampled = stage.resample(stage_map(x, stage_height, stage_width), emb, of_stage, scratch);
        CHECK((resampled.columns().array() == alone).all());
        nn::unet_stage<double> d = nn::zeros_like(stage);
        const batch<double> x_before = x;
        static_cast<void>(stage.resample_backward(emb, a, stage_map(dout, 1, 2), demb, d, memory));
        batch<double> dx = x;
        x = x_before;
        CHECK(gradient_error(elements(x), elements(dx), loss) < 1e-6);
        CHECK(whole_gradient_error(stage, d, loss) < 1e-6);
        if (by_conv) {
            CHECK((demb == 0).all());  // which a convolution does not take
        } else {
            CHECK(gradient_error(elements(emb), elements(demb), loss) < 1e-6);
        }
    }
}

TEST_CASE("a stage refuses the gradient of another", "[nn]") {
    const nn::unet_stage<double> stage = two_layers();
    batch<double> x = random_batch(2, stage_columns, 1);
    const batch<double> emb = random_batch(3, stage_samples, 2);
    const batch<double> dout = random_batch(4, stage_columns, 3);
    batch<double> demb = batch<double>::Zero(3, stage_samples);
    nn::arena<double> memory;
    nn::unet_stage<double>::activations a;
    static_cast<void>(stage.forward(0, stage_map(x, stage_height, stage_width), emb, a, memory, true));
    const auto backward = [&](nn::unet_stage<double> d) {
        stage.backward(0, emb, a, stage_map(dout, stage_height, stage_width), demb, d, memory, true);
    };
    CHECK_NOTHROW(backward(stage));
    nn::unet_stage<double> other = stage;
    other.resnets.clear();
    CHECK_THROWS_AS(backward(other), shape_error);
    other = stage;
    other.attentions.clear();
    CHECK_THROWS_AS(backward(other), shape_error);

    nn::unet_stage<double> by_conv, by_residual;
    by_conv.by_conv = {nn::conv2d<double>(2, 2, 3, 2), false};
    by_residual.by_residual = stage_block(2, 2, nn::resampling::down);
    const batch<double> dhalf = random_batch(2, stage_columns / 4, 3);
    for (const nn::unet_stage<double>* one : {&by_conv, &by_residual}) {
        static_cast<void>(one->resample(stage_map(x, stage_height, stage_width), emb, a, memory));
        for (nn::unet_stage<double> d : {by_conv, by_residual, nn::unet_stage<double>()}) {
            const auto resample_backward = [&] {
                one->resample_backward(emb, a, stage_map(dhalf, 1, 2), demb, d, memory);
            };
            if (d.by_conv.has_value() == one->by_conv.has_value() &&
                d.by_residual.has_value() == one->by_residual.has_value()) {
                CHECK_NOTHROW(resample_backward());
            } else {
                CHECK_THROWS_AS(resample_backward(), shape_error);
            }
        }
    }
}

TEST_CASE("a stage's parameters have the names of diffusers", "[nn]") {
    nn::unet_stage<double> stage = two_layers();
    const auto has = [&](const std::string& name) {
        const auto all = nn::parameters(stage);
        return std::ranges::any_of(all, [&](const auto& p) { return p.name == name; });
    };
    CHECK(has("resnets.1.conv1.weight"));
    CHECK(has("attentions.0.to_q.weight"));
    CHECK_FALSE(has("attentions.1.to_q.weight"));
    CHECK_FALSE(has("downsamplers.0.conv.weight"));
    stage.by_conv = {nn::conv2d<double>(4, 4, 3, 2), false};
    CHECK(has("downsamplers.0.conv.weight"));
    stage.by_conv.reset();
    stage.by_residual = stage_block(4, 4, nn::resampling::up);
    stage.resampler = "upsamplers.0";
    CHECK(has("upsamplers.0.conv1.weight"));
}

}  // namespace ddpm::test
