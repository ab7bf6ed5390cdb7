// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/loss_check.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace ddpm::test {

/// What a loss made of a batch; it is given a head if it can take one.
template <Scalar S>
struct loss_outcome {
    template <class Schedule, class Loss>
    loss_outcome(const Schedule& schedule, const Loss& loss, prediction kind, noised_batch<S> noised,
                 const batch<S>& predicted, const batch<S>& head)
        : d(batch<S>::Constant(predicted.rows(), predicted.cols(), S(77))),
          d_head(d),
          losses(static_cast<std::size_t>(predicted.cols())) {
        noised.losses = losses;
        if constexpr (requires { loss(schedule, kind, noised, predicted, head, d, d_head); }) {
            value = loss(schedule, kind, noised, predicted, head, d, d_head);
        } else {
            value = loss(schedule, kind, noised, predicted, d);
            d_head.setZero();
        }
    }

    [[nodiscard]] bool operator==(const loss_outcome& other) const {
        return value == other.value && (d == other.d).all() && (d_head == other.d_head).all() && losses == other.losses;
    }

    double value = 0;
    batch<S> d, d_head;
    std::vector<double> losses;
};

/// A loss that counts the weights of elements: what has weight 0 is not read and has gradient 0, what has weight 1 has
/// the bits that it has without weights, and the losses of all elements alone sum up to that of the batch.
template <Scalar S, class Loss>
void check_element_weights(const Loss& loss, prediction kind) {
    static_assert(WeighsElements<Loss>);
    const noise_schedule schedule{cosine_beta{}, 100};
    const isize rows = 150, columns = 5;
    const noised_example<S> example(schedule, {0, 13, 60, 98, 1}, rows);
    const std::vector<double> sample_weight{0.5, 2, 1, 3, 0.25};
    const batch<S> predicted = example.truth(kind) + S(0.02) * pattern<S>(rows, columns, 7);
    const batch<S> head = S(1.5) + pattern<S>(rows, columns, 9);
    const batch<S> weight = some_element_weights<S>(rows, columns);
    noised_batch<S> noised = example.noised();
    noised.weight = sample_weight;
    const auto run = [&](const noised_batch<S>& of) {
        return loss_outcome<S>(schedule, loss, kind, of, predicted, head);
    };
    INFO(name_of(kind));

    const loss_outcome<S> plain = run(noised);
    for (const S factor : {S(1), S(2)}) {
        const batch<S> same = batch<S>::Constant(rows, columns, factor);
        noised.element_weight = same;
        const loss_outcome<S> scaled = run(noised);
        CHECK(scaled.value == static_cast<double>(factor) * plain.value);
        CHECK((scaled.d == factor * plain.d).all());
        CHECK((scaled.d_head == factor * plain.d_head).all());
        CHECK(scaled.losses[1] == static_cast<double>(factor) * plain.losses[1]);
    }

    // A mask, with anything in what it leaves out.
    const batch<S> mask = (weight > 0).template cast<S>();
    noised.element_weight = mask;
    const loss_outcome<S> clean = run(noised);
    CHECK((clean.d == mask * plain.d).all());
    CHECK((clean.d_head == mask * plain.d_head).all());
    CHECK(clean.losses[2] == 0);
    const S wild[] = {std::numeric_limits<S>::quiet_NaN(), std::numeric_limits<S>::infinity(),
                      -std::numeric_limits<S>::infinity()};
    const auto spoilt = [&](const batch<S>& of, isize which) {
        batch<S> result = of;
        for (isize n = 0; n < columns; ++n) {
            for (isize i = 0; i < rows; ++i) {
                result(i, n) = mask(i, n) == 0 ? wild[(i + which) % 3] : of(i, n);
            }
        }
        return result;
    };
    const batch<S> x0 = spoilt(example.x0, 0), eps = spoilt(example.eps, 1), xt = spoilt(example.xt, 2);
    noised.x0 = x0;
    noised.eps = eps;
    noised.xt = xt;
    CHECK(loss_outcome<S>(schedule, loss, kind, noised, spoilt(predicted, 1), spoilt(head, 0)) == clean);

    // Weights of any size, in memory with gaps, whatever the thread count.
    const batch<S> longer = [&] {
        batch<S> with_gaps = batch<S>::Constant(rows + 3, columns, wild[0]);
        with_gaps.middleRows(1, rows) = weight;
        return with_gaps;
    }();
    noised.element_weight = batch_view<const S>(longer).middle_rows(1, rows);
    const loss_outcome<S> weighted = run(noised);
    for (const isize threads : {1, 3}) {
        set_thread_count(threads);
        CHECK(run(noised) == weighted);
    }
    set_thread_count(0);

    // Against each element alone.
    double total = 0;
    for (isize n = 0; n < columns; ++n) {
        const auto at = static_cast<std::size_t>(n);
        const double share = sample_weight[at] / static_cast<double>(rows * columns);
        double sum = 0;
        bool right = true;
        for (isize i = 0; i < rows; ++i) {
            const batch<S> own_x0 = example.x0.block(i, n, 1, 1), own_eps = example.eps.block(i, n, 1, 1),
                           own_xt = example.xt.block(i, n, 1, 1);
            const loss_outcome<S> alone(schedule, loss, kind, noised_batch<S>{own_x0, own_eps, own_xt, example.t[at]},
                                        predicted.block(i, n, 1, 1), head.block(i, n, 1, 1));
            sum += static_cast<double>(weight(i, n)) * alone.value;
            const auto is_near = [&](S got, S of_one) {
                const double expected = static_cast<double>(weight(i, n)) * share * static_cast<double>(of_one);
                return std::abs(static_cast<double>(got) - expected) <= ulps<S>(8) * std::abs(expected);
            };
            right = right && is_near(weighted.d(i, n), alone.d(0, 0));
            right = right && is_near(weighted.d_head(i, n), alone.d_head(0, 0));
        }
        CHECK(right);
        CHECK(std::abs(weighted.losses[at] - sum / static_cast<double>(rows)) <= 1e-12 * std::abs(weighted.losses[at]));
        total += sample_weight[at] * weighted.losses[at] / static_cast<double>(columns);
    }
    CHECK(std::abs(weighted.value - total) <= 1e-12 * std::abs(total));
}

/// What does not fit is refused before anything is written.
template <class Loss>
void check_element_weight_errors(const Loss& loss) {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<float> example(schedule, {0, 13, 60, 98});
    const batch<float> head = 1.5F + pattern<float>(5, 4, 9);
    batch<float> d = batch<float>::Constant(5, 4, 77.0F), d_head = d;
    std::vector<double> losses(4, 77.0);
    noised_batch<float> noised = example.noised();
    noised.losses = losses;
    const auto run = [&] {
        if constexpr (requires { loss(schedule, prediction::v, noised, example.x0, head, d, d_head); }) {
            static_cast<void>(loss(schedule, prediction::v, noised, example.x0, head, d, d_head));
        } else {
            static_cast<void>(loss(schedule, prediction::v, noised, example.x0, d));
        }
    };
    const auto is_untouched = [&] {
        return (d == 77.0F).all() && (d_head == 77.0F).all() && losses == std::vector<double>(4, 77.0);
    };
    for (const auto& [rows, columns] : {std::pair<isize, isize>{5, 3}, {4, 4}, {1, 4}, {5, 1}}) {
        const batch<float> other = batch<float>::Ones(rows, columns);
        noised.element_weight = other;
        CHECK_THROWS_AS(run(), shape_error);
        CHECK(is_untouched());
    }
    batch<float> weight = batch<float>::Ones(5, 4);
    noised.element_weight = weight;
    weight(0, 0) = -1;
    CHECK_THROWS_WITH(run(), ContainsSubstring("weight of element 0 of sample 0"));
    CHECK(is_untouched());
    weight(0, 0) = 1;
    for (const float wrong : {-1.0F, -std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()}) {
        weight(3, 2) = wrong;
        CHECK_THROWS_WITH(run(), ContainsSubstring("weight of element 3 of sample 2"));
        CHECK_THROWS_AS(run(), value_error);
        CHECK(is_untouched());
    }
    weight(3, 2) = -0.0F;
    CHECK_NOTHROW(run());
    CHECK(d(3, 2) == 0);
}

}  // namespace ddpm::test
