// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/run.hpp>

#include <ddpm/kernels/detail/quantile.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::test {

TEST_CASE("a run is stepped by hand, and its callback sees every step", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<isize> timesteps{19, 10, 3};
    const sampling_plan plan = ancestral{}.plan(schedule, timesteps);
    const predictor_archetype<double> predictor;
    philox_noise noise(1, noise_stream::sampler);
    const batch<double> start = pattern<double>(4, 2, 1);

    sampling_run<double, const predictor_archetype<double>, philox_noise> run(plan, predictor, noise, start);
    std::vector<double> seen;
    const step_callback<double> watch = [&](const sample_step<double>& step) {
        CHECK(step.steps == 3);
        CHECK(step.step == static_cast<isize>(seen.size()));
        if (seen.empty()) {
            CHECK((step.xt.array() == start).all());
        }
        // The bare callable predicts ε = x/2, so x_0 = (x − σ x/2)/α.
        const auto [alpha, sigma] = noise_level_at(schedule, static_cast<isize>(step.t));
        CHECK((step.x0.array() - step.xt.array() * (1 - sigma / 2) / alpha).abs().maxCoeff() < 1e-12);
        seen.push_back(step.t);
        return true;
    };
    while (!run.done()) {
        CHECK(run.step(watch));
    }
    CHECK(seen == std::vector<double>{19, 10, 3});
    const batch<double> end = run.x().array();
    CHECK(run.step(watch));
    CHECK((run.x().array() == end).all());
    CHECK(seen.size() == 3);
}

TEST_CASE("a run starts at any sample and step of the noise", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const sampling_plan whole = ancestral{}.plan(schedule, std::vector<isize>{19, 10, 3});
    const sampling_plan rest = ancestral{}.plan(schedule, std::vector<isize>{10, 3});
    const predictor_archetype<float> predictor;
    philox_noise noise(1, noise_stream::sampler);
    using run_type = sampling_run<float, const predictor_archetype<float>, philox_noise>;
    const batch<float> start = pattern<float>(4, 5, 1);

    run_type all(whole, predictor, noise, start);
    all.step();
    run_type second(rest, predictor, noise, all.x().array().middleCols(2, 3), {}, 2, 1);
    while (!all.done()) {
        all.step();
    }
    while (!second.done()) {
        second.step();
    }
    CHECK((all.x().array().middleCols(2, 3) == second.x().array()).all());
}

namespace {

/// philox_noise under another name, which the run must ask for the noise itself.
struct drawn_noise {
    template <Scalar S>
    void normal(batch_view<S> out, isize step, isize first_sample) {
        ++draws;
        source.normal(out, step, first_sample);
    }
    philox_noise source;
    int draws = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("the noise that a run makes on the fly is the noise that it would draw", "[sampler]", float,
                   double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<isize> timesteps{19, 12, 5};
    const predictor_archetype<S> predictor;
    const denoise_options options{.clip_x0 = 0.8, .clip_epsilon = true};
    const auto check = [&](const sampling_plan& plan, int draws) {
        philox_noise noise(1, noise_stream::sampler);
        drawn_noise drawn{noise};
        sampling_run<S, const predictor_archetype<S>, philox_noise> on_the_fly(plan, predictor, noise,
                                                                               pattern<S>(70, 3, 1), options, 7);
        sampling_run<S, const predictor_archetype<S>, drawn_noise> asking(plan, predictor, drawn, pattern<S>(70, 3, 1),
                                                                          options, 7);
        while (!on_the_fly.done()) {
            on_the_fly.step();
            asking.step([](const sample_step<S>&) { return true; });
        }
        CHECK((on_the_fly.x().array() == asking.x().array()).all());
        CHECK(drawn.draws == draws);
    };
    check(ancestral{}.plan(schedule, timesteps), 2);  // the last step needs none
    check(ddim{.eta = 0.5}.plan(make_grid(schedule, timesteps)), 2);
    check(ddim{}.plan(make_grid(schedule, timesteps)), 0);
}

namespace {

/// A plan over three points that uses every register, more than four terms at once, old estimates and an old draw.
sampling_plan every_register() {
    const time_grid grid({{9, {0.3, 0.95}}, {5, {0.6, 0.8}}, {2, {0.9, 0.4}}, {-1, {1, 0}}});
    sampling_plan plan(grid);
    plan.set(quantity::x, {term::x(0.9)});
    plan.set(quantity::base, {term::x(0.5)});
    plan.evaluate(0, grid[0]);
    plan.draw(grid[0].level, grid[1].level);
    plan.set(quantity::x, {term::x0(0, 0.25), term::eps(0, 0.5), term::x(0.125), term::base(2), term::noise(0, 0.75)});
    plan.evaluate(1, grid[1]);
    plan.draw(grid[1].level, grid[2].level);
    plan.set(quantity::base, {term::x0(0, -0.5), term::x(1), term::base(0.25), term::eps(1, 0.3), term::noise(0, 0.1),
                              term::noise(1, 0.2)});
    plan.set(quantity::x, {term::base(0.5), term::eps(0, 0.7), term::eps(1, 0.2)});
    plan.evaluate(2, grid[2]);
    plan.set(quantity::x, {term::x0(2, 0.5), term::x0(1, 0.5), term::noise(1, 0)});
    return plan;
}

/// The same by arithmetic on whole batches.
template <Scalar S>
batch<S> by_hand(batch<S> x, const denoise_options& options, const batch<S>& z0, const batch<S>& z1) {
    const sampling_plan plan = every_register();
    const isize rows = x.rows(), columns = x.cols();
    batch<S> x0[3], eps[3];
    const auto evaluate = [&](std::size_t i) {
        x0[i].resize(rows, columns);
        eps[i].resize(rows, columns);
        denoise<S>(prediction::epsilon, plan.stages()[i].level, x, (x / S(2)).eval(), options, {x0[i], eps[i]});
    };
    x *= S(0.9);
    batch<S> base = S(0.5) * x;
    evaluate(0);
    x = S(0.25) * x0[0] + S(0.5) * eps[0] + S(0.125) * x + S(2) * base + S(0.75) * z0;
    evaluate(1);
    base = S(-0.5) * x0[0] + x + S(0.25) * base + S(0.3) * eps[1] + S(0.1) * z0 + S(0.2) * z1;
    x = S(0.5) * base + S(0.7) * eps[0] + S(0.2) * eps[1];
    evaluate(2);
    return S(0.5) * x0[2] + S(0.5) * x0[1];
}

}  // namespace

TEMPLATE_TEST_CASE("a run computes what its plan says", "[sampler]", float, double) {
    using S = TestType;
    const sampling_plan plan = every_register();
    const predictor_archetype<S> predictor;
    for (const auto& [rows, columns] : {std::pair<isize, isize>{1, 1}, {3, 1500}, {64, 40}, {2048, 2}, {5000, 3}}) {
        for (const denoise_options& options : {denoise_options{}, denoise_options{.clip_x0 = 0.5},
                                               denoise_options{.clip_x0 = 0.5, .clip_epsilon = true}}) {
            CAPTURE(rows, columns, options.clip_epsilon);
            philox_noise noise(3, noise_stream::sampler);
            drawn_noise drawn{noise};
            batch<S> z0(rows, columns), z1(rows, columns);
            noise.normal(batch_view<S>(z0), 6, 7);
            noise.normal(batch_view<S>(z1), 7, 7);
            const batch<S> start = pattern<S>(rows, columns, 1);
            sampling_run<S, const predictor_archetype<S>, philox_noise> on_the_fly(plan, predictor, noise, start,
                                                                                   options, 7, 5);
            sampling_run<S, const predictor_archetype<S>, drawn_noise> asking(plan, predictor, drawn, start, options, 7,
                                                                              5);
            while (!on_the_fly.done()) {
                on_the_fly.step();
                asking.step();
            }
            CHECK(drawn.draws == 2);
            CHECK((on_the_fly.x().array() == asking.x().array()).all());
            const batch<S> expected = by_hand<S>(start, options, z0, z1);
            CHECK(static_cast<double>((on_the_fly.x().array() - expected).abs().maxCoeff()) < ulps<S>(32));
        }
    }
}

TEMPLATE_TEST_CASE("dynamic thresholding limits each sample by its own quantile", "[sampler]", float, double) {
    using S = TestType;
    const time_grid grid({{9, {0.6, 0.8}}, {-1, {1, 0}}});
    const predictor_archetype<S> predictor;
    philox_noise noise(3, noise_stream::sampler);
    const dynamic_threshold threshold{.ratio = 0.9, .max = 2};
    for (const bool from_x0 : {false, true}) {
        sampling_plan plan(grid);
        plan.evaluate(0, grid[0]);
        plan.set(quantity::x, {term::x0(0, 1)});
        plan.set(quantity::base, {term::eps(0, 1)});
        batch<S> start = pattern<S>(300, 3, 1);
        start.col(0) *= S(0.1);  // its quantile is below 1
        start.col(2) *= S(9);    // and its own above 2
        sampling_run<S, const predictor_archetype<S>, philox_noise> run(
            plan, predictor, noise, start, {.clip_epsilon = from_x0, .threshold = threshold});
        run.step();
        const batch<S> raw = (start - S(0.8) * start / S(2)) / S(0.6);
        for (isize n = 0; n < 3; ++n) {
            batch<S> scratch = raw.col(n);
            const S quantile = kernels::detail::absolute_quantile<S>(300, scratch.data(), 0.9, scratch.data());
            const S limit = std::clamp(quantile, S(1), S(2));
            CHECK((n == 0 ? quantile < 1 : n == 2 ? quantile > 2 : quantile > 1));
            const batch<S> x0 = raw.col(n).max(-limit).min(limit) / limit;
            const batch<S> eps =
                from_x0 ? batch<S>((start.col(n) - S(0.6) * x0) / S(0.8)) : batch<S>(start.col(n) / S(2));
            CHECK(static_cast<double>((run.x().array().col(n) - x0).abs().maxCoeff()) < ulps<S>(16));
            CHECK(static_cast<double>((run.base().array().col(n) - eps).abs().maxCoeff()) < ulps<S>(64));
        }
    }
}

TEST_CASE("a run has a second state if its plan has", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const predictor_archetype<double> predictor;
    philox_noise noise(3, noise_stream::sampler);
    const auto base_size = [&](const sampling_plan& plan) {
        sampling_run<double, const predictor_archetype<double>, philox_noise> run(plan, predictor, noise,
                                                                                  pattern<double>(4, 2, 1));
        return run.base().size();
    };
    CHECK(base_size(every_register()) == 8);
    CHECK(base_size(ancestral{}.plan(schedule, std::vector<isize>{18, 12, 6, 1})) == 0);
}

TEST_CASE("a plan that refers to what it has not made is an error", "[sampler]") {
    const time_grid grid({{9, {0.6, 0.8}}, {5, {0.8, 0.6}}, {-1, {1, 0}}});
    const predictor_archetype<double> predictor;
    philox_noise noise(3, noise_stream::sampler);
    const auto check = [&](const term& wrong) {
        sampling_plan plan(grid);
        plan.evaluate(0, grid[0]);
        plan.set(quantity::x, {wrong});
        plan.evaluate(1, grid[1]);
        CHECK_THROWS_AS((sampling_run<double, const predictor_archetype<double>, philox_noise>(
                            plan, predictor, noise, pattern<double>(4, 2, 1))),
                        value_error);
    };
    check(term::x0(1, 1));
    check(term::eps(-1, 1));
    check(term::noise(0, 1));
    check(term::spread_noise(0, 1));  // of a stage without a variance
}

TEST_CASE("between two evaluations a plan may read noise as often as it likes", "[sampler]") {
    const time_grid grid({{9, {0.6, 0.8}}, {-1, {1, 0}}});
    const predictor_archetype<double> predictor;
    philox_noise noise(3, noise_stream::sampler);
    const auto run = [&](int times) {
        sampling_plan plan(grid);
        plan.evaluate(0, grid[0]);
        std::vector<term> terms;
        for (int i = 0; i < times; ++i) {
            terms.push_back(term::noise(plan.draw(grid[0].level, grid[1].level), i + 1));
        }
        plan.set(quantity::x, terms);
        sampling_run<double, const predictor_archetype<double>, philox_noise> all(plan, predictor, noise,
                                                                                  pattern<double>(100, 2, 1));
        all.step();
        return batch<double>(all.x().array());
    };
    for (const int times : {1, 5, 15, 16, 17, 40}) {
        batch<double> expected = batch<double>::Zero(100, 2), z(100, 2);
        for (int i = 0; i < times; ++i) {
            noise.normal<double>(z, i + 1);
            expected += (i + 1) * z;
        }
        CHECK((run(times) - expected).abs().maxCoeff() < 1e-11);
    }
}

TEST_CASE("a run whose normals have no address does not begin", "[sampler]") {
    const time_grid grid({{9, {0.6, 0.8}}, {-1, {1, 0}}});
    const predictor_archetype<double> predictor;
    philox_noise noise(3, noise_stream::sampler);
    sampling_plan plan(grid);
    plan.evaluate(0, grid[0]);
    plan.set(quantity::x, {term::noise(plan.draw(grid[0].level, grid[1].level), 1)});
    const auto begin = [&](isize first_sample, isize first_step) {
        sampling_run<double, const predictor_archetype<double>, philox_noise>(
            plan, predictor, noise, pattern<double>(4, 2, 1), {}, first_sample, first_step);
    };
    CHECK_NOTHROW(begin(0, (isize{1} << 32) - 2));
    CHECK_THROWS_AS(begin(0, (isize{1} << 32) - 1), value_error);
    CHECK_NOTHROW(begin((isize{1} << 32) - 2, 0));
    CHECK_THROWS_AS(begin((isize{1} << 32) - 1, 0), value_error);  // there are two samples
}

TEST_CASE("limits outside their domain are errors", "[sampler]") {
    CHECK_THROWS_AS(require_valid({.clip_x0 = 0.0}), value_error);
    CHECK_THROWS_AS(require_valid({.clip_x0 = 1.0, .threshold = dynamic_threshold{}}), value_error);
    CHECK_THROWS_AS(require_valid({.threshold = dynamic_threshold{.ratio = 1.5}}), value_error);
    CHECK_THROWS_AS(require_valid({.threshold = dynamic_threshold{.max = 0}}), value_error);
    CHECK_NOTHROW(require_valid({.threshold = dynamic_threshold{}}));
}

TEMPLATE_TEST_CASE("an infinite estimate of noise without weight does not matter where x_0 is limited", "[sampler]",
                   float, double) {
    using S = TestType;
    const noise_schedule schedule{linear_beta{}, 20};
    const auto network = [](batch_view<const S> xt, std::span<const double>, const model_output<S>& out) {
        out.prediction.array() = xt.array() / 2;
        out.prediction.column(1)[2] = -std::numeric_limits<S>::infinity();
    };
    const auto run = [&](const sampling_plan& plan, auto noise) {
        return denoise_from<S>(plan, network, pattern<S>(70, 3, 1), noise, {.clip_x0 = 1.0});
    };
    const philox_noise noise(1, noise_stream::sampler);
    // The chain reads no ε̂ at all, ddim's last step weighs it by 0, and a step through several estimates does
    // likewise.
    const sampling_plan chain = ancestral{}.plan(schedule, std::vector<isize>{15, 8, 3});
    CHECK(run(chain, noise).allFinite());
    CHECK((run(chain, noise) == run(chain, drawn_noise{noise})).all());
    const time_grid last({{3, {0.9, 0.4}}, {-1, {1, 0}}});
    for (const sampling_plan& plan : {ddim{}.plan(last), ancestral{}.plan(last)}) {
        const batch<S> x = run(plan, noise);
        CHECK(x.allFinite());
        CHECK(x(2, 1) == 1);
    }
}

}  // namespace ddpm::test
