// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/preconditioned.hpp>

#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/sampler/euler.hpp>
#include <ddpm/sampler/sample.hpp>

#include "support/catch.hpp"
#include "support/golden_loop.hpp"
#include "support/predictors.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace ddpm::test {

static_assert(PredictorLike<edm_preconditioned_predictor<predictor_archetype<float>>, float>);
static_assert(PredictorLike<edm_preconditioned_predictor<predictor_archetype<double>&>, double>);
static_assert(PredictorLike<edm_preconditioned_predictor<const session_archetype<float>&>, float>);

namespace {

template <class P, Scalar S>
batch<S> evaluated(const P& predictor, const batch<S>& x, const std::vector<double>& t) {
    batch<S> out(x.rows(), x.cols());
    auto session = predictor.session(x.cols());
    session(batch_view<const S>(x), std::span<const double>(t), model_output<S>{batch_view<S>(out), {}});
    return out;
}

}  // namespace

TEMPLATE_TEST_CASE("a preconditioned network is c_skip x + c_out F(c_in x, c_noise) with each sample's sigma",
                   "[predictor]", float, double) {
    using S = TestType;
    const auto network = [](batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) {
        for (isize n = 0; n < xt.columns(); ++n) {
            out.prediction.array().col(n) = 2 * xt.array().col(n) + static_cast<S>(t[static_cast<std::size_t>(n)]);
        }
    };
    batch<S> x(2, 3);
    x << 1, -2, 30, 0.5, 4, -50;
    const std::vector<double> sigmas{0.3, 2, 80};
    for (const edm_preconditioning& options :
         {edm_preconditioning{}, edm_preconditioning{.sigma_data = 1.5, .sigma_min = 0.1, .time_scale = 1000},
          edm_preconditioning{.negative_out = true}, edm_preconditioning{.time_scale = 3, .arctangent_time = true}}) {
        const batch<S> found = evaluated(edm_preconditioned(network, options), x, sigmas);
        for (isize n = 0; n < 3; ++n) {
            const double sigma = sigmas[static_cast<std::size_t>(n)], data = options.sigma_data;
            const double above = sigma - options.sigma_min, length = std::sqrt(sigma * sigma + data * data);
            for (isize i = 0; i < 2; ++i) {
                const double value = static_cast<double>(x(i, n));
                const double time = options.arctangent_time ? std::atan(sigma) / std::acos(0.0) : std::log(sigma) / 4;
                const double raw = 2 * value / length + options.time_scale * time;
                const double expected = data * data / (above * above + data * data) * value +
                                        (options.negative_out ? -1 : 1) * above * data / length * raw;
                const double unit = static_cast<double>(std::numeric_limits<S>::epsilon());
                CHECK(std::abs(static_cast<double>(found(i, n)) - expected) <
                      16 * unit * (1 + std::abs(expected) + std::abs(raw)));
            }
        }
    }
}

TEST_CASE("a preconditioned network predicts x0, and knows what its network knows", "[predictor]") {
    const session_archetype<float> network;
    const auto predictor = edm_preconditioned(network);
    CHECK(predictor.predicts() == prediction::x0);
    CHECK(predictor.shape() == sample_shape(4));
    const batch<float> x = batch<float>::Constant(4, 2, 2);
    const std::vector<double> sigmas(2, 0.5);
    // c_skip = 1/2, c_in = √2, c_out = √2/4: x (1/2 + 1/8).
    CHECK((evaluated(predictor, x, sigmas) - 1.25f).abs().maxCoeff() < 1e-6f);
}

TEST_CASE("a consistency model is x itself at its least sigma", "[predictor]") {
    const auto predictor = edm_preconditioned(predictor_archetype<double>{}, {.sigma_min = 0.002});
    batch<double> x(2, 1);
    x << 0.3, -4;
    CHECK((evaluated(predictor, x, {0.002}) == x).all());
}

TEST_CASE("preconditioned: diffusers' loop of the EDM Euler scheduler", "[predictor]") {
    std::vector<grid_point> points;
    for (const double sigma : karras_sigmas(10)) {
        points.push_back({sigma, {1, sigma}});
    }
    points.push_back({0, {1, 0}});
    const sampling_plan plan = euler{}.plan(time_grid(points));
    const batch<double> x = std::sqrt(80.0 * 80 + 1) * deterministic<double>(false);
    const batch<double> end =
        denoise_from<double>(plan, edm_preconditioned(golden_model<double>), x, philox_noise(0, noise_stream::sampler));
    INFO(end.abs().sum());
    CHECK(std::abs(end.abs().sum() - 34.1855) < 1e-3);
}

TEST_CASE("preconditioned: what is outside its domain is an error", "[predictor]") {
    const predictor_archetype<double> network;
    const double nan = std::nan("");
    CHECK_THROWS_AS(edm_preconditioned(network, {.sigma_data = 0}), value_error);
    CHECK_THROWS_AS(edm_preconditioned(network, {.sigma_data = nan}), value_error);
    CHECK_THROWS_AS(edm_preconditioned(network, {.sigma_min = -1}), value_error);
    CHECK_THROWS_AS(edm_preconditioned(network, {.sigma_min = nan}), value_error);
    const batch<double> x = pattern<double>(2, 1, 1);
    CHECK_THROWS_AS(evaluated(edm_preconditioned(network), x, {0}), value_error);
    CHECK_THROWS_AS(evaluated(edm_preconditioned(network), x, {nan}), value_error);
}

TEMPLATE_TEST_CASE("preconditioning keeps its bounds of roundings", "[predictor]", float, double) {
    using S = TestType;
    random_numbers random;
    for (int k = 0; k < 200; ++k) {
        const batch<S> x = random.values<S>(5, 1), value = random.values<S>(5, 1);
        const double sigma = random.of_any_size(1e-3, 1e3);
        batch<S> scaled(5, 1);
        const auto network = [&](batch_view<const S> xt, std::span<const double>, const model_output<S>& out) {
            scaled = xt.array();
            out.prediction.array() = value;
        };
        const edm_coefficients c = edm_preconditioning{}.at(sigma);
        const batch<S> got = evaluated(edm_preconditioned(network), x, {sigma});
        for (isize i = 0; i < 5; ++i) {
            const long double in = static_cast<long double>(c.in) * x(i), a = static_cast<long double>(c.skip) * x(i),
                              b = static_cast<long double>(c.out) * value(i);
            CHECK(within(scaled(i), in, roundings<S>(2) * std::abs(in)));
            CHECK(within(got(i), a + b, roundings<S>(3) * (std::abs(a) + std::abs(b))));
        }
    }
}

}  // namespace ddpm::test
