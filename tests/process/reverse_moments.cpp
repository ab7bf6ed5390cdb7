// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/reverse_moments.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/grid/respaced.hpp>
#include <ddpm/loss/kl.hpp>
#include <ddpm/loss/vlb.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/run.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"
#include "support/predictions.hpp"
#include "support/reverse_variances.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::test {

namespace {

/// What a network that is right predicts.
[[nodiscard]] batch<double> right_prediction(prediction kind, const noise_level<double>& level, const batch<double>& x0,
                                             const batch<double>& eps) {
    const auto [alpha, sigma] = level;
    switch (kind) {
        case prediction::epsilon:
            return eps;
        case prediction::x0:
            return x0;
        case prediction::v:
            return (alpha * eps - sigma * x0) / std::sqrt(alpha * alpha + sigma * sigma);
        case prediction::score:
            return -eps / sigma;
        case prediction::flow:
            break;
    }
    return eps - x0;
}

/// A right prediction makes p(x_s|x_t) the posterior of the true x_0.
template <class Schedule, class Time>
void check_right_prediction(const Schedule& schedule, Time t, Time s) {
    const batch<double> x0 = pattern<double>(4, 3, 1), eps = pattern<double>(4, 3, 2);
    const noise_level<double> level = noise_level_at(schedule, t);
    const batch<double> xt = q_sample(schedule, x0, t, eps);
    const auto posterior = q_posterior(schedule, x0, xt, t, s);
    // x̂_0 carries rounding of the size of x_t over α.
    const double x0_error = 1e-15 * (1 + xt.abs().maxCoeff()) / level.signal;
    const double tolerance = 1e-14 * (1 + xt.abs().maxCoeff()) + 8 * x0_error * posterior_at(schedule, s, t).x0;
    for (const prediction kind : all_predictions) {
        const batch<double> predicted = right_prediction(kind, level, x0, eps);
        const auto moments = p_mean_variance(schedule, kind, xt, predicted, t, s);
        INFO(name_of(kind) << ", " << s << " from " << t);
        CHECK((moments.mean - posterior.mean).abs().maxCoeff() < tolerance);
        CHECK((moments.variance == posterior.variance).all());
        CHECK((moments.log_variance == posterior.log_variance).all());
        if (kind == prediction::x0) {
            CHECK((moments.mean == posterior.mean).all());
        }
    }
}

}  // namespace

TEST_CASE("with a right prediction of any kind the reverse step is the posterior", "[process]") {
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            for (const isize s : {clean, t / 2 - 1, t - 1}) {
                INFO(name);
                check_right_prediction(schedule, t, s);
            }
        }
    }
    for (const auto& [t, s] : {std::pair{0.002, 0.001}, {0.5, 0.0}, {0.9, 0.1}, {0.501, 0.5}}) {
        check_right_prediction(variance_preserving{}, t, s);
        check_right_prediction(rectified_flow{}, t, s);
        check_right_prediction(variance_exploding{}, t, s);
    }
    check_right_prediction(variance_exploding{}, 80.0, 0.002);
}

TEST_CASE("the variance of a reverse step is the chosen one", "[process]") {
    const batch<double> xt = pattern<double>(70, 3, 1), predicted = pattern<double>(70, 3, 2);
    const batch<double> head = pattern<double>(70, 3, 3);
    const noise_schedule schedule{cosine_beta{}, 50};
    const std::vector<isize> t{0, 20, 49}, s{clean, 5, 48};
    for (const reverse_variance kind : all_reverse_variances) {
        const reverse_moments_options options{.variance = kind};
        const auto moments = p_mean_variance(schedule, prediction::v, xt, predicted, head, t, s, options);
        for (isize n = 0; n < 3; ++n) {
            const isize from = t[static_cast<std::size_t>(n)], to = s[static_cast<std::size_t>(n)];
            const double small = posterior_at(schedule, to, from).variance;
            const double large = transition_at(schedule, to, from).variance;
            const double clipped = n == 0 ? schedule[1].posterior.variance : small;
            const double mean_x0 = posterior_at(schedule, to, from).x0;
            for (isize i = 0; i < 70; ++i) {
                const double h = head(i, n), part = (h + 1) / 2;
                double variance = 0;
                switch (kind) {
                    case reverse_variance::fixed_small:
                        variance = small;
                        break;
                    case reverse_variance::fixed_large:
                        variance = large;
                        break;
                    case reverse_variance::learned:
                        variance = std::exp(h);
                        break;
                    case reverse_variance::learned_range:
                        variance = std::pow(large, part) * std::pow(clipped, 1 - part);
                        break;
                    case reverse_variance::optimal:
                        variance = std::max(small + mean_x0 * mean_x0 * h, 1e-20);
                        break;
                }
                INFO(static_cast<int>(kind) << ", sample " << n << ", head " << h);
                CHECK(std::abs(moments.variance(i, n) - variance) <= 1e-13 * variance);
                const bool last_fixed = n == 0 && !needs_head(kind);
                CHECK(std::abs(moments.log_variance(i, n) - std::log(last_fixed ? clipped : variance)) < 1e-12);
            }
        }
        if (needs_head(kind)) {
            CHECK_THROWS_AS(p_mean_variance(schedule, prediction::v, xt, predicted, t, s, options), value_error);
        } else {
            const auto fixed = p_mean_variance(schedule, prediction::v, xt, predicted, t, s, options);
            CHECK((fixed.mean == moments.mean).all());
            CHECK((fixed.variance == moments.variance.row(0)).all());
            CHECK((fixed.log_variance == moments.log_variance.row(0)).all());
        }
    }
}

// Data that is Gaussian has a Gaussian reverse step, which conditioning the joint Gaussian of x_s and x_t gives.
TEST_CASE("the optimal variance makes the exact reverse step of Gaussian data", "[process]") {
    const double mean = 0.4, spread = 0.7;
    const auto check = [&](const auto& schedule, auto t, auto s) {
        const noise_level<double> at = noise_level_at(schedule, t), to = noise_level_at(schedule, s);
        const double xt = -0.9;
        const double data = spread * spread;
        const double var_t = at.signal * at.signal * data + at.sigma * at.sigma;
        const double var_s = to.signal * to.signal * data + to.sigma * to.sigma;
        // x_t = scale · x_s + noise, so that the covariance is scale · Var[x_s].
        const double covariance = transition_at(schedule, s, t).scale * var_s;
        const double expected_mean = to.signal * mean + covariance / var_t * (xt - at.signal * mean);
        const double expected_variance = var_s - covariance * covariance / var_t;
        const double x0 = mean + at.signal * data / var_t * (xt - at.signal * mean);
        const double x0_variance = data * at.sigma * at.sigma / var_t;
        const auto one = [](double value) { return batch<double>::Constant(1, 1, value); };
        const auto moments = p_mean_variance(schedule, prediction::x0, one(xt), one(x0), one(x0_variance), t, s,
                                             {.variance = reverse_variance::optimal});
        CHECK(std::abs(moments.mean(0, 0) - expected_mean) < 1e-13);
        CHECK(std::abs(moments.variance(0, 0) / expected_variance - 1) < 1e-11);
    };
    const noise_schedule schedule{cosine_beta{}, 50};
    check(schedule, isize{30}, isize{12});
    check(schedule, isize{49}, isize{48});
    check(schedule, isize{1}, isize{0});
    check(variance_preserving{}, 0.7, 0.2);
    check(rectified_flow{}, 1.0, 0.3);
    check(variance_exploding{}, 20.0, 0.5);
}

TEST_CASE("a sample with wrong times is an error, before anything is written", "[process]") {
    const batch<double> xt = pattern<double>(4, 3, 1), predicted = pattern<double>(4, 3, 2);
    const noise_schedule schedule{cosine_beta{}, 20};
    for (const std::size_t wrong : {0U, 1U, 2U}) {
        std::vector<isize> t{9, 9, 9}, s{4, 4, 4};
        s[wrong] = 9;  // not cleaner than x_t
        gaussian_moments<double> moments;
        CHECK_THROWS_AS(p_mean_variance(schedule, prediction::epsilon, xt, predicted, t, s, {}, moments), value_error);
        CHECK(moments.mean.size() == 0);
    }
}

namespace {

/// Predicts `value` and the head of the same name, of the given kind.
template <Scalar S>
struct fixed_answer {
    prediction kind;
    batch<S> value, head;
    [[nodiscard]] prediction predicts() const { return kind; }
    void operator()(batch_view<const S>, std::span<const double>, const model_output<S>& out) const {
        out.prediction.array() = value;
        if (out.variance.size() != 0) {
            out.variance.array() = head;
        }
    }
};

}  // namespace

TEMPLATE_TEST_CASE("a step of the ancestral sampler draws from the reverse step", "[process]", float, double) {
    using S = TestType;
    const batch<S> xt = pattern<S>(4, 3, 1), predicted = pattern<S>(4, 3, 2), head = pattern<S>(4, 3, 3);
    const noise_schedule schedule{cosine_beta{}, 20};
    philox_noise noise(1, noise_stream::sampler);
    batch<S> z(4, 3);
    noise.normal(batch_view<S>(z), 1, 0);
    const auto check = [&](reverse_variance variance, const auto& process, auto t, auto s, const sampling_plan& plan) {
        for (const prediction kind : all_predictions) {
            const fixed_answer<S> network{kind, predicted, head};
            for (const std::optional<double> limit : {std::optional<double>(), std::optional<double>(0.6)}) {
                sampling_run<S, const fixed_answer<S>, philox_noise> run(plan, network, noise, xt, {.clip_x0 = limit});
                run.step();
                const auto moments =
                    p_mean_variance(process, kind, xt, predicted, head, t, s, {.variance = variance, .clip_x0 = limit});
                const batch<S> expected = moments.mean + moments.variance.sqrt() * z;
                INFO(name_of(kind) << ", variance " << static_cast<int>(variance) << ", clipped " << limit.has_value());
                const S size = expected.abs().maxCoeff() + S{1};
                CHECK(static_cast<double>((run.x().array() - expected).abs().maxCoeff() / size) < ulps<S>(8));
            }
        }
    };
    for (const reverse_variance kind : all_reverse_variances) {
        const std::vector<isize> timesteps{15, 4};
        const std::vector<grid_point> points{{0.75, {0.25, 0.75}}, {0.5, {0.5, 0.5}}, {0, {1, 0}}};
        check(kind, schedule, isize{15}, isize{4}, ancestral{.variance = kind}.plan(schedule, timesteps));
        check(kind, rectified_flow{}, 0.75, 0.5, ancestral{.variance = kind}.plan(time_grid(points)));
    }
}

TEST_CASE("with its moments the divergence from the posterior is the term of the bound", "[process]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const batch<double> x0 = pattern<double>(5, 1, 1), eps = pattern<double>(5, 1, 2);
    const batch<double> predicted = pattern<double>(5, 1, 3), head = pattern<double>(5, 1, 4);
    batch<double> d(5, 1), d_head(5, 1);
    for (const isize t : {1, 40, 98}) {
        const batch<double> xt = q_sample(schedule, x0, t, eps);
        const auto posterior = q_posterior(schedule, x0, xt, t);
        for (const prediction kind : all_predictions) {
            for (const reverse_variance variance : all_reverse_variances) {
                const vlb_loss loss{.variance = variance, .scale = std::numbers::ln2};
                const double term =
                    loss(schedule, kind, noised_batch<double>{x0, eps, xt, t}, predicted, head, d, d_head);
                const auto moments = p_mean_variance(schedule, kind, xt, predicted, head, t, {.variance = variance});
                const double divergence = kl_diagonal_gaussians(posterior.mean, posterior.log_variance, moments.mean,
                                                                moments.log_variance)(0) /
                                          5;
                INFO(name_of(kind) << ", variance " << static_cast<int>(variance) << ", t = " << t);
                CHECK(std::abs(term - divergence) < 1e-9 * (1 + divergence));
            }
        }
    }
}

TEST_CASE("a respaced chain steps as the longer one does between its timesteps", "[process]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const std::vector<isize> timesteps{99, 60, 20, 3};
    const auto chain = respaced(schedule, timesteps);
    const batch<double> xt = pattern<double>(4, 2, 1), predicted = pattern<double>(4, 2, 2),
                        head = pattern<double>(4, 2, 3);
    for (isize k = 1; k < 4; ++k) {
        const isize t = chain.timesteps[static_cast<std::size_t>(k)],
                    s = chain.timesteps[static_cast<std::size_t>(k - 1)];
        for (const reverse_variance variance : all_reverse_variances) {
            const auto one =
                p_mean_variance(chain.schedule, prediction::v, xt, predicted, head, k, {.variance = variance});
            const auto other =
                p_mean_variance(schedule, prediction::v, xt, predicted, head, t, s, {.variance = variance});
            CHECK((one.mean - other.mean).abs().maxCoeff() < 1e-13);
            CHECK((one.variance / other.variance - 1).abs().maxCoeff() < 1e-12);
            CHECK((one.log_variance - other.log_variance).abs().maxCoeff() < 1e-12);
        }
    }
}

TEST_CASE("a continuous schedule with the levels of a discrete one has its reverse steps", "[process]") {
    const batch<double> xt = pattern<double>(4, 3, 1), predicted = pattern<double>(4, 3, 2),
                        head = pattern<double>(4, 3, 3);
    for (const auto& [name, schedule] : all_schedules()) {
        const sampled_levels levels{&schedule};
        for (const isize t : some_timesteps(schedule.steps())) {
            for (const isize s : {t / 2 - 1, t - 1}) {
                if (s == clean) {
                    continue;  // where a discrete schedule clips the logarithm by another rule
                }
                for (const reverse_variance variance : all_reverse_variances) {
                    const reverse_moments_options options{.variance = variance, .clip_x0 = 1.0};
                    const auto expected = p_mean_variance(schedule, prediction::v, xt, predicted, head, t, s, options);
                    const auto got = p_mean_variance(levels, prediction::v, xt, predicted, head, static_cast<double>(t),
                                                     static_cast<double>(s), options);
                    INFO(name << ", " << s << " from " << t << ", variance " << static_cast<int>(variance));
                    const double tolerance = 3e-14 / transition_at(schedule, s, t).variance;
                    CHECK((got.mean - expected.mean).abs().maxCoeff() < tolerance);
                    CHECK((got.log_variance - expected.log_variance).abs().maxCoeff() < tolerance);
                    CHECK((got.variance / expected.variance - 1).abs().maxCoeff() < tolerance);
                }
            }
        }
    }
}

TEMPLATE_TEST_CASE("each sample steps at its own times, whatever the thread count", "[process]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 50};
    const batch<S> xt = pattern<S>(40000, 3, 1), predicted = pattern<S>(40000, 3, 2), head = pattern<S>(40000, 3, 3);
    const std::vector<isize> t{1, 20, 49};
    const reverse_moments_options options{.variance = reverse_variance::learned_range, .clip_x0 = 1.0};
    const auto all = p_mean_variance(schedule, prediction::epsilon, xt, predicted, head, t, options);
    for (isize n = 0; n < 3; ++n) {
        const isize at = t[static_cast<std::size_t>(n)];
        const auto one = p_mean_variance(schedule, prediction::epsilon, xt.col(n), predicted.col(n), head.col(n), at,
                                         at - 1, options);
        CHECK((all.mean.col(n) == one.mean.col(0)).all());
        CHECK((all.variance.col(n) == one.variance.col(0)).all());
        CHECK((all.log_variance.col(n) == one.log_variance.col(0)).all());
    }
    const isize threads = thread_count();
    set_thread_count(1);
    const auto alone = p_mean_variance(schedule, prediction::epsilon, xt, predicted, head, t, options);
    set_thread_count(threads);
    CHECK((all.mean == alone.mean).all());
    CHECK((all.variance == alone.variance).all());
    const auto fixed = p_mean_variance(schedule, prediction::epsilon, xt, predicted, t, {.clip_x0 = 1.0});
    CHECK((fixed.mean == all.mean).all());
    CHECK((fixed.variance.template cast<double>() > 0).all());
}

TEST_CASE("reverse steps: small schedules, rounded tables, expressions, and memory that is there", "[process]") {
    const batch<float> x = pattern<float>(3, 2, 1), p = pattern<float>(3, 2, 2), h = pattern<float>(3, 2, 3);
    CHECK(p_mean_variance(schedule_archetype{}, prediction::v, x, p, 4).mean.allFinite());
    CHECK(p_mean_variance(schedule_archetype{}, prediction::v, x, p, 4, 1).mean.allFinite());
    const noise_schedule<float32_tables> rounded{linear_beta{}, 100};
    const auto last = p_mean_variance(rounded, prediction::v, x, p, 0);
    CHECK((last.variance == 0.0F).all());
    CHECK(last.log_variance(0) == reverse_log_variance_at(rounded, reverse_variance::fixed_small, 0, clean));

    const noise_schedule schedule{linear_beta{}, 10};
    gaussian_moments<float> fixed{batch<float>(3, 2), per_sample_values<float>(2), per_sample_values<float>(2)};
    diagonal_moments<float> learned{batch<float>(3, 2), batch<float>(3, 2), batch<float>(3, 2)};
    const float *const mean = fixed.mean.data(), *const variance = learned.variance.data();
    p_mean_variance(schedule, prediction::v, x, p, 4, {}, fixed);
    CHECK((fixed.mean == p_mean_variance(schedule, prediction::v, x * 1.0F, p + 0.0F, 4, 3).mean).all());
    p_mean_variance(schedule, prediction::v, x, p, 4, 2, {}, fixed);
    CHECK((fixed.mean == p_mean_variance(schedule, prediction::v, x, p, 4, 2).mean).all());
    const reverse_moments_options options{.variance = reverse_variance::learned};
    p_mean_variance(schedule, prediction::v, x, p, h, 4, options, learned);
    CHECK((learned.variance == p_mean_variance(schedule, prediction::v, x, p, h * 1.0F, 4, options).variance).all());
    p_mean_variance(schedule, prediction::v, x, p, h, 4, 2, options, learned);
    CHECK((learned.mean == fixed.mean).all());
    CHECK(fixed.mean.data() == mean);
    CHECK(learned.variance.data() == variance);
    const batch<float> none(3, 0);
    CHECK(p_mean_variance(schedule, prediction::v, none, none, 4).mean.cols() == 0);
    CHECK(p_mean_variance(schedule, prediction::v, none, none, none, 4, options).variance.cols() == 0);
}

TEST_CASE("reverse steps: what does not fit is an error, and nothing is written", "[process]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const batch<float> x = pattern<float>(3, 2, 1), narrow = pattern<float>(3, 1, 1);
    const std::vector<isize> three{1, 2, 3};
    gaussian_moments<float> fixed;
    diagonal_moments<float> learned;
    const reverse_moments_options head{.variance = reverse_variance::learned};
    const auto v = prediction::v;
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, narrow, 4, {}, fixed), shape_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, three, {}, fixed), shape_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, 4, three, {}, fixed), shape_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, three, 1, {}, fixed), shape_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, narrow, 4, head, learned), shape_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, narrow, 4, 1, head, learned), shape_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, 10, {}, fixed), value_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, -1, {}, fixed), value_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, 4, 4, {}, fixed), value_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, 4, -2, {}, fixed), value_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, 4, head, fixed), value_error);
    CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, 4, 1, head, fixed), value_error);
    for (const double limit : {0.0, -1.0, std::nan("")}) {
        CHECK_THROWS_AS(p_mean_variance(schedule, v, x, x, 4, {.clip_x0 = limit}, fixed), value_error);
    }
    const noise_schedule<> ends{std::vector<double>{0.5, 1.0}};
    CHECK_THROWS_AS(p_mean_variance(ends, prediction::epsilon, x, x, 1, {}, fixed), value_error);
    const rectified_flow flow;
    CHECK_THROWS_AS(p_mean_variance(flow, prediction::score, x, x, 1, 0.5, {}, fixed), value_error);
    CHECK_THROWS_AS(p_mean_variance(flow, v, x, x, 0.5, 0.5, {}, fixed), value_error);
    CHECK_THROWS_AS(p_mean_variance(flow, v, x, x, 1.5, 0.5, {}, fixed), value_error);
    CHECK_THROWS_AS(p_mean_variance(flow, v, x, x, x, 0.5, std::vector<double>{0.1}, head, learned), shape_error);
    CHECK(fixed.mean.size() == 0);
    CHECK(fixed.variance.size() == 0);
    CHECK(learned.mean.size() == 0);
    CHECK_NOTHROW(p_mean_variance(flow, v, x, x, 1, 0.5));
    CHECK_NOTHROW(p_mean_variance(ends, v, x, x, 1));
}

TEMPLATE_TEST_CASE("the moments of the reverse step keep their bounds of roundings", "[process]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<S> xt = random.values<S>(50, 1), predicted = random.values<S>(50, 1), head = pattern<S>(50, 1, 3) / 2;
    const auto check = [&](const auto& schedule, auto t, auto s, const reverse_moments_options& options) {
        for (const prediction kind : all_predictions) {
            const affine c = conversion(kind, prediction::x0, noise_level_at(schedule, t));
            const auto posterior = posterior_at(schedule, s, t);
            const head_variance of = head_variance_at(schedule, options.variance, t, s);
            const auto moments = p_mean_variance(schedule, kind, xt, predicted, head, t, s, options);
            const long double limit = options.clip_x0.value_or(1e30);
            for (isize i = 0; i < 50; ++i) {
                const long double a = static_cast<long double>(c.xt) * xt(i),
                                  b = static_cast<long double>(c.value) * predicted(i), x0 = posterior.x0,
                                  rest = static_cast<long double>(posterior.xt) * xt(i);
                const long double mean = x0 * std::clamp(a + b, -limit, limit) + rest;
                CHECK(within(moments.mean(i), mean,
                             roundings<S>(8) * (x0 * (std::abs(a) + std::abs(b)) + std::abs(rest))));
                const double log_variance = of.log_variance(static_cast<double>(head(i)));
                const long double variance = std::exp(static_cast<long double>(log_variance));
                CHECK(moments.log_variance(i) == static_cast<S>(log_variance));
                CHECK(within(moments.variance(i), variance, roundings<S>(3) * variance));
            }
        }
    };
    const noise_schedule schedule{cosine_beta{}, 100};
    for (const reverse_variance variance :
         {reverse_variance::learned, reverse_variance::learned_range, reverse_variance::optimal}) {
        for (const std::optional<double> limit : {std::optional<double>(), std::optional<double>(1.5)}) {
            check(schedule, isize{60}, isize{59}, {.variance = variance, .clip_x0 = limit});
            check(schedule, isize{98}, isize{3}, {.variance = variance, .clip_x0 = limit});
            check(rectified_flow{}, 0.7, 0.2, {.variance = variance, .clip_x0 = limit});
        }
    }
}

}  // namespace ddpm::test
