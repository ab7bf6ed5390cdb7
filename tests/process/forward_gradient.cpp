// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/forward_gradient.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>
#include <ddpm/train/learned_schedule.hpp>
#include <ddpm/train/monotone_curve.hpp>
#include <ddpm/train/monotone_network.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

namespace {

/// A schedule whose levels are its members, at whole times.
struct level_table {
    std::vector<noise_level<double>> levels;
    [[nodiscard]] noise_level<double> level(double u) const { return levels[static_cast<std::size_t>(u)]; }
    [[nodiscard]] time_range times() const { return {0, static_cast<double>(levels.size()) - 1}; }
};

/// A loss that is not linear, and its gradient.
[[nodiscard]] double quartic(const batch<double>& xt) { return xt.square().square().sum(); }
[[nodiscard]] batch<double> quartic_gradient(const batch<double>& xt) { return 4 * xt.cube(); }

}  // namespace

TEST_CASE("the gradients of q_sample agree with central differences", "[process]") {
    batch<double> x0 = pattern<double>(5, 3, 1);
    const batch<double> eps = pattern<double>(5, 3, 2);
    level_table table{{{0.9, 0.3}, {1, 2}, {0.2, 0.7}}};
    const std::vector<double> u{0, 1, 2};
    const auto loss = [&] { return quartic(q_sample(table, x0, u, eps)); };
    const auto gradient = q_sample_backward(table, x0, u, eps, quartic_gradient(q_sample(table, x0, u, eps)));
    CHECK(gradient_error(elements(x0), elements(gradient.x0), loss) < 1e-8);
    for (std::size_t n = 0; n < 3; ++n) {
        noise_level<double>& level = table.levels[n];
        double values[] = {level.signal, level.sigma};
        const double analytic[] = {gradient.level[n].signal, gradient.level[n].sigma};
        const auto with_values = [&] {
            const noise_level<double> kept = level;
            level = {values[0], values[1]};
            const double value = loss();
            level = kept;
            return value;
        };
        CHECK(gradient_error(values, analytic, with_values) < 1e-8);
    }
}

TEST_CASE("the gradient with respect to the log-SNR keeps the size of the level", "[process]") {
    const batch<double> x0 = pattern<double>(5, 1, 1), eps = pattern<double>(5, 1, 2);
    for (const noise_level<double>& level : {noise_level<double>{0.9, 0.3}, {1, 2}, {0.2, 0.7}}) {
        const double length = std::hypot(level.signal, level.sigma);
        const auto loss_at = [&](double log_snr) {
            const auto [signal, sigma] = level_of_log_snr(log_snr);
            return quartic(q_sample(level_table{{{length * signal, length * sigma}}}, x0, 0, eps));
        };
        const double log_snr = 2 * std::log(level.signal / level.sigma), h = 1e-5;
        const level_table table{{level}};
        const auto gradient = q_sample_backward(table, x0, 0, eps, quartic_gradient(q_sample(table, x0, 0, eps)));
        const double numeric = (loss_at(log_snr + h) - loss_at(log_snr - h)) / (2 * h);
        CHECK(std::abs(log_snr_gradient(level, gradient.level[0]) / numeric - 1) < 1e-7);
    }
    CHECK(log_snr_gradient({1, 0}, {3, 4}) == 0);
}

namespace {

template <class Schedule>
void check_time_gradient(const Schedule& schedule, double u, double h) {
    const batch<double> x0 = pattern<double>(5, 1, 1), eps = pattern<double>(5, 1, 2);
    const auto loss_at = [&](double time) { return quartic(q_sample(schedule, x0, time, eps)); };
    const auto gradient = q_sample_backward(schedule, x0, u, eps, quartic_gradient(q_sample(schedule, x0, u, eps)));
    const double numeric = (loss_at(u + h) - loss_at(u - h)) / (2 * h);
    INFO("u = " << u);
    CHECK(std::abs(time_gradient(schedule, u, gradient.level[0]) - numeric) < 1e-6 * (1 + std::abs(numeric)));
}

}  // namespace

TEST_CASE("the gradient with respect to the time agrees with central differences", "[process]") {
    for (const double u : {0.05, 0.4, 0.9}) {
        check_time_gradient(variance_preserving{}, u, 1e-6);
        check_time_gradient(rectified_flow{}, u, 1e-6);
        check_time_gradient(log_snr_schedule{cosine_log_snr{}}, u, 1e-6);
        check_time_gradient(learned_schedule(monotone_line<double>(-6, 5)), u, 1e-6);
    }
    check_time_gradient(variance_exploding{}, 0.5, 1e-6);
    check_time_gradient(variance_exploding{}, 20, 1e-4);
    CHECK_THROWS_AS(time_gradient(rectified_flow{}, 1.5, {1, 1}), value_error);
}

TEST_CASE("the parameters of a learned schedule have their gradients through q_sample", "[process]") {
    using curve = fixed_ends<monotone_network<double>>;
    curve gamma(monotone_network<double>({.features = 8}), -5, 4);
    disturb(gamma, 1, 3);
    const batch<double> x0 = pattern<double>(5, 3, 1), eps = pattern<double>(5, 3, 2);
    const std::vector<double> u{0.1, 0.5, 0.8};
    const auto loss = [&] { return quartic(q_sample(learned_schedule<curve>(gamma), x0, u, eps)); };
    const learned_schedule<curve> schedule(gamma);
    const auto back = q_sample_backward(schedule, x0, u, eps, quartic_gradient(q_sample(schedule, x0, u, eps)));
    curve gradient = nn::zeros_like(gamma);
    for (std::size_t n = 0; n < 3; ++n) {
        const double d_gamma = -log_snr_gradient(schedule.level(u[n]), back.level[n]);
        gamma.backward(u[n], d_gamma, 0, gradient);
    }
    CHECK(parameter_gradient_error(gamma, gradient, loss) < 1e-6);
}

TEMPLATE_TEST_CASE("gradients of q_sample: each may be left out, in place, the same bits for every thread count",
                   "[process]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 50};
    const std::vector<isize> t{0, 20, 49};
    for (const isize rows : {1, 147, 40000}) {
        const batch<S> x0 = pattern<S>(rows, 3, 1), eps = pattern<S>(rows, 3, 2), d = pattern<S>(rows, 3, 3);
        const auto all = q_sample_backward(schedule, x0, t, eps, d);
        for (isize n = 0; n < 3; ++n) {
            const auto wide = [](const auto& column) { return column.template cast<double>(); };
            const double tolerance = 1e-12 * static_cast<double>(rows);
            const auto& level = all.level[static_cast<std::size_t>(n)];
            const S alpha = static_cast<S>(noise_level_at(schedule, t[static_cast<std::size_t>(n)]).signal);
            INFO(rows << " elements, sample " << n);
            CHECK((all.x0.col(n) == alpha * d.col(n)).all());
            CHECK(std::abs(level.signal - (wide(d.col(n)) * wide(x0.col(n))).sum()) < tolerance);
            CHECK(std::abs(level.sigma - (wide(d.col(n)) * wide(eps.col(n))).sum()) < tolerance);
        }
        const isize threads = thread_count();
        set_thread_count(1);
        batch<S> in_place = d;
        std::vector<noise_level<double>> level(3);
        q_sample_backward(schedule, x0, t, eps, in_place, in_place, level);
        set_thread_count(threads);
        CHECK((in_place == all.x0).all());
        batch<S> alone(rows, 3);
        q_sample_backward(schedule, x0, t, eps, d, alone, {});
        CHECK((alone == all.x0).all());
        std::vector<noise_level<double>> level_alone(3);
        q_sample_backward(schedule, x0 * S{1}, t, eps, d, {}, level_alone);
        for (std::size_t n = 0; n < 3; ++n) {
            CHECK(level[n].signal == all.level[n].signal);
            CHECK(level[n].sigma == all.level[n].sigma);
            CHECK(level_alone[n].signal == all.level[n].signal);
            CHECK(level_alone[n].sigma == all.level[n].sigma);
        }
    }
    CHECK(q_sample_backward(schedule, batch<S>(4, 0), 1, batch<S>(4, 0), batch<S>(4, 0)).level.empty());
    // Where α is 0, x_0 has no part in x_t.
    const batch<S> x = pattern<S>(4, 1, 1);
    CHECK((q_sample_backward(rectified_flow{}, x, 1, x, x).x0 == S{0}).all());
}

TEST_CASE("gradients of q_sample: what does not fit is an error, and nothing is written", "[process]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const batch<float> x = pattern<float>(3, 2, 1), narrow = pattern<float>(3, 1, 1);
    batch<float> d_x0 = batch<float>::Constant(3, 2, 7.0F), d_narrow(3, 1);
    std::vector<noise_level<double>> level(2, {7, 7}), three(3);
    CHECK_THROWS_AS(q_sample_backward(schedule, x, 1, narrow, x, d_x0, level), shape_error);
    CHECK_THROWS_AS(q_sample_backward(schedule, x, 1, x, narrow, d_x0, level), shape_error);
    CHECK_THROWS_AS(q_sample_backward(schedule, x, 1, x, x, d_narrow, level), shape_error);
    CHECK_THROWS_AS(q_sample_backward(schedule, x, 1, x, x, d_x0, three), shape_error);
    CHECK_THROWS_AS(q_sample_backward(schedule, x, std::vector<isize>{1}, x, x, d_x0, level), shape_error);
    CHECK_THROWS_AS(q_sample_backward(schedule, x, 10, x, x, d_x0, level), value_error);
    CHECK_THROWS_AS(q_sample_backward(rectified_flow{}, x, -0.5, x, x, d_x0, level), value_error);
    CHECK((d_x0 == 7.0F).all());
    CHECK(level[0].signal == 7);
    CHECK(level[1].sigma == 7);
}

TEMPLATE_TEST_CASE("the gradients of q_sample keep their bounds of roundings", "[process]", float, double) {
    using S = TestType;
    random_numbers random;
    for (const isize rows : {1, 33, 5000}) {
        const batch<S> x0 = random.values<S>(rows, 2), eps = random.values<S>(rows, 2), d = random.values<S>(rows, 2);
        const noise_schedule schedule{cosine_beta{}, 50};
        const auto gradient = q_sample_backward(schedule, x0, 30, eps, d);
        const long double alpha = std::sqrt(static_cast<long double>(schedule.alpha_bar(30)));
        for (isize n = 0; n < 2; ++n) {
            long double sums[4] = {};
            for (isize i = 0; i < rows; ++i) {
                const long double d_x0 = alpha * d(i, n), signal = static_cast<long double>(d(i, n)) * x0(i, n),
                                  noise = static_cast<long double>(d(i, n)) * eps(i, n);
                CHECK(within(gradient.x0(i, n), d_x0, roundings<S>(4) * std::abs(d_x0)));
                sums[0] += signal;
                sums[1] += std::abs(signal);
                sums[2] += noise;
                sums[3] += std::abs(noise);
            }
            const auto& level = gradient.level[static_cast<std::size_t>(n)];
            const long double count = static_cast<long double>(rows);
            CHECK(within(level.signal, sums[0], roundings<double>(count) * sums[1]));
            CHECK(within(level.sigma, sums[2], roundings<double>(count) * sums[3]));
        }
    }
}

TEST_CASE("gradients with respect to a level's log-SNR and time keep their bounds of roundings", "[process]") {
    random_numbers random;
    const batch<double> levels = random.values<double>(2, 1000).abs(), gradients = random.values<double>(2, 1000);
    for (isize n = 0; n < 1000; ++n) {
        const noise_level<double> level{levels(0, n), levels(1, n)}, d{gradients(0, n), gradients(1, n)};
        const long double alpha = level.signal, sigma = level.sigma, a = d.signal * sigma, b = d.sigma * alpha;
        const long double factor = alpha * sigma / (2 * (alpha * alpha + sigma * sigma));
        CHECK(within(log_snr_gradient(level, d), factor * (a - b),
                     roundings<double>(8) * factor * (std::abs(a) + std::abs(b))));
        const double u = random.uniform(0.01, 0.99);
        const noise_level<double> slope = level_slope_at(variance_preserving{}, u);
        const long double x = static_cast<long double>(d.signal) * slope.signal,
                          y = static_cast<long double>(d.sigma) * slope.sigma;
        CHECK(within(time_gradient(variance_preserving{}, u, d), x + y,
                     roundings<double>(2) * (std::abs(x) + std::abs(y))));
    }
}

}  // namespace ddpm::test
