// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/failing_allocations.hpp"

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/inference/packed_unet.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/network_session.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/small_unet_options.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

/// A U-Net with classes and a variance head.
nn::unet<float> tiny_unet() {
    nn::unet_options options = small_unet_options();
    options.out_channels = 2;
    options.classes = nn::unet_classes::table;
    options.class_count = 3;
    nn::unet<float> net(options);
    disturb(net, 0.1, 1);
    return net;
}

/// Five samples, their times and their class.
struct told_samples {
    batch<float> x = random_batch<float>(16, 5, 2);
    std::vector<double> t{3, 700, 20, 0, 999};
    std::vector<isize> labels = std::vector<isize>(5, 2);
    condition<float> given{.labels = labels};
};

/// A session for one sample, and what it predicted of five.
template <class Net>
struct session_run {
    network_session<Net> session;
    contents predicted;

    explicit session_run(const Net& net) : session(net, 1) { session.set_condition(told_samples().given); }

    void predict() {
        const told_samples in;
        batch<float> out(16, 5), variance(16, 5), gradient(16, 5);
        session(in.x, in.t, model_output<float>{out, variance});
        contents parts{bytes_of_numbers(out), bytes_of_numbers(variance)};
        if constexpr (Network<Net>) {
            session.vector_jacobian(in.x, in.t, out, gradient);
            parts.push_back(bytes_of_numbers(gradient));
        }
        predicted = std::move(parts);
    }
};

/// A workspace for one sample, and what a network predicted of five with it.
template <class Net>
struct workspace_run {
    const Net& net;
    typename Net::workspace workspace = net.make_workspace(1, pass::forward);
    contents predicted{};

    void predict() {
        const told_samples in;
        batch<float> out(32, 5);
        net.forward({in.x, in.t, in.given}, batch_view<float>(out), workspace);
        predicted = {bytes_of_numbers(out)};
    }
};

template <class Net>
void fail_predictions(std::string_view name, const Net& net) {
    const auto predict = [](auto& run) { run.predict(); };
    const auto predicted = [](const auto& run) { return run.predicted; };
    for (const isize threads : {1, 3}) {
        set_thread_count(threads);
        const auto session = [&] { return std::make_unique<session_run<Net>>(net); };
        CHECK(fail_every_allocation(name, session, predict, predicted) > 20);
        const auto workspace = [&] { return std::make_unique<workspace_run<Net>>(workspace_run<Net>{net}); };
        CHECK(fail_every_allocation(name, workspace, predict, predicted) > 10);
    }
    set_thread_count(0);
}

/// Makes a packed network, and predicts with it.
template <class Make>
void fail_packing(std::string_view name, const Make& make) {
    CHECK(fail_every_allocation(
              name, [] { return std::make_unique<contents>(); },
              [&](contents& predicted) {
                  const auto packed = make();
                  session_run run(packed);
                  run.predict();
                  predicted = std::move(run.predicted);
              },
              [](const contents& predicted) { return predicted; }) > 100);
}

TEST_CASE("a U-Net predicts wholly, or not at all, whatever allocation fails", "[predictor][slow]") {
    const nn::unet<float> net = tiny_unet();
    fail_predictions("unet", net);
    fail_predictions("packed_unet<float>", nn::packed_unet<float>(net));
    fail_predictions("packed_unet<bfloat16>", nn::packed_unet<bfloat16>(net));
}

TEMPLATE_TEST_CASE("a packed U-Net is made wholly, or not at all, whatever allocation fails", "[predictor][slow]",
                   float, bfloat16) {
    const nn::unet<float> net = tiny_unet();
    const auto stored = nn::parameters(net);
    fail_packing("packed_unet", [&] { return nn::packed_unet<TestType>(net); });
    fail_packing("packed_unet, made layer by layer", [&] {
        std::size_t at = 0;
        return nn::packed_unet<TestType>(net.options(), [&](const std::vector<nn::parameter<float>>& layer) {
            for (const nn::parameter<float>& p : layer) {
                std::ranges::copy(stored[at++].values, p.values.begin());
            }
        });
    });
}

}  // namespace
}  // namespace ddpm::test
