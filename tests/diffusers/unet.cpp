// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// The U-Net against diffusers' UNet2DModel: outputs and gradients of unet_golden.json (unet_golden.py computed them),
// and the slices of diffusers' own pipeline tests, which follow from seed 0 alone.

#include <ddpm/diffusers/unet_config.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/torch_initialize.hpp>
#include <ddpm/nn/torch_order.hpp>
#include <ddpm/random/torch_noise.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace ddpm::test {

namespace {

/// As in unet_golden.py.
double hash_at(isize place, std::uint32_t stream) {
    std::uint32_t h = static_cast<std::uint32_t>(place) * 2654435761u + stream * 2246822519u + 12345u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    return h * 0x1p-32 - 0.5;
}

/// The number of each parameter in the order of their names.
template <Scalar S>
std::map<std::string, std::uint32_t> streams_of(const nn::unet<S>& net) {
    std::map<std::string, std::uint32_t> streams;
    for (const auto& p : nn::parameters(net)) {
        streams[p.name] = 0;
    }
    std::uint32_t next = 0;
    for (auto& [name, stream] : streams) {
        stream = next++;
    }
    return streams;
}

template <Scalar S>
void fill(nn::unet<S>& net) {
    const auto streams = streams_of(net);
    for (const auto& p : nn::parameters(net)) {
        const std::uint32_t stream = streams.at(p.name);
        const bool vector = p.shape.dimensions() == 1;
        const bool norm = vector && p.name.find("norm") != std::string::npos && p.name.ends_with("weight");
        const double scale =
            vector ? 0.4 : 3 / std::sqrt(static_cast<double>(p.shape.size()) / static_cast<double>(p.shape[0]));
        nn::for_each_place(p.shape, p.order, [&](isize torch, isize memory) {
            p.values[static_cast<std::size_t>(memory)] =
                static_cast<S>(hash_at(torch, stream) * scale + (norm ? 1.0 : 0.0));
        });
    }
}

/// A batch in the library's order from a function of the place in torch's (sample, channel, row, column).
template <Scalar S, class F>
batch<S> from_torch(isize samples, isize channels, isize pixels, F&& f) {
    batch<S> x(channels * pixels, samples);
    for (isize n = 0; n < samples; ++n) {
        for (isize c = 0; c < channels; ++c) {
            for (isize p = 0; p < pixels; ++p) {
                x(p * channels + c, n) = static_cast<S>(f((n * channels + c) * pixels + p));
            }
        }
    }
    return x;
}

template <Scalar S>
double relative_error(const batch<S>& got, const batch<S>& expected) {
    return static_cast<double>((got - expected).abs().maxCoeff() / expected.abs().maxCoeff());
}

template <class T>
std::vector<std::remove_const_t<T>> in_torch_order(const nn::parameter<T>& p) {
    std::vector<std::remove_const_t<T>> numbers(p.values.size());
    nn::to_torch_order(p, std::span(numbers));
    return numbers;
}

struct bounds {
    double output, gradient;
};

template <Scalar S>
void check(const nlohmann::json& golden, const bounds& most, bool recompute) {
    nn::unet_options options = diffusers::parse_unet_config(golden["config"].dump(), "unet_golden.json").options;
    options.map_channels = 0;  // all channels are the sample's: what goes in, and its gradient, is compared as a whole
    nn::unet<S> net(options);
    fill(net);
    const auto times = golden["t"].template get<std::vector<double>>();
    const auto y = golden["y"].template get<std::vector<double>>(),
               dx = golden["dx"].template get<std::vector<double>>();
    const isize samples = std::ssize(times), pixels = options.height * options.width;
    const auto read = [](const std::vector<double>& list) {
        return [&list](isize i) { return list[static_cast<std::size_t>(i)]; };
    };
    const batch<S> x =
        from_torch<S>(samples, options.in_channels, pixels, [](isize i) { return 3 * hash_at(i, 1000); });
    const batch<S> dout =
        from_torch<S>(samples, options.out_channels, pixels, [](isize i) { return hash_at(i, 1001); });
    batch<S> vectors(4 * options.channels.front(), samples);
    for (isize i = 0; i < vectors.size(); ++i) {
        vectors.data()[i] = static_cast<S>(2 * hash_at(i, 1002));
    }
    const std::vector<isize> labels{3, 1};
    condition<S> given;
    if (options.classes == nn::unet_classes::identity) {
        given.vectors = vectors;
    } else if (options.classes != nn::unet_classes::none) {
        given.labels = labels;
    }

    batch<S> out(dout.rows(), samples), din(x.rows(), samples);
    auto workspace = net.make_workspace(samples, recompute ? pass::recompute : pass::backward);
    auto d = nn::zeros_like(net);
    net.forward({x, times, given}, out, workspace);
    net.backward({x, times, given}, dout, workspace, d, batch_view<S>(din));
    CHECK(relative_error(out, from_torch<S>(samples, options.out_channels, pixels, read(y))) <= most.output);
    CHECK(relative_error(din, from_torch<S>(samples, options.in_channels, pixels, read(dx))) <= most.gradient);

    const auto streams = streams_of(net);
    REQUIRE(streams.size() == golden["gradients"].size());
    double norm = 0;
    for (const auto& [name, sums] : golden["gradients"].items()) {
        norm += sums[0].template get<double>();
    }
    for (const auto& p : nn::parameters(d)) {
        REQUIRE(golden["gradients"].contains(p.name));
        double squares = 0, product = 0;
        for (isize torch = 0; const S value : in_torch_order(p)) {
            squares += static_cast<double>(value) * static_cast<double>(value);
            product += static_cast<double>(value) * hash_at(torch++, 2000 + streams.at(p.name));
        }
        const auto expected = golden["gradients"][p.name].template get<std::array<double, 2>>();
        // Relative to the parameter's own gradient; where that is next to nothing, to a thousandth of the whole.
        const double scale = std::sqrt(expected[0]) + 1e-3 * std::sqrt(norm);
        INFO(p.name);
        CHECK(std::abs(std::sqrt(squares) - std::sqrt(expected[0])) <= most.gradient * scale);
        CHECK(std::abs(product - expected[1]) <= most.gradient * scale);
    }
}

/// The start that torch's seed 0 gives, where the file has it.
void check_start(const nlohmann::json& golden) {
    if (!golden.contains("start")) {
        return;
    }
    nn::unet<float> net(diffusers::parse_unet_config(golden["config"].dump(), "unet_golden.json").options);
    nn::torch_initializer start{torch_generator(0)};
    net.start(start);
    const auto streams = streams_of(net);
    const auto expected = golden["start"].get<std::vector<double>>();
    REQUIRE(streams.size() == expected.size());
    for (const auto& p : nn::parameters(net)) {
        double product = 0;
        for (isize torch = 0; const float value : in_torch_order(p)) {
            product += static_cast<double>(value) * hash_at(torch++, streams.at(p.name));
        }
        INFO(p.name);
        CHECK(std::abs(product - expected[streams.at(p.name)]) <= 1e-6);
    }
}

/// diffusers' pipeline after torch.manual_seed(0): the network of its tests, two steps from noise of seed 0.
template <class Sampler>
std::vector<float> pipeline_slice(const Sampler& sampler) {
    using level = nn::unet_level;
    nn::unet<float> net({.height = 8,
                         .width = 8,
                         .down = {level::plain, level::attention},
                         .up = {level::attention, level::plain},
                         .channels = {4, 8},
                         .layers = 1,
                         .groups = 4});
    REQUIRE(nn::parameters(net).size() == 144);
    REQUIRE(nn::parameter_count(net) == 11767);
    nn::torch_initializer start{torch_generator(0)};
    net.start(start);
    const noise_schedule<float32_tables> schedule{linear_beta{}, 1000};
    torch_noise noise(0, net.shape());
    batch<float> x(192, 1);
    noise.normal<float>(x);
    const std::vector<isize> timesteps{500, 0};
    x = denoise_from<float>(make_plan(sampler, schedule, timesteps), net, std::move(x), noise, {.clip_x0 = 1.0});
    std::vector<float> slice;  // image[0, -3:, -3:, -1]
    for (isize h = 5; h < 8; ++h) {
        for (isize w = 5; w < 8; ++w) {
            slice.push_back(std::clamp(x((h * 8 + w) * 3 + 2, 0) / 2 + 0.5f, 0.0f, 1.0f));
        }
    }
    return slice;
}

template <std::size_t N>
void check_slice(const std::vector<float>& got, const std::array<double, N>& expected, double tolerance) {
    REQUIRE(got.size() == N);
    for (std::size_t i = 0; i < N; ++i) {
        CHECK(std::abs(static_cast<double>(got[i]) - expected[i]) <= tolerance);
    }
}

}  // namespace

TEST_CASE("outputs and gradients of the U-Net are those of diffusers", "[diffusers]") {
    std::ifstream file(DDPM_SOURCE_FOLDER "/tests/diffusers/unet_golden.json");
    REQUIRE(file);
    isize configurations = 0;
    for (std::string line; std::getline(file, line); ++configurations) {
        const nlohmann::json golden = nlohmann::json::parse(line);
        INFO("configuration " << configurations);
        check<double>(golden, {1e-8, 1e-7}, false);  // the embedded times, in float, are sines of another library
        check<float>(golden, {2e-5, 1e-4}, configurations % 2 == 0);
        check_start(golden);
    }
    CHECK(configurations == 15);
}

TEST_CASE("the pipelines of diffusers' own tests end in the same images", "[diffusers]") {
    // diffusers tests/pipelines/{ddpm/test_ddpm.py, ddim/test_ddim.py}
    check_slice(pipeline_slice(ancestral{}),
                std::array{0.0, 0.9996672, 0.00329116, 1.0, 0.9995991, 1.0, 0.0060907, 0.00115037, 0.0}, 1e-5);
    check_slice(pipeline_slice(ddim{}), std::array{0.0, 0.9979, 0.0, 0.9999, 0.9986, 0.9991, 7.106e-4, 0.0, 0.0}, 1e-4);
}

TEST_CASE("the U-Nets of the DDPM paper have as many parameters as diffusers counts", "[diffusers]") {
    using level = nn::unet_level;
    const nn::unet_options cifar{.freq_shift = 1,
                                 .order = nn::embedding_order::sin_cos,
                                 .down = {level::plain, level::attention, level::plain, level::plain},
                                 .up = {level::plain, level::plain, level::attention, level::plain},
                                 .channels = {128, 256, 256, 256},
                                 .downsample_padding = nn::conv_padding::after,
                                 .head_dim = 0,
                                 .norm_eps = 1e-6};
    const nn::unet<float> small(cifar);
    CHECK(nn::parameter_count(small) == 35746307);
    CHECK(nn::parameters(small).size() == 328);
    nn::unet_options large = cifar;
    large.height = large.width = 256;
    large.channels = {128, 128, 256, 256, 512, 512};
    large.down = {level::plain, level::plain, level::plain, level::plain, level::attention, level::plain};
    large.up = {level::plain, level::attention, level::plain, level::plain, level::plain, level::plain};
    CHECK(nn::parameter_count(nn::unet<float>(large)) == 113673219);
}

}  // namespace ddpm::test
