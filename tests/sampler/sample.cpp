// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/sample.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <span>
#include <vector>

namespace ddpm::test {

TEST_CASE("samples have the asked shape, count and type", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const predictor_archetype<float> bare;
    const batch<float> x = sample(ancestral{}, schedule, bare, {.steps = 5, .count = 3, .shape = {2, 3, 4}});
    CHECK(x.rows() == 24);
    CHECK(x.cols() == 3);
    const batch<double> y =
        sample<double>(ancestral{}, schedule, predictor_archetype<double>{}, {.count = 2, .shape = 5});
    CHECK(y.rows() == 5);
    CHECK(sample(ancestral{}, schedule, bare, {.count = 0, .shape = 3}).cols() == 0);
    // A network names its type and shape itself.
    const auto z = sample(ddim{}, schedule, session_archetype<double>{}, {.steps = 1});
    static_assert(std::same_as<decltype(z), const batch<double>>);
    CHECK(z.rows() == 4);
    CHECK(sample(ddim{}, schedule_archetype{}, bare, {.shape = 2}).allFinite());
}

TEST_CASE("all timesteps are the default, and a list is followed as it is", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    std::vector<double> times;
    const auto predictor = [&](batch_view<const float>, std::span<const double> t, const model_output<float>& out) {
        times.push_back(t[0]);
        out.prediction.array().setZero();
    };
    CHECK(sample(ddim{}, schedule, predictor, {.shape = 1}).cols() == 1);
    REQUIRE(times.size() == 20);
    CHECK(times.front() == 19);
    CHECK(times.back() == 0);
    times.clear();
    static_cast<void>(sample(ddim{}, schedule, predictor, {.shape = 1, .timesteps = {17, 4}}));
    CHECK(times == std::vector<double>{17, 4});
    times.clear();
    static_cast<void>(
        sample(ddim{}, schedule, predictor, {.steps = 2, .shape = 1, .spacing = timestep_spacing::leading}));
    CHECK(times == std::vector<double>{10, 0});
}

TEST_CASE("samples begin with noise of the deviation of the grid's first level", "[sampler]") {
    for (const double sigma : {1.0, 2.0, 80.0}) {
        const time_grid grid({{1, {0, sigma}}, {0, {1, 0}}});
        batch<double> seen;
        const auto predictor = [&](batch_view<const double> xt, std::span<const double>,
                                   const model_output<double>& out) {
            seen = xt.array();
            out.prediction.array() = 0;
        };
        const sample_options options{.count = 2, .shape = 3, .seed = 5};
        static_cast<void>(sample<double>(ddim{}, grid, predicts(predictor, prediction::x0), options));
        batch<double> z(3, 2);
        philox_noise(5, noise_stream::sampler).normal(batch_view<double>(z), 0, 0);
        INFO(sigma);
        CHECK((seen == sigma * z).all());
    }
}

TEST_CASE("initial samples are the first normals times the deviation", "[sampler]") {
    static_assert(std::same_as<sample_scalar<void, session_archetype<double>>, double>);
    static_assert(std::same_as<sample_scalar<float, session_archetype<double>>, float>);
    const philox_noise noise(5, noise_stream::sampler);
    const predictor_archetype<float> bare;
    const sample_options options{.count = 3, .shape = 4, .first_sample = 2};
    batch<float> z(4, 3);
    noise.normal(batch_view<float>(z), 0, 2);
    CHECK((initial_samples<float>(bare, options, noise, 1) == z).all());
    CHECK((initial_samples<float>(bare, options, noise, 0.75) == 0.75f * z).all());
    CHECK_THROWS_AS(initial_samples<float>(bare, {.count = 3}, noise, 1), shape_error);
    CHECK_THROWS_AS(initial_samples<float>(bare, {.count = -1, .shape = 4}, noise, 1), value_error);
}

TEST_CASE("the deviation at the start of a run is the root of the sum of squares", "[sampler]") {
    for (const double signal : {0.0, 1e-3, 0.3, 0.9}) {
        for (const double sigma : {1e-2, 0.7, 3.3, 157.4}) {
            const long double a = signal, b = sigma, exact = std::sqrt(a * a + b * b);
            CHECK(std::abs(initial_deviation({signal, sigma}) - exact) <= 2 * exact * ulps<double>(1));
        }
    }
    CHECK(initial_deviation({0.6, 0.8}) == 1);
    CHECK(initial_deviation({0.6, 0.8 * (1 + 5e-7)}) == 1);
    CHECK(initial_deviation({0.6, 0.8 * (1 - 5e-7)}) == 1);
}

TEST_CASE("over a plan or a grid, options that choose the steps are an error", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const time_grid grid = make_grid(schedule, std::vector<isize>{18, 9, 2});
    const sampling_plan plan = ddim{}.plan(grid);
    const predictor_archetype<float> predictor;
    const auto refused = [&](const sample_options& options) {
        philox_noise noise(1, noise_stream::sampler);
        CHECK_THROWS_AS(sample(plan, predictor, options), value_error);
        CHECK_THROWS_AS(sample(plan, predictor, options, noise), value_error);
        CHECK_THROWS_AS(sample(ddim{}, grid, predictor, options), value_error);
        CHECK_THROWS_AS(sample(ddim{}, grid, predictor, options, noise), value_error);
        CHECK_NOTHROW(sample(ddim{}, schedule, predictor, options, noise));
    };
    refused({.steps = 3, .shape = 2});
    refused({.shape = 2, .spacing = timestep_spacing::leading});
    refused({.shape = 2, .timesteps = {18, 9, 2}});
    refused({.shape = 2, .end = grid_end::least_noise});
    CHECK_NOTHROW(sample(plan, predictor, {.count = 2, .shape = 2, .seed = 4, .clip_x0 = 1.0, .first_sample = 3}));
}

TEST_CASE("a step in one pass is limited by a dynamic threshold too", "[sampler]") {
    const time_grid grid({{1, {0.6, 0.8}}, {0, {1, 0}}});
    const auto large = [](batch_view<const double>, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = 5;
    };
    const sample_options options{.count = 2, .shape = 3, .threshold = dynamic_threshold{.ratio = 1, .max = 2}};
    const auto x = sample<double>(ddim{}, grid, predicts(large, prediction::x0), options);
    CHECK((x - 1).abs().maxCoeff() < 1e-14);  // clamped to 2, and divided by it
}

TEST_CASE("a callback that says no stops the run with the estimate of x0", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    batch<float> estimate;
    isize calls = 0;
    const auto x = sample(ancestral{}, schedule, predictor_archetype<float>{}, {.count = 2, .shape = 3},
                          [&](const sample_step<float>& step) {
                              ++calls;
                              estimate = step.x0.array();
                              return step.step < 6;
                          });
    CHECK(calls == 7);
    CHECK((x == estimate).all());
}

TEST_CASE("the same seed gives the same bits for every thread count and batch split", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 30};
    const sample_options options{.count = 37, .shape = {16, 16, 3}, .seed = 11};
    set_thread_count(1);
    const batch<float> expected = sample(ancestral{}, schedule, predictor_archetype<float>{}, options);
    for (const isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        CHECK((sample(ancestral{}, schedule, predictor_archetype<float>{}, options) == expected).all());
    }
    set_thread_count(0);
    for (const isize n : {0, 1, 20, 36}) {
        sample_options one = options;
        one.count = 1;
        one.first_sample = n;
        CHECK((sample(ancestral{}, schedule, predictor_archetype<float>{}, one).col(0) == expected.col(n)).all());
    }
    sample_options other = options;
    other.seed = 12;
    CHECK_FALSE((sample(ancestral{}, schedule, predictor_archetype<float>{}, other) == expected).all());
}

TEST_CASE("clipping keeps the estimates within bounds", "[sampler]") {
    const noise_schedule schedule{linear_beta{}, 20};
    bool clipped = true;
    const auto x = sample(ddim{}, schedule, predictor_archetype<float>{}, {.count = 2, .shape = 8, .clip_x0 = 0.25},
                          [&](const sample_step<float>& step) {
                              clipped = clipped && step.x0.array().abs().maxCoeff() <= 0.25F;
                              return true;
                          });
    CHECK(clipped);
    CHECK(x.abs().maxCoeff() <= 0.25F);
}

TEST_CASE("sample: what does not fit is an error", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const predictor_archetype<float> bare;
    CHECK_THROWS_AS(sample(ddim{}, schedule, bare, {.count = 2}), shape_error);
    CHECK_THROWS_AS(sample(ddim{}, schedule, bare, {.shape = -3}), shape_error);
    CHECK_THROWS_AS(sample(ddim{}, schedule, session_archetype<float>{}, {.shape = 5}), shape_error);
    CHECK_THROWS_AS(sample(ddim{}, schedule, bare, {.count = -1, .shape = 2}), value_error);
    CHECK_THROWS_AS(sample(ddim{}, schedule, bare, {.steps = 21, .shape = 2}), value_error);
    CHECK_THROWS_AS(sample(ddim{}, schedule, bare, {.steps = -1, .shape = 2}), value_error);
    CHECK_THROWS_AS(sample(ddim{}, schedule, bare, {.shape = 2, .timesteps = {3, 7}}), value_error);
    CHECK_THROWS_AS(sample(ddim{.eta = 2}, schedule, bare, {.shape = 2}), value_error);
    CHECK_THROWS_AS(sample(ddim{}, schedule, bare, {.shape = 2, .clip_x0 = -1.0}), value_error);
    const noise_schedule<> noise{std::vector<double>{0.5, 1.0}};
    CHECK_THROWS_AS(sample(ddim{}, noise, bare, {.shape = 2}), value_error);  // ε says nothing where ᾱ is 0
    CHECK_NOTHROW(sample(ddim{}, noise, predicts(bare, prediction::v), {.shape = 2}));
}

}  // namespace ddpm::test
