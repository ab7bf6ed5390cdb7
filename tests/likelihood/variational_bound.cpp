// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/likelihood/variational_bound.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/grid/respaced.hpp>
#include <ddpm/loss/kl.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/process/posterior.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "loss/bound_golden.hpp"
#include "loss/bound_patterns.hpp"
#include "support/catch.hpp"
#include "support/gaussian_oracle.hpp"
#include "support/gradient_check.hpp"
#include "support/kernel_data.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"
#include "support/watched.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

namespace ddpm::test {

namespace {

constexpr reverse_variance reverse_variances[] = {reverse_variance::fixed_small, reverse_variance::fixed_large,
                                                  reverse_variance::learned, reverse_variance::learned_range};

/// The oracle of Gaussian data with Var[x_0|x_t] in its head.
template <NoiseSchedule Schedule>
struct gaussian_oracle_with_head {
    gaussian_oracle<Schedule> oracle;

    template <Scalar S>
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) const {
        oracle(xt, t, out);
        for (isize n = 0; n < xt.columns() && out.variance.size() != 0; ++n) {
            out.variance.array().col(n) = static_cast<S>(variance(static_cast<isize>(t[static_cast<std::size_t>(n)])));
        }
    }

    [[nodiscard]] double variance(isize t) const {
        const auto [alpha, sigma] = noise_level_at(oracle.schedule, t);
        return oracle.variance * sigma * sigma / (alpha * alpha * oracle.variance + sigma * sigma);
    }
};

template <Scalar S>
[[nodiscard]] batch<S> gaussian_data(isize rows, isize columns, double mean, double variance) {
    return static_cast<S>(mean) + static_cast<S>(std::sqrt(variance)) * random_batch<S>(rows, columns, 11);
}

[[nodiscard]] double gaussian_entropy(double variance) { return 0.5 * std::log(2 * std::numbers::pi * variance) + 0.5; }

bool within(const mean_estimate& measured, double expected, double errors = 5) {
    return std::abs(measured.mean - expected) <= errors * measured.error + 1e-12;
}

bool equal(const mean_estimate& a, const mean_estimate& b) { return same(a.mean, b.mean) && same(a.error, b.error); }

/// Whether two measurements have the same bits.
bool equal(const bound_result& a, const bound_result& b) {
    bool all = a.samples == b.samples && a.dimension == b.dimension && equal(a.nats, b.nats) &&
               equal(a.prior, b.prior) && a.terms.size() == b.terms.size();
    for (std::size_t k = 0; k < a.terms.size() && all; ++k) {
        const bound_term &x = a.terms[k], &y = b.terms[k];
        all = x.t == y.t && x.samples == y.samples && equal(x.nats, y.nats) && equal(x.x0_error, y.x0_error) &&
              equal(x.eps_error, y.eps_error);
    }
    return all;
}

}  // namespace

TEMPLATE_TEST_CASE("the bound of a table is that of improved-diffusion", "[likelihood]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 12};
    const batch<S> x0 = pattern_pixels<S>(6, 4);
    std::size_t row = 0;
    for (const prediction kind : {prediction::epsilon, prediction::x0}) {
        for (const reverse_variance variance : reverse_variances) {
            const bool learned = variance == reverse_variance::learned;
            const table_predictor table{learned ? 2.0 : 1.0, learned ? -5.0 : 0.0};
            const bound_result r =
                variational_bound(schedule, predicts(table, kind), x0, {.variance = variance}, table_noise{});
            const double* golden = golden_bounds[row++];
            const auto near = [](double a, double b) {
                return std::abs(a - b) < (sizeof(S) == 4 ? 1e-5 : 1e-7) * (1 + std::abs(b));
            };
            INFO(name_of(kind) << ", variance " << static_cast<int>(variance));
            CHECK(near(r.bits().mean, golden[0]));
            CHECK(std::abs(to_bits(r.prior).mean - golden[1]) < (sizeof(S) == 4 ? 1e-6 : 1e-8) * golden[1]);
            CHECK(near(r.bits().error, golden[2]));
            REQUIRE(r.terms.size() == 12);
            for (std::size_t k = 0; k < 12; ++k) {
                INFO("t = " << r.terms[k].t);
                CHECK(near(to_bits(r.terms[k].nats).mean, golden[3 + k]));
                CHECK(near(r.terms[k].x0_error.mean, golden[15 + k]));
                CHECK(near(r.terms[k].eps_error.mean, golden[27 + k]));
            }
        }
    }
}

TEST_CASE("the terms of Gaussian data and its oracle have the closed forms", "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 30};
    const double mean = 0.4, variance = 0.09;
    const batch<double> x0 = gaussian_data<double>(4, 3000, mean, variance);
    const gaussian_oracle_with_head<noise_schedule<>> oracle{{schedule, mean, variance}};
    for (const auto kind : {reverse_variance::fixed_small, reverse_variance::fixed_large, reverse_variance::optimal}) {
        const auto r = variational_bound(schedule, oracle, x0, {.variance = kind, .decoder = gaussian_decoder{}});
        INFO("variance " << static_cast<int>(kind));
        CHECK(r.samples == 3000);
        CHECK(r.dimension == 4);
        double sum = 0;
        for (const bound_term& term : r.terms) {
            const auto [alpha, sigma] = noise_level_at(schedule, term.t);
            const double error = oracle.variance(term.t);
            const head_variance head = head_variance_at(schedule, kind, term.t, term.t - 1);
            const double model = std::exp(head.log_variance(error));
            const auto posterior = posterior_at(schedule, term.t - 1, term.t);
            const double expected = term.t == 0
                                        ? 0.5 * (std::log(2 * std::numbers::pi * model) + error / model)
                                        : 0.5 * (std::log(model / posterior.variance) - 1 +
                                                 (posterior.variance + posterior.x0 * posterior.x0 * error) / model);
            INFO("t = " << term.t);
            CHECK(term.samples == 3000);
            CHECK(within(term.nats, expected));
            CHECK(within(term.x0_error, error));
            CHECK(within(term.eps_error, alpha * alpha * error / (sigma * sigma)));
            sum += term.nats.mean;
        }
        const double alpha_bar = schedule.alpha_bar(29);
        CHECK(within(r.prior, 0.5 * (alpha_bar * (mean * mean + variance) - alpha_bar - std::log1p(-alpha_bar))));
        CHECK(std::abs(r.prior.mean + sum - r.nats.mean) < 1e-12);
        CHECK(equal(r.decoder(), r.terms.back().nats));
        CHECK(std::abs(r.bits().mean * std::numbers::ln2 - r.nats.mean) < 1e-14);

        // With the oracle's variance the reverse chain is exact: nothing is lost but the prior's misfit to x_T.
        const double end_mean = std::sqrt(alpha_bar) * mean, end_variance = alpha_bar * variance + 1 - alpha_bar;
        const double exact =
            gaussian_entropy(variance) + 0.5 * (end_variance + end_mean * end_mean - 1 - std::log(end_variance));
        if (kind == reverse_variance::optimal) {
            CHECK(within(r.nats, exact));
        } else {
            CHECK(r.nats.mean - 5 * r.nats.error > exact);
        }
    }
}

TEST_CASE("no network, variance or sub-sequence takes the bound below the entropy", "[likelihood]") {
    const noise_schedule schedule{linear_beta{.start = 1e-3, .end = 0.3}, 25};
    const double mean = -0.2, variance = 0.25, entropy = gaussian_entropy(variance);
    const batch<float> x0 = gaussian_data<float>(3, 2000, mean, variance);
    for (const double wrong : {-0.5, 0.0, 0.7}) {
        const gaussian_oracle_with_head<noise_schedule<>> oracle{{schedule, mean + wrong, variance}};
        for (const auto kind : {reverse_variance::fixed_small, reverse_variance::fixed_large,
                                reverse_variance::learned_range, reverse_variance::optimal}) {
            for (const auto& timesteps :
                 {std::vector<isize>{}, std::vector<isize>{24, 11, 3, 0}, std::vector<isize>{24}}) {
                const auto r = variational_bound(
                    schedule, oracle, x0, {.variance = kind, .decoder = gaussian_decoder{}, .timesteps = timesteps});
                INFO("shift " << wrong << ", variance " << static_cast<int>(kind) << ", steps " << timesteps.size());
                CHECK(r.nats.mean + 5 * r.nats.error > entropy);
            }
        }
    }
}

TEST_CASE("the bound of levels is not below their entropy", "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 200};
    batch<double> x0(8, 400);  // fair coins: one bit per dimension
    const philox_noise coins(1, static_cast<noise_stream>(first_user_stream));
    for (isize n = 0; n < x0.cols(); ++n) {
        for (isize i = 0; i < x0.rows(); ++i) {
            x0(i, n) = static_cast<double>(2 * coins.below(2, n, 0, i) - 1);
        }
    }
    const auto oracle = [&](batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) {
        for (isize n = 0; n < xt.columns(); ++n) {
            const auto [alpha, sigma] = noise_level_at(schedule, static_cast<isize>(t[static_cast<std::size_t>(n)]));
            out.prediction.array().col(n) = (xt.array().col(n) * (alpha / (sigma * sigma))).tanh();
        }
    };
    const auto r = variational_bound(schedule, predicts(oracle, prediction::x0), x0,
                                     {.decoder = discretized_decoder{.levels = 2}});
    CHECK(r.bits().mean + 5 * r.bits().error > 1);
    CHECK(r.bits().mean < 1.05);
    CHECK(r.decoder().mean < 1e-3);
}

TEMPLATE_TEST_CASE("a limited estimate is limited, and only that of levels", "[likelihood]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 5};
    const batch<S> x0 = batch<S>::Ones(3, 2);
    const auto far = [](batch_view<const S>, std::span<const double>, const model_output<S>& out) {
        out.prediction.array() = S(3);
    };
    auto predictor = predicts(far, prediction::x0);
    CHECK(variational_bound(schedule, predictor, x0).terms[2].x0_error.mean == 0);
    CHECK(variational_bound(schedule, predictor, x0, {.clip_denoised = false}).terms[2].x0_error.mean == 4);
    CHECK(variational_bound(schedule, predictor, x0, {.decoder = gaussian_decoder{}}).terms[2].x0_error.mean == 4);
}

TEST_CASE("the bound of a sub-sequence is that of the respaced chain", "[likelihood]") {
    const noise_schedule schedule{linear_beta{}, 100};
    const batch<double> x0 = pattern_pixels<double>(6, 20);
    const std::vector<isize> timesteps{99, 60, 33, 7, 2};
    const auto short_chain = respaced(schedule, timesteps);
    struct same_noise {  // for every step
        void normal(batch_view<double> out, isize, isize first_sample) const {
            philox_noise(3, noise_stream::evaluation).normal(out, 0, first_sample);
        }
    };
    for (const auto variance : reverse_variances) {
        const gaussian_oracle_with_head<noise_schedule<>> oracle{{schedule, 0.1, 0.3}};
        const gaussian_oracle_with_head<noise_schedule<>> short_oracle{{short_chain.schedule, 0.1, 0.3}};
        const auto r =
            variational_bound(schedule, oracle, x0, {.variance = variance, .timesteps = timesteps}, same_noise{});
        const auto q = variational_bound(short_chain.schedule, short_oracle, x0, {.variance = variance}, same_noise{});
        INFO("variance " << static_cast<int>(variance));
        CHECK(std::abs(r.nats.mean - q.nats.mean) < 1e-9);
        CHECK(std::abs(r.prior.mean - q.prior.mean) < 1e-12);
        for (std::size_t k = 0; k < 5; ++k) {
            CHECK(r.terms[k].t == timesteps[k]);
            CHECK(std::abs(r.terms[k].nats.mean - q.terms[k].nats.mean) < 1e-9);
        }
    }
}

TEMPLATE_TEST_CASE("the bound has the same bits for every batch, part and thread count", "[likelihood]", float,
                   double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 20};
    const batch<S> x0 = pattern_pixels<S>(70, 50);
    const gaussian_oracle_with_head<noise_schedule<>> oracle{{schedule, 0.1, 0.3}};
    for (const isize steps : {0, 6}) {
        bound_options options{.variance = reverse_variance::learned_range, .steps_per_sample = steps, .seed = 5};
        const bound_result all = variational_bound(schedule, oracle, x0, options);
        for (const isize size : {1, 7, 1000}) {
            options.batch = size;
            CHECK(equal(variational_bound(schedule, oracle, x0, options), all));
        }
        for (const isize threads : {1, 3}) {
            set_thread_count(threads);
            CHECK(equal(variational_bound(schedule, oracle, x0, options), all));
        }
        set_thread_count(0);
        options.batch = 8;
        isize from = 0, part = 0;
        const auto values = [&]() -> batch<S> {
            const isize count = std::min<isize>(x0.cols() - from, 3 + 11 * (part++ % 2));
            from += count;
            return x0.middleCols(from - count, count);
        };
        CHECK(equal(variational_bound(schedule, oracle, values, options), all));
        from = 0;
        const auto views = [&]() -> batch_view<const S> {
            from += 25;
            return from > 50 ? batch_view<const S>() : batch_view<const S>(x0).middle(from - 25, 25);
        };
        CHECK(equal(variational_bound(schedule, oracle, views, options), all));
        CHECK(equal(variational_bound(schedule, oracle, x0 * S(1), options), all));

        // The rest of a data set has the noise that it has within it.
        options.first_sample = 30;
        const auto rest = variational_bound(schedule, oracle, x0.rightCols(20), options);
        options.first_sample = 0;
        const auto first = variational_bound(schedule, oracle, x0.leftCols(30), options);
        CHECK(std::abs(rest.nats.mean * 20 + first.nats.mean * 30 - all.nats.mean * 50) < 1e-10);
        options.seed = 6;
        CHECK_FALSE(equal(variational_bound(schedule, oracle, x0, options), all));
    }
}

TEST_CASE("fewer steps per sample estimate the bound without bias, and measure the same terms", "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 40};
    const gaussian_oracle<noise_schedule<>> oracle{schedule, 0.1, 0.3};
    const batch<double> one = pattern_pixels<double>(6, 1), x0 = one.replicate(1, 4000);
    const auto all = variational_bound(schedule, oracle, x0);
    for (const isize steps : {2, 7, 25, 39}) {
        const auto some = variational_bound(schedule, oracle, x0, {.steps_per_sample = steps});
        INFO(steps << " steps");
        CHECK(std::abs(some.nats.mean - all.nats.mean) < 5 * std::hypot(some.nats.error, all.nats.error));
        CHECK(equal(some.prior, all.prior));
        CHECK(equal(some.decoder(), all.decoder()));
        isize count = 0, part = 0;
        for (std::size_t k = 0; k + 1 < some.terms.size(); ++k) {
            count += some.terms[k].samples;
            while (static_cast<isize>(k) >= part * 39 / (steps - 1)) {
                ++part;
            }
            const double share = 1 / static_cast<double>(part * 39 / (steps - 1) - (part - 1) * 39 / (steps - 1));
            const double deviation = std::sqrt(4000 * share * (1 - share));
            CHECK(std::abs(static_cast<double>(some.terms[k].samples) - 4000 * share) < 5 * deviation + 1);
            CHECK(std::abs(some.terms[k].nats.mean - all.terms[k].nats.mean) < 5 * some.terms[k].nats.error);
        }
        CHECK(count == 4000 * (steps - 1));
    }
    // One sample at a time: each measured term has the bits that it has among all.
    const batch<double> alone = one;
    const auto exact = variational_bound(schedule, oracle, alone);
    const auto part = variational_bound(schedule, oracle, alone, {.steps_per_sample = 5});
    int measured = 0;
    for (std::size_t k = 0; k < 40; ++k) {
        if (part.terms[k].samples == 1) {
            ++measured;
            CHECK(part.terms[k].nats.mean == exact.terms[k].nats.mean);
        } else {
            CHECK(std::isnan(part.terms[k].nats.mean));
        }
    }
    CHECK(measured == 5);
    CHECK(std::isnan(part.nats.error));
    CHECK(equal(variational_bound(schedule, oracle, x0, {.steps_per_sample = 40}), all));
}

TEST_CASE("the bound takes networks, bare callables, every kind of prediction, and the smallest schedule",
          "[likelihood]") {
    const schedule_archetype schedule;
    const batch<float> x0 = 0.8F * pattern<float>(4, 3, 1);
    const session_archetype<float> network;
    CHECK(std::isfinite(variational_bound(schedule, network, x0).nats.mean));
    CHECK(std::isfinite(variational_bound(schedule, predictor_archetype<float>{}, x0).nats.mean));
    const noise_schedule exact{cosine_beta{}, 30};
    const gaussian_oracle<noise_schedule<>> oracle{exact, 0.1, 0.3};
    const auto by_eps = variational_bound(exact, oracle, x0.cast<double>());
    for (const prediction kind : {prediction::x0, prediction::v, prediction::score, prediction::flow}) {
        const auto other = [&](batch_view<const double> xt, std::span<const double> t,
                               const model_output<double>& out) {
            oracle(xt, t, out);
            convert(exact, prediction::epsilon, kind, xt, static_cast<isize>(t[0]), out.prediction, out.prediction);
        };
        const auto r = variational_bound(exact, predicts(other, kind), x0.cast<double>());
        INFO(name_of(kind));
        CHECK(std::abs(r.nats.mean - by_eps.nats.mean) < 1e-8);
    }
    const noise_schedule<float32_tables> rough{cosine_beta{}, 30};
    CHECK(std::abs(variational_bound(rough, oracle, x0.cast<double>()).nats.mean - by_eps.nats.mean) < 1e-3);
}

TEST_CASE("the bound of a network with a variance head has the same bits for every batch", "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 10};
    nn::mlp<float> net{{.dim = 12, .hidden = 16, .blocks = 1, .variance_head = true}};
    disturb(net, 0.3, 4);
    const batch<float> x0 = pattern_pixels<float>(12, 90);
    for (const auto variance : {reverse_variance::learned_range, reverse_variance::fixed_large}) {
        bound_options options{.variance = variance};
        const auto all = variational_bound(schedule, net, x0, options);
        CHECK(std::isfinite(all.nats.mean));
        options.batch = 37;
        CHECK(equal(variational_bound(schedule, net, x0, options), all));
    }
}

TEST_CASE("the bound with a variance head that the predictor does not write, or not wholly, is an error",
          "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 10};
    const batch<double> x0 = pattern_pixels<double>(3, 5);
    const predictor_archetype<double> bare;
    CHECK_THROWS_AS(variational_bound(schedule, bare, x0, {.variance = reverse_variance::learned}), value_error);
    for (const isize written : {0, 2, 3}) {  // of 3 rows, after the first call
        isize calls = 0;
        const auto headed = [&](batch_view<const double> xt, std::span<const double>, const model_output<double>& out) {
            out.prediction.array() = 0.1 * xt.array();
            out.variance.array().topRows(calls++ == 0 ? 3 : written) = -1;
        };
        const auto bound = [&] {
            return variational_bound(schedule, headed, x0, {.variance = reverse_variance::learned});
        };
        INFO(written << " of 3 elements");
        if (written == 3) {
            CHECK(std::isfinite(bound().nats.mean));
        } else {
            CHECK_THROWS_AS(bound(), value_error);
            CHECK(calls == 2);
        }
    }
    // That a prediction is not a number has another cause, and is an outcome.
    const auto diverged = [](batch_view<const double>, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = std::nan("");
    };
    CHECK(std::isnan(variational_bound(schedule, diverged, x0, {.variance = reverse_variance::learned}).nats.mean));
}

TEST_CASE("the bound refuses what does not fit", "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 10};
    const batch<float> x = pattern<float>(3, 2, 1), none(3, 0);
    const predictor_archetype<float> predictor;
    const auto with = [&](const bound_options& options) { return variational_bound(schedule, predictor, x, options); };
    CHECK_THROWS_AS(variational_bound(schedule, predictor, none), value_error);
    CHECK_THROWS_AS(with({.steps_per_sample = 11}), value_error);
    CHECK_THROWS_AS(with({.batch = 0}), value_error);
    isize rows = 3;
    const auto changing = [&]() -> batch<float> { return pattern<float>(rows++, 2, 1); };
    CHECK_THROWS_AS(variational_bound(schedule, predictor, changing), shape_error);
    const noise_schedule<> noise{std::vector<double>{0.5, 1.0}};
    CHECK_THROWS_AS(variational_bound(noise, predictor, x), value_error);
    CHECK(std::isfinite(variational_bound(noise, predicts(predictor, prediction::x0), x).nats.mean));
}

TEST_CASE("a bound may be watched and stopped", "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 6};
    const auto network = [](batch_view<const double> xt, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = 0.1 * xt.array();
    };
    const batch<double> x = 0.5 * batch<double>::Random(3, 10);
    const auto bound = [&](const measurement_callback& progress) {
        return variational_bound(schedule, network, x, {.batch = 4, .progress = progress});
    };
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            const bound_result result = bound(progress);
            CHECK(result.finished == (result.samples == 10));
            return {result.nats.mean, result.nats.error, result.prior.mean};
        },
        18);
    // Stopped in the second batch, it is the bound of the first.
    int calls = 0;
    const bound_result part = bound([&](const measurement_progress&) { return ++calls < 8; });
    CHECK_FALSE(part.finished);
    CHECK(part.samples == 4);
    CHECK(part.nats.mean == variational_bound(schedule, network, x.leftCols(4)).nats.mean);
    // Data part by part has no length.
    int parts = 0;
    const auto next = [&]() -> batch<double> { return parts++ < 5 ? x : batch<double>(3, 0); };
    const bound_result streamed =
        variational_bound(schedule, network, next, {.progress = [&](const measurement_progress& p) {
                              CHECK(std::isnan(p.part));
                              return parts < 3;
                          }});
    CHECK_FALSE(streamed.finished);
    CHECK(streamed.samples == 20);
    CHECK(parts == 3);
}

TEST_CASE("data that was not scaled has no bound in bits", "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 6};
    const auto network = [](batch_view<const float> xt, std::span<const double>, const model_output<float>& out) {
        out.prediction.array() = 0.1F * xt.array();
    };
    const auto bound = [&](float largest, const bound_options& options = {}) {
        batch<float> x = batch<float>::Zero(3, 5);
        x(1, 4) = largest;
        return variational_bound(schedule, network, x, options);
    };
    for (const float outside : {255.0F, -2.0F, 1.01F}) {
        CHECK_THROWS_AS(bound(outside), value_error);
        CHECK(std::isfinite(bound(outside, {.decoder = gaussian_decoder{}}).nats.mean));
    }
    CHECK(std::isfinite(bound(1.001F).nats.mean));
    CHECK_THROWS_AS(bound(1.001F, {.decoder = discretized_decoder{.levels = 65536}}), value_error);
    CHECK(std::isnan(bound(std::numeric_limits<float>::quiet_NaN()).nats.mean));  // no mistake, but an outcome
    // Samples are numbered by 32 bits.
    CHECK_THROWS_AS(bound(0, {.first_sample = (ddpm::isize{1} << 32) - 4}), value_error);
    CHECK(bound(0, {.first_sample = (ddpm::isize{1} << 32) - 5}).samples == 5);
}

}  // namespace ddpm::test
