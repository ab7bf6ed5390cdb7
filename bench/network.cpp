// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/nn/bfloat16_products.hpp>
#include <ddpm/nn/inference/packed_unet.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/network_session.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using ddpm::isize;
using network = ddpm::nn::mlp<float>;

/// The network of the example that draws digits: half a million parameters.
constexpr ddpm::nn::mlp_options digits{.dim = 64, .hidden = 256, .blocks = 3};

std::string size_of(const std::string& net, isize samples) { return net + "-batch" + std::to_string(samples); }

std::string threads_suffix(isize threads) {
    std::string suffix;
    if (threads != 1) {
        suffix.append("_").append(std::to_string(threads)).append("_threads");
    }
    return suffix;
}

ddpm::batch<float> normals(isize dimension, isize samples) {
    ddpm::batch<float> x(dimension, samples);
    ddpm::philox_noise(1, ddpm::noise_stream::training).normal<float>(x, 0);
    return x;
}

/// The flops of a forward pass, to a few per cent: each weight is multiplied and added once for each sample.
double forward_flops(isize parameters, isize samples) { return 2.0 * static_cast<double>(parameters * samples); }

/// Dense layers with silu between them, as small policies of robots are: 34-128-128-128-2.
struct plain_mlp {
    explicit plain_mlp(isize samples) {
        const isize sizes[] = {34, 128, 128, 128, 2};
        ddpm::nn::initializer start(1);
        for (std::size_t i = 0; i < 4; ++i) {
            layers.emplace_back(sizes[i], sizes[i + 1]);
            start.layer(layers.back());
            values.emplace_back(ddpm::nn::tensor_shape{samples, sizes[i + 1]});
        }
    }

    void forward(ddpm::batch_view<const float> x) {
        for (std::size_t i = 0; i < layers.size(); ++i) {
            const ddpm::batch_view<float> y = values[i].columns(x.columns());
            layers[i].forward(x, y);
            if (i + 1 < layers.size()) {
                ddpm::nn::activate<ddpm::nn::activation::silu, float>(y, y);
            }
            x = y;
        }
    }

    std::vector<ddpm::nn::dense<float>> layers;
    std::vector<ddpm::nn::tensor<float>> values;
};

void add_plain_forward(isize samples) {
    constexpr isize weights = 34 * 128 + 2 * 128 * 128 + 128 * 2;
    const ddpm::bench::work one_pass{.items = static_cast<double>(samples), .flops = forward_flops(weights, samples)};
    ddpm::bench::add("mlp", "plain_forward", size_of("34-128-128-128-2", samples), one_pass, [=] {
        return [net = plain_mlp(samples), x = normals(34, samples)]() mutable { net.forward(x); };
    });
}

/// Denoising a batch, all samples at one time, as in a sampler's step.
void add_forward(isize samples) {
    const ddpm::bench::work one_pass{.items = static_cast<double>(samples),
                                     .flops = forward_flops(ddpm::nn::parameter_count(network(digits)), samples)};
    ddpm::bench::add("mlp", "forward", size_of("64-256x3", samples), one_pass, [=] {
        const auto net = std::make_shared<const network>(digits);
        return [net, session = ddpm::network_session(*net, samples), xt = normals(digits.dim, samples),
                t = std::vector<double>(static_cast<std::size_t>(samples), 500.0),
                out = ddpm::batch<float>(digits.dim, samples)]() mutable {
            session(xt, t, ddpm::model_output<float>{out, {}});
        };
    });
}

/// A network in training, with its data.
template <class Net>
struct training_run {
    training_run(Net of, isize batch, isize images, const ddpm::nn::float_products* products = nullptr)
        : net(std::move(of)),
          trainer(net, schedule, {.batch = batch, .products = products}),
          data(normals(net.shape().size(), images)) {}

    void operator()(isize steps) { benchmark::DoNotOptimize(trainer.fit(data, {.steps = steps}).loss); }

    ddpm::noise_schedule<> schedule{ddpm::cosine_beta{}, 1000};
    Net net;
    ddpm::trainer<Net, ddpm::noise_schedule<>> trainer;
    ddpm::batch<float> data;
};

/// Training steps, each with its batch, gradient, optimizer and average. One call makes a few, so that what `fit` sets
/// up counts little.
void add_training(isize samples, isize threads) {
    constexpr isize steps = 8;
    const double trained = static_cast<double>(steps * samples);
    const ddpm::bench::work some_steps{
        .items = trained, .flops = 3 * steps * forward_flops(ddpm::nn::parameter_count(network(digits)), samples)};
    ddpm::bench::add("mlp", "train" + threads_suffix(threads), size_of("64-256x3", samples), some_steps,
                     [=] {
                         const auto training = std::make_shared<training_run<network>>(network(digits), samples, 1797);
                         return [=] { (*training)(steps); };
                     },
                     {.threads = threads});
}

/// The U-Net of DDPM on CIFAR-10, with 35.7 million parameters, and a small one for images of 28 × 28 as the example
/// mnist trains.
ddpm::nn::unet_options unet_of(const std::string& name) {
    using level = ddpm::nn::unet_level;
    if (name == "cifar10-32") {
        return {.freq_shift = 1,
                .order = ddpm::nn::embedding_order::sin_cos,
                .down = {level::plain, level::attention, level::plain, level::plain},
                .up = {level::plain, level::plain, level::attention, level::plain},
                .channels = {128, 256, 256, 256},
                .downsample_padding = ddpm::nn::conv_padding::after,
                .head_dim = 0,
                .norm_eps = 1e-6};
    }
    return {.height = 28,
            .width = 28,
            .in_channels = 1,
            .out_channels = 1,
            .down = {level::plain, level::attention, level::plain},
            .up = {level::plain, level::attention, level::plain},
            .channels = {32, 64, 64},
            .layers = 1,
            .head_dim = 0,
            .groups = 8};
}

/// One forward pass of Net, made from a unet.
template <class Net>
struct unet_pass {
    unet_pass(const std::string& name, isize samples)
        : net(ddpm::nn::unet<float>(unet_of(name))),
          session(net, samples),
          xt(normals(net.shape().size(), samples)),
          out(net.shape().size(), samples),
          t(static_cast<std::size_t>(samples), 500.0) {}

    void operator()() { session(xt, t, ddpm::model_output<float>{out, {}}); }

    Net net;
    ddpm::network_session<Net> session;
    ddpm::batch<float> xt, out;
    std::vector<double> t;
};

/// The operations of a forward pass of one sample, convolutions computed directly.
double unet_flops(const std::string& name) { return name == "cifar10-32" ? 12.1e9 : 0.37e9; }

template <class Net>
void add_unet(const std::string& operation, const std::string& name, isize samples, isize threads) {
    const double flops = unet_flops(name);
    const ddpm::bench::work one_pass{.items = static_cast<double>(samples),
                                     .flops = flops * static_cast<double>(samples)};
    ddpm::bench::add("unet", operation + threads_suffix(threads), size_of(name, samples), one_pass,
                     [=] { return [pass = std::make_shared<unet_pass<Net>>(name, samples)] { (*pass)(); }; },
                     {.threads = threads});
}

void add_unet_training(const std::string& operation, const std::string& name, isize samples, isize threads,
                       const ddpm::nn::float_products* products) {
    constexpr isize steps = 4;
    const double trained = static_cast<double>(steps * samples);
    const ddpm::bench::work some_steps{.items = trained, .flops = 3 * unet_flops(name) * trained};
    ddpm::bench::add("unet", operation + threads_suffix(threads), size_of(name, samples), some_steps,
                     [=] {
                         using unet = ddpm::nn::unet<float>;
                         const auto training =
                             std::make_shared<training_run<unet>>(unet(unet_of(name)), samples, 256, products);
                         return [=] { (*training)(steps); };
                     },
                     {.threads = threads});
}

const ddpm::bench::group network_benchmarks{[] {
    for (const isize samples : {1, 1024}) {
        add_plain_forward(samples);
    }
    for (const isize samples : {1, 128, 1024}) {
        add_forward(samples);
    }
    for (const isize threads : {1, 2}) {
        add_training(128, threads);
    }
}};

const ddpm::bench::group unet_benchmarks{[] {
    for (const isize threads : {1, 2}) {
        for (const auto& [name, samples] : std::initializer_list<std::pair<std::string, isize>>{
                 {"cifar10-32", 1}, {"cifar10-32", 4}, {"cifar10-32", 16}, {"digits-28", 1}, {"digits-28", 16}}) {
            add_unet<ddpm::nn::unet<float>>("forward", name, samples, threads);
            add_unet<ddpm::nn::packed_unet<float>>("packed_forward", name, samples, threads);
            add_unet<ddpm::nn::packed_unet<ddpm::bfloat16>>("packed_forward_bf16", name, samples, threads);
        }
        for (const auto& [name, samples] : std::initializer_list<std::pair<std::string, isize>>{
                 {"cifar10-32", 4}, {"cifar10-32", 16}, {"digits-28", 16}, {"digits-28", 128}}) {
            add_unet_training("train", name, samples, threads, nullptr);
            add_unet_training("train_bf16", name, samples, threads, &ddpm::nn::bfloat16_products);
        }
    }
}};

}  // namespace
