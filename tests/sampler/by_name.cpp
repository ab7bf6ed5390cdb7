// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// What holds for every sampler.

#include <ddpm/sampler/by_name.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_thread.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

const noise_schedule<>& usual_schedule() {
    static const noise_schedule schedule{cosine_beta{}, 1000};
    return schedule;
}

}  // namespace

TEST_CASE("every name is another, and finds its sampler", "[sampler]") {
    std::vector<std::string_view> names;
    for (const named_sampler& one : named_samplers()) {
        names.push_back(one.name);
        CHECK_NOTHROW(sampler_by_name(one.name));
    }
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
    CHECK_THROWS_AS(sampler_by_name("nothing"), value_error);
}

TEST_CASE("one step works in every sampler, and two, and all end at data", "[sampler]") {
    // Data that is one point: the exact network finds it from anywhere.
    const auto point = predicts([](batch_view<const double>, std::span<const double>,
                                   const model_output<double>& out) { out.prediction.array().setConstant(0.25); },
                                prediction::x0);
    for (const named_sampler& one : named_samplers()) {
        for (const isize steps : {1, 2, 3, 20}) {
            INFO(one.name << ", " << steps << " steps");
            const auto x = sample<double>(one.sampler, usual_schedule(), predictor_archetype<double>{},
                                          {.steps = steps, .count = 2, .shape = 3, .clip_x0 = 1.0});
            CHECK(x.allFinite());
            auto network = point;
            const auto y =
                sample<double>(one.sampler, usual_schedule(), network, {.steps = steps, .count = 2, .shape = 3});
            CHECK((y - 0.25).abs().maxCoeff() < (one.name == "lcm" ? 1e-3 : 1e-5));  // lcm leaves a share of x
        }
    }
}

TEST_CASE("over rising noise every sampler throws or gives finite samples", "[sampler]") {
    const time_grid falling = make_grid(usual_schedule(), make_timesteps(1000, 12), grid_end::least_noise);
    isize thrown = 0, run = 0;
    for (const named_sampler& one : named_samplers()) {
        INFO(one.name);
        CHECK(
            sample<double>(one.sampler, falling, predictor_archetype<double>{}, {.count = 2, .shape = 3}).allFinite());
        try {
            const auto x = sample<double>(one.sampler, falling.reversed(), predictor_archetype<double>{},
                                          {.count = 2, .shape = 3, .clip_x0 = 1.0});
            CHECK(x.allFinite());
            ++run;
        } catch (const value_error&) {
            ++thrown;
        }
    }
    CHECK(run > 0);
    CHECK(thrown > 0);
}

TEST_CASE("a step of any sampler allocates nothing", "[sampler]") {
    const std::vector<isize> timesteps = make_timesteps(1000, 12);
    const predictor_archetype<float> network;
    philox_noise noise(1, noise_stream::sampler);
    for (const isize threads : {1, 2}) {
        set_thread_count(threads);
        for (const named_sampler& one : named_samplers()) {
            for (const denoise_options& options :
                 {denoise_options{}, denoise_options{.threshold = dynamic_threshold{.ratio = 0.9, .max = 2}}}) {
                const sampling_plan plan = make_plan(one.sampler, usual_schedule(), timesteps);
                using run_type = sampling_run<float, const predictor_archetype<float>, philox_noise>;
                const batch<float> start = pattern<float>(3000, 5, 1);
                on_every_thread(
                    [&] { run_type(plan, network, noise, start, options).step(); });  // each has its own scratch
                run_type run(plan, network, noise, start, options);
                run.step();
                const std::size_t before = allocations;
                while (!run.done()) {
                    run.step();
                }
                const std::size_t made = allocations - before;
                INFO(one.name << " on " << threads << " threads");
                CHECK(made == 0);
            }
        }
    }
    set_thread_count(0);
    const std::size_t before = allocations;
    const batch<float> counted(3, 3);
    CHECK((allocations > before) == allocations_are_counted);
}

TEST_CASE("two hundred threads share one plan and one network", "[sampler]") {
    nn::mlp<float> net{{.dim = 6, .hidden = 16, .blocks = 1, .seed = 3}};
    isize at = 0;
    for (const nn::parameter<float>& p : nn::parameters(net)) {
        for (float& value : p.values) {
            value += static_cast<float>(static_cast<double>(++at * 37 % 101) / 1000 - 0.05);
        }
    }
    const std::vector<isize> timesteps = make_timesteps(1000, 8);
    for (const std::string_view name : {"dpmpp_2m_sde", "unipc_3", "pndm", "euler_ancestral"}) {
        const sampling_plan plan = make_plan(sampler_by_name(name), usual_schedule(), timesteps);
        const auto run = [&](isize i) {
            return sample(plan, std::as_const(net), {.count = 3, .clip_x0 = 1.0, .first_sample = 3 * i});
        };
        constexpr isize count = 200;
        std::vector<batch<float>> alone, together(count);
        for (isize i = 0; i < count; ++i) {
            alone.push_back(run(i));
        }
        std::vector<std::thread> threads;
        for (isize i = 0; i < count; ++i) {
            threads.emplace_back([&, i] { together[static_cast<std::size_t>(i)] = run(i); });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        bool equal = true;
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            equal = equal && (alone[i] == together[i]).all();
        }
        INFO(name);
        CHECK(equal);
        CHECK_FALSE((alone[0] == alone[1]).all());
    }
}

TEST_CASE("every sampler's samples are the same on any number of threads, alone or among others", "[sampler]") {
    const predictor_archetype<float> network;
    for (const named_sampler& one : named_samplers()) {
        INFO(one.name);
        const sample_options options{.steps = 10, .count = 7, .shape = 5000, .seed = 5};
        set_thread_count(1);
        const batch<float> expected = sample(one.sampler, usual_schedule(), network, options);
        set_thread_count(3);
        CHECK((sample(one.sampler, usual_schedule(), network, options) == expected).all());
        sample_options last = options;
        last.count = 1;
        last.first_sample = 6;
        CHECK((sample(one.sampler, usual_schedule(), network, last).col(0) == expected.col(6)).all());
    }
    set_thread_count(0);
}

}  // namespace ddpm::test
