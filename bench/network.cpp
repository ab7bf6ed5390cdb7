// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/add.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/nn/mlp.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include <memory>
#include <string>
#include <vector>

namespace {

using network = ddpm::nn::mlp<float>;

std::string size_of(const ddpm::nn::mlp_options& net, ddpm::index samples) {
    return std::to_string(net.dim) + "-" + std::to_string(net.hidden) + "x" + std::to_string(net.blocks) + "-batch" +
           std::to_string(samples);
}

ddpm::batch<float> normals(ddpm::index dimension, ddpm::index samples, ddpm::index step) {
    ddpm::batch<float> x(dimension, samples);
    ddpm::philox_noise(1, ddpm::noise_stream::training).normal<float>(x, step);
    return x;
}

/// The flops of a forward pass, to a few per cent: each weight is multiplied and added once for each sample.
double forward_flops(const ddpm::nn::mlp_options& net, ddpm::index samples) {
    return 2.0 * static_cast<double>(ddpm::nn::parameter_count(network(net)) * samples);
}

/// Denoising a batch, all samples at one time, as in a sampler's step.
void add_forward(const ddpm::nn::mlp_options& options, ddpm::index samples) {
    const ddpm::bench::work one_pass{.items = static_cast<double>(samples), .flops = forward_flops(options, samples)};
    ddpm::bench::add("mlp", "forward", size_of(options, samples), one_pass, [=] {
        const auto net = std::make_shared<const network>(options);
        return [net, session = net->session(samples), xt = normals(options.dim, samples, 0),
                t = std::vector<double>(static_cast<std::size_t>(samples), 500.0),
                out = ddpm::batch<float>(options.dim, samples)]() mutable {
            session(xt, t, ddpm::model_output<float>{out, {}});
        };
    });
}

/// Training steps, each with its batch, gradient, optimizer and average. One call makes a few, so that what `fit` sets
/// up counts little.
void add_training(const ddpm::nn::mlp_options& options, ddpm::index samples) {
    constexpr ddpm::index steps = 8;
    constexpr auto trained = static_cast<double>(steps);
    const ddpm::bench::work some_steps{.items = trained * static_cast<double>(samples),
                                       .flops = 3 * trained * forward_flops(options, samples)};
    ddpm::bench::add("mlp", "train", size_of(options, samples), some_steps, [=] {
        struct run {
            run(const ddpm::nn::mlp_options& o, ddpm::index batch)
                : net(o), trainer(net, schedule, {.batch = batch}), data(normals(o.dim, 2048, 0)) {}
            ddpm::noise_schedule<> schedule{ddpm::cosine_beta{}, 1000};
            network net;
            ddpm::trainer<network, ddpm::noise_schedule<>> trainer;
            ddpm::batch<float> data;
        };
        return [training = std::make_shared<run>(options, samples)] {
            benchmark::DoNotOptimize(training->trainer.fit(training->data, {.steps = steps}).loss);
        };
    });
}

const ddpm::bench::group network_benchmarks{[] {
    for (const ddpm::index samples : {1, 128, 1024}) {
        add_forward({.dim = 64, .hidden = 256, .blocks = 3}, samples);
    }
    for (const ddpm::index samples : {128, 1024}) {
        add_training({.dim = 64, .hidden = 256, .blocks = 3}, samples);
    }
}};

}  // namespace
