// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/classifier_guidance.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/evaluate.hpp"
#include "support/mixtures.hpp"
#include "support/predictions.hpp"
#include "support/predictors.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
#include <span>

namespace ddpm::test {
namespace {

noise_level<double> flow_level(double t) { return {1 - t, t}; }
noise_level<double> exploding_level(double t) { return {1, t}; }

/// The perfect classifier of a mixture's components: ∇ ln p(k|x_t) = ∇ ln p(x_t|k) − ∇ ln p(x_t).
template <Scalar S>
struct perfect_classifier {
    mixture_oracle of_class;
    mixture_oracle of_all;

    void operator()(batch_view<const S> xt, std::span<const double> t, batch_view<S> out) const {
        batch<S> all(xt.rows(), xt.columns());
        of_class.session(xt.columns())(xt, t, model_output<S>{out, {}});
        of_all.session(xt.columns())(xt, t, model_output<S>{all, {}});
        out.array() -= all;
    }
};

/// The smallest gradient with sessions.
struct session_gradient {
    struct made {
        void operator()(batch_view<const double>, std::span<const double>, batch_view<double> out) const {
            out.array() = 1;
        }
    };
    [[nodiscard]] made session(isize) const { return {}; }
};

/// A gradient whose own members have names that mean something else in a predictor.
struct gradient_of_labels {
    isize shape = 3;
    [[nodiscard]] int predicts() const { return 7; }
    void operator()(batch_view<const double>, std::span<const double>, batch_view<double> out) const {
        out.array() = 1;
    }
};

}  // namespace

TEST_CASE("a gradient may have members that predictors have with other signatures", "[predictor]") {
    const predictor_archetype<double> bare;
    const batch<double> x = pattern<double>(4, 2, 1);
    const batch<double> expected =
        evaluate<double>(classifier_guided(bare, session_gradient{}, flow_level), x, {0.5, 0.2});
    CHECK(
        (evaluate<double>(classifier_guided(bare, gradient_of_labels{}, flow_level), x, {0.5, 0.2}) == expected).all());
    struct with_session : gradient_of_labels {
        [[nodiscard]] gradient_of_labels session(isize) const { return {}; }
    };
    CHECK((evaluate<double>(classifier_guided(bare, with_session{}, flow_level), x, {0.5, 0.2}) == expected).all());
}

TEMPLATE_TEST_CASE("a perfect classifier makes the oracle of all data that of a class", "[predictor]", float, double) {
    using S = TestType;
    const isize d = 3, k = 1;
    const named_mixture named = all_mixtures(d).back();
    const auto component = gaussian_mixture::full({1}, named.mixture.means().col(k), {named.covariances[k]});
    const batch<S> x = pattern<S>(d, 3, 1);
    const std::vector<double> t{0.2, 0.5, 0.9};
    for (const auto level : {flow_level, exploding_level}) {
        const perfect_classifier<S> gradient{{component, level, prediction::score},
                                             {named.mixture, level, prediction::score}};
        for (const prediction kind : all_predictions) {
            INFO(name_of(kind));
            const mixture_oracle all(named.mixture, level, kind), expected(component, level, kind);
            const auto p = classifier_guided(all, gradient, level);
            static_assert(PredictorLike<decltype(p), S>);
            CHECK(prediction_of(p) == kind);
            CHECK(shape_of(p) == sample_shape(d));
            const batch<S> got = evaluate<S>(p, x, t), want = evaluate<S>(expected, x, t);
            CHECK(static_cast<double>((got - want).abs().maxCoeff()) < ulps<S>(200));
            const batch<S> twice = evaluate<S>(classifier_guided(all, gradient, level, 2), x, t);
            CHECK(static_cast<double>((twice - (2 * want - evaluate<S>(all, x, t))).abs().maxCoeff()) < ulps<S>(400));
        }
    }
}

TEST_CASE("classifier guidance of eps is that of the paper, over a schedule", "[predictor]") {
    const noise_schedule<> schedule{linear_beta{}, 100};
    const predictor_archetype<double> bare;
    const auto p = classifier_guided(bare, session_gradient{}, schedule, 3);
    const batch<double> x = pattern<double>(4, 2, 1);
    const batch<double> got = evaluate<double>(p, x, {7, 80});
    CHECK((got.col(0) - (x.col(0) / 2 - 3 * std::sqrt(1 - schedule.alpha_bar(7)))).abs().maxCoeff() < 1e-15);
    CHECK((got.col(1) - (x.col(1) / 2 - 3 * std::sqrt(1 - schedule.alpha_bar(80)))).abs().maxCoeff() < 1e-15);
}

TEST_CASE("a session of a gradient is made where there is one to make", "[predictor]") {
    struct makes_sessions {
        isize session(isize samples) const { return samples; }
    };
    const makes_sessions with_session;
    CHECK(gradient_session_of(with_session, 5) == 5);
    const auto bare = [](batch_view<const float>, std::span<const double>, batch_view<float>) {};
    CHECK(&gradient_session_of(bare, 5) == &bare);
    static_assert(GradientLike<decltype(bare), float> && !GradientLike<makes_sessions, float>);
    CHECK_NOTHROW(require_guidance_scale("here", -1e6));
    CHECK_THROWS_AS(require_guidance_scale("here", 1.1e6), value_error);
}

TEST_CASE("classifier_guided: what does not fit is an error", "[predictor]") {
    const session_archetype<double> net;  // predicts v
    const auto p = classifier_guided(net, session_gradient{}, level_function(flow_level));
    const batch<double> x = batch<double>::Ones(4, 1);
    CHECK_NOTHROW(evaluate<double>(p, x, {0}));
    CHECK_THROWS_AS(evaluate<double>(p, x, {1}), value_error);
    CHECK_THROWS_AS(evaluate<double>(p, x, {-1}), value_error);
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5, 0.5}), shape_error);
    // ε and the score know no such limit.
    const auto eps = classifier_guided(predictor_archetype<double>{}, session_gradient{}, level_function(flow_level));
    CHECK((evaluate<double>(eps, x, {1}) == -0.5).all());
    CHECK((evaluate<double>(eps, x, {0}) == 0.5).all());
    const auto score = classifier_guided(predicts(predictor_archetype<double>{}, prediction::score), session_gradient{},
                                         level_function(flow_level), 2);
    CHECK((evaluate<double>(score, x, {0}) == 2.5).all());
    CHECK((evaluate<double>(score, x, {1}) == 2.5).all());
}

TEST_CASE("a classifier of scale 0 does nothing, whatever its gradient is", "[predictor]") {
    const auto gradient = [](batch_view<const double>, std::span<const double>, batch_view<double> out) {
        out.array() = std::numeric_limits<double>::infinity();
    };
    const batch<double> x = pattern<double>(4, 2, 1);
    const auto network = [](batch_view<const double> xt, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = xt.array() / 2;
    };
    CHECK((evaluate<double>(classifier_guided(network, gradient, flow_level, 0), x, {0.5, 0.25}) == x / 2).all());
    // Without noise, at t = 0, ε does not move either.
    const batch<double> half = evaluate<double>(classifier_guided(network, gradient, flow_level, 1), x, {0, 0.25});
    CHECK((half.col(0) == x.col(0) / 2).all());
    CHECK_FALSE(half.col(1).allFinite());
    CHECK_THROWS_AS(classifier_guided(network, gradient, flow_level, 1e300), value_error);
    CHECK_THROWS_AS(classifier_guided(network, gradient, flow_level, std::nan("")), value_error);
}

TEMPLATE_TEST_CASE("classifier guidance keeps its bound of roundings", "[predictor]", float, double) {
    using S = TestType;
    random_numbers random;
    for (int k = 0; k < 100; ++k) {
        const batch<S> value = random.values<S>(5, 1), slope = random.values<S>(5, 1);
        const double scale = random.uniform(-5, 5), t = random.uniform(0.01, 0.99);
        const auto gradient = [&](batch_view<const S>, std::span<const double>, batch_view<S> out) {
            out.array() = slope;
        };
        const auto [signal, noise] = flow_level(t);
        const long double alpha = signal, sigma = noise, length = std::sqrt(alpha * alpha + sigma * sigma);
        const long double shifts[] = {-sigma, sigma * sigma / alpha, -sigma * length / alpha, 1,
                                      -sigma * (alpha + sigma) / alpha};
        for (const prediction kind : all_predictions) {
            const auto p =
                classifier_guided(counted<S>([&](double, isize i, isize) { return value(i); }, nullptr, kind), gradient,
                                  flow_level, scale);
            const batch<S> got = evaluate<S>(p, value, {t});
            for (isize i = 0; i < 5; ++i) {
                const long double change = scale * shifts[static_cast<int>(kind)] * slope(i), own = value(i);
                INFO(name_of(kind));
                CHECK(within(got(i), own + change, roundings<S>(12) * (std::abs(own) + std::abs(change))));
            }
        }
    }
}

}  // namespace ddpm::test
