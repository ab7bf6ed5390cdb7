// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/forward.hpp>

#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <string>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("q_sample is sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps", "[process]", float, double) {
    using S = TestType;
    const batch<S> x0 = pattern<S>(5, 6, 1);
    const batch<S> eps = pattern<S>(5, 6, 2);
    for (const auto& [name, schedule] : all_schedules()) {
        std::vector<isize> t = some_timesteps(schedule.steps());
        t.resize(6, schedule.steps() - 1);
        const batch<S> xt = q_sample(schedule, x0, t, eps);
        const auto moments = q_mean_variance(schedule, x0, t);
        for (isize n = 0; n < 6; ++n) {
            const auto& entry = schedule[t[static_cast<std::size_t>(n)]];
            INFO(name << ", sample " << n);
            CHECK(std::abs(static_cast<double>(moments.variance(n)) - (1 - entry.alpha_bar)) < ulps<S>(1));
            CHECK(std::abs(static_cast<double>(moments.log_variance(n)) - std::log(1 - entry.alpha_bar)) < ulps<S>(16));
            for (isize i = 0; i < 5; ++i) {
                const double mean = entry.sqrt_alpha_bar * static_cast<double>(x0(i, n));
                const double value = mean + entry.sqrt_one_minus_alpha_bar * static_cast<double>(eps(i, n));
                CHECK(std::abs(static_cast<double>(xt(i, n)) - value) < ulps<S>(4));
                CHECK(std::abs(static_cast<double>(moments.mean(i, n)) - mean) < ulps<S>(4));
            }
        }
    }
}

TEST_CASE("batches may be expressions, blocks, vectors and views", "[process]") {
    const noise_schedule schedule{linear_beta{}, 100};
    const batch<double> x0 = pattern<double>(4, 6, 1);
    const batch<double> eps = pattern<double>(4, 6, 2);
    const batch<double> expected = q_sample(schedule, x0, 30, eps);

    CHECK((q_sample(schedule, x0 * 1.0, 30, eps + 0.0) == expected).all());
    CHECK((q_sample(schedule, x0.leftCols(2), 30, eps.leftCols(2)) == expected.leftCols(2)).all());
    CHECK((q_sample(schedule, x0.topRows(2), 30, eps.topRows(2)) == expected.topRows(2)).all());
    const Eigen::VectorXd one = x0.col(3);
    CHECK((q_sample(schedule, one, 30, eps.col(3)) == expected.col(3)).all());
    const Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row_major = x0;
    CHECK((q_sample(schedule, row_major, 30, eps) == expected).all());

    batch<double> in_place = x0;
    q_sample(schedule, in_place, 30, eps, in_place);
    CHECK((in_place == expected).all());
    batch<double> wide = batch<double>::Zero(8, 6);
    q_sample(schedule, batch_view<const double>(x0), 30, eps, wide.middleRows(2, 4));
    CHECK((wide.middleRows(2, 4) == expected).all());
    CHECK((wide.topRows(2) == 0.0).all());
    CHECK(q_sample(schedule, batch<double>(4, 0), 30, batch<double>(4, 0)).cols() == 0);
}

TEMPLATE_TEST_CASE("fresh noise is that of philox_noise at its address, kept or not", "[process]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 50};
    const philox_noise noise(5, noise_stream::training);
    for (const isize rows : {1, 64, 147, 20000}) {
        const batch<S> x = pattern<S>(rows, 3, 1);
        const std::vector<isize> t{0, 20, 49};
        batch<S> eps(rows, 3), kept(rows, 3), out(rows, 3);
        noise.normal(batch_view<S>(eps), 9, 4);
        INFO(rows << " elements");

        const batch<S> sampled = q_sample(schedule, x, t, eps);
        q_sample(schedule, x, t, {noise, 9, 4}, kept, out);
        CHECK((kept == eps).all());
        CHECK((out == sampled).all());
        CHECK((q_sample(schedule, x, t, {noise, 9, 4}) == sampled).all());
        CHECK((q_sample(schedule, x.rightCols(2), std::vector<isize>{20, 49}, {noise, 9, 5}) == sampled.rightCols(2))
                  .all());
        out = x;
        q_sample(schedule, out, t, {noise, 9, 4}, out);
        CHECK((out == sampled).all());
    }
    CHECK(q_sample(schedule, batch<S>(4, 0), 3, {noise}).cols() == 0);
}

TEST_CASE("in continuous time the moments are those of the level", "[process]") {
    const batch<double> x0 = pattern<double>(3, 2, 1);
    const variance_exploding schedule;
    const std::vector<double> sigma{0.5, 80};
    const auto moments = q_mean_variance(schedule, x0, sigma);
    CHECK((moments.mean == x0).all());
    CHECK(moments.variance(0) == 0.25);
    CHECK(moments.variance(1) == 6400);
    CHECK(std::abs(moments.log_variance(1) - 2 * std::log(80.0)) < 1e-14);
    const auto half = q_mean_variance(rectified_flow{}, x0, 0.5);
    CHECK((half.mean == 0.5 * x0).all());
    const auto data = q_mean_variance(schedule, x0, 0);
    CHECK(data.variance(0) == 0);
    CHECK(data.log_variance(0) == std::log(1e-20));
    CHECK_THROWS_AS(q_mean_variance(schedule, x0, -1), value_error);
    CHECK_THROWS_AS(q_mean_variance(schedule, x0, std::vector<double>{1, 2, 3}), shape_error);
}

TEST_CASE("fresh noise: what does not fit is an error, and nothing is written", "[process]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const philox_noise noise(5, noise_stream::training);
    const batch<float> x = pattern<float>(3, 2, 1);
    batch<float> out = batch<float>::Constant(3, 2, 7.0F), eps = out, narrow(3, 1);
    CHECK_THROWS_AS(q_sample(schedule, x, 1, {noise}, narrow), shape_error);
    CHECK_THROWS_AS(q_sample(schedule, x, 1, {noise}, narrow, out), shape_error);
    CHECK_THROWS_AS(q_sample(schedule, x, std::vector<isize>{1}, {noise}, out), shape_error);
    CHECK_THROWS_AS(q_sample(schedule, x, 10, {noise}, eps, out), value_error);
    CHECK_THROWS_AS(q_sample(schedule, x, 1, {noise, -1}, out), value_error);
    CHECK_THROWS_AS(q_sample(schedule, x, 1, {noise, 0, -1}, out), value_error);
    CHECK_THROWS_AS(q_sample(schedule, x, 1, {noise, 0, (isize{1} << 32) - 1}, out), value_error);
    CHECK((out == 7.0F).all());
    CHECK((eps == 7.0F).all());
}

TEST_CASE("the smallest schedule runs the forward process", "[process]") {
    const batch<float> x = pattern<float>(2, 2, 1);
    const schedule_archetype schedule;
    CHECK(q_sample(schedule, x, 9, x).allFinite());
    CHECK(q_mean_variance(schedule, x, 3).mean.allFinite());
}

TEST_CASE("shapes and times that do not fit are errors, and nothing is written", "[process]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const batch<float> x = pattern<float>(3, 2, 1);
    const batch<float> other = pattern<float>(3, 3, 1);
    batch<float> out = batch<float>::Constant(3, 2, 7.0F);
    const std::vector<isize> three{1, 2, 3};
    CHECK_THROWS_AS(q_sample(schedule, x, 1, other, out), shape_error);
    CHECK_THROWS_AS(q_sample(schedule, x, 1, x, batch_view<float>(out.leftCols(1))), shape_error);
    CHECK_THROWS_AS(q_sample(schedule, x, three, x, out), shape_error);
    CHECK_THROWS_AS(q_sample(schedule, x, std::vector<isize>{1, 10}, x, out), value_error);
    CHECK_THROWS_AS(q_sample(schedule, x, -1, x, out), value_error);
    CHECK_THROWS_AS(q_mean_variance(schedule, x, 10), value_error);
    CHECK_THROWS_AS(q_mean_variance(schedule, x, three), shape_error);
    CHECK((out == 7.0F).all());
    for (const isize wrong : {0, 1}) {  // the function checks the time of each sample, and is named
        std::vector<isize> t{1, 1};
        t[static_cast<std::size_t>(wrong)] = 10;
        std::string text;
        try {
            q_sample(schedule, x, t, x, out);
        } catch (const value_error& e) {
            text = e.what();
        }
        CHECK(contains(text, "q_sample: timestep"));
    }
}

TEMPLATE_TEST_CASE("the forward process keeps its bounds of roundings", "[process]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<S> x0 = random.values<S>(40, 6), eps = random.values<S>(40, 6);
    const auto check = [&](long double alpha, long double sigma, isize n, const batch<S>& xt,
                           const gaussian_moments<S>& moments) {
        const long double variance = sigma * sigma, log_variance = std::log(variance);
        CHECK(within(moments.variance(n), variance, roundings<S>(2) * variance));
        CHECK(within(moments.log_variance(n), log_variance, roundings<S>(2) * (1 + std::abs(log_variance))));
        for (isize i = 0; i < 40; ++i) {
            const long double signal = alpha * x0(i, n), noise = sigma * eps(i, n);
            CHECK(within(xt(i, n), signal + noise, roundings<S>(4) * (std::abs(signal) + std::abs(noise))));
            CHECK(within(moments.mean(i, n), signal, roundings<S>(3) * std::abs(signal)));
        }
    };
    for (const auto& [name, schedule] : all_schedules()) {
        std::vector<isize> t = some_timesteps(schedule.steps());
        t.resize(6, 0);
        const batch<S> xt = q_sample(schedule, x0, t, eps);
        const auto moments = q_mean_variance(schedule, x0, t);
        for (isize n = 0; n < 6; ++n) {
            const long double alpha_bar = schedule.alpha_bar(t[static_cast<std::size_t>(n)]);
            INFO(name << ", sample " << n);
            check(std::sqrt(alpha_bar), std::sqrt(1 - alpha_bar), n, xt, moments);
        }
    }
    const std::vector<double> u{1e-5, 0.1, 0.3, 0.7, 0.99, 1 - 1e-9};
    const batch<S> xt = q_sample(rectified_flow{}, x0, u, eps);
    const auto moments = q_mean_variance(rectified_flow{}, x0, u);
    for (isize n = 0; n < 6; ++n) {
        const auto [alpha, sigma] = rectified_flow{}.level(u[static_cast<std::size_t>(n)]);
        check(alpha, sigma, n, xt, moments);
    }
}

}  // namespace ddpm::test
