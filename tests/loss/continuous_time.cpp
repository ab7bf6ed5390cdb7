// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Losses and weightings in continuous time.

#include <ddpm/loss/kl.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/loss/robust.hpp>
#include <ddpm/loss/vlb.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace ddpm::test {

namespace {

template <class Loss, class Schedule>
concept Trains = requires(const Loss& loss, const Schedule& schedule, const noised_batch<float, time_type<Schedule>>& b,
                          batch_view<const float> p, batch_view<float> d) { loss(schedule, prediction::x0, b, p, d); };

static_assert(Trains<mse_loss, rectified_flow> && Trains<l1_loss, rectified_flow> &&
              Trains<huber_loss, rectified_flow>);
static_assert(Trains<vlb_loss, noise_schedule<>> && !Trains<vlb_loss, rectified_flow>);
static_assert(Trains<kl_loss, noise_schedule<>> && !Trains<kl_loss, rectified_flow>);

/// The timesteps of a discrete schedule as times.
struct timesteps_as_times {
    noise_schedule<> schedule;
    [[nodiscard]] noise_level<double> level(double u) const { return noise_level_at(schedule, static_cast<isize>(u)); }
};

const std::vector<loss_weighting>& snr_weightings() {
    static const std::vector<loss_weighting> all{
        uniform_weighting{}, snr_weighting{},          truncated_snr_weighting{},
        min_snr_weighting{}, soft_min_snr_weighting{}, p2_weighting{.gamma = 2},
        edm_weighting{}};
    return all;
}

double relative(double a, double b) { return std::abs(a / b - 1); }

/// The gradient of a loss at times of a continuous schedule against central differences, and the loss's value at the
/// true prediction.
template <class Schedule, class Loss>
void check_continuous(const Schedule& schedule, const Loss& loss, prediction kind, const std::vector<double>& u) {
    const isize columns = static_cast<isize>(u.size());
    const batch<double> x0 = pattern<double>(5, columns, 1), eps = pattern<double>(5, columns, 2);
    const batch<double> xt = q_sample(schedule, x0, u, eps);
    const noised_batch<double, double> noised{x0, eps, xt, u};
    batch<double> predicted = pattern<double>(5, columns, 7), d(5, columns), unused(5, columns);
    CHECK(loss(schedule, kind, noised, predicted, d) > 0);
    INFO(name_of(kind));
    CHECK(gradient_error(elements(predicted), elements(std::as_const(d)),
                         [&] { return loss(schedule, kind, noised, predicted, unused); }) < 1e-7);
    for (isize n = 0; n < columns; ++n) {
        const noise_level<double> level = schedule.level(u[static_cast<std::size_t>(n)]);
        const auto [alpha, sigma] = level;
        CHECK((xt.col(n) - alpha * x0.col(n) - sigma * eps.col(n)).abs().maxCoeff() <= 1e-14 * (1 + sigma));
        const affine to = conversion(prediction::x0, kind, level);
        predicted.col(n) = to.xt * xt.col(n) + to.value * x0.col(n);
    }
    CHECK(loss(schedule, kind, noised, predicted, d) < 1e-12);
}

}  // namespace

TEMPLATE_TEST_CASE("at the same levels a loss is the same in continuous time, bit for bit", "[loss]", float, double) {
    using S = TestType;
    const noise_schedule<> schedule{cosine_beta{}, 100};
    const timesteps_as_times continuous{schedule};
    const noised_example<S> example(schedule, {1, 13, 60, 98});
    const std::vector<double> u(example.t.begin(), example.t.end()), weight{0.5, 0, 3, 1.25};
    const batch<S> predicted = pattern<S>(5, 4, 7);
    CHECK((q_sample(continuous, example.x0, u, example.eps) == example.xt).all());
    const auto check = [&](const auto& loss, prediction kind, double tolerance) {
        std::vector<double> losses(4), as_well(4);
        batch<S> d(5, 4), same(5, 4);
        noised_batch<S> discrete = example.noised();
        discrete.weight = weight;
        discrete.losses = losses;
        const noised_batch<S, double> timed{example.x0, example.eps, example.xt, u, weight, as_well};
        const double value = loss(schedule, kind, discrete, predicted, d);
        CHECK(std::abs(loss(continuous, kind, timed, predicted, same) - value) <= tolerance * value);
        if (tolerance == 0) {
            CHECK((d == same).all());
            CHECK(losses == as_well);
        }
    };
    for (const prediction kind : all_predictions) {
        check(mse_loss{}, kind, 0);
        check(mse_loss{.space = prediction::x0}, kind, 0);
        check(l1_loss{prediction::v}, kind, 0);
        check(huber_loss{0.4}, kind, 0);
        for (const loss_weighting& weighting : snr_weightings()) {
            check(mse_loss{.weighting = weighting}, kind, 1e-12);
            check(l1_loss{.weighting = weighting}, kind, 1e-12);
        }
    }
}

TEST_CASE("the gradients of losses in continuous time agree with central differences", "[loss]") {
    const std::vector<double> u{0.02, 0.3, 0.77, 0.97};
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v, prediction::flow}) {
        check_continuous(rectified_flow{}, mse_loss{}, kind, u);
        check_continuous(rectified_flow{}, mse_loss{.space = prediction::flow}, kind, u);
        check_continuous(variance_preserving{}, mse_loss{.weighting = continuous_vdm_weighting{}}, kind, u);
        check_continuous(variance_exploding{}, mse_loss{.weighting = edm_weighting{}}, kind, {0.01, 0.4, 3, 70});
        check_continuous(log_snr_schedule{cosine_log_snr{}}, huber_loss{.delta = 0.7, .weighting = snr_weighting{}},
                         kind, u);
    }
}

TEST_CASE("weights in continuous time are the formulas of their papers", "[loss]") {
    for (const double sigma : {0.002, 0.4, 3.0, 80.0}) {
        const edm_weighting edm{.sigma_data = 0.7};
        const double c_out = sigma * 0.7 / std::hypot(sigma, 0.7);
        CHECK(relative(weight_at(variance_exploding{}, edm, prediction::x0, sigma), 1 / (c_out * c_out)) < 1e-12);
        CHECK(relative(weight_at(variance_exploding{}, snr_weighting{}, prediction::epsilon, sigma), 1) < 1e-12);
        CHECK(relative(weight_at(variance_exploding{}, continuous_vdm_weighting{}, prediction::epsilon, sigma),
                       1 / sigma) < 1e-12);
    }
    for (const double u : {0.01, 0.5, 0.99}) {
        const double ratio = u / (1 - u);
        CHECK(relative(weight_at(rectified_flow{}, continuous_vdm_weighting{}, prediction::epsilon, u),
                       1 / (u * (1 - u))) < 1e-12);
        CHECK(relative(weight_at(rectified_flow{}, min_snr_weighting{}, prediction::x0, u),
                       std::min(5.0, 1 / (ratio * ratio))) < 1e-12);
        CHECK(
            relative(weight_at(log_snr_schedule{linear_log_snr{}}, continuous_vdm_weighting{}, prediction::epsilon, u),
                     9.15) < 1e-7);
    }
}

TEST_CASE("losses in continuous time refuse what does not fit", "[loss]") {
    const batch<float> x = pattern<float>(3, 2, 1);
    batch<float> d(3, 2);
    const auto on = [&](const auto& loss, const auto& schedule, const per_sample<double>& u) {
        return loss(schedule, prediction::x0, noised_batch<float, double>{x, x, x, u}, x, d);
    };
    CHECK(std::isfinite(on(mse_loss{}, rectified_flow{}, 0.5)));
    CHECK_THROWS_AS(on(mse_loss{}, rectified_flow{}, 1.5), value_error);
    CHECK_THROWS_AS(on(l1_loss{}, rectified_flow{}, -0.5), value_error);
    CHECK_THROWS_AS(on(mse_loss{}, rectified_flow{}, std::vector<double>{0.1, 0.2, 0.3}), shape_error);
    CHECK_THROWS_AS(on(mse_loss{.weighting = vdm_weighting{}}, rectified_flow{}, 0.5), value_error);
    CHECK_THROWS_AS(on(mse_loss{.weighting = edm_weighting{}}, variance_exploding{}, 0), value_error);
    CHECK_THROWS_AS(weight_at(rectified_flow{}, continuous_vdm_weighting{}, prediction::epsilon, 0.0), value_error);
    CHECK(weight_at(rectified_flow{}, min_snr_weighting{}, prediction::epsilon, 1.0) == 1);
    CHECK_THROWS_AS(q_sample(rectified_flow{}, x, 1.5, x), value_error);
    CHECK_THROWS_AS(q_sample(rectified_flow{}, x, std::vector<double>{0.5}, x), shape_error);
    CHECK_THROWS_AS(q_sample(rectified_flow{}, x, 0.5, pattern<float>(3, 1, 1)), shape_error);
}

}  // namespace ddpm::test
