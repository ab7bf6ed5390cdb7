// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/mixture_posterior.hpp>

#include "support/catch.hpp"
#include "support/mixtures.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace ddpm::test {
namespace {

const noise_level<double> clean_level{1, 0};
const std::vector<noise_level<double>> levels{{1, 0.3}, {0.8, 0.6}, {0.3, 0.7}, {0.05, 1}, {1, 3}, {0.97, 0.2}};

/// What integration over x_0 says of one x_t: ∫ p(x_0) N(x_t; α x_0, σ²) (1, x_0, x_0²) dx_0 by the trapezoidal rule,
/// which is as good as exact for such functions.
struct integrals {
    double density = 0;
    Eigen::VectorXd x0;
    double variance = 0;  // mean over the dimensions

    integrals(const named_mixture& named, const Eigen::VectorXd& xt, const noise_level<double>& level,
              double half_width, isize points)
        : x0(Eigen::VectorXd::Zero(xt.size())) {
        const isize d = xt.size();
        const double h = 2 * half_width / static_cast<double>(points);
        double square = 0;
        isize total = 1;
        for (isize i = 0; i < d; ++i) {
            total *= points;
        }
        Eigen::VectorXd at(d);
        for (isize cell = 0; cell < total; ++cell) {
            for (isize i = 0, rest = cell; i < d; ++i, rest /= points) {
                at(i) = -half_width + h * static_cast<double>(rest % points);
            }
            const double distance = (xt - level.signal * at).squaredNorm() / (level.sigma * level.sigma);
            const double weight = named.density(at) * std::exp(-distance / 2) *
                                  std::pow(h / (level.sigma * std::sqrt(2 * std::numbers::pi)), static_cast<double>(d));
            density += weight;
            x0 += weight * at;
            square += weight * at.squaredNorm();
        }
        x0 /= density;
        variance = (square / density - x0.squaredNorm()) / static_cast<double>(d);
    }
};

void compare_with_integrals(isize d, double half_width, isize points, double tolerance) {
    batch<double> x(d, 2);
    x.col(0).setConstant(0.4);
    x.col(1).setConstant(-0.9);
    for (const named_mixture& named : all_mixtures(d)) {
        for (const noise_level<double>& level : levels) {
            INFO(named.name << ", level " << level.signal << ", " << level.sigma);
            const auto density = log_density(named.mixture, x, level);
            const auto given = x0_given_xt(named.mixture, x, level);
            const batch<double> eps = epsilon_given_xt(named.mixture, x, level);
            for (isize n = 0; n < 2; ++n) {
                const Eigen::VectorXd xt = x.col(n).matrix();
                const integrals expected(named, xt, level, half_width, points);
                CHECK(std::abs(density(n) - std::log(expected.density)) < tolerance);
                CHECK((given.mean.col(n).matrix() - expected.x0).norm() < tolerance);
                CHECK(std::abs(given.variance(n) - expected.variance) < tolerance);
                CHECK(given.log_variance(n) == std::log(given.variance(n)));
                CHECK((eps.col(n).matrix() - (xt - level.signal * expected.x0) / level.sigma).norm() < tolerance / 0.2);
            }
        }
    }
}

}  // namespace

TEST_CASE("a mixture's density and moments are those of integration in one dimension", "[predictor]") {
    compare_with_integrals(1, 8, 2000, 1e-12);
}

TEST_CASE("a mixture's density and moments are those of integration in two dimensions", "[predictor]") {
    compare_with_integrals(2, 6, 120, 1e-9);
}

TEST_CASE("one Gaussian has closed forms", "[predictor]") {
    const isize d = 6;
    const Eigen::MatrixXd c = some_covariance(d, 1);
    const batch<double> m = some_means(d, 1);
    const auto mixture = gaussian_mixture::full({2}, m, {c});
    const batch<double> x = batch<double>::Random(d, 3);
    for (const auto& level : levels) {
        const double a = level.signal, s = level.sigma;
        const Eigen::MatrixXd total = a * a * c + s * s * Eigen::MatrixXd::Identity(d, d);
        const Eigen::MatrixXd r = x.matrix().colwise() - a * m.matrix().col(0);
        const Eigen::MatrixXd solved = total.inverse() * r;
        const auto given = x0_given_xt(mixture, x, level);
        CHECK((given.mean.matrix() - ((a * c * solved).colwise() + m.matrix().col(0))).cwiseAbs().maxCoeff() < 1e-13);
        CHECK((epsilon_given_xt(mixture, x, level).matrix() - s * solved).cwiseAbs().maxCoeff() < 1e-12);
        const double variance = (c - a * a * c * total.inverse() * c).trace() / d;
        CHECK((given.variance - variance).abs().maxCoeff() < 1e-13);
        const auto density = log_density(mixture, x, level);
        for (isize n = 0; n < 3; ++n) {
            const double expected =
                -0.5 * (r.col(n).dot(solved.col(n)) + std::log((2 * std::numbers::pi * total).determinant()));
            CHECK(std::abs(density(n) - expected) < 1e-11);
        }
        CHECK((responsibilities(mixture, x, level) == 1).all());
    }
}

TEST_CASE("responsibilities are Bayes' rule", "[predictor]") {
    const isize d = 2;
    const batch<double> x = batch<double>::Random(d, 4);
    for (const named_mixture& named : all_mixtures(d)) {
        const batch<double> r = responsibilities(named.mixture, x, clean_level);
        CHECK((r.colwise().sum() - 1).abs().maxCoeff() < 1e-14);
        for (isize k = 0; k < 3; ++k) {
            const auto alone = gaussian_mixture::full({1}, named.mixture.means().col(k),
                                                      {named.covariances[static_cast<std::size_t>(k)]});
            const per_sample_values<double> expected =
                (log_density(alone, x, clean_level) - log_density(named.mixture, x, clean_level)).exp() *
                named.mixture.weights()[static_cast<std::size_t>(k)];
            CHECK((r.row(k) - expected).abs().maxCoeff() < 1e-13);
        }
    }
}

TEST_CASE("a mixture has limits where there is no noise, and where there is no signal", "[predictor]") {
    const isize d = 3;
    const batch<double> x = batch<double>::Random(d, 4);
    for (const named_mixture& named : all_mixtures(d)) {
        INFO(named.name);
        for (const double signal : {1.0, 0.5}) {
            const auto given = x0_given_xt(named.mixture, x, noise_level<double>{signal, 0});
            CHECK((given.mean - x / signal).abs().maxCoeff() < 1e-13);
            CHECK(given.variance.abs().maxCoeff() < 1e-25);
            CHECK((epsilon_given_xt(named.mixture, x, noise_level<double>{signal, 0}) == 0).all());
        }
        // Near the limit nothing jumps.
        CHECK((x0_given_xt(named.mixture, x, noise_level<double>{1, 1e-9}).mean - x).abs().maxCoeff() < 1e-12);

        Eigen::VectorXd mean = Eigen::VectorXd::Zero(d);
        double second = 0;
        for (isize k = 0; k < 3; ++k) {
            const double w = named.mixture.weights()[static_cast<std::size_t>(k)];
            mean += w * named.mixture.means().col(k).matrix();
            second += w * (named.covariances[static_cast<std::size_t>(k)].trace() +
                           named.mixture.means().col(k).matrix().squaredNorm());
        }
        const noise_level<double> no_signal{0, 0.7};
        const auto given = x0_given_xt(named.mixture, x, no_signal);
        CHECK((given.mean.matrix().colwise() - mean).cwiseAbs().maxCoeff() < 1e-14);
        CHECK((given.variance - (second - mean.squaredNorm()) / d).abs().maxCoeff() < 1e-13);
        CHECK((epsilon_given_xt(named.mixture, x, no_signal) - x / 0.7).abs().maxCoeff() < 1e-14);
        for (isize k = 0; k < 3; ++k) {
            const double weight = named.mixture.weights()[static_cast<std::size_t>(k)];
            CHECK((responsibilities(named.mixture, x, no_signal).row(k) - weight).abs().maxCoeff() < 1e-14);
        }
    }
}

TEST_CASE("a mixture is stable far from its components and in many dimensions", "[predictor]") {
    const isize d = 400;
    const auto mixture = gaussian_mixture::isotropic({1, 1}, some_means(d, 2), {1e-4, 1e-4});
    const batch<double> x = 100 + batch<double>::Random(d, 2);  // densities of about e^−10¹⁰
    const auto density = log_density(mixture, x, noise_level<double>{1, 1e-3});
    CHECK(density.isFinite().all());
    CHECK(density.maxCoeff() < -1e9);
    const batch<double> r = responsibilities(mixture, x, noise_level<double>{1, 1e-3});
    CHECK((r.colwise().sum() - 1).abs().maxCoeff() < 1e-12);
    CHECK(x0_given_xt(mixture, x, noise_level<double>{1, 1e-3}).mean.isFinite().all());
}

TEMPLATE_TEST_CASE("a sample's level is its own, and its neighbours do not matter", "[predictor]", float, double) {
    using S = TestType;
    const isize d = 5, count = 300;
    const batch<S> x = batch<S>::Random(d, count);
    std::vector<noise_level<double>> level;
    for (isize n = 0; n < count; ++n) {
        level.push_back(levels[static_cast<std::size_t>(n / 3 % 6)]);
    }
    for (const named_mixture& named : all_mixtures(d)) {
        const batch<double> all = epsilon_given_xt(named.mixture, x, level);
        set_thread_count(1);
        CHECK((epsilon_given_xt(named.mixture, x, level) == all).all());
        set_thread_count(0);
        for (const isize n : {isize{0}, isize{7}, count - 1}) {
            const batch<S> one = x.col(n);
            CHECK((epsilon_given_xt(named.mixture, one, level[static_cast<std::size_t>(n)]) == all.col(n)).all());
        }
    }
}

TEST_CASE("mixture_posterior: what does not fit is an error", "[predictor]") {
    const auto mixture = gaussian_mixture::isotropic({1}, some_means(2, 1), {1});
    const batch<double> x = batch<double>::Zero(2, 3), tall = batch<double>::Zero(3, 3);
    const std::vector<noise_level<double>> two{{1, 1}, {1, 1}};
    const noise_level<double> fine{1, 1}, nothing{0, 0}, negative{1, -1}, nan{1, std::nan("")};
    const auto check = [&](const auto& function) {
        CHECK_NOTHROW(function(x, fine));
        CHECK_THROWS_AS(function(tall, fine), shape_error);
        CHECK_THROWS_AS(function(x, two), shape_error);
        CHECK_THROWS_AS(function(x, nothing), value_error);
        CHECK_THROWS_AS(function(x, negative), value_error);
        CHECK_THROWS_AS(function(x, nan), value_error);
    };
    check([&](const auto& xt, const auto& level) { return log_density(mixture, xt, level).eval(); });
    check([&](const auto& xt, const auto& level) { return responsibilities(mixture, xt, level).eval(); });
    check([&](const auto& xt, const auto& level) { return epsilon_given_xt(mixture, xt, level).eval(); });
    check([&](const auto& xt, const auto& level) { return x0_given_xt(mixture, xt, level).mean.eval(); });
}

/// Runs tasks in order, and does not know how many threads there are.
class of_unknown_concurrency final : public executor {
public:
    of_unknown_concurrency() { set_executor(this); }
    ~of_unknown_concurrency() override { set_executor(nullptr); }
    void run(isize count, function_ref<void(isize)> task) override {
        for (isize i = 0; i < count; ++i) {
            task(i);
        }
    }
    [[nodiscard]] isize concurrency() const override { return 0; }
};

TEST_CASE("a density needs no executor that knows its concurrency", "[predictor]") {
    const gaussian_mixture mixture = gaussian_mixture::isotropic({1}, batch<double>::Zero(2, 1), {1});
    const of_unknown_concurrency mine;
    const auto density = log_density(mixture, batch<double>::Zero(2, 3), noise_level<double>{1, 0});
    CHECK((density + std::log(2 * std::numbers::pi)).abs().maxCoeff() < 1e-14);
}

namespace {

using wide_array = Eigen::Array<long double, Eigen::Dynamic, 1>;
using wide_matrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;

/// What long double says of one sample, and what the bounds of roundings are relative to.
struct wide_posterior {
    long double log_density = 0, error = 0, variance = 0, variance_size = 0;
    wide_array responsibilities, epsilon, epsilon_size, x0, x0_size;

    wide_posterior(const gaussian_mixture& mixture, const wide_array& x, const noise_level<double>& level) {
        const isize d = mixture.dimension(), count = mixture.components();
        const long double alpha = level.signal, sigma = level.sigma;
        std::vector<wide_array> epsilons, epsilon_sizes, x0s, x0_sizes, own;
        responsibilities.resize(count);
        for (isize k = 0; k < count; ++k) {
            const wide_matrix axes = mixture.rotated() ? wide_matrix(mixture.axes(k).matrix().cast<long double>())
                                                       : wide_matrix(wide_matrix::Identity(d, d));
            const wide_matrix sizes = axes.cwiseAbs();
            const auto onto = [](const wide_matrix& m, const wide_array& v) { return wide_array((m * v.matrix())); };
            const auto along = [](const wide_matrix& m, const wide_array& v) {
                return wide_array((m.transpose() * v.matrix()));
            };
            const wide_array m = mixture.means().col(k).cast<long double>(),
                             lambda = mixture.principal_variances().col(k).cast<long double>(),
                             p = (alpha * alpha * lambda + sigma * sigma).inverse(), r = along(axes, x - alpha * m),
                             a = along(sizes, x.abs() + alpha * m.abs());
            const long double log_weight =
                std::log(static_cast<long double>(mixture.weights()[static_cast<std::size_t>(k)]));
            responsibilities(k) =
                log_weight + (p.log() - std::log(2 * std::numbers::pi_v<long double>) - p * r.square()).sum() / 2;
            error = std::max(error, std::abs(log_weight) + (2 + p.log().abs() + p * a.square()).sum());
            epsilons.push_back(onto(axes, sigma * p * r));
            epsilon_sizes.push_back(onto(sizes, sigma * p * a));
            x0s.push_back(onto(axes, along(axes, m) + alpha * lambda * p * r));
            x0_sizes.push_back(onto(sizes, along(sizes, m.abs()) + alpha * lambda * p * a));
            own.push_back(onto(axes.cwiseAbs2(), sigma * sigma * lambda * p));
        }
        const long double largest = responsibilities.maxCoeff();
        log_density = largest + std::log((responsibilities - largest).exp().sum());
        responsibilities = (responsibilities - log_density).exp();
        const auto mean_of = [&](const std::vector<wide_array>& parts) {
            wide_array sum = wide_array::Zero(d);
            for (isize k = 0; k < count; ++k) {
                sum += responsibilities(k) * parts[static_cast<std::size_t>(k)];
            }
            return sum;
        };
        epsilon = mean_of(epsilons);
        epsilon_size = mean_of(epsilon_sizes);
        x0 = mean_of(x0s);
        x0_size = mean_of(x0_sizes);
        std::vector<wide_array> variances, variance_sizes;
        for (std::size_t k = 0; k < own.size(); ++k) {
            variances.push_back(own[k] + (x0s[k] - x0).square());
            variance_sizes.push_back(own[k] + (x0_sizes[k] + x0_size).square());
        }
        variance = mean_of(variances).mean();
        variance_size = mean_of(variance_sizes).mean();
    }
};

}  // namespace

TEMPLATE_TEST_CASE("a mixture's density and moments keep their bounds of roundings", "[predictor]", float, double) {
    using S = TestType;
    random_numbers random;
    for (const isize d : {1, 3, 8}) {
        batch<S> x(d, 20);
        for (isize i = 0; i < x.size(); ++i) {
            x(i) = static_cast<S>(random.uniform(-1, 1) * random.of_any_size(0.1, 30));
        }
        for (const named_mixture& named : all_mixtures(d)) {
            const long double dimension = static_cast<long double>(d), more = named.mixture.rotated() ? dimension : 0;
            for (const noise_level<double>& level :
                 {noise_level<double>{1, 0}, {0.8, 0.6}, {0.05, 1}, {1, 3}, {0, 0.7}}) {
                INFO(named.name << ", level " << level.signal << ", " << level.sigma);
                const auto density = log_density(named.mixture, x, level);
                const batch<double> r = responsibilities(named.mixture, x, level),
                                    eps = epsilon_given_xt(named.mixture, x, level);
                const auto given = x0_given_xt(named.mixture, x, level);
                for (isize n = 0; n < x.cols(); ++n) {
                    const wide_posterior exact(named.mixture, x.col(n).template cast<long double>(), level);
                    const long double e = roundings<double>(dimension + 19 + 3 * more) * exact.error;
                    CHECK(within(density(n), exact.log_density, e));
                    long double total = 0;
                    for (isize k = 0; k < 3; ++k) {
                        const long double own = exact.responsibilities(k);
                        CHECK((own < 1e-300L || within(r(k, n), own, 2 * e * own)));
                        total += r(k, n);
                    }
                    CHECK(within(total, 1, roundings<double>(4)));
                    for (isize i = 0; i < d; ++i) {
                        CHECK(within(eps(i, n), exact.epsilon(i),
                                     (2 * e + roundings<double>(15 + 3 * more)) * exact.epsilon_size(i)));
                        CHECK(within(given.mean(i, n), exact.x0(i),
                                     (2 * e + roundings<double>(15 + 12 * more)) * exact.x0_size(i)));
                    }
                    CHECK(within(given.variance(n), exact.variance,
                                 (6 * e + roundings<double>(dimension + 39 + 12 * more)) * exact.variance_size));
                    CHECK(given.log_variance(n) == std::log(given.variance(n)));
                }
            }
        }
    }
}

}  // namespace ddpm::test
