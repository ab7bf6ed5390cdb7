// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/weighting.hpp>

#include <ddpm/loss/kl.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/zero_terminal_snr.hpp>

#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>
#include <vector>

namespace ddpm::test {

namespace {

const noise_schedule<>& linear() {
    static const noise_schedule<> schedule{linear_beta{}, 1000};
    return schedule;
}

double relative(double a, double b) { return std::abs(a - b) / std::abs(b); }

/// The square of the error of one quantity where that of x_0 is 1.
double squared_error_of(prediction kind, double alpha_bar) {
    const double alpha = std::sqrt(alpha_bar), sigma = std::sqrt(1 - alpha_bar);
    switch (kind) {
        case prediction::epsilon:
            return alpha_bar / (1 - alpha_bar);
        case prediction::x0:
            return 1;
        case prediction::v:
            return 1 / (1 - alpha_bar);
        case prediction::score:
            return alpha_bar / ((1 - alpha_bar) * (1 - alpha_bar));
        case prediction::flow:
            break;
    }
    return (alpha + sigma) * (alpha + sigma) / (1 - alpha_bar);
}

const std::vector<loss_weighting>& all_weightings() {
    static const std::vector<loss_weighting> list{
        snr_weighting{}, truncated_snr_weighting{}, min_snr_weighting{}, soft_min_snr_weighting{},
        p2_weighting{},  edm_weighting{},           vdm_weighting{},     continuous_vdm_weighting{}};
    return list;
}

}  // namespace

TEST_CASE("min-SNR-5 and P2 have the published values on the linear schedule", "[loss]") {
    struct row {
        isize t;
        double snr, eps, x0, v, p2;
    };
    const row rows[] = {{0, 9999, 0.00050005001, 5, 0.0005, 0.0001},
                        {100, 8.5366696, 0.58570851, 5, 0.52429205, 0.10485841},
                        {250, 1.089528, 1, 1.089528, 0.52142303, 0.47857697},
                        {500, 0.084359549, 1, 0.084359549, 0.077796658, 0.92220334},
                        {999, 4.0359927e-05, 1, 4.0359927e-05, 4.0358298e-05, 0.99995964}};
    const min_snr_weighting min_snr{.gamma = 5};
    const p2_weighting p2{.gamma = 1, .k = 1};
    for (const row& r : rows) {
        INFO("t = " << r.t);
        CHECK(relative(detail::snr_at(linear(), r.t), r.snr) < 1e-7);
        CHECK(relative(weight_at(linear(), min_snr, prediction::epsilon, r.t), r.eps) < 1e-7);
        CHECK(relative(weight_at(linear(), min_snr, prediction::x0, r.t), r.x0) < 1e-7);
        CHECK(relative(weight_at(linear(), min_snr, prediction::v, r.t), r.v) < 1e-7);
        CHECK(relative(weight_at(linear(), p2, prediction::epsilon, r.t), r.p2) < 1e-7);
    }
}

TEST_CASE("a weighting counts one error the same, on whatever it is measured", "[loss]") {
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            const double alpha_bar = schedule.alpha_bar(t);
            for (const loss_weighting& weighting : all_weightings()) {
                const double on_x0 = weight_at(schedule, weighting, prediction::x0, t);
                for (const prediction kind : all_predictions) {
                    INFO(name << ", t = " << t << ", weighting " << weighting.index() << " on " << name_of(kind));
                    CHECK(std::abs(weight_at(schedule, weighting, kind, t) * squared_error_of(kind, alpha_bar) -
                                   on_x0) <= 1e-9 * on_x0);
                }
            }
        }
    }
}

TEST_CASE("the weightings are the formulas of their papers", "[loss]") {
    for (const named_schedule& named : all_schedules()) {
        const noise_schedule<>& schedule = named.schedule;
        for (const isize t : some_timesteps(schedule.steps())) {
            const double alpha_bar = schedule.alpha_bar(t), snr = alpha_bar / (1 - alpha_bar), sigma2 = 1 / snr;
            const auto on = [&](const loss_weighting& w, prediction kind) { return weight_at(schedule, w, kind, t); };
            INFO(named.name << ", t = " << t);
            for (const prediction kind : all_predictions) {
                CHECK(on(uniform_weighting{}, kind) == 1);
            }
            CHECK(relative(on(snr_weighting{}, prediction::epsilon), 1) < 1e-12);
            CHECK(relative(on(truncated_snr_weighting{}, prediction::x0), std::max(snr, 1.0)) < 1e-12);
            CHECK(relative(on(truncated_snr_weighting{}, prediction::epsilon), std::max(1 / snr, 1.0)) < 1e-12);
            CHECK(relative(on(p2_weighting{.gamma = 0.5, .k = 2}, prediction::epsilon), 1 / std::sqrt(2 + snr)) <
                  1e-12);
            CHECK(relative(on(p2_weighting{}, prediction::epsilon), 1 / (1 + snr)) < 1e-12);
            for (const double sigma_data : {0.5, 1.0, 2.0}) {
                // Of k-diffusion and EDM, whose weights are those of the network's output F: D = … + c_out F.
                const double d2 = sigma_data * sigma_data, c_out2 = sigma2 * d2 / (sigma2 + d2);
                CHECK(relative(on(edm_weighting{sigma_data}, prediction::x0) * c_out2, 1) < 1e-9);
                CHECK(relative(on(soft_min_snr_weighting{1 / d2}, prediction::x0) * c_out2,
                               sigma2 * d2 / ((sigma2 + d2) * (sigma2 + d2))) < 1e-9);
            }
            CHECK(relative(on(edm_weighting{1}, prediction::v), 1) < 1e-9);
        }
    }
}

TEST_CASE("the weights of the variational diffusion model are its bound's", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 1000};
    for (const isize t : {1, 2, 500, 998}) {
        for (const prediction kind : all_predictions) {
            // The bound's term is the KL of the posteriors.
            CHECK(relative(weight_at(schedule, vdm_weighting{}, kind, t), 1000 * kl_weight(schedule, kind, t)) < 1e-9);
        }
        const double gamma_s = -std::log(detail::snr_at(schedule, t - 1)),
                     gamma_t = -std::log(detail::snr_at(schedule, t));
        CHECK(relative(weight_at(schedule, vdm_weighting{}, prediction::epsilon, t),
                       500 * std::expm1(gamma_t - gamma_s)) < 1e-9);
    }
    CHECK(weight_at(schedule, vdm_weighting{}, prediction::epsilon, 0) == 0);
    // In continuous time half the slope of γ, from the neighbours of a timestep.
    const auto gamma_at = [&](isize t) { return -std::log(detail::snr_at(schedule, t)); };
    CHECK(relative(weight_at(schedule, continuous_vdm_weighting{}, prediction::epsilon, 700),
                   500 * (gamma_at(701) - gamma_at(699)) / 2) < 1e-9);

    // Where γ rises linearly by 18.3 over [0, 1], half its slope is 9.15, and the discrete weights come near it.
    const isize steps = 4000;
    std::vector<double> beta;
    double before = 1;
    for (isize t = 0; t < steps; ++t) {
        const double u = static_cast<double>(t) / static_cast<double>(steps);
        const double alpha_bar = 1 / (1 + std::exp(-13.3 + 18.3 * u));
        beta.push_back(1 - alpha_bar / before);
        before = alpha_bar;
    }
    const noise_schedule<> straight{beta};
    for (const isize t : {isize{0}, isize{1}, isize{2000}, steps - 1}) {
        CHECK(relative(weight_at(straight, continuous_vdm_weighting{}, prediction::epsilon, t), 9.15) < 1e-4);
    }
    CHECK(relative(weight_at(straight, vdm_weighting{}, prediction::epsilon, 2000), 9.15) < 3e-3);
}

TEST_CASE("mse_loss counts errors by the weighting, with its gradient", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {2, 13, 60, 98});
    const batch<double> predicted = pattern<double>(5, 4, 7);
    batch<double> d(5, 4);
    for (const loss_weighting& weighting : all_weightings()) {
        for (const prediction kind : all_predictions) {
            double expected = 0;
            for (isize n = 0; n < 4; ++n) {
                expected += weight_at(schedule, weighting, kind, example.t[static_cast<std::size_t>(n)]) *
                            (predicted.col(n) - example.truth(kind).col(n)).square().mean() / 4;
            }
            const mse_loss loss{.weighting = weighting};
            INFO("weighting " << weighting.index() << " on " << name_of(kind));
            CHECK(relative(loss(schedule, kind, example.noised(), predicted, d), expected) < 1e-9);
            check_gradient(schedule, loss, kind);
        }
        check_loss_errors(mse_loss{.weighting = weighting});
    }
}

TEST_CASE("mse_loss measures the error in another space only if it is not weighted", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {2, 13, 60, 98});
    const batch<double> predicted = pattern<double>(5, 4, 7);
    batch<double> d(5, 4);
    for (const prediction space : all_predictions) {
        for (const loss_weighting& weighting : all_weightings()) {
            const mse_loss both{.space = space, .weighting = weighting};
            CHECK_THROWS_AS(both(schedule, prediction::v, example.noised(), predicted, d), value_error);
            CHECK_THROWS_AS(both.require_time(schedule, prediction::v, 13), value_error);
        }
        CHECK_NOTHROW(mse_loss{.space = space}.require_time(schedule, prediction::v, 13));
    }
}

TEST_CASE("where there is no signal the weights are their limits", "[loss]") {
    const noise_schedule<> schedule{zero_terminal_snr(linear_beta{}, 1000), 1000};
    REQUIRE(schedule.alpha_bar(999) == 0);
    const auto last = [&](const loss_weighting& weighting, prediction kind) {
        return weight_at(schedule, weighting, kind, 999);
    };
    for (const loss_weighting& weighting :
         std::vector<loss_weighting>{snr_weighting{}, min_snr_weighting{}, soft_min_snr_weighting{}}) {
        CHECK(last(weighting, prediction::epsilon) == 1);
        CHECK(last(weighting, prediction::score) == 1);
        for (const prediction kind : {prediction::x0, prediction::v, prediction::flow}) {
            CHECK(last(weighting, kind) == 0);
        }
    }
    CHECK(last(p2_weighting{.gamma = 0.5, .k = 4}, prediction::epsilon) == 0.5);
    CHECK(last(p2_weighting{.gamma = 0.5, .k = 4}, prediction::v) == 0);
    CHECK(last(p2_weighting{.gamma = 1, .k = 0}, prediction::v) == 1);
    CHECK(last(p2_weighting{.gamma = 1, .k = 0}, prediction::x0) == 1);
    CHECK(last(p2_weighting{.gamma = 0.5, .k = 0}, prediction::x0) == 0);
    CHECK(last(truncated_snr_weighting{.least = 3}, prediction::v) == 3);
    CHECK(last(edm_weighting{}, prediction::flow) == 4);
    CHECK(std::isfinite(last(vdm_weighting{}, prediction::v)));
    for (const loss_weighting& weighting :
         std::vector<loss_weighting>{truncated_snr_weighting{}, edm_weighting{}, vdm_weighting{}}) {
        CHECK_THROWS_AS(last(weighting, prediction::epsilon), value_error);
    }
    // They are near the limits where there is little signal.
    const noise_schedule<> faint{std::vector<double>{0.5, 1 - 1e-12}};
    CHECK(relative(weight_at(faint, min_snr_weighting{}, prediction::epsilon, 1), 1) < 1e-9);
}

TEST_CASE("where there is no noise the weights are their limits", "[loss]") {
    const rectified_flow schedule;
    const auto first = [&](const loss_weighting& weighting, prediction kind) {
        return weight_at(schedule, weighting, kind, 0.0);
    };
    for (const prediction kind : {prediction::epsilon, prediction::v, prediction::flow}) {
        CHECK(first(snr_weighting{}, kind) == 1);
        CHECK(first(truncated_snr_weighting{}, kind) == 1);
        CHECK(first(edm_weighting{}, kind) == 1);
        CHECK(first(min_snr_weighting{}, kind) == 0);
        CHECK(first(soft_min_snr_weighting{}, kind) == 0);
        CHECK(first(p2_weighting{}, kind) == 0);
    }
    CHECK(first(min_snr_weighting{}, prediction::x0) == 5);
    CHECK(first(soft_min_snr_weighting{}, prediction::x0) == 4);
    CHECK(first(p2_weighting{.gamma = 1}, prediction::x0) == 1);
    CHECK(first(p2_weighting{.gamma = 2}, prediction::x0) == 0);
    CHECK_THROWS_AS(first(snr_weighting{}, prediction::x0), value_error);
}

TEST_CASE("a weight that is not finite is an error", "[loss]") {
    const noise_schedule<> noise{std::vector<double>{0.5, 1.0}};
    CHECK_THROWS_AS(weight_at(noise, truncated_snr_weighting{}, prediction::epsilon, 1), value_error);
    CHECK_THROWS_AS(weight_at(noise, min_snr_weighting{std::nan("")}, prediction::epsilon, 0), value_error);
    CHECK_THROWS_AS(weight_at(noise, truncated_snr_weighting{std::nan("")}, prediction::v, 0), value_error);
    CHECK_THROWS_AS(weight_at(noise, min_snr_weighting{-1}, prediction::epsilon, 0), value_error);
    CHECK(weight_at(noise, min_snr_weighting{}, prediction::v, 1) == 0);
    CHECK(weight_at(noise, p2_weighting{}, prediction::epsilon, 1) == 1);
    CHECK_THROWS_AS(weight_at(noise, continuous_vdm_weighting{}, prediction::x0, 1), value_error);
    CHECK_THROWS_AS(weight_at(noise, uniform_weighting{}, prediction::x0, 2), value_error);
    CHECK_THROWS_AS(weight_at(noise, vdm_weighting{}, prediction::x0, -1), value_error);
    const noise_schedule<> single{std::vector<double>{0.5}};
    CHECK_THROWS_AS(weight_at(single, continuous_vdm_weighting{}, prediction::x0, 0), value_error);
}

TEST_CASE("the weights for the errors of x_0 and epsilon differ by the signal-to-noise ratio", "[loss]") {
    const auto check = [](const auto& weighting) {
        for (const double snr : {1e-6, 0.3, 1.0, 7.0, 1e6}) {
            const double factor = weighting.of == prediction::x0 ? 1 / snr : snr;
            CHECK(std::abs(weighting.on_other(snr) / (weighting(snr) * factor) - 1) < 1e-14);
        }
    };
    check(snr_weighting{});
    check(truncated_snr_weighting{.least = 2});
    check(min_snr_weighting{.gamma = 3});
    check(soft_min_snr_weighting{.gamma = 0.7});
    check(p2_weighting{.gamma = 0.5, .k = 2});
    check(p2_weighting{.gamma = 0.5, .k = 0});
    check(edm_weighting{.sigma_data = 0.7});
}

TEST_CASE("weights as functions of the signal-to-noise ratio keep their bounds of roundings", "[loss]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const double snr = random.of_any_size(1e-6, 1e6), gamma = random.uniform(0, 4), k = random.of_any_size(0.1, 10);
        const long double s = snr, g = gamma;
        const auto near = [](double got, long double exact, double count) {
            return within(got, exact, roundings<double>(count) * exact);
        };
        CHECK(snr_weighting{}(snr) == snr);
        CHECK(snr_weighting{}.on_other(snr) == 1);
        CHECK(truncated_snr_weighting{gamma}(snr) == std::max(snr, gamma));
        CHECK(near(truncated_snr_weighting{gamma}.on_other(snr), std::max(g / s, 1.0L), 1));
        CHECK(min_snr_weighting{gamma}(snr) == std::min(snr, gamma));
        CHECK(near(min_snr_weighting{gamma}.on_other(snr), std::min(g / s, 1.0L), 1));
        CHECK(near(soft_min_snr_weighting{gamma}(snr), s * g / (s + g), 3));
        CHECK(near(soft_min_snr_weighting{gamma}.on_other(snr), g / (s + g), 2));
        const long double power = std::pow(k + s, -g);
        CHECK(near(p2_weighting{gamma, k}(snr), power, 4 + gamma));
        CHECK(near(p2_weighting{gamma, k}.on_other(snr), s * power, 6 + gamma));
        const long double inverse = 1 / (static_cast<long double>(k) * k);
        CHECK(near(edm_weighting{k}(snr), s + inverse, 4));
        CHECK(near(edm_weighting{k}.on_other(snr), 1 + inverse / s, 5));
    }
}

TEST_CASE("the weights at timesteps keep their bounds of roundings", "[loss]") {
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            const long double alpha_bar = schedule.alpha_bar(t), noise = 1 - alpha_bar, snr = alpha_bar / noise;
            const long double alpha = std::sqrt(alpha_bar), sigma = std::sqrt(noise);
            const long double squares[] = {snr, 1, 1 / noise, snr / noise, (alpha + sigma) * (alpha + sigma) / noise};
            const std::pair<loss_weighting, long double> weights[] = {{snr_weighting{}, snr},
                                                                      {truncated_snr_weighting{}, std::max(snr, 1.0L)},
                                                                      {min_snr_weighting{}, std::min(snr, 5.0L)},
                                                                      {soft_min_snr_weighting{}, 4 * snr / (4 + snr)},
                                                                      {p2_weighting{}, snr / (1 + snr)},
                                                                      {edm_weighting{}, snr + 4}};
            for (const auto& [weighting, on_x0] : weights) {
                for (const prediction kind : all_predictions) {
                    const long double exact = on_x0 / squares[static_cast<int>(kind)];
                    INFO(name << ", t = " << t << ", weighting " << weighting.index() << " on " << name_of(kind));
                    const bool is_p2 = std::holds_alternative<p2_weighting>(weighting);
                    CHECK(within(weight_at(schedule, weighting, kind, t), exact,
                                 roundings<double>(is_p2 ? 28 : 24) * exact));
                }
            }
        }
    }
}

}  // namespace ddpm::test
