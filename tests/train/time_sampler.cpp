// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/time_sampler.hpp>

#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>
#include <ddpm/train/learned_schedule.hpp>
#include <ddpm/train/monotone_curve.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

constexpr double endless = std::numeric_limits<double>::infinity();

/// The test of Kolmogorov and Smirnov: false once in a million times, were the seeds drawn anew.
bool has_distribution(std::vector<double> sample, const std::function<double(double)>& cdf) {
    std::sort(sample.begin(), sample.end());
    const double n = static_cast<double>(sample.size());
    double largest = 0;
    for (std::size_t i = 0; i < sample.size(); ++i) {
        const double f = cdf(sample[i]);
        largest = std::max({largest, f - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - f});
    }
    return std::sqrt(n) * largest < std::sqrt(std::log(2e6) / 2);
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

template <class Schedule>
std::vector<double> times_from(const time_sampler<Schedule>& sampler, isize steps = 200, isize batch = 100) {
    std::vector<double> times;
    for (isize step = 0; step < steps; ++step) {
        for (isize n = 0; n < batch; ++n) {
            times.push_back(sampler(step, n, batch).t);
        }
    }
    return times;
}

/// Every sampling over a range of a schedule against its distribution.
template <class Schedule>
void check_distributions(const Schedule& schedule, const time_range& range) {
    const auto [first, last] = range;
    const auto log_ratio = [&](double u) {
        const auto [signal, sigma] = schedule.level(u);
        return std::log(sigma / signal);
    };
    const auto share = [&](double u) { return (u - range.first) / (range.last - range.first); };
    const auto check = [&](const time_sampling& sampling, const std::function<double(double)>& cdf) {
        const time_sampler<Schedule> sampler(sampling, schedule, 3, range);
        INFO("sampling " << sampling.index());
        CHECK(has_distribution(times_from(sampler), cdf));
        CHECK_FALSE(sampler.weighs());
        CHECK(sampler(2, 3, 100).weight == 1);
    };
    check(uniform_times{}, share);
    check(antithetic_times{}, share);
    check(stratified_times{}, share);
    check(stratified_times{true}, share);
    for (const auto& [mean, deviation, q] : {std::array{-1.2, 1.2, 0.0}, std::array{0.5, 0.4, 0.3}}) {
        const double m = mean, d = deviation, uniform = q;
        const auto z = [&](double u) { return (log_ratio(u) - m) / d; };
        const double below = normal_cdf(z(first)), mass = normal_cdf(z(last)) - below;
        check(log_normal_times{m, d, false, uniform},
              [&](double u) { return (1 - uniform) * (normal_cdf(z(u)) - below) / mass + uniform * share(u); });
        check(logit_normal_times{m, d, false, uniform}, [&](double u) {
            return (1 - uniform) * normal_cdf((std::log(share(u) / (1 - share(u))) - m) / d) + uniform * share(u);
        });
    }
}

/// The weights of unbiased samplings: the inverse slope of the distribution's function, and a mean that is right.
template <class Schedule>
void check_weights(const time_sampling& sampling, const Schedule& schedule, const time_range& range,
                   const std::function<double(double)>& cdf) {
    const time_sampler<Schedule> sampler(sampling, schedule, 5, range);
    CHECK(sampler.weighs());
    const double span = range.last - range.first;
    const auto f = [&](double u) { return std::sin(5 * (u - range.first) / span) + 2; };
    double sum = 0, squares = 0;
    const isize draws = 20000;
    for (isize n = 0; n < draws; ++n) {
        const auto [t, weight] = sampler(0, n, draws);
        const double h = 1e-5 * std::min(t - range.first, range.last - t);
        const double density = (cdf(t + h) - cdf(t - h)) / (2 * h) * span;
        CHECK(std::abs(weight * density - 1) < 1e-4);
        sum += weight * f(t);
        squares += weight * f(t) * weight * f(t);
    }
    const double count = static_cast<double>(draws), mean = sum / count;
    const double error = std::sqrt((squares / count - mean * mean) / count);
    CHECK(std::abs(mean - (2 + (1 - std::cos(5.0)) / 5)) < 5 * error);
    CHECK(error < 0.02);
}

struct without_inverse {
    [[nodiscard]] noise_level<double> level(double u) const { return {1, u}; }
};

}  // namespace

TEST_CASE("times have the distribution of their sampling, over any range of any schedule", "[train]") {
    check_distributions(variance_exploding{}, {0.01, 20});
    check_distributions(variance_preserving{}, {1e-3, 1});
    check_distributions(variance_preserving{}, {0.2, 0.6});
    check_distributions(rectified_flow{}, {0, 1});
    check_distributions(rectified_flow{}, {0.3, 0.9});
    check_distributions(learned_schedule<monotone_line<double>>(monotone_line<double>(-8, 6)), {0, 1});
}

TEST_CASE("sigma is log-normal over all there are, and in the tails of a range", "[train]") {
    const auto log_normal = [](double mean, double deviation, const time_range& range) {
        return times_from(time_sampler<variance_exploding>(log_normal_times{mean, deviation}, {}, 8, range));
    };
    const std::vector<double> all = log_normal(-1.2, 1.2, {0, endless});
    CHECK(has_distribution(all, [](double sigma) { return normal_cdf((std::log(sigma) + 1.2) / 1.2); }));
    CHECK_FALSE(has_distribution(all, [](double sigma) { return normal_cdf((std::log(sigma) + 1.1) / 1.2); }));
    CHECK_FALSE(has_distribution(all, [](double sigma) { return normal_cdf((std::log(sigma) + 1.2) / 1.35); }));
    // Ten to eleven deviations above the mean, and below.
    const auto above = [](double x) { return 0.5 * std::erfc(x / std::numbers::sqrt2); };
    CHECK(has_distribution(log_normal(0, 1, {std::exp(10.0), std::exp(11.0)}), [&](double sigma) {
        return (above(10) - above(std::log(sigma))) / (above(10) - above(11));
    }));
    CHECK(has_distribution(log_normal(0, 1, {std::exp(-11.0), std::exp(-10.0)}), [&](double sigma) {
        return (above(-std::log(sigma)) - above(11)) / (above(10) - above(11));
    }));
}

TEST_CASE("unbiased times have the weights of a uniform one", "[train]") {
    const auto z = [](double u) { return (std::log(u / (1 - u)) - 0.3) / 1.5; };
    check_weights(logit_normal_times{0.3, 1.5, true, 0}, rectified_flow{}, {0, 1},
                  [&](double u) { return normal_cdf(z(u)); });
    check_weights(logit_normal_times{0.3, 1.5, true, 0.25}, variance_exploding{}, {2, 6}, [&](double u) {
        const double s = (u - 2) / 4;
        return 0.75 * normal_cdf(z(s)) + 0.25 * s;
    });
    // Of a flow ln(σ/α) is the logit.
    check_weights(log_normal_times{0.3, 1.5, true, 0.1}, rectified_flow{}, {0, 1},
                  [&](double u) { return 0.9 * normal_cdf(z(u)) + 0.1 * u; });
    check_weights(log_normal_times{0.5, 0.7, true, 0.2}, variance_exploding{}, {0.4, 5}, [](double u) {
        const auto at = [](double sigma) { return normal_cdf((std::log(sigma) - 0.5) / 0.7); };
        return 0.8 * (at(u) - at(0.4)) / (at(5) - at(0.4)) + 0.2 * (u - 0.4) / 4.6;
    });
}

TEST_CASE("antithetic times come in pairs, stratified ones each from its stratum", "[train]") {
    const isize batch = 30;
    const time_range range{2, 5};
    const time_sampler<variance_exploding> pairs(antithetic_times{}, {}, 9, range),
        strata(stratified_times{}, {}, 9, range), comb(stratified_times{true}, {}, 9, range);
    isize same = 0;
    for (isize step = 0; step < 50; ++step) {
        std::vector<double> places;
        for (isize n = 0; n < batch; ++n) {
            CHECK(std::abs(pairs(step, n, batch).t + pairs(step, n ^ 1, batch).t - 7) < 1e-14);
            CHECK(std::floor((strata(step, n, batch).t - 2) * 10) == static_cast<double>(n));
            same += strata(step, n, batch).t == strata(0, n, batch).t ? 1 : 0;
            places.push_back(comb(step, n, batch).t);
        }
        std::sort(places.begin(), places.end());
        for (std::size_t n = 1; n < places.size(); ++n) {
            CHECK(std::abs(places[n] - places[n - 1] - 0.1) < 1e-14);
        }
    }
    CHECK(same == batch);  // of the first step itself
}

TEST_CASE("the ends are never drawn", "[train]") {
    // There the network of EDM has no time, and ε says nothing of x_0.
    for (const time_sampling& sampling :
         {time_sampling{uniform_times{}}, time_sampling{stratified_times{true}},
          time_sampling{logit_normal_times{.mean = 60}}, time_sampling{logit_normal_times{.mean = -60}}}) {
        for (const double t : times_from(time_sampler<rectified_flow>(sampling, {}, 2, time_range{0, 1}), 20)) {
            CHECK((t > 0 && t < 1));
        }
    }
}

TEST_CASE("quantiles of the normal are where it has that mass", "[train]") {
    for (double x = -37; x < 8; x += 0.37) {
        const double p = normal_cdf(x);
        const double rounding = std::min(p, 1 - p) < 1e-3 && x > 0 ? 1e-16 / detail::normal_density(x) : 0;
        CHECK(std::abs(detail::normal_quantile(p) - x) <= 2e-14 * (1 + std::abs(x)) + 2 * rounding);
    }
    CHECK(std::abs(detail::normal_quantile(0.5)) < 1e-16);
    CHECK(detail::normal_quantile(0) == -endless);
    CHECK(detail::normal_quantile(1) == endless);
}

TEST_CASE("samplers of times refuse what they cannot do", "[train]") {
    const auto refuses = [](const time_sampling& sampling, const auto& schedule, const time_range& range) {
        using sampler = time_sampler<std::remove_cvref_t<decltype(schedule)>>;
        CHECK_THROWS_AS(sampler(sampling, schedule, 0, range), value_error);
    };
    const variance_exploding exploding{};
    refuses(importance_times{}, rectified_flow{}, {0, 1});
    refuses(log_normal_times{.deviation = 0}, exploding, {0, 1});
    refuses(log_normal_times{}, without_inverse{}, {0, 1});
    refuses(log_normal_times{.mean = 50, .deviation = 0.1}, exploding, {0, 1});
    for (const time_sampling& sampling :
         {time_sampling{uniform_times{}}, time_sampling{antithetic_times{}}, time_sampling{stratified_times{}},
          time_sampling{logit_normal_times{}}, time_sampling{log_normal_times{.unbiased = true}},
          time_sampling{log_normal_times{.uniform_probability = 0.1}}}) {
        refuses(sampling, exploding, {0, endless});
        CHECK_NOTHROW(time_sampler<variance_exploding>(sampling, exploding, 0, time_range{0, 80}));
    }
    CHECK_NOTHROW(time_sampler<variance_exploding>(log_normal_times{}, exploding, 0, time_range{0, endless}));
    for (const time_range& range : {time_range{0.5, 0.5}, time_range{0.7, 0.2}, time_range{-0.1, 1}, time_range{0, 1.1},
                                    time_range{std::nan(""), 1}, time_range{0, std::nan("")}}) {
        refuses(uniform_times{}, rectified_flow{}, range);
    }
}

TEST_CASE("uniform times keep their bound of roundings", "[train]") {
    const philox_noise noise(9, noise_stream::timestep);
    const auto unit = [&](isize step, isize n) {
        const std::uint64_t bits = detail::time_bits(noise, n, step);
        return (static_cast<long double>(bits >> 12) + 0.5L) * 0x1p-52L;
    };
    const isize batch = 30;
    for (const time_range& range : {time_range{0.1, 0.7}, time_range{2, 5}, time_range{1e-3, 80}}) {
        const time_sampler<variance_exploding> each(uniform_times{}, {}, 9, range),
            pairs(antithetic_times{}, {}, 9, range), strata(stratified_times{}, {}, 9, range),
            comb(stratified_times{true}, {}, 9, range);
        const long double first = range.first, last = range.last;
        const auto near = [&](const drawn_time<double>& drawn, long double place) {
            return drawn.weight == 1 &&
                   within(drawn.t, first + (last - first) * place, roundings<double>(8) * (first + last));
        };
        for (isize step = 0; step < 50; ++step) {
            for (isize n = 0; n < batch; ++n) {
                const long double own = unit(step, n), of_pair = unit(step, n / 2 * 2),
                                  tooth = unit(step, 0) + static_cast<long double>(n) / batch;
                CHECK(near(each(step, n, batch), own));
                CHECK(near(pairs(step, n, batch), n % 2 == 0 ? of_pair : 1 - of_pair));
                CHECK(near(strata(step, n, batch), (static_cast<long double>(n) + own) / batch));
                CHECK(near(comb(step, n, batch), tooth - std::floor(tooth)));
            }
        }
    }
}

}  // namespace ddpm::test
