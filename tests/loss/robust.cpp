// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/robust.hpp>

#include <ddpm/process/parameterization.hpp>

#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include "loss/rounded_error.hpp"

namespace ddpm::test {

namespace {

/// The mean penalty, weighted, of what `measured` says of the prediction.
template <class Penalty>
double expected_loss(const noise_schedule<>& schedule, const noised_example<double>& example, prediction kind,
                     prediction space, const loss_weighting& weighting, const batch<double>& predicted,
                     const Penalty& penalty) {
    const batch<double> measured = convert(schedule, kind, space, example.xt, example.t, predicted);
    double sum = 0;
    for (isize n = 0; n < predicted.cols(); ++n) {
        const double w = weight_at(schedule, weighting, space, example.t[static_cast<std::size_t>(n)]);
        for (isize i = 0; i < predicted.rows(); ++i) {
            sum += w * penalty(std::abs(measured(i, n) - example.truth(space)(i, n)));
        }
    }
    return sum / static_cast<double>(predicted.size());
}

}  // namespace

TEST_CASE("l1_loss and huber_loss are the means of their penalties on any quantity", "[loss]") {
    const noise_schedule<> schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {1, 13, 60, 98});
    const batch<double> predicted = pattern<double>(5, 4, 7);
    batch<double> d(5, 4);
    for (const prediction kind : all_predictions) {
        for (const prediction space : all_predictions) {
            for (const loss_weighting& weighting : {loss_weighting{}, loss_weighting{min_snr_weighting{}}}) {
                INFO(name_of(kind) << " measured on " << name_of(space) << ", weighting " << weighting.index());
                const double l1 =
                    expected_loss(schedule, example, kind, space, weighting, predicted, [](double e) { return e; });
                CHECK(std::abs(l1_loss{space, weighting}(schedule, kind, example.noised(), predicted, d) - l1) <
                      1e-9 * l1);
                const double huber = expected_loss(schedule, example, kind, space, weighting, predicted,
                                                   [](double e) { return e <= 0.4 ? e * e / 2 : 0.4 * (e - 0.2); });
                CHECK(std::abs(huber_loss{0.4, space, weighting}(schedule, kind, example.noised(), predicted, d) -
                               huber) < 1e-9 * huber);
            }
        }
    }
}

TEST_CASE("without a space the error is the prediction's own", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<float> example(schedule, {0, 13, 60, 98});
    batch<float> d(5, 4);
    for (const prediction kind : all_predictions) {
        const batch<float> predicted = example.truth(kind) - 0.5f;
        const double scale = 1 + static_cast<double>(predicted.abs().maxCoeff());
        CHECK(std::abs(l1_loss{}(schedule, kind, example.noised(), predicted, d) - 0.5) < ulps<float>(16) * scale);
        CHECK((d == -1.0f / 20).all());
        CHECK(std::abs(huber_loss{}(schedule, kind, example.noised(), predicted, d) - 0.125) < ulps<float>(16) * scale);
        CHECK(std::abs(huber_loss{.delta = 0.1}(schedule, kind, example.noised(), predicted, d) - 0.045) <
              ulps<float>(16) * scale);
    }
}

TEST_CASE("the gradients of l1_loss and huber_loss agree with central differences", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    for (const prediction kind : all_predictions) {
        for (const prediction space : all_predictions) {
            check_gradient(schedule, l1_loss{space, snr_weighting{}}, kind);
            check_gradient(schedule, huber_loss{0.7, space, p2_weighting{}}, kind);
        }
        check_gradient(schedule, huber_loss{}, kind);
    }
}

TEST_CASE("l1_loss and huber_loss serve the smallest schedule and refuse what does not fit", "[loss]") {
    check_loss_errors(l1_loss{});
    check_loss_errors(huber_loss{});
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {0, 13});
    batch<double> d(5, 2);
    for (const double delta : {0.0, -1.0, std::nan("")}) {
        CHECK_THROWS_AS(huber_loss{delta}(schedule, prediction::v, example.noised(), example.x0, d), value_error);
        CHECK_THROWS_AS(huber_loss{delta}.require_time(schedule, prediction::v, 1), value_error);
    }
    constexpr double smallest = std::numeric_limits<double>::min();
    CHECK_NOTHROW(huber_loss{smallest}(schedule, prediction::v, example.noised(), example.x0, d));
    CHECK_THROWS_AS(huber_loss{smallest / 2}(schedule, prediction::v, example.noised(), example.x0, d), value_error);
}

TEMPLATE_TEST_CASE("l1_loss and huber_loss keep their bound of roundings", "[loss]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 100};
    random_numbers random;
    const auto check = [&](const auto& loss, prediction kind, prediction space, const auto& penalty, double slope) {
        const noised_example<S> example(schedule, {1, 13, 60, 98}, 40);
        const batch<S> predicted = random.values<S>(40, 4);
        batch<S> d(40, 4);
        const double got = loss(schedule, kind, example.noised(), predicted, d);
        long double sum = 0, error = 0;
        for (isize n = 0; n < 4; ++n) {
            const noise_level<double>& level = example.level[static_cast<std::size_t>(n)];
            const long double scale = std::abs(conversion(kind, space, level).value);
            for (isize i = 0; i < 40; ++i) {
                const exact_difference difference(kind, level, predicted(i, n), example.x0(i, n), example.eps(i, n));
                sum += penalty(scale * std::abs(difference.value)) / 160;
                error += slope * scale * roundings<S>(8) * difference.size / 160;
            }
        }
        INFO(name_of(kind) << " measured on " << name_of(space));
        CHECK(within(got, sum, error + roundings<double>(160 + 32) * (sum + error)));
    };
    for (const prediction kind : all_predictions) {
        for (const prediction space : all_predictions) {
            check(
                l1_loss{space}, kind, space, [](long double e) { return e; }, 1);
            check(
                huber_loss{0.5, space}, kind, space,
                [](long double e) { return e <= 0.5L ? e * e / 2 : 0.5L * (e - 0.25L); }, 0.5);
        }
    }
}

}  // namespace ddpm::test
