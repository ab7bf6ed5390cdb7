// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/scheduler.hpp>

#include <ddpm/predictor/predicts.hpp>
#include <ddpm/random/torch_noise.hpp>
#include <ddpm/sampler/ddim.hpp>

#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using namespace diffusers;

// The numbers of this file are diffusers' own: make_golden.py.

struct golden_schedule {
    std::string name;
    scheduler_config config;
    std::array<ddpm::isize, 5> at;
    std::array<float, 5> beta;
    std::array<float, 5> alpha_bar;
};

const std::array<ddpm::isize, 5> ends{0, 1, 499, 998, 999};

const std::vector<golden_schedule>& golden_schedules() {
    static const std::vector<golden_schedule> all{
        {"linear",
         {},
         ends,
         {9.99999975e-05f, 0.000119919918f, 0.0100400401f, 0.0199800804f, 0.0199999996f},
         {0.999899983f, 0.999780059f, 0.078587234f, 4.11819419e-05f, 4.03583035e-05f}},
        {"scaled_linear",
         {.curve = beta_curve::scaled_linear, .beta_start = 0.00085, .beta_end = 0.012},
         ends,
         {0.000849999953f, 0.000854698592f, 0.00480379257f, 0.0119823748f, 0.0119999992f},
         {0.999149978f, 0.998296022f, 0.27766943f, 0.00471669575f, 0.00466009509f}},
        {"squaredcos_cap_v2",
         {.curve = beta_curve::squaredcos_cap_v2},
         ends,
         {4.12842237e-05f, 4.61417512e-05f, 0.00314588612f, 0.749999404f, 0.999000013f},
         {0.999958694f, 0.99991256f, 0.493843466f, 2.42876627e-06f, 2.42873499e-09f}},
        {"sigmoid",
         {.curve = beta_curve::sigmoid},
         ends,
         {0.000149205196f, 0.000149798318f, 0.010020121f, 0.0199501999f, 0.0199507959f},
         {0.99985081f, 0.999701023f, 0.301930994f, 4.04896236e-05f, 3.96818214e-05f}},
        {"laplace",
         {.curve = beta_curve::laplace},
         ends,
         {0.0211537573f, 0.00874781329f, 0.000250156212f, 0.151629657f, 0.847252607f},
         {0.978846252f, 0.970283508f, 0.707460344f, 0.207026601f, 0.0316227749f}},
        {"zero snr",
         {.zero_terminal_snr = true},
         ends,
         {0.000100016594f, 0.000120639801f, 0.0102711916f, 0.75226593f, 1.0f},
         {0.999899983f, 0.999779344f, 0.076028727f, 4.21327329e-09f, 0.0f}},
        {"trained",
         {.train_timesteps = 3, .trained_betas = {0.1, 0.25, 0.5}},
         {0, 1, 1, 1, 2},
         {0.100000001f, 0.25f, 0.25f, 0.25f, 0.5f},
         {0.899999976f, 0.674999952f, 0.674999952f, 0.674999952f, 0.337499976f}},
    };
    return all;
}

TEST_CASE("float32 schedules are diffusers' own", "[diffusers]") {
    for (const golden_schedule& golden : golden_schedules()) {
        CAPTURE(golden.name);
        const auto schedule = make_schedule<float32_tables>(golden.config);
        CHECK(schedule.steps() == golden.config.train_timesteps);
        for (std::size_t i = 0; i < 5; ++i) {
            const ddpm::isize t = golden.at[i];
            CAPTURE(t);
            // The sigmoid's exponential is not torch's; where the rescaled ᾱ is nearly 0, a bit of it moves it far.
            const float tolerance = golden.name == "sigmoid" ? 3e-7f : golden.name == "zero snr" ? 1e-6f : 0.0f;
            CHECK(std::abs(schedule.beta(t) - golden.beta[i]) <= tolerance * golden.beta[i]);
            CHECK(std::abs(schedule.alpha_bar(t) - golden.alpha_bar[i]) <= 10 * tolerance * golden.alpha_bar[i]);
        }
    }
}

TEST_CASE("exact schedules are the same to single precision", "[diffusers]") {
    for (const golden_schedule& golden : golden_schedules()) {
        CAPTURE(golden.name);
        const noise_schedule<> schedule = make_schedule(golden.config);
        for (std::size_t i = 0; i < 4; ++i) {
            const double expected = static_cast<double>(golden.beta[i]);
            CHECK(std::abs(schedule.beta(golden.at[i]) - expected) <= 2e-4 * expected + 1e-7);
        }
    }
    const noise_schedule<> linear = make_schedule({});
    CHECK(linear.beta(0) == 1e-4);
    CHECK(make_schedule({.zero_terminal_snr = true}).alpha_bar(999) == 0);
}

TEST_CASE("schedules that do not exist are value_errors", "[diffusers]") {
    CHECK_THROWS_AS(make_schedule({.trained_betas = {0.1, 0.2}}), value_error);
    CHECK_THROWS_AS(make_schedule({.train_timesteps = 2, .trained_betas = {0.1, 2}}), value_error);
    CHECK_THROWS_AS(make_schedule({.beta_start = -1}), value_error);
}

TEST_CASE("timesteps are those of diffusers", "[diffusers]") {
    const auto timesteps = [](timestep_spacing spacing, ddpm::isize count) {
        return scheduler_timesteps({.train_timesteps = 100, .spacing = spacing, .steps_offset = 1}, count);
    };
    using list = std::vector<ddpm::isize>;
    CHECK(timesteps(timestep_spacing::leading, 1) == list{1});
    CHECK(timesteps(timestep_spacing::leading, 3) == list{67, 34, 1});
    CHECK(timesteps(timestep_spacing::leading, 7) == list{85, 71, 57, 43, 29, 15, 1});
    CHECK(timesteps(timestep_spacing::leading, 16) ==
          list{91, 85, 79, 73, 67, 61, 55, 49, 43, 37, 31, 25, 19, 13, 7, 1});
    CHECK(timesteps(timestep_spacing::trailing, 1) == list{99});
    CHECK(timesteps(timestep_spacing::trailing, 3) == list{99, 66, 32});
    CHECK(timesteps(timestep_spacing::trailing, 7) == list{99, 85, 70, 56, 42, 28, 13});
    CHECK(timesteps(timestep_spacing::trailing, 16) ==
          list{99, 93, 87, 80, 74, 68, 61, 55, 49, 43, 37, 30, 24, 18, 11, 5});
    CHECK(timesteps(timestep_spacing::linspace, 1) == list{0});
    CHECK(timesteps(timestep_spacing::linspace, 3) == list{99, 50, 0});
    CHECK(timesteps(timestep_spacing::linspace, 7) == list{99, 82, 66, 50, 33, 16, 0});
    CHECK(timesteps(timestep_spacing::linspace, 16) ==
          list{99, 92, 86, 79, 73, 66, 59, 53, 46, 40, 33, 26, 20, 13, 7, 0});
    // Halves are rounded as by numpy.arange: mathematically 937.5 and 62.5 less one, both to even or not.
    const auto of_1000 = scheduler_timesteps({.spacing = timestep_spacing::trailing}, 48);
    CHECK(of_1000[3] == 936);
    CHECK(of_1000[45] == 61);
    CHECK(scheduler_timesteps(default_scheduler_config(scheduler_kind::unclip), 3) == list{999, 500, 0});
    CHECK(scheduler_timesteps(default_scheduler_config(scheduler_kind::unclip), 1) == list{999});
    CHECK_THROWS_AS(timesteps(timestep_spacing::leading, 0), value_error);
    CHECK_THROWS_AS(timesteps(timestep_spacing::trailing, 0), value_error);
    CHECK_THROWS_AS(timesteps(timestep_spacing::trailing, 101), value_error);
    CHECK_THROWS_AS(timesteps(timestep_spacing::leading, 101), value_error);
    CHECK_THROWS_AS(timesteps(timestep_spacing::leading, 100), value_error);  // the offset leads to t = 100
}

TEST_CASE("a scheduler says what to sample", "[diffusers]") {
    const scheduler_config config{.clip_range = 2, .spacing = timestep_spacing::trailing};
    const sample_options options = scheduler_options(config, 10);
    CHECK(options.timesteps == scheduler_timesteps(config, 10));
    CHECK(options.clip_x0 == 2.0);
    CHECK_FALSE(options.clip_epsilon);
    CHECK(scheduler_options(config, 0).timesteps.size() == 1000);
    CHECK_FALSE(scheduler_options({.clip = false}, 10).clip_x0.has_value());
    const sample_options thresholds =
        scheduler_options({.threshold = true, .threshold_ratio = 0.9, .threshold_max = 3}, 10);
    CHECK_FALSE(thresholds.clip_x0.has_value());
    CHECK(thresholds.threshold.value().ratio == 0.9);
    CHECK(thresholds.threshold.value().max == 3);
}

TEST_CASE("a scheduler's options run with its plan, and with a sampler over its schedule", "[diffusers]") {
    const scheduler_config config{.train_timesteps = 50, .clip_range = 0.5};
    const auto schedule = make_schedule(config);
    const auto timesteps = scheduler_timesteps(config, 5);
    const auto model = [](batch_view<const float> xt, std::span<const double>, const model_output<float>& out) {
        out.prediction.array() = 0.3F * xt.array();
    };
    const auto with_count = [](sample_options options) {
        options.shape = 3;
        options.count = 4;
        return options;
    };
    const batch<float> by_plan =
        sample(scheduler_plan(config, schedule, timesteps), model, with_count(scheduler_options(config)));
    CHECK(by_plan.cols() == 4);
    CHECK(by_plan.abs().maxCoeff() <= 0.5F);
    CHECK(by_plan.abs().maxCoeff() > 0.4F);
    const batch<float> by_sampler = sample(ddim{}, schedule, model, with_count(scheduler_options(config, 5)));
    const batch<float> expected =
        sample(make_plan(ddim{}, schedule, timesteps), model, {.count = 4, .shape = 3, .clip_x0 = 0.5});
    CHECK((by_sampler == expected).all());
    CHECK_THROWS_AS(sample(make_plan(ddim{}, schedule, timesteps), model, with_count(scheduler_options(config, 5))),
                    value_error);
}

/// The sum of |x| after the loop of diffusers' own tests: the model x · t / (t + 1), from x = i / 768.
double loop(const scheduler_config& config, ddpm::isize count, double eta = 0) {
    const auto schedule = make_schedule<float32_tables>(config);
    const sample_shape shape{8, 8, 3};
    batch<float> x(shape.size(), 4);
    for (ddpm::isize channel = 0, i = 0; channel < 3; ++channel) {
        for (ddpm::isize pixel = 0; pixel < 64; ++pixel) {
            for (ddpm::isize n = 0; n < 4; ++n) {
                x(pixel * 3 + channel, n) = static_cast<float>(i++) / 768;
            }
        }
    }
    auto model = predicts(
        [](batch_view<const float> xt, std::span<const double> t, const model_output<float>& out) {
            for (ddpm::isize n = 0; n < xt.columns(); ++n) {
                const auto time = static_cast<float>(t[static_cast<std::size_t>(n)]);
                for (ddpm::isize i = 0; i < xt.rows(); ++i) {
                    out.prediction(i, n) = xt(i, n) * time / (time + 1);
                }
            }
        },
        config.predicts);
    const sampling_plan plan = scheduler_plan(config, schedule, scheduler_timesteps(config, count), eta);
    const sample_options options = scheduler_options(config);
    const batch<float> last = denoise_from<float>(plan, model, std::move(x), torch_noise(torch_generator(0), shape),
                                                  {options.clip_x0, options.clip_epsilon});
    return last.cast<double>().abs().sum();
}

TEST_CASE("the loops of diffusers' own tests give its sums", "[diffusers]") {
    const auto near = [](double got, double expected) {
        CAPTURE(got, expected);
        CHECK(std::abs(got - expected) <= 2e-5 * expected);
    };
    const scheduler_config ddim{.kind = scheduler_kind::ddim};
    near(loop(ddim, 10), 172.0067);
    scheduler_config v = ddim;
    v.predicts = prediction::v;
    near(loop(v, 10), 52.5302);
    scheduler_config steep = ddim;
    steep.beta_start = 0.01;
    near(loop(steep, 10), 149.8295);
    steep.end_at_clean = false;
    near(loop(steep, 10), 149.0784);
    near(loop({}, 1000), 258.9606);
    near(loop({.predicts = prediction::v}, 1000), 202.0296);
}

TEST_CASE("runs whose steps are not those of ancestral and ddim are diffusers' own", "[diffusers]") {
    const auto near = [](double got, double expected) {
        CAPTURE(got, expected);
        CHECK(std::abs(got - expected) <= 2e-5 * expected);
    };
    near(loop({.variance = scheduler_variance::fixed_large, .spacing = timestep_spacing::trailing}, 7), 401.220297);
    near(loop({.variance = scheduler_variance::fixed_small_log, .steps_offset = 1}, 10), 233.304456);
    near(loop({.kind = scheduler_kind::ddim, .clip = false, .spacing = timestep_spacing::linspace}, 7, 0.5),
         265.366078);
    near(loop({.kind = scheduler_kind::ddim, .spacing = timestep_spacing::trailing, .end_at_clean = false}, 9),
         169.641061);
    near(loop({.kind = scheduler_kind::ddim,
               .curve = beta_curve::scaled_linear,
               .predicts = prediction::v,
               .steps_offset = 1},
              10),
         63.8133407);
}

TEST_CASE("a learned variance is read from the network's head", "[diffusers]") {
    const auto schedule = make_schedule({});
    const std::vector<ddpm::isize> timesteps{500, 0};
    for (const auto& [variance, kind] :
         {std::pair(scheduler_variance::learned, reverse_variance::learned),
          std::pair(scheduler_variance::learned_range, reverse_variance::learned_range)}) {
        const sampling_plan plan = scheduler_plan({.variance = variance}, schedule, timesteps);
        REQUIRE(plan.stages()[0].variance);
        CHECK(plan.stages()[0].variance->kind == kind);
        const double large = transition_at(schedule, 0, 500).variance;
        CHECK(std::abs(plan.stages()[0].variance->log_large - std::log(large)) < 1e-12);
        CHECK_FALSE(plan.stages()[1].variance);
    }
}

TEST_CASE("steps that the sampler does not know are value_errors", "[diffusers]") {
    const auto schedule = make_schedule({});
    const std::vector<ddpm::isize> timesteps{500, 0};
    CHECK_THROWS_AS(scheduler_plan(default_scheduler_config(scheduler_kind::euler), schedule, timesteps), value_error);
    CHECK_THROWS_AS(scheduler_plan({}, schedule, timesteps, 1.5), value_error);
    CHECK_THROWS_AS(scheduler_plan({}, schedule, std::vector<ddpm::isize>{0, 500}), value_error);
}

}  // namespace
}  // namespace ddpm::test
