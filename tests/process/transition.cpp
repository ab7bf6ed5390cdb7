// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/transition.hpp>

#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("chained q_step moments are those of q_sample", "[process]", float, double) {
    using S = TestType;
    const batch<S> x0 = pattern<S>(3, 2, 3);
    for (const auto& [name, schedule] : all_schedules()) {
        batch<S> mean = x0;
        double variance = 0;
        for (isize t = 0; t < schedule.steps(); ++t) {
            const auto step = q_step_mean_variance(schedule, mean, t);
            variance = (1 - static_cast<double>(step.variance(0))) * variance + static_cast<double>(step.variance(0));
            mean = step.mean;
        }
        const isize last = schedule.steps() - 1;
        const auto closed = q_mean_variance(schedule, x0, last);
        INFO(name);
        CHECK(static_cast<double>((mean - closed.mean).abs().maxCoeff()) < ulps<S>(200));
        CHECK(std::abs(variance - static_cast<double>(closed.variance(0))) < ulps<S>(200));
    }
}

TEMPLATE_TEST_CASE("a step is the transition from t - 1, and q_sample the one from x0", "[process]", float, double) {
    using S = TestType;
    const batch<S> x = pattern<S>(4, 3, 4);
    const batch<S> eps = pattern<S>(4, 3, 5);
    const noise_schedule schedule{cosine_beta{}, 50};
    const std::vector<isize> t{1, 20, 49};
    const std::vector<isize> before{0, 19, 48};
    CHECK((q_step(schedule, x, t, eps) == q_transition(schedule, x, before, t, eps)).all());
    CHECK((q_sample(schedule, x, t, eps) == q_transition(schedule, x, clean, t, eps)).all());
    CHECK((q_step(schedule, x, 0, eps) == q_sample(schedule, x, 0, eps)).all());
    CHECK((q_step_mean_variance(schedule, x, t).mean == q_transition_mean_variance(schedule, x, before, t).mean).all());
    const S beta = static_cast<S>(schedule.beta(20));
    CHECK(static_cast<double>(std::abs(q_step_mean_variance(schedule, x, t).variance(1) - beta)) < ulps<S>(1));
}

TEMPLATE_TEST_CASE("fresh noise of a transition is that of philox_noise at its address", "[process]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 50};
    const philox_noise noise(5, noise_stream::training);
    for (const isize rows : {1, 64, 147, 20000}) {
        const batch<S> x = pattern<S>(rows, 3, 1);
        const std::vector<isize> t{0, 20, 49}, s{clean, 4, 48};
        batch<S> eps(rows, 3), kept(rows, 3), out(rows, 3);
        noise.normal(batch_view<S>(eps), 9, 4);
        INFO(rows << " elements");

        const batch<S> stepped = q_step(schedule, x, t, eps);
        q_step(schedule, x, t, {noise, 9, 4}, kept, out);
        CHECK((kept == eps).all());
        CHECK((out == stepped).all());
        CHECK((q_step(schedule, x, t, {noise, 9, 4}) == stepped).all());

        const batch<S> jumped = q_transition(schedule, x, s, t, eps);
        CHECK((q_transition(schedule, x, s, t, {noise, 9, 4}) == jumped).all());
        out = x;
        q_transition(schedule, out, s, t, {noise, 9, 4}, out);
        CHECK((out == jumped).all());
        const std::vector<double> u{0.1, 0.4, 1};
        CHECK((q_transition(rectified_flow{}, x, 0.05, u, {noise, 9, 4}) ==
               q_transition(rectified_flow{}, x, 0.05, u, eps))
                  .all());
    }
}

namespace {

/// Moments of q(x_u|x_0) after each of the steps over `times`, against those of the level there.
template <class Schedule>
void check_chained(const Schedule& schedule, const std::vector<double>& times) {
    const batch<double> x0 = pattern<double>(3, 2, 3);
    batch<double> mean = q_mean_variance(schedule, x0, times.front()).mean;
    double variance = q_mean_variance(schedule, x0, times.front()).variance(0);
    for (std::size_t k = 1; k < times.size(); ++k) {
        const auto [scale, added] = transition_at(schedule, times[k - 1], times[k]);
        const auto step = q_transition_mean_variance(schedule, mean, times[k - 1], times[k]);
        CHECK(step.variance(1) == added);
        CHECK(step.log_variance(1) == std::log(added));
        variance = scale * scale * variance + added;
        mean = step.mean;
        const auto closed = q_mean_variance(schedule, x0, times[k]);
        INFO("u = " << times[k]);
        CHECK((mean - closed.mean).abs().maxCoeff() < 1e-14);
        CHECK(std::abs(variance / closed.variance(0) - 1) < 1e-13);
    }
}

}  // namespace

TEST_CASE("steps in continuous time make the closed form", "[process]") {
    const std::vector<double> times{0, 1e-3, 0.2, 0.21, 0.7, 1};
    check_chained(variance_preserving{}, times);
    check_chained(rectified_flow{}, times);
    check_chained(variance_exploding{}, {0, 0.002, 0.5, 0.51, 80});
    check_chained(log_snr_schedule{cosine_log_snr{}}, times);
    const batch<float> x = pattern<float>(3, 2, 1), eps = pattern<float>(3, 2, 2);
    CHECK((q_transition(variance_preserving{}, x, 0, 0.3, eps) - q_sample(variance_preserving{}, x, 0.3, eps))
              .abs()
              .maxCoeff() < 1e-6F);
    CHECK((q_transition(rectified_flow{}, x, 0.5, 1, eps) == std::sqrt(1.0F) * eps).all());
}

TEST_CASE("a continuous schedule with the levels of a discrete one has its transitions", "[process]") {
    const batch<double> x = pattern<double>(4, 3, 4), eps = pattern<double>(4, 3, 5);
    for (const auto& [name, schedule] : all_schedules()) {
        const sampled_levels levels{&schedule};
        for (const isize t : some_timesteps(schedule.steps())) {
            for (const isize s : {clean, t / 2 - 1, t - 1}) {
                const auto expected = transition_at(schedule, s, t);
                const auto got = transition_at(levels, static_cast<double>(s), static_cast<double>(t));
                INFO(name << ", " << s << " to " << t);
                CHECK(std::abs(got.scale - expected.scale) < 1e-15 * 4);
                CHECK(std::abs(got.variance - expected.variance) < 1e-15 * 8);
                const batch<double> drawn =
                    q_transition(levels, x, static_cast<double>(s), static_cast<double>(t), eps);
                CHECK((drawn - q_transition(schedule, x, s, t, eps)).abs().maxCoeff() <
                      1e-14 / std::sqrt(expected.variance));
            }
        }
    }
}

TEST_CASE("the smallest schedule makes steps", "[process]") {
    const batch<float> x = pattern<float>(2, 2, 1);
    const schedule_archetype schedule;
    CHECK(q_step(schedule, x, 3, x).allFinite());
    CHECK(q_transition(schedule, x, 3, 5, x).allFinite());
    CHECK(q_step_mean_variance(schedule, x, 3).mean.allFinite());
    CHECK(q_transition_mean_variance(schedule, x, 1, 3).mean.allFinite());
}

TEST_CASE("transitions: shapes and times that do not fit are errors, and nothing is written", "[process]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const batch<float> x = pattern<float>(3, 2, 1), other = pattern<float>(3, 3, 1);
    const philox_noise noise(5, noise_stream::training);
    batch<float> out = batch<float>::Constant(3, 2, 7.0F), narrow(3, 1);
    const std::vector<isize> three{1, 2, 3};
    const std::vector<double> three_times{0.1, 0.2, 0.3};
    CHECK_THROWS_AS(q_step(schedule, x, 10, x, out), value_error);
    CHECK_THROWS_AS(q_step(schedule, x, 1, other, out), shape_error);
    CHECK_THROWS_AS(q_step(schedule, x, -1, {noise}, out), value_error);
    CHECK_THROWS_AS(q_step(schedule, x, 1, {noise}, narrow, out), shape_error);
    CHECK_THROWS_AS(q_step_mean_variance(schedule, x, -1), value_error);
    CHECK_THROWS_AS(q_transition(schedule, x, 4, 4, x, out), value_error);
    CHECK_THROWS_AS(q_transition(schedule, x, -2, 4, x, out), value_error);
    CHECK_THROWS_AS(q_transition(schedule, x, three, 4, x, out), shape_error);
    CHECK_THROWS_AS(q_transition(schedule, x, three, 4, {noise}, out), shape_error);
    CHECK_THROWS_AS(q_transition(schedule, x, 1, 4, {noise, -1}, out), value_error);
    CHECK_THROWS_AS(q_transition_mean_variance(schedule, x, three, 4), shape_error);
    const rectified_flow flow;
    CHECK_THROWS_AS(q_transition(flow, x, 0.5, 0.5, x, out), value_error);
    CHECK_THROWS_AS(q_transition(flow, x, 0.6, 0.5, x, out), value_error);
    CHECK_THROWS_AS(q_transition(flow, x, 0.5, 1.5, x, out), value_error);
    CHECK_THROWS_AS(q_transition(flow, x, -0.5, 0.5, x, out), value_error);
    // Each sample's times are looked at, and those of moments too.
    for (const isize wrong : {0, 1}) {
        std::vector<isize> s{2, 3}, t{4, 5};
        std::vector<double> from{0.2, 0.3}, to{0.4, 0.5};
        t[static_cast<std::size_t>(wrong)] = 1;
        to[static_cast<std::size_t>(wrong)] = 0.1;
        CHECK_THROWS_AS(q_transition(schedule, x, s, t, x, out), value_error);
        CHECK_THROWS_AS(q_transition(schedule, x, s, t, {noise}, out), value_error);
        CHECK_THROWS_AS(q_transition_mean_variance(schedule, x, s, t), value_error);
        CHECK_THROWS_AS(q_transition(flow, x, from, to, x, out), value_error);
        CHECK_THROWS_AS(q_transition_mean_variance(flow, x, from, to), value_error);
    }
    CHECK_THROWS_AS(q_transition(flow, x, three_times, 0.5, x, out), shape_error);
    CHECK_THROWS_AS(q_transition(flow, x, 0.05, three_times, x, out), shape_error);
    CHECK((out == 7.0F).all());
}

TEMPLATE_TEST_CASE("transitions keep their bounds of roundings", "[process]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<S> x = random.values<S>(40, 1), eps = random.values<S>(40, 1);
    const auto check = [&](const batch<S>& xt, const gaussian_moments<S>& moments, long double scale,
                           long double variance, long double noise_error, const auto& rounded) {
        CHECK(moments.variance(0) == static_cast<S>(rounded.variance));
        for (isize i = 0; i < 40; ++i) {
            const long double signal = scale * x(i), noise = std::sqrt(variance) * eps(i);
            CHECK(within(xt(i), signal + noise,
                         roundings<S>(4) * (std::abs(signal) + std::abs(noise)) + noise_error * std::abs(eps(i))));
            CHECK(within(moments.mean(i), signal, roundings<S>(4) * std::abs(signal)));
        }
    };
    const auto check_discrete = [&](const auto& schedule) {
        using real = real_of<std::remove_cvref_t<decltype(schedule)>>;
        for (const isize t : some_timesteps(schedule.steps())) {
            for (const isize s : {clean, t / 2 - 1, t - 1}) {
                const long double ratio =
                    static_cast<long double>(schedule.alpha_bar(t)) / alpha_bar_or_one(schedule, s);
                INFO(s << " to " << t);
                check(q_transition(schedule, x, s, t, eps), q_transition_mean_variance(schedule, x, s, t),
                      std::sqrt(ratio), 1 - ratio, roundings<real>(1) / std::sqrt(1 - ratio),
                      transition_at(schedule, s, t));
            }
        }
    };
    for (const auto& [name, schedule] : all_schedules()) {
        INFO(name);
        check_discrete(schedule);
    }
    if constexpr (std::is_same_v<S, float>) {
        check_discrete(noise_schedule<float32_tables>{linear_beta{}, 1000});
    }
    for (const double t : {1e-4, 0.3, 0.999}) {
        for (const double s : {t / 3, t * (1 - 1e-7)}) {
            const noise_level<double> from = variance_preserving{}.level(s), to = variance_preserving{}.level(t);
            const long double scale = static_cast<long double>(to.signal) / from.signal, part = scale * from.sigma,
                              sigma = to.sigma, variance = (sigma - part) * (sigma + part);
            INFO(s << " to " << t);
            check(q_transition(variance_preserving{}, x, s, t, eps),
                  q_transition_mean_variance(variance_preserving{}, x, s, t), scale, variance,
                  roundings<double>(8) * sigma * sigma / std::sqrt(variance),
                  transition_at(variance_preserving{}, s, t));
        }
    }
}

}  // namespace ddpm::test
