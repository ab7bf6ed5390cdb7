// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Training with products of bfloat16.

#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/target.hpp>
#include <ddpm/nn/bfloat16_products.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/nn/products.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/digit_unet.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/smallest_networks.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

namespace ddpm::test {

namespace {

template <class Net>
bool same_parameters(const Net& one, const Net& other) {
    const auto a = nn::parameters(one), b = nn::parameters(other);
    return std::equal(a.begin(), a.end(), b.begin(),
                      [](const auto& p, const auto& q) { return std::ranges::equal(p.values, q.values); });
}

/// What the trainer's options and thread count give after some steps, interrupted after half of them if `resumed`.
nn::unet<float> trained(const trainer_options& options, isize steps, isize threads = 0, bool resumed = false) {
    const noise_schedule schedule{cosine_beta{}, 1000};
    const batch<float> data = digits().leftCols(40);
    set_thread_count(threads);
    nn::unet<float> net(digit_options());
    trainer first{net, schedule, options};
    static_cast<void>(first.fit(data, {.steps = resumed ? steps / 2 : steps}));
    if (resumed) {
        const temporary_folder folder;
        first.save(folder / "state.safetensors");
        nn::unet<float> other(digit_options());
        trainer second{other, schedule, options};
        second.load(folder / "state.safetensors");
        static_cast<void>(second.fit(data, {.steps = steps - steps / 2}));
        net = other;
    }
    set_thread_count(0);
    return net;
}

constexpr trainer_options bfloat16_options{.batch = 6, .products = &nn::bfloat16_products};

}  // namespace

TEST_CASE("training with products of bfloat16 has the same bits for every thread count, and resumed", "[train]") {
    for_each_instruction_set([] {
        // The baseline takes long, and differs from the others in what products of float do only.
        if (simd_target() == instruction_set::baseline) {
            return;
        }
        trainer_options options = bfloat16_options;
        const nn::unet<float> expected = trained(options, 4, 1);
        CHECK(same_parameters(trained(options, 4, 2, true), expected));
        CHECK(same_parameters(trained(options, 4, 5), expected));
        options.recompute = true;
        CHECK(same_parameters(trained(options, 4), expected));
        options.micro_batch = 4;
        const nn::unet<float> parts = trained(options, 4, 1);
        CHECK(same_parameters(trained(options, 4, 3, true), parts));
        options = bfloat16_options;
        options.products = nullptr;
        CHECK_FALSE(same_parameters(trained(options, 4), expected));
    });
}

TEST_CASE("a step with products of bfloat16 allocates nothing after the first", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 1000};
    const batch<float> data = digits().leftCols(20);
    set_thread_count(1);
    nn::unet<float> net(digit_options());
    trainer training{net, schedule, bfloat16_options};
    std::size_t after_first = 0, at_end = 0;
    static_cast<void>(training.fit(data, {.steps = 3, .progress = [&](const training_progress& p) {
                                              (p.step == 1 ? after_first : at_end) = allocations;
                                              return true;
                                          }}));
    set_thread_count(0);
    CHECK(at_end == after_first);
}

TEST_CASE("training with products of bfloat16 learns as that of float does", "[train][slow]") {
    const batch<float> data = digits();
    const noise_schedule schedule{cosine_beta{}, 1000};
    const auto losses = [&](const nn::float_products* products) {
        nn::unet<float> net(digit_options());
        trainer training{net, schedule, {.batch = 16, .products = products}};
        double first = 0, last = 0;
        static_cast<void>(training.fit(data, {.steps = 120, .progress = [&](const training_progress& p) {
                                                  (p.step <= 30 ? first : last) +=
                                                      p.step <= 30 || p.step > 90 ? p.loss / 30 : 0;
                                                  return true;
                                              }}));
        return std::pair{first, last};
    };
    // The same samples, times and noise, so that the means over 30 steps differ by what rounding changes.
    const auto [first, last] = losses(nullptr);
    const auto [bf_first, bf_last] = losses(&nn::bfloat16_products);
    CAPTURE(first, last, bf_first, bf_last);
    CHECK(last < 0.5 * first);
    CHECK(std::abs(bf_first / first - 1) < 0.02);
    CHECK(std::abs(bf_last / last - 1) < 0.05);
}

TEST_CASE("a checkpoint names the products that it was trained with", "[train]") {
    const temporary_folder folder;
    const noise_schedule schedule{cosine_beta{}, 10};
    const batch<float> data = batch<float>::Constant(4, 3, 0.5f);
    nn::mlp<float> net{{.dim = 4, .hidden = 8, .blocks = 1}}, other = net;
    trainer saved{net, schedule, {.batch = 2, .products = &nn::bfloat16_products}};
    REQUIRE(saved.fit(data, {.steps = 2}).status == fit_status::finished);
    saved.save(folder / "state");
    trainer single{other, schedule, {.batch = 2}};
    CHECK_THROWS_WITH(single.load(folder / "state"), ContainsSubstring("products") && ContainsSubstring("bfloat16"));
    CHECK_THROWS_AS(single.load(folder / "state"), value_error);
    single.load(folder / "state", resume::with_other_options);
    CHECK(same_parameters(net, other));
    single.save(folder / "single");
    CHECK_THROWS_WITH(saved.load(folder / "single"), ContainsSubstring("products"));
}

TEST_CASE("between steps a network computes in float, whatever its layers were told before", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 10};
    const batch<float> data = batch<float>::Constant(4, 3, 0.5f), x = batch<float>::Constant(4, 2, 0.3f);
    const std::vector<double> t{1, 2};
    const auto output = [&](const nn::mlp<float>& net) {
        batch<float> out(4, 2);
        auto w = net.make_workspace(2, pass::forward);
        net.forward({x, t}, batch_view<float>(out), w);
        return out;
    };
    const auto computes_in_float = [&](const nn::mlp<float>& net) {
        nn::mlp<float> single = net;
        nn::set_products(single, nullptr);
        return (output(net) == output(single)).all();
    };
    nn::mlp<float> net{{.dim = 4, .hidden = 40, .blocks = 1}};
    disturb(net, 0.1, 1);  // its output is not 0
    nn::mlp<float> other = net, plain = net;
    for (nn::mlp<float>* const each : {&net, &other}) {
        nn::set_products(*each, &nn::bfloat16_products);
        CHECK_FALSE(computes_in_float(*each));
    }
    trainer training{net, schedule, {.batch = 2, .products = &nn::bfloat16_products}};
    trainer single{other, schedule, {.batch = 2}};
    CHECK(computes_in_float(net));
    static_cast<void>(training.fit(data, {.steps = 3, .progress = [&](const training_progress&) {
                                              CHECK(computes_in_float(training.net()));
                                              return true;
                                          }}));
    static_cast<void>(single.fit(data, {.steps = 3}));
    CHECK(computes_in_float(net));
    CHECK(computes_in_float(training.average()));
    CHECK_FALSE(same_parameters(net, other));
    // The same parameters as of a trainer whose network was never told anything.
    trainer never{plain, schedule, {.batch = 2}};
    static_cast<void>(never.fit(data, {.steps = 3}));
    CHECK(same_parameters(other, plain));
    const auto stop = [](const training_progress&) -> bool { throw std::runtime_error("stop"); };
    CHECK_THROWS_AS(training.fit(data, {.steps = 3, .progress = stop}), std::runtime_error);
    CHECK(computes_in_float(net));
}

TEST_CASE("products of bfloat16 need layers of float", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 10};
    const trainer_options options{.products = &nn::bfloat16_products};
    nn::mlp<double> wide{{.dim = 4, .hidden = 8, .blocks = 1}};
    CHECK_THROWS_WITH((trainer{wide, schedule, options}), ContainsSubstring("products"));
    line_network<float> line;
    CHECK_THROWS_WITH((trainer{line, schedule, options}), ContainsSubstring("products"));
    CHECK_THROWS_AS((trainer{line, schedule, options}), value_error);
}

}  // namespace ddpm::test
