// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/inference/layer_profile.hpp>
#include <ddpm/nn/inference/packed_unet.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/network_session.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

using level = nn::unet_level;

static_assert(ForwardNetwork<nn::packed_unet<float>> && ForwardNetwork<nn::packed_unet<bfloat16>>);
static_assert(!Network<nn::packed_unet<float>>);
static_assert(PredictorLike<nn::packed_unet<bfloat16>, float>);

/// A network with convolutions by Winograd's algorithm for both sizes of tiles.
nn::unet_options winograd_unet() {
    return {.height = 20,
            .width = 16,
            .down = {level::plain, level::plain, level::plain},
            .up = {level::plain, level::plain, level::plain},
            .channels = {32, 64, 32},
            .layers = 1,
            .head_dim = 8,
            .groups = 4,
            .seed = 6};
}

/// Networks that together have every kind of layer.
std::vector<nn::unet_options> unet_kinds() {
    nn::unet_options base{.height = 8,
                          .width = 12,
                          .in_channels = 3,
                          .out_channels = 3,
                          .down = {level::plain, level::attention},
                          .up = {level::attention, level::plain},
                          .channels = {16, 40},
                          .layers = 1,
                          .head_dim = 8,
                          .groups = 4,
                          .seed = 5};
    std::vector<nn::unet_options> all{base};
    nn::unet_options o = base;
    o.scale_shift = true;
    o.downsample = o.upsample = nn::unet_resampling::residual;
    o.down = o.up = {level::attention, level::attention};
    o.middle_scale = 1.5;
    o.center_input = true;
    o.out_channels = 6;
    all.push_back(o);
    o = base;
    o.down = {level::residual, level::plain};
    o.up = {level::plain, level::residual};
    o.act = nn::activation::gelu;
    o.channels = {32, 32};
    o.head_dim = 0;
    all.push_back(o);
    o = base;
    o.middle = false;
    o.time = nn::unet_time::fourier;
    o.classes = nn::unet_classes::table;
    o.class_count = 4;
    o.downsample_padding = nn::conv_padding::after;
    o.channels = {4, 8};
    o.head_dim = 4;
    o.in_channels = 5;
    o.map_channels = 2;
    all.push_back(o);
    o = base;
    o.channels = {24};
    o.down = o.up = {level::plain};
    o.layers = 2;
    o.head_dim = 24;
    o.groups = 3;
    o.middle_scale = 2;
    all.push_back(o);
    all.push_back(winograd_unet());
    return all;
}

nn::unet<float> disturbed_unet(const nn::unet_options& options) {
    nn::unet<float> net(options);
    disturb(net, 0.05, 1);
    return net;
}

/// An input of some samples, with its memory.
struct unet_data {
    unet_data(const nn::unet<float>& net, isize samples)
        : x(random_batch<float>(net.shape().size(), samples, 2)),
          maps(random_batch<float>(net.takes().map_channels * net.options().height * net.options().width, samples, 3)),
          out(net.shape().size() * (net.has_variance_head() ? 2 : 1), samples) {
        for (isize n = 0; n < samples; ++n) {
            t.push_back(10.0 + 70.0 * static_cast<double>(n));
            labels.push_back(n % 4);
        }
        if (net.takes().classes > 0) {
            given.labels = labels;
        }
        if (net.takes().map_channels > 0) {
            given.maps = maps;
        }
    }
    unet_data(const unet_data&) = delete;

    [[nodiscard]] network_input<float> samples(isize first, isize count) const {
        return network_input<float>{x, t, given}.middle(first, count);
    }

    batch<float> x, maps, out;
    std::vector<double> t;
    std::vector<isize> labels;
    condition<float> given;
};

template <class Net>
batch<float> output(const Net& net, const unet_data& data, isize first, isize count) {
    batch<float> out(data.out.rows(), count);
    auto w = net.make_workspace(count, pass::forward);
    net.forward(data.samples(first, count), batch_view<float>(out), w);
    return out;
}

double relative_error(const batch<float>& x, const batch<float>& expected) {
    return static_cast<double>(std::sqrt((x - expected).square().mean() / expected.square().mean()));
}

}  // namespace

TEST_CASE("a packed U-Net predicts what the U-Net does, on every target", "[nn]") {
    std::size_t kind = 0;
    for (const nn::unet_options& options : unet_kinds()) {
        CAPTURE(kind++);
        const nn::unet<float> net = disturbed_unet(options);
        const unet_data data(net, 3);
        const batch<float> expected = output(net, data, 0, 3);
        const nn::packed_unet<float> packed(net);
        const nn::packed_unet<bfloat16> narrow(net);
        for (const instruction_set set : all_instruction_sets) {
            if (is_supported(set)) {
                CAPTURE(name_of(set));
                const ddpm::detail::scoped_simd_target on(set);
                CHECK(relative_error(output(packed, data, 0, 3), expected) < 1e-5);
                // The unit in the last place of bfloat16 is 2^−8.
                const double error = relative_error(output(narrow, data, 0, 3), expected);
                CHECK(error < 0.03);
                CHECK(error > 1e-4);
            }
        }
    }
}

TEMPLATE_TEST_CASE("a sample through a packed U-Net has the same bits in any batch, with any threads", "[nn]", float,
                   bfloat16) {
    const isize before = thread_count();
    for (const nn::unet_options& options : unet_kinds()) {
        const nn::unet<float> net = disturbed_unet(options);
        const nn::packed_unet<TestType> packed(net);
        const unet_data data(net, 5);
        for (const instruction_set set : all_instruction_sets) {
            if (!is_supported(set)) {
                continue;
            }
            const ddpm::detail::scoped_simd_target on(set);
            set_thread_count(1);
            const batch<float> all = output(packed, data, 0, 5);
            for (const isize threads : {1, 2, 5}) {
                set_thread_count(threads);
                CHECK((output(packed, data, 0, 5) == all).all());
                CHECK((output(packed, data, 1, 3) == all.middleCols(1, 3)).all());
                CHECK((output(packed, data, 4, 1) == all.rightCols(1)).all());
            }
        }
    }
    set_thread_count(before);
}

TEMPLATE_TEST_CASE("a packed U-Net's memory is planned before it runs, and then nothing is allocated", "[nn]", float,
                   bfloat16) {
    const isize threads = thread_count();
    set_thread_count(1);  // so that it is known which threads have scratch memory already
    std::size_t kind = 0;
    for (const nn::unet_options& options : unet_kinds()) {
        CAPTURE(kind++);
        const nn::unet<float> net = disturbed_unet(options);
        const nn::packed_unet<TestType> packed(net);
        const unet_data data(net, 4);
        batch<float> out(data.out.rows(), 4);
        static_cast<void>(output(packed, data, 0, 4));  // the threads' scratch memory
        const std::ptrdiff_t live = live_bytes;
        auto w = packed.make_workspace(4, pass::forward);
        const auto bytes = static_cast<double>(w.bytes());
        packed.forward(data.samples(0, 4), batch_view<float>(out), w);
        CHECK(static_cast<double>(w.bytes()) == bytes);
        const auto allocated = static_cast<double>(live_bytes - live);
        if (allocations_are_counted) {
            CHECK(allocated >= bytes);
            CHECK(allocated <= 1.02 * bytes + 2000);  // lists of maps and blocks too
        }
        const batch<float> first = out;
        const std::size_t before = allocations;
        packed.forward(data.samples(0, 4), batch_view<float>(out), w);
        CHECK((out == first).all());
        packed.forward(data.samples(2, 1), batch_view<float>(out).middle(2, 1), w);
        packed.forward(data.samples(0, 4), batch_view<float>(out), w);
        CHECK(allocations == before);
        CHECK((out == first).all());
        CHECK(static_cast<double>(packed.make_workspace(1, pass::forward).bytes()) < bytes);
    }
    set_thread_count(threads);
}

TEST_CASE("a packed U-Net convolves by Winograd's algorithm where maps are large enough, unless told not to", "[nn]") {
    const nn::unet<float> net = disturbed_unet(winograd_unet());
    const unet_data data(net, 2);
    const batch<float> expected = output(net, data, 0, 2);
    const auto algorithms = [&](const nn::packed_unet<float>& packed) {
        auto w = packed.make_workspace(2, pass::forward);
        nn::layer_profile profile;
        w.profile = &profile;
        batch<float> out(data.out.rows(), 2);
        packed.forward(data.samples(0, 2), batch_view<float>(out), w);
        std::map<std::string, std::string> found;
        for (const nn::layer_time& layer : profile.layers()) {
            found[layer.name] = layer.algorithm;
        }
        return found;
    };
    const nn::packed_unet<float> fast(net);
    auto found = algorithms(fast);
    CHECK(found["conv_in"] == "gathered patches");
    CHECK(found["down_blocks.0.resnets.0.conv1"] == "Winograd F(4x4, 3x3)");
    CHECK(found["down_blocks.0.downsamplers.0.conv"] == "rows by tap");
    CHECK(found["down_blocks.1.resnets.0.conv2"] == "Winograd F(2x2, 3x3)");
    CHECK(found["mid_block.resnets.0.conv1"] == "shifted rows");
    CHECK(found["up_blocks.0.upsamplers.0.conv"] == "four phases");
    CHECK(found["up_blocks.1.upsamplers.0.conv"] == "Winograd F(4x4, 3x3)");
    CHECK(relative_error(output(fast, data, 0, 2), expected) < 1e-5);

    nn::unet_options options = winograd_unet();
    options.winograd = false;
    const nn::unet<float> direct_net = disturbed_unet(options);
    const nn::packed_unet<float> direct(direct_net);
    found = algorithms(direct);
    CHECK(found["down_blocks.0.resnets.0.conv1"] == "shifted rows");
    CHECK(found["up_blocks.1.upsamplers.0.conv"] == "four phases");
    CHECK(relative_error(output(direct, data, 0, 2), output(direct_net, data, 0, 2)) < 2e-6);
    CHECK(relative_error(output(direct_net, data, 0, 2), expected) < 1e-5);
    CHECK(static_cast<double>(fast.packed_bytes()) < 1.2 * static_cast<double>(direct.packed_bytes()));
}

TEST_CASE("bfloat16 halves the bytes of a packed U-Net's weights", "[nn]") {
    nn::unet_options options = unet_kinds()[0];
    options.channels = {64, 64};
    const nn::unet<float> net = disturbed_unet(options);
    const auto half = static_cast<double>(nn::packed_unet<bfloat16>(net).packed_bytes());
    const auto whole = static_cast<double>(nn::packed_unet<float>(net).packed_bytes());
    CHECK(half < 0.53 * whole);
}

TEST_CASE("a packed U-Net samples by the default session, conditions and variance head too", "[nn]") {
    for (const nn::unet_options& options : unet_kinds()) {
        const nn::unet<float> net = disturbed_unet(options);
        const nn::packed_unet<float> packed(net);
        const unet_data data(net, 3);
        network_session one(net, 3);
        network_session other(packed, 3);
        one.set_condition(data.given);
        other.set_condition(data.given);
        const isize rows = net.shape().size();
        batch<float> expected(rows, 3), expected_head(rows, 3), out(rows, 3), head(rows, 3);
        expected_head = head = 0;
        one(batch_view<const float>(data.x), data.t, model_output<float>{expected, expected_head});
        other(batch_view<const float>(data.x), data.t, model_output<float>{out, head});
        CHECK(relative_error(out, expected) < 1e-5);
        if (net.has_variance_head()) {
            CHECK(relative_error(head, expected_head) < 1e-5);
        }
    }
}

TEST_CASE("a packed U-Net goes on after an input that it refused", "[nn]") {
    nn::unet_options options = unet_kinds()[0];
    options.time = nn::unet_time::learned;
    options.train_timesteps = 50;
    const nn::unet<float> net = disturbed_unet(options);
    const nn::packed_unet<float> packed(net);
    unet_data data(net, 2);
    data.t = {3, 40};
    const batch<float> expected = output(packed, data, 0, 2);
    auto w = packed.make_workspace(2, pass::forward);
    batch<float> out(data.out.rows(), 2);
    const std::vector<double> late{3, 50};
    for (int i = 0; i < 3; ++i) {
        CHECK_THROWS_AS(packed.forward({data.x, late}, batch_view<float>(out), w), value_error);
    }
    packed.forward(data.samples(0, 2), batch_view<float>(out), w);
    CHECK((out == expected).all());
}

TEST_CASE("a packed U-Net refuses batches that do not fit", "[nn]") {
    const nn::unet<float> net = disturbed_unet(unet_kinds()[0]);
    const nn::packed_unet<float> packed(net);
    unet_data data(net, 2);
    auto w = packed.make_workspace(2, pass::forward);
    batch<float> small(data.out.rows() - 1, 2), few(data.out.rows(), 1), long_columns(data.out.rows() + 1, 2);
    CHECK_THROWS_AS(packed.forward(data.samples(0, 2), batch_view<float>(small), w), shape_error);
    CHECK_THROWS_AS(packed.forward(data.samples(0, 2), batch_view<float>(few), w), shape_error);
    const batch_view<float> gaps(long_columns.data(), data.out.rows(), 2, data.out.rows() + 1);
    CHECK_THROWS_AS(packed.forward(data.samples(0, 2), gaps, w), shape_error);
    batch<float> none(data.out.rows(), 0);
    packed.forward(data.samples(0, 0), batch_view<float>(none), w);
}

}  // namespace ddpm::test
