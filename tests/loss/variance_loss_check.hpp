// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "loss/bound_patterns.hpp"
#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace ddpm::test {

/// A loss of a network with a head against bound_golden.py; the rows are ε and x_0, each learned and learned_range.
template <Scalar S, class MakeLoss>
void check_golden_losses(const MakeLoss& make_loss, std::span<const double[52]> rows) {
    const noise_schedule schedule{cosine_beta{}, 12};
    const std::vector<isize> t{0, 1, 5, 11};
    const std::vector<double> weight{1, 0.5, 2, 1.25};
    const batch<S> x0 = pattern_pixels<S>(6, 4);
    batch<S> eps(6, 4), predicted(6, 4), table(6, 4);
    for (isize n = 0; n < 4; ++n) {
        for (isize i = 0; i < 6; ++i) {
            const isize time = t[static_cast<std::size_t>(n)];
            eps(i, n) = static_cast<S>(pattern_noise(i, n, time));
            predicted(i, n) = static_cast<S>(pattern_prediction(i, n, time));
            table(i, n) = static_cast<S>(pattern_head(i, n, time));
        }
    }
    const batch<S> xt = q_sample(schedule, x0, t, eps);
    std::size_t row = 0;
    for (const prediction kind : {prediction::epsilon, prediction::x0}) {
        for (const auto variance : {reverse_variance::learned, reverse_variance::learned_range}) {
            const batch<S> head = variance == reverse_variance::learned ? batch<S>(S(2) * table - S(5)) : table;
            std::vector<double> losses(4);
            batch<S> d_predicted(6, 4), d_head(6, 4);
            const double value = make_loss(variance)(schedule, kind, noised_batch<S>{x0, eps, xt, t, weight, losses},
                                                     predicted, head, d_predicted, d_head);
            const double* golden = rows[row++];
            INFO(name_of(kind) << ", variance " << static_cast<int>(variance));
            double expected = 0, worst = 0;
            for (std::size_t n = 0; n < 4; ++n) {
                worst = std::max(worst, std::abs(losses[n] - golden[n]) / (1 + std::abs(golden[n])));
                expected += weight[n] * golden[n] / 4;
            }
            const Eigen::Map<const batch<double>> a(golden + 4, 6, 4), b(golden + 28, 6, 4);
            double worst_gradient = 0;  // of each sample, since they differ by orders of magnitude
            for (isize n = 0; n < 4; ++n) {
                const auto error = [&](const batch<S>& ours, const auto& theirs) {
                    return (ours.col(n).template cast<double>() - theirs.col(n)).abs().maxCoeff() /
                           (theirs.col(n).abs().maxCoeff() + 1e-30);  // 0 where all levels are at the floor
                };
                worst_gradient = std::max({worst_gradient, error(d_predicted, a), error(d_head, b)});
            }
            CHECK(worst < (sizeof(S) == 4 ? 1e-5 : 1e-7));
            CHECK(std::abs(value - expected) < (sizeof(S) == 4 ? 1e-5 : 1e-7) * (1 + expected));
            CHECK(worst_gradient < (sizeof(S) == 4 ? 1e-4 : 1e-6));
        }
    }
}

/// Both gradients of a loss that changes the mean and the variance, against central differences in double;
/// `element_weight` may be empty.
template <NoiseSchedule Schedule, class Loss>
void check_variance_gradients(const Schedule& schedule, const Loss& loss, prediction kind,
                              const batch<double>& element_weight = batch<double>()) {
    const noised_example<double> example(schedule, {0, 13, 60, 98});
    const std::vector<double> weight{0.5, 2, 1, 3};
    noised_batch<double> noised = example.noised();
    noised.weight = weight;
    noised.element_weight = element_weight;
    // Near the truth, so that no level is at the floor; a positive head, which may be a variance.
    batch<double> predicted = example.truth(kind) + 0.02 * pattern<double>(5, 4, 7);
    batch<double> head = 1.5 + pattern<double>(5, 4, 9);
    batch<double> d_predicted(5, 4), d_head(5, 4), unused(5, 4), unused_head(5, 4);
    const auto value = [&] { return loss(schedule, kind, noised, predicted, head, unused, unused_head); };
    static_cast<void>(loss(schedule, kind, noised, predicted, head, d_predicted, d_head));
    const auto check = [&](batch<double>& of, const batch<double>& gradient, const char* name) {
        const double step = 1e-5;
        for (isize n = 0; n < 4; ++n) {
            for (isize i = 0; i < 5; ++i) {
                const double here = of(i, n);
                of(i, n) = here + step;
                const double above = value();
                of(i, n) = here - step;
                const double below = value();
                of(i, n) = here;
                INFO(name_of(kind) << ", " << name << ", element " << i << ", sample " << n);
                CHECK(std::abs((above - below) / (2 * step) - gradient(i, n)) <
                      1e-6 * gradient.col(n).abs().maxCoeff() + 1e-14 * std::abs(above) / step);
            }
        }
    };
    check(predicted, d_predicted, "prediction");
    check(head, d_head, "head");
}

/// A sample's weight multiplies its loss and its gradients; its own loss is that which it has alone.
template <Scalar S, class Loss>
void check_weights(const Loss& loss) {
    const noise_schedule schedule{cosine_beta{}, 100};
    std::vector<isize> times;
    std::vector<double> weight;
    const isize count = 300;
    for (isize n = 0; n < count; ++n) {
        times.push_back(n % 100);
        weight.push_back(0.25 * static_cast<double>(n % 5));
    }
    const noised_example<S> example(schedule, times);
    const batch<S> predicted = pattern<S>(5, count, 7), head = pattern<S>(5, count, 9);
    std::vector<double> losses(times.size());
    batch<S> d(5, count), d_head(5, count);
    noised_batch<S> noised = example.noised();
    noised.weight = weight;
    noised.losses = losses;
    const double value = loss(schedule, prediction::v, noised, predicted, head, d, d_head);
    double sum = 0;
    for (isize n = 0; n < count; n += 7) {
        const auto at = static_cast<std::size_t>(n);
        batch<S> one(5, 1), one_head(5, 1);
        const batch<S> x0 = example.x0.col(n), eps = example.eps.col(n), xt = example.xt.col(n);
        const double alone = loss(schedule, prediction::v, noised_batch<S>{x0, eps, xt, times[at]}, predicted.col(n),
                                  head.col(n), one, one_head);
        CHECK(std::abs(losses[at] - alone) < ulps<double>(8) * alone);
        const S factor = static_cast<S>(weight[at] / static_cast<double>(count));
        CHECK((d.col(n) - factor * one).abs().maxCoeff() <= static_cast<S>(ulps<S>(4)) * factor * one.abs().maxCoeff());
        CHECK((d_head.col(n) - factor * one_head).abs().maxCoeff() <=
              static_cast<S>(ulps<S>(4)) * factor * one_head.abs().maxCoeff());
    }
    for (std::size_t n = 0; n < times.size(); ++n) {
        sum += weight[n] * losses[n];
    }
    CHECK(std::abs(value - sum / static_cast<double>(count)) < ulps<double>(64) * value);
    noised.losses = {};
    batch<S> d_again(5, count), d_head_again(5, count);
    for (const isize threads : {1, 3}) {
        set_thread_count(threads);
        const double again = loss(schedule, prediction::v, noised, predicted, head, d_again, d_head_again);
        CHECK(std::abs(again - value) <= ulps<double>(64) * value);
        CHECK(((d == d_again).all() && (d_head == d_head_again).all()));
        noised.losses = losses;
        set_thread_count(2);
        CHECK(loss(schedule, prediction::v, noised, predicted, head, d_again, d_head_again) == value);
        noised.losses = {};
    }
    set_thread_count(0);
}

/// A loss of a network with a head: the smallest schedule serves; every documented error is thrown.
template <class Loss>
void check_variance_loss_errors(const Loss& loss) {
    const schedule_archetype schedule;
    const batch<float> x = pattern<float>(3, 2, 1), narrow = pattern<float>(3, 1, 1), empty(0, 0);
    batch<float> d(3, 2), d_head(3, 2), d_narrow(3, 1), d_empty(0, 0), d_empty_head(0, 0);
    const noised_batch<float> good{x, x, x, 4};
    const std::vector<double> three(3);
    const auto kind = prediction::v;
    CHECK(std::isfinite(loss(schedule, kind, good, x, x, d, d_head)));
    CHECK_THROWS_AS(loss(schedule, kind, good, narrow, x, d, d_head), shape_error);
    CHECK_THROWS_AS(loss(schedule, kind, good, x, narrow, d, d_head), shape_error);
    CHECK_THROWS_AS(loss(schedule, kind, good, x, x, d_narrow, d_head), shape_error);
    CHECK_THROWS_AS(loss(schedule, kind, good, x, x, d, d_narrow), shape_error);
    CHECK_THROWS_AS(loss(schedule, kind, noised_batch<float>{x, narrow, x, 4}, x, x, d, d_head), shape_error);
    CHECK_THROWS_AS(loss(schedule, kind, noised_batch<float>{x, x, x, 4, three}, x, x, d, d_head), shape_error);
    CHECK_THROWS_AS(
        loss(schedule, kind, noised_batch<float>{empty, empty, empty, 4}, empty, empty, d_empty, d_empty_head),
        shape_error);
    CHECK_THROWS_AS(loss(schedule, kind, noised_batch<float>{x, x, x, 10}, x, x, d, d_head), value_error);
    CHECK_THROWS_AS(loss(schedule, kind, noised_batch<float>{x, x, x, -1}, x, x, d, d_head), value_error);
    Loss wrong = loss;
    wrong.decoder = discretized_decoder{.levels = 0};
    CHECK_THROWS_AS(wrong(schedule, kind, good, x, x, d, d_head), value_error);
    const noise_schedule<> noise{std::vector<double>{0.5, 1.0}};
    CHECK_THROWS_AS(loss(noise, prediction::epsilon, noised_batch<float>{x, x, x, 1}, x, x, d, d_head), value_error);
    // A loss that is no number is an outcome, not an error.
    const batch<float> not_numbers = batch<float>::Constant(3, 2, std::numeric_limits<float>::quiet_NaN());
    CHECK(std::isnan(loss(schedule, kind, good, not_numbers, x, d, d_head)));
    CHECK(std::isnan(loss(schedule, kind, good, x, not_numbers, d, d_head)));
}

}  // namespace ddpm::test
