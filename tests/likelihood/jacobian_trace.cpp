// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/likelihood/jacobian_trace.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <cmath>
#include <span>
#include <vector>

namespace ddpm::test {
namespace {

/// prediction = A x · (t + 1): a user's predictor with a Jacobian that is known.
template <Scalar S>
struct linear_predictor {
    Eigen::MatrixXd a;

    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) const {
        multiply(a, xt, t, out.prediction);
    }
    void vector_jacobian(batch_view<const S>, std::span<const double> t, batch_view<const S> v,
                         batch_view<S> out) const {
        multiply(a.transpose(), v, t, out);
    }

private:
    static void multiply(const Eigen::MatrixXd& m, batch_view<const S> x, std::span<const double> t, batch_view<S> y) {
        for (isize n = 0; n < x.columns(); ++n) {
            const Eigen::VectorXd column = x.array().col(n).template cast<double>();
            y.array().col(n) = ((t[static_cast<std::size_t>(n)] + 1) * (m * column)).template cast<S>();
        }
    }
};

Eigen::MatrixXd some_matrix() {
    Eigen::MatrixXd a(3, 3);
    a << 1, 2, -1, 0.5, -3, 0.25, 4, 1, 5;
    return a;
}

}  // namespace

TEMPLATE_TEST_CASE("traces: exact, and unbiased estimates whose variance is known", "[likelihood]", float, double) {
    using S = TestType;
    static_assert(DifferentiablePredictor<linear_predictor<S>, S>);
    const isize samples = 4000;
    linear_predictor<S> predictor{some_matrix()};
    const batch<S> x = batch<S>::Ones(3, samples);
    const std::vector<double> t(static_cast<std::size_t>(samples), 1.0);
    batch<double> out(1, samples);
    jacobian_trace<S> exact({}, 3, samples);
    CHECK(exact.estimates() == 1);
    exact(predictor, batch_view<const S>(x), t, batch_view<double>(out));
    CHECK((out == 6).all());

    const Eigen::MatrixXd symmetric = some_matrix() + some_matrix().transpose();  // twice the symmetric part, t + 1 = 2
    for (const trace_method method : {trace_method::rademacher, trace_method::gaussian}) {
        const bool signs = method == trace_method::rademacher;
        jacobian_trace<S> estimate({.method = method, .probes = 2, .seed = 3, .first_sample = 10}, 3, samples);
        batch<double> both(2, samples), again(2, samples);
        estimate(predictor, batch_view<const S>(x), t, batch_view<double>(both));
        estimate(predictor, batch_view<const S>(x), t, batch_view<double>(again));
        CHECK((both == again).all());
        CHECK_FALSE((both.row(0) == both.row(1)).all());
        // 2 ‖A_s‖², without the diagonal for random signs.
        const double variance = 2 * (symmetric.squaredNorm() - (signs ? symmetric.diagonal().squaredNorm() : 0));
        const double count = 2.0 * static_cast<double>(samples);
        CHECK(std::abs(both.mean() - 6) < 5 * std::sqrt(variance / count));
        CHECK(std::abs((both - 6).square().mean() / variance - 1) < 0.15);
        jacobian_trace<S> later({.method = method, .probes = 2, .seed = 3, .first_sample = 12}, 3, samples - 2);
        batch<double> rest(2, samples - 2);
        later(predictor, batch_view<const S>(x).middle(2, samples - 2), std::span<const double>(t).subspan(2),
              batch_view<double>(rest));
        CHECK((rest == both.rightCols(samples - 2)).all());
    }
}

TEST_CASE("jacobian_trace: what does not fit is an error", "[likelihood]") {
    CHECK_THROWS_AS(jacobian_trace<float>({.probes = 0}, 3, 2), value_error);
    jacobian_trace<float> trace({}, 3, 2);
    linear_predictor<float> predictor{some_matrix()};
    const batch<float> x = batch<float>::Ones(3, 2);
    const std::vector<double> t{1, 2};
    batch<double> out(1, 2), high(2, 2);
    CHECK_NOTHROW(trace(predictor, batch_view<const float>(x), t, batch_view<double>(out)));
    CHECK_THROWS_AS(trace(predictor, batch_view<const float>(x), t, batch_view<double>(high)), shape_error);
    CHECK_THROWS_AS(trace(predictor, batch_view<const float>(x).middle(0, 1), t, batch_view<double>(out)), shape_error);
    const std::vector<double> one{1};
    CHECK_THROWS_AS(trace(predictor, batch_view<const float>(x), one, batch_view<double>(out)), shape_error);
}

namespace {

/// vᵀ J for a diagonal J, in S.
template <Scalar S>
struct diagonal_predictor {
    batch<S> diagonal;

    void operator()(batch_view<const S>, std::span<const double>, const model_output<S>&) const {}
    void vector_jacobian(batch_view<const S>, std::span<const double>, batch_view<const S> v, batch_view<S> out) const {
        out.array() = v.array() * diagonal;
    }
};

}  // namespace

TEMPLATE_TEST_CASE("traces keep their bounds of roundings", "[likelihood]", float, double) {
    using S = TestType;
    random_numbers random;
    const isize d = 30, samples = 20;
    diagonal_predictor<S> predictor{random.values<S>(d, samples)};
    const batch<S> x = batch<S>::Ones(d, samples);
    const std::vector<double> t(static_cast<std::size_t>(samples), 1.0);
    const philox_noise noise(3, noise_stream::probe);
    batch<S> normals(d, samples);
    noise.normal(batch_view<S>(normals), 0, 7);
    for (const trace_method method : {trace_method::exact, trace_method::rademacher, trace_method::gaussian}) {
        jacobian_trace<S> trace({.method = method, .seed = 3, .first_sample = 7}, d, samples);
        batch<double> got(1, samples);
        trace(predictor, batch_view<const S>(x), t, batch_view<double>(got));
        for (isize n = 0; n < samples; ++n) {
            long double exact = 0, size = 0;
            for (isize i = 0; i < d; ++i) {
                const S z = method == trace_method::exact      ? S{1}
                            : method == trace_method::gaussian ? normals(i, n)
                            : normals(i, n) < 0                ? S{-1}
                                                               : S{1};
                const S product = z * predictor.diagonal(i, n);
                exact += static_cast<long double>(z) * product;
                size += std::abs(static_cast<long double>(z) * product);
            }
            const long double count = static_cast<long double>(d);
            CHECK(within(got(0, n), exact,
                         (roundings<double>(count) + roundings<S>(method == trace_method::gaussian ? 1 : 0)) * size));
        }
    }
}

}  // namespace ddpm::test
