// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// A U-Net whose convolutions are computed by Winograd's algorithm, in training and trained.

#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/inference/packed_unet.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/digit_unet.hpp"
#include "support/gradient_check.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <vector>

namespace ddpm::test {

namespace {

double largest(const batch<double>& x) { return x.abs().maxCoeff(); }

/// The prediction and the gradient of the loss Σ out², in double.
template <Scalar S, class Net>
std::vector<batch<double>> outcome(const Net& net, const batch<float>& x, const std::vector<double>& t) {
    const batch<S> in = x.cast<S>();
    batch<S> out(x.rows(), x.cols());
    if constexpr (Network<Net>) {
        auto w = net.make_workspace(x.cols(), pass::backward);
        net.forward({in, t}, batch_view<S>(out), w);
        Net d = nn::zeros_like(net);
        batch<S> dx(x.rows(), x.cols());
        const batch<S> dout = 2 * out;
        net.backward({in, t}, dout, w, d, batch_view<S>(dx));
        std::vector<batch<double>> all{out.template cast<double>(), dx.template cast<double>()};
        for (const auto& p : nn::parameters(d)) {
            all.push_back(Eigen::Map<const batch<S>>(p.values.data(), static_cast<Eigen::Index>(p.values.size()), 1)
                              .template cast<double>());
        }
        return all;
    } else {
        auto w = net.make_workspace(x.cols(), pass::forward);
        net.forward({in, t}, batch_view<S>(out), w);
        return {out.template cast<double>()};
    }
}

}  // namespace

TEST_CASE("a trained U-Net and its gradients by Winograd's algorithm are near those in double", "[train][slow]") {
    const batch<float> data = digits();
    nn::unet<float> net(digit_options());
    const noise_schedule schedule{cosine_beta{}, 1000};
    trainer training{net, schedule, {.batch = 32, .learning_rate = 1e-3}};
    REQUIRE(training.fit(data, {.steps = 60}).loss < 0.5);

    nn::unet<double> exact(digit_options());
    nn::unet_options direct_options = digit_options();
    direct_options.winograd = false;
    nn::unet<float> direct(direct_options);
    const auto from = nn::parameters(net);
    for (std::size_t i = 0; i < from.size(); ++i) {
        std::copy(from[i].values.begin(), from[i].values.end(), nn::parameters(exact)[i].values.begin());
        std::copy(from[i].values.begin(), from[i].values.end(), nn::parameters(direct)[i].values.begin());
    }
    const batch<float> x = data.leftCols(8);
    const std::vector<double> t{1, 50, 150, 300, 500, 700, 850, 999};
    const auto expected = outcome<double>(exact, x, t);
    const auto found = outcome<float>(net, x, t), plain = outcome<float>(direct, x, t);
    const auto error = [&](const batch<double>& got, std::size_t i) {
        return largest(got - expected[i]) / largest(expected[i]);
    };
    // Of the parameters' gradients relative to the largest of all, since some are zero.
    double gradient = 0, worst = error(found[1], 1), worst_direct = error(plain[1], 1);
    for (std::size_t i = 2; i < expected.size(); ++i) {
        gradient = std::max(gradient, largest(expected[i]));
    }
    for (std::size_t i = 2; i < expected.size(); ++i) {
        worst = std::max(worst, largest(found[i] - expected[i]) / gradient);
        worst_direct = std::max(worst_direct, largest(plain[i] - expected[i]) / gradient);
    }
    const double packed = error(outcome<float>(nn::packed_unet<float>(net), x, t)[0], 0);
    std::cout << "error of the prediction " << error(found[0], 0) << " (directly " << error(plain[0], 0) << ", packed "
              << packed << "), of gradients " << worst << " (directly " << worst_direct << ")" << std::endl;
    CHECK(error(found[0], 0) < 2e-5);
    CHECK(packed < 2e-5);
    CHECK(worst < 1e-4);
}

TEST_CASE("training by Winograd's algorithm has the same bits for every thread count, and resumed", "[train]") {
    const temporary_folder folder;
    const batch<float> data = digits().leftCols(40);
    const noise_schedule schedule{cosine_beta{}, 1000};
    const trainer_options options{.batch = 6};
    const isize before = thread_count();
    const auto trained = [&](isize threads, bool resumed) {
        set_thread_count(threads);
        nn::unet<float> net(digit_options());
        trainer first{net, schedule, options};
        static_cast<void>(first.fit(data, {.steps = 2}));
        if (!resumed) {
            static_cast<void>(first.fit(data, {.steps = 2}));
            return net;
        }
        first.save(folder / "state.safetensors");
        nn::unet<float> other(digit_options());
        trainer second{other, schedule, options};
        second.load(folder / "state.safetensors");
        static_cast<void>(second.fit(data, {.steps = 2}));
        return other;
    };
    const nn::unet<float> expected = trained(1, false);
    for (const isize threads : {1, 2, 5}) {
        const nn::unet<float> found = trained(threads, threads != 2);
        const auto a = nn::parameters(expected), b = nn::parameters(found);
        for (std::size_t i = 0; i < a.size(); ++i) {
            CHECK(std::equal(a[i].values.begin(), a[i].values.end(), b[i].values.begin()));
        }
    }
    set_thread_count(before);
}

}  // namespace ddpm::test
