// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

#include <ddpm/loss/concept.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/process/parameterization.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace ddpm::test {

/// A noised batch with its true ε, x_0, v, score and flow.
template <Scalar S>
struct noised_example {
    template <NoiseSchedule Schedule>
    noised_example(const Schedule& schedule, std::vector<isize> times, isize rows = 5)
        : t(std::move(times)),
          x0(pattern<S>(rows, static_cast<isize>(t.size()), 1)),
          eps(pattern<S>(rows, static_cast<isize>(t.size()), 2)),
          xt(q_sample(schedule, x0, t, eps)) {
        for (const isize time : t) {
            level.push_back(noise_level_of(static_cast<double>(schedule.alpha_bar(time))));
        }
    }

    [[nodiscard]] noised_batch<S> noised() const { return {x0, eps, xt, t}; }

    [[nodiscard]] batch<S> truth(prediction kind) const {
        batch<S> value = kind == prediction::x0 ? x0 : eps;
        for (isize n = 0; n < value.cols(); ++n) {
            const S alpha = static_cast<S>(level[static_cast<std::size_t>(n)].signal);
            const S sigma = static_cast<S>(level[static_cast<std::size_t>(n)].sigma);
            if (kind == prediction::v) {
                value.col(n) = alpha * eps.col(n) - sigma * x0.col(n);
            } else if (kind == prediction::score) {
                value.col(n) = -eps.col(n) / sigma;
            } else if (kind == prediction::flow) {
                value.col(n) = eps.col(n) - x0.col(n);
            }
        }
        return value;
    }

    std::vector<isize> t;
    batch<S> x0, eps, xt;
    std::vector<noise_level<double>> level;
};

/// Weights of elements: zeros among others, and a sample of zeros.
template <Scalar S>
[[nodiscard]] batch<S> some_element_weights(isize rows, isize columns) {
    batch<S> weight(rows, columns);
    for (isize n = 0; n < columns; ++n) {
        for (isize i = 0; i < rows; ++i) {
            weight(i, n) = n % 4 == 2 ? S(0) : static_cast<S>((i * 5 + n * 3) % 7 % 4) / S(2);
        }
    }
    return weight;
}

/// The gradient of a training loss against central differences in double; `element_weight` may be empty.
template <NoiseSchedule Schedule, class Loss>
void check_gradient(const Schedule& schedule, const Loss& loss, prediction kind,
                    const batch<double>& element_weight = batch<double>()) {
    const noised_example<double> example(schedule, {0, 13, 60, 98});
    batch<double> predicted = pattern<double>(5, 4, 7);
    batch<double> gradient(5, 4), unused(5, 4);
    noised_batch<double> noised = example.noised();
    noised.element_weight = element_weight;
    static_cast<void>(loss(schedule, kind, noised, predicted, gradient));
    const double step = 1e-4;
    for (isize n = 0; n < 4; ++n) {
        for (isize i = 0; i < 5; ++i) {
            const double here = predicted(i, n);
            predicted(i, n) = here + step;
            const double above = loss(schedule, kind, noised, predicted, unused);
            predicted(i, n) = here - step;
            const double below = loss(schedule, kind, noised, predicted, unused);
            predicted(i, n) = here;
            const double numeric = (above - below) / (2 * step);
            INFO(name_of(kind) << ", element " << i << ", sample " << n << ", weights " << element_weight.size());
            CHECK(std::abs(numeric - gradient(i, n)) <
                  1e-6 * gradient.col(n).abs().maxCoeff() + 1e-12 * std::abs(above) / step);
        }
    }
}

/// The smallest schedule serves; every documented error is thrown.
template <class Loss>
void check_loss_errors(const Loss& loss) {
    const schedule_archetype schedule;
    const batch<float> x = pattern<float>(3, 2, 1);
    const batch<float> narrow = pattern<float>(3, 1, 1);
    const batch<float> empty(0, 0);
    batch<float> d(3, 2), d_narrow(3, 1), d_empty(0, 0);
    const noised_batch<float> good{x, x, x, 4};
    CHECK(std::isfinite(loss(schedule, prediction::v, good, x, d)));
    CHECK_THROWS_AS(loss(schedule, prediction::v, good, narrow, d), shape_error);
    CHECK_THROWS_AS(loss(schedule, prediction::v, good, x, d_narrow), shape_error);
    CHECK_THROWS_AS(loss(schedule, prediction::v, noised_batch<float>{narrow, x, x, 4}, x, d), shape_error);
    CHECK_THROWS_AS(loss(schedule, prediction::v, noised_batch<float>{x, narrow, x, 4}, x, d), shape_error);
    CHECK_THROWS_AS(loss(schedule, prediction::v, noised_batch<float>{x, x, narrow, 4}, x, d), shape_error);
    CHECK_THROWS_AS(loss(schedule, prediction::v, noised_batch<float>{x, x, x, std::vector<isize>{1, 2, 3}}, x, d),
                    shape_error);
    CHECK_THROWS_AS(loss(schedule, prediction::v, noised_batch<float>{empty, empty, empty, 4}, empty, d_empty),
                    shape_error);
    CHECK_THROWS_AS(loss(schedule, prediction::v, noised_batch<float>{x, x, x, 10}, x, d), value_error);
    CHECK_THROWS_AS(loss(schedule, prediction::v, noised_batch<float>{x, x, x, -1}, x, d), value_error);
}

}  // namespace ddpm::test
