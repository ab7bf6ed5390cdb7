// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/decoder.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/loss/hybrid.hpp>
#include <ddpm/loss/vlb.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace ddpm::test {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// OpenAI's formula as it stands, in long double.
double published(double x, double mean, double log_scale, bool exact, double floor, isize levels = 256) {
    const auto cdf = [&](long double z) {
        return exact ? 0.5L * std::erfc(-z / std::sqrt(2.0L))
                     : 0.5L * (1 +
                               std::tanh(std::sqrt(2 / std::numbers::pi_v<long double>) * (z + 0.044715L * z * z * z)));
    };
    const long double s = std::exp(-static_cast<long double>(log_scale)), c = x - static_cast<long double>(mean);
    const long double half = 1.0L / static_cast<long double>(levels - 1);
    const long double above = cdf(s * (c + half)), below = cdf(s * (c - half));
    const long double p = x < -0.999 ? above : x > 0.999 ? 1 - below : above - below;
    return static_cast<double>(std::log(std::max(p, static_cast<long double>(floor))));
}

/// A level of 256.
double level(isize k) { return static_cast<double>(2 * k) / 255 - 1; }

}  // namespace

TEST_CASE("the discretized decoder has the published values", "[loss]") {
    struct row {
        double x, mean, log_scale, tanh, exact;
    };
    const row rows[] = {
        {0, 0, -2.302585093, -3.46472735781, -3.46472609021},
        {1, 1, -2.302585093, -0.662344944974, -0.662344906525},
        {-1, -1, -2.302585093, -0.662344944974, -0.662344906525},
        {-0.9215686274509804, -0.9, -4.605170186, -3.39218211686, -3.39904090624},
        {0.5, 0.5, -5.541263545, -0.382162757265, -0.381715146302},
        {0.5, -0.5, -4.605170186, -27.6310211159, -infinity},
        {-0.00392156862745098, 0, -5, -0.973874602699, -0.973408813773},
    };
    const auto equal = [](double a, double b) { return a == b || std::abs(a - b) < 1e-9; };
    for_each_target([&] {
        for (const row& r : rows) {
            INFO("x = " << r.x << ", mean = " << r.mean << ", log_scale = " << r.log_scale);
            CHECK(equal(log_likelihood(discretized_decoder{}, r.x, r.mean, r.log_scale).log_likelihood, r.tanh));
            const discretized_decoder exact{.cdf = normal_cdf::exact, .smallest_probability = 0};
            CHECK(equal(log_likelihood(exact, r.x, r.mean, r.log_scale).log_likelihood, r.exact));
        }
    });
}

TEST_CASE("the discretized decoder is the published formula, also where that loses its digits", "[loss]") {
    for_each_target([] {
        double worst = 0, worst_exact = 0;
        for (const double log_scale : {-8.0, -5.3, -4.0, -2.0, 0.0, 1.5}) {
            for (const isize k : {0, 1, 60, 128, 254, 255}) {
                for (double mean = -1.4; mean < 1.4; mean += 0.0471) {
                    const auto tanh = log_likelihood(discretized_decoder{}, level(k), mean, log_scale);
                    const auto exact =
                        log_likelihood(discretized_decoder{.cdf = normal_cdf::exact}, level(k), mean, log_scale);
                    // The formula's upper tail is a difference of numbers near 1: 1e-12 has 7 digits in long double.
                    worst = std::max(
                        worst, std::abs(tanh.log_likelihood - published(level(k), mean, log_scale, false, 1e-12)));
                    worst_exact = std::max(worst_exact, std::abs(exact.log_likelihood -
                                                                 published(level(k), mean, log_scale, true, 1e-12)));
                }
            }
        }
        CHECK(worst < 1e-6);
        CHECK(worst_exact < 1e-6);
    });
}

TEST_CASE("the probabilities of all levels add up to 1", "[loss]") {
    for (const isize levels : {2, 5, 256}) {
        for (const normal_cdf cdf : {normal_cdf::tanh, normal_cdf::exact}) {
            const discretized_decoder decoder{.levels = levels, .cdf = cdf, .smallest_probability = 0};
            for (const double log_scale : {-6.0, -3.0, 0.0, 2.0}) {
                for (const double mean : {-1.2, 0.0, 0.3, 0.999}) {
                    double sum = 0;
                    for (isize k = 0; k < levels; ++k) {
                        const double x = static_cast<double>(2 * k) / static_cast<double>(levels - 1) - 1;
                        sum += std::exp(log_likelihood(decoder, x, mean, log_scale).log_likelihood);
                    }
                    INFO(levels << " levels, mean " << mean << ", log_scale " << log_scale);
                    CHECK(std::abs(sum - 1) < 1e-12);
                }
            }
        }
    }
}

TEST_CASE("a level far from the mean is finite without a floor, and no floor is reached from below", "[loss]") {
    const discretized_decoder open{.smallest_probability = 0};
    const auto far = log_likelihood(open, level(10), 0.9, -6);
    CHECK(far.log_likelihood < -1e6);
    CHECK(std::isfinite(far.log_likelihood));
    CHECK(far.d_mean < 0);
    const auto floored = log_likelihood(discretized_decoder{.smallest_probability = 1e-3}, level(10), 0.9, -6);
    CHECK(floored.log_likelihood == std::log(1e-3));
    CHECK((floored.d_mean == 0 && floored.d_log_scale == 0));
    detail::decoder_chunk at_floor;
    at_floor.value[0] = -2;
    at_floor.d_mean[0] = at_floor.d_log_scale[0] = 3;
    detail::set_floor(-2, 0, at_floor);
    CHECK((at_floor.d_mean[0] == 3 && at_floor.d_log_scale[0] == 3));
    for (const normal_cdf cdf : {normal_cdf::tanh, normal_cdf::exact}) {
        const auto sharp = log_likelihood(discretized_decoder{.cdf = cdf}, level(10), level(10), -900);
        CHECK(std::abs(sharp.log_likelihood) < 1e-12);
        CHECK((sharp.d_mean == 0 && std::abs(sharp.d_log_scale) < 1e-12));
    }
    CHECK(std::isnan(log_likelihood(discretized_decoder{}, 0, std::nan(""), 0).log_likelihood));
    CHECK(std::isnan(log_likelihood(discretized_decoder{}, 0, 0, std::nan("")).log_likelihood));
}

TEST_CASE("the Gaussian decoder is the density", "[loss]") {
    const auto value = log_likelihood(gaussian_decoder{}, 1.5, 0.5, 0.3);
    const double variance = std::exp(0.6);
    CHECK(std::abs(value.log_likelihood + 0.5 * (std::log(2 * std::numbers::pi * variance) + 1 / variance)) < 1e-14);
}

TEST_CASE("the derivatives of decoders agree with central differences", "[loss]") {
    const any_decoder decoders[] = {discretized_decoder{.smallest_probability = 0},
                                    discretized_decoder{.cdf = normal_cdf::exact},
                                    discretized_decoder{.levels = 4, .cdf = normal_cdf::tanh}, gaussian_decoder{}};
    for (const any_decoder& decoder : decoders) {
        for (const double x : {-1.0, -1 + 2.0 / 255, 0.2, 1.0}) {
            for (const double mean : {-1.1, -0.95, 0.1, 0.99}) {
                for (const double log_scale : {-3.0, -1.0, 0.5}) {
                    const auto f = [&](double m, double v) { return log_likelihood(decoder, x, m, v).log_likelihood; };
                    const auto at = log_likelihood(decoder, x, mean, log_scale);
                    if (at.log_likelihood < -27) {
                        continue;  // at the floor there is nothing to differ
                    }
                    const double h = 1e-5;
                    const double d_mean = (f(mean + h, log_scale) - f(mean - h, log_scale)) / (2 * h);
                    const double d_log_scale = (f(mean, log_scale + h) - f(mean, log_scale - h)) / (2 * h);
                    INFO(decoder.index() << ": x = " << x << ", mean = " << mean << ", log_scale = " << log_scale);
                    CHECK(std::abs(at.d_mean - d_mean) < 1e-6 * (1 + std::abs(d_mean)));
                    CHECK(std::abs(at.d_log_scale - d_log_scale) < 1e-6 * (1 + std::abs(d_log_scale)));
                }
            }
        }
    }
}

TEMPLATE_TEST_CASE("the log-likelihood of samples is the sum of their elements', and so are the derivatives", "[loss]",
                   float, double) {
    using S = TestType;
    for (const any_decoder& decoder : {any_decoder(discretized_decoder{}), any_decoder(gaussian_decoder{})}) {
        for (const isize rows : {1, 63, 64, 150}) {
            const isize columns = 70;
            const batch<S> x0 = pattern<S>(rows, columns, 1).max(S(-1)).min(S(1)), mean = pattern<S>(rows, columns, 2);
            const batch<S> log_scale = pattern<S>(rows, columns, 3) - S(1), shared = log_scale.topRows(1);
            std::vector<double> values(columns), alone(1);
            batch<S> d_mean(rows, columns), d_log_scale(rows, columns), d_shared(1, columns);
            log_likelihood(decoder, x0, mean, log_scale, values, d_mean, d_log_scale);
            double worst = 0, worst_slope = 0;
            for (isize n = 0; n < columns; ++n) {
                double sum = 0;
                for (isize i = 0; i < rows; ++i) {
                    const auto at =
                        log_likelihood(decoder, static_cast<double>(x0(i, n)), static_cast<double>(mean(i, n)),
                                       static_cast<double>(log_scale(i, n)));
                    sum += at.log_likelihood;
                    worst_slope = std::max(worst_slope, std::abs(static_cast<double>(d_mean(i, n)) - at.d_mean) /
                                                            (1 + std::abs(at.d_mean)));
                    worst_slope =
                        std::max(worst_slope, std::abs(static_cast<double>(d_log_scale(i, n)) - at.d_log_scale) /
                                                  (1 + std::abs(at.d_log_scale)));
                }
                worst = std::max(worst, std::abs(values[static_cast<std::size_t>(n)] - sum) / (1 + std::abs(sum)));
                log_likelihood(decoder, x0.col(n), mean.col(n), log_scale.col(n), alone);
                CHECK(alone[0] == values[static_cast<std::size_t>(n)]);
            }
            CHECK(worst < 1e-14);
            CHECK(worst_slope < ulps<S>(1));

            std::vector<double> again(columns);
            log_likelihood(decoder, x0, mean, shared, values, d_mean, d_shared);
            log_likelihood(decoder, x0, mean, shared.replicate(rows, 1), again, {}, d_log_scale);
            CHECK(values == again);
            CHECK((d_shared - d_log_scale.colwise().sum()).abs().maxCoeff() <=
                  ulps<S>(64) * static_cast<double>(d_log_scale.abs().colwise().sum().maxCoeff()));
            for (const isize threads : {1, 3}) {
                set_thread_count(threads);
                log_likelihood(decoder, x0, mean, shared, again);
                CHECK(values == again);
            }
            set_thread_count(0);
        }
    }
}

TEST_CASE("data of weight 0 need not be in the discretized decoder's range", "[loss]") {
    batch<float> x = pattern<float>(3, 2, 1), weight = batch<float>::Ones(3, 2);
    const any_decoder decoder = discretized_decoder{};
    CHECK_NOTHROW(require_in_range("here", decoder, x, weight));
    x(1, 1) = 255;
    CHECK_THROWS_AS(require_in_range("here", decoder, x), value_error);
    CHECK_THROWS_AS(require_in_range("here", decoder, x, weight), value_error);
    weight(1, 1) = 0;
    CHECK_NOTHROW(require_in_range("here", decoder, x, weight));
    CHECK_NOTHROW(vlb_loss{}.require_data(x, weight));
    CHECK_NOTHROW(hybrid_loss{}.require_data(x, weight));
    CHECK_THROWS_AS(vlb_loss{}.require_data(x), value_error);
    CHECK_THROWS_AS(hybrid_loss{}.require_data(x), value_error);
    x(2, 1) = -255;
    CHECK_THROWS_WITH(require_in_range("here", decoder, x, weight),
                      ContainsSubstring("sample 1") && ContainsSubstring("got -255"));
    CHECK_NOTHROW(require_in_range("here", gaussian_decoder{}, x, weight));
    CHECK_THROWS_AS(require_in_range("here", decoder, x, weight.leftCols(1)), shape_error);
}

TEST_CASE("decoders refuse what does not fit", "[loss]") {
    const batch<float> x = pattern<float>(3, 2, 1);
    std::vector<double> values(2), one(1);
    batch<float> narrow(3, 1);
    CHECK_THROWS_AS(log_likelihood(gaussian_decoder{}, x, x.leftCols(1), x, values), shape_error);
    CHECK_THROWS_AS(log_likelihood(gaussian_decoder{}, x, x, x.topRows(2), values), shape_error);
    CHECK_THROWS_AS(log_likelihood(gaussian_decoder{}, x, x, x.leftCols(1), values), shape_error);
    CHECK_THROWS_AS(log_likelihood(gaussian_decoder{}, x, x, x, one), shape_error);
    CHECK_THROWS_AS(log_likelihood(gaussian_decoder{}, x, x, x, values, narrow), shape_error);
    CHECK_THROWS_AS(log_likelihood(gaussian_decoder{}, x, x, x, values, {}, narrow), shape_error);
    CHECK_THROWS_AS(log_likelihood(discretized_decoder{.levels = 1}, x, x, x, values), value_error);
    CHECK_THROWS_AS(log_likelihood(discretized_decoder{.smallest_probability = -1}, 0, 0, 0), value_error);
    CHECK_THROWS_AS(log_likelihood(discretized_decoder{.smallest_probability = 1}, 0, 0, 0), value_error);
    CHECK_THROWS_AS(log_likelihood(discretized_decoder{.smallest_probability = std::nan("")}, 0, 0, 0), value_error);
}

namespace {

/// ln of the probability of a level's bin, without cancellation for tanh and by erfcl otherwise.
long double exact_bin(long double x, long double mean, long double log_scale, normal_cdf kind, isize levels) {
    const long double s = std::exp(-log_scale), c = x - mean, half = 1 / static_cast<long double>(levels - 1);
    const long double above = s * (c + half), below = s * (c - half);
    const bool lowest = x<-0.999L, highest = x> 0.999L;
    if (kind == normal_cdf::exact) {
        const auto cdf = [](long double z) { return std::erfc(-z / std::numbers::sqrt2_v<long double>) / 2; };
        return std::log(lowest    ? cdf(above)
                        : highest ? cdf(-below)
                        : c > 0   ? cdf(-below) - cdf(-above)
                                  : cdf(above) - cdf(below));
    }
    const long double linear = std::sqrt(8 / std::numbers::pi_v<long double>);
    const auto log_cdf = [&](long double z) {
        const long double u = linear * z * (1 + 0.044715L * z * z);
        return u > 0 ? -std::log1p(std::exp(-u)) : u - std::log1p(std::exp(u));
    };
    const long double squares = above * above + above * below + below * below;
    const long double width = 2 * linear * s * half * (1 + 0.044715L * squares);
    return lowest    ? log_cdf(above)
           : highest ? log_cdf(-below)
                     : std::log(-std::expm1(-width)) + log_cdf(above) + log_cdf(-below);
}

}  // namespace

TEST_CASE("decoders keep their bounds of roundings", "[loss]") {
    for_each_target([] {
        random_numbers random;
        bool tanh = true, exact = true, gaussian = true;
        for (int i = 0; i < 20000; ++i) {
            const double x = level(i % 7 == 0 ? 255 * (i % 2) : i % 256), log_scale = random.uniform(-7, 3);
            const double mean =
                i % 3 == 0 ? x + std::exp(log_scale) * random.uniform(-6, 6) : random.uniform(-1.4, 1.4);
            const auto value = [&](const any_decoder& decoder) {
                return log_likelihood(decoder, x, mean, log_scale).log_likelihood;
            };
            const long double by_tanh = exact_bin(x, mean, log_scale, normal_cdf::tanh, 256);
            tanh = tanh && within(value(discretized_decoder{.smallest_probability = 0}), by_tanh,
                                  roundings<double>(16) * (1 + std::abs(by_tanh)));
            const long double by_erfc = exact_bin(x, mean, log_scale, normal_cdf::exact, 256);
            const long double width = 1 + 256 * std::exp(static_cast<long double>(log_scale));
            exact = exact && (by_erfc < -700 ||
                              within(value(discretized_decoder{.cdf = normal_cdf::exact, .smallest_probability = 0}),
                                     by_erfc, roundings<double>(16) * (1 + std::abs(by_erfc)) * width));
            const long double z = (x - static_cast<long double>(mean)) * std::exp(-static_cast<long double>(log_scale));
            const long double density = -std::log(2 * std::numbers::pi_v<long double>) / 2 - log_scale - z * z / 2;
            gaussian = gaussian && within(value(gaussian_decoder{}), density,
                                          roundings<double>(4) * (1 + std::abs(log_scale) + z * z));
        }
        CHECK(tanh);
        CHECK(exact);
        CHECK(gaussian);
    });
}

}  // namespace ddpm::test
