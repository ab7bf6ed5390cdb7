// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/gaussian_mixture.hpp>

#include "support/catch.hpp"
#include "support/mixtures.hpp"
#include "support/rounding.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace ddpm::test {

TEST_CASE("the axes and variances of a mixture make its covariances", "[predictor]") {
    for (const named_mixture& named : all_mixtures(4)) {
        INFO(named.name);
        const gaussian_mixture& mixture = named.mixture;
        CHECK(mixture.dimension() == 4);
        CHECK(mixture.components() == 3);
        CHECK((mixture.means() == named.means).all());
        for (isize k = 0; k < 3; ++k) {
            Eigen::MatrixXd axes = Eigen::MatrixXd::Identity(4, 4);
            if (mixture.rotated()) {
                axes = mixture.axes(k).matrix();
            }
            const Eigen::VectorXd variances = mixture.principal_variances().col(k);
            const Eigen::MatrixXd made = axes * variances.asDiagonal() * axes.transpose();
            CHECK((made - named.covariances[static_cast<std::size_t>(k)]).cwiseAbs().maxCoeff() < 1e-14);
            CHECK((axes * mixture.principal_means().col(k).matrix() - mixture.means().col(k).matrix()).norm() < 1e-14);
        }
    }
}

TEST_CASE("weights are made to add up to 1", "[predictor]") {
    const auto mixture = gaussian_mixture::isotropic({1, 3}, some_means(2, 2), {1, 1});
    CHECK(mixture.weights()[0] == 0.25);
    CHECK(mixture.weights()[1] == 0.75);
}

TEMPLATE_TEST_CASE("samples of a mixture have its moments", "[predictor]", float, double) {
    using S = TestType;
    const isize count = 40000, d = 3;
    for (const named_mixture& named : all_mixtures(d)) {
        INFO(named.name);
        const Eigen::MatrixXd x = named.mixture.sample<S>(count, 5).matrix().template cast<double>();
        Eigen::VectorXd mean = Eigen::VectorXd::Zero(d);
        Eigen::MatrixXd second = Eigen::MatrixXd::Zero(d, d);
        for (isize k = 0; k < 3; ++k) {
            const Eigen::VectorXd m = named.mixture.means().col(k);
            mean += named.mixture.weights()[static_cast<std::size_t>(k)] * m;
            second += named.mixture.weights()[static_cast<std::size_t>(k)] *
                      (named.covariances[static_cast<std::size_t>(k)] + m * m.transpose());
        }
        for (isize i = 0; i < d; ++i) {
            const Eigen::ArrayXd a = x.row(i).transpose();
            CHECK(std::abs(a.mean() - mean(i)) < 5 * std::sqrt((second(i, i) - mean(i) * mean(i)) / count));
            for (isize j = 0; j <= i; ++j) {
                const Eigen::ArrayXd product = a * x.row(j).transpose().array();
                const double deviation = std::sqrt((product - product.mean()).square().mean());
                CHECK(std::abs(product.mean() - second(i, j)) < 5 * deviation / std::sqrt(static_cast<double>(count)));
            }
        }
    }
}

TEST_CASE("components are drawn as often as they weigh", "[predictor]") {
    batch<double> means(20, 3);
    means.row(0) << -100, 0, 100;
    means.bottomRows(19).setZero();
    const auto mixture = gaussian_mixture::isotropic({0.2, 0.5, 0.3}, means, {1, 1, 1});
    const isize count = 20000;
    const batch<double> x = mixture.sample(count, 3);
    const double shares[] = {0.2, 0.5, 0.3};
    for (isize k = 0; k < 3; ++k) {
        const double share = static_cast<double>(((x.row(0) - means(0, k)).abs() < 50).count()) / count;
        CHECK(std::abs(share - shares[k]) < 5 * std::sqrt(shares[k] * (1 - shares[k]) / count));
    }
    // What is drawn within a component does not depend on which it is: the words that choose are used for nothing else.
    const batch<double> rest = x.bottomRows(19);
    for (isize k = 0; k < 3; ++k) {
        const Eigen::ArrayXd is_k = ((x.row(0) - means(0, k)).abs() < 50).cast<double>().transpose() - shares[k];
        const double spread = std::sqrt(shares[k] * (1 - shares[k]));
        for (isize i = 0; i < 19; ++i) {
            const double covariance = (rest.row(i).transpose() * is_k).mean();
            CHECK(std::abs(covariance) < 5 * spread / std::sqrt(static_cast<double>(count)));
        }
    }
}

TEST_CASE("a sample of a mixture is the same alone and among others", "[predictor]") {
    for (const named_mixture& named : all_mixtures(5)) {
        const philox_noise noise(9, noise_stream::training);
        batch<double> all(5, 40), some(5, 7);
        named.mixture.sample<double>(all, noise, 2, 100);
        named.mixture.sample<double>(some, noise, 2, 130);
        CHECK((all.middleCols(30, 7) == some).all());
        CHECK((named.mixture.sample(7, 1) != named.mixture.sample(7, 2)).any());
    }
}

TEST_CASE("gaussian_mixture: what is no mixture is an error", "[predictor]") {
    using mixture = gaussian_mixture;
    const batch<double> means = some_means(2, 2);
    const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(mixture::isotropic({1}, means, {1, 1}), shape_error);
    CHECK_THROWS_AS(mixture::isotropic({1, 1}, means, {1}), shape_error);
    CHECK_THROWS_AS(mixture::diagonal({1, 1}, means, batch<double>::Ones(1, 2)), shape_error);
    CHECK_THROWS_AS(mixture::full({1, 1}, means, {Eigen::MatrixXd::Identity(2, 2)}), shape_error);
    CHECK_THROWS_AS(mixture::full({1, 1}, means, {Eigen::MatrixXd::Identity(2, 2), Eigen::MatrixXd::Identity(3, 3)}),
                    shape_error);
    CHECK_THROWS_AS(mixture::isotropic({}, batch<double>(2, 0), {}), value_error);
    CHECK_THROWS_AS(mixture::isotropic({1}, batch<double>(0, 1), {1}), value_error);
    CHECK_THROWS_AS(mixture::full({1}, batch<double>(0, 1), {Eigen::MatrixXd(0, 0)}), value_error);
    for (const double wrong : {0.0, -1.0, nan, infinity}) {
        CHECK_THROWS_AS(mixture::isotropic({1, wrong}, means, {1, 1}), value_error);
        CHECK_THROWS_AS(mixture::isotropic({1, 1}, means, {1, wrong}), value_error);
        batch<double> variances = batch<double>::Ones(2, 2);
        variances(1, 0) = wrong;
        CHECK_THROWS_AS(mixture::diagonal({1, 1}, means, variances), value_error);
    }
    batch<double> no_means = means;
    no_means(0, 1) = infinity;
    CHECK_THROWS_AS(mixture::isotropic({1, 1}, no_means, {1, 1}), value_error);
    const auto with = [&](const Eigen::Matrix2d& second) {
        return mixture::full({1, 1}, means, {Eigen::MatrixXd::Identity(2, 2), second});
    };
    CHECK_NOTHROW(with(Eigen::Matrix2d{{2, 1}, {1, 2}}));
    CHECK_THROWS_AS(with(Eigen::Matrix2d{{2, 1}, {0.5, 2}}), value_error);  // not symmetric
    CHECK_THROWS_AS(with(Eigen::Matrix2d{{1, 2}, {2, 1}}), value_error);    // indefinite
    CHECK_THROWS_AS(with(Eigen::Matrix2d{{1, 1}, {1, 1}}), value_error);    // singular
    CHECK_THROWS_AS(with(Eigen::Matrix2d::Zero()), value_error);
    CHECK_THROWS_AS(with(Eigen::Matrix2d{{nan, 0}, {0, 1}}), value_error);
    batch<double> out(3, 1);
    const philox_noise noise(0, noise_stream::sampler);
    CHECK_THROWS_AS(with(Eigen::Matrix2d::Identity()).sample<double>(out, noise), shape_error);
    batch<double> fits(2, 1);
    CHECK_THROWS_AS(with(Eigen::Matrix2d::Identity()).sample<double>(fits, noise, -1), value_error);
}

TEMPLATE_TEST_CASE("samples of a mixture keep their bound of roundings", "[predictor]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<double> means = random.values<double>(70, 1), variances = random.values<double>(70, 1).abs();
    const gaussian_mixture mixture = gaussian_mixture::diagonal({1}, means, variances);
    const philox_noise noise(3, noise_stream::training);
    batch<S> z(70, 4), got(70, 4);
    noise.normal(batch_view<S>(z), 2, 5);
    mixture.sample(batch_view<S>(got), noise, 2, 5);
    for (isize n = 0; n < 4; ++n) {
        for (isize i = 0; i < 70; ++i) {
            const long double mean = means(i), part = std::sqrt(static_cast<long double>(variances(i))) * z(i, n);
            CHECK(within(got(i, n), mean + part, roundings<S>(3) * (std::abs(mean) + std::abs(part))));
        }
    }
}

TEMPLATE_TEST_CASE("samples of a rotated mixture keep their bound of roundings", "[predictor]", float, double) {
    using S = TestType;
    const isize d = 9;
    const gaussian_mixture mixture = gaussian_mixture::full({1}, some_means(d, 1), {some_covariance(d, 1)});
    const philox_noise noise(3, noise_stream::training);
    batch<S> z(d, 20), got(d, 20);
    noise.normal(batch_view<S>(z), 2, 5);
    mixture.sample(batch_view<S>(got), noise, 2, 5);
    for (isize n = 0; n < 20; ++n) {
        for (isize i = 0; i < d; ++i) {
            long double exact = mixture.means()(i, 0), size = std::abs(exact);
            for (isize axis = 0; axis < d; ++axis) {
                const long double part = std::sqrt(static_cast<long double>(mixture.principal_variances()(axis, 0))) *
                                         z(axis, n) * mixture.axes(0)(i, axis);
                exact += part;
                size += std::abs(part);
            }
            CHECK(within(got(i, n), exact, roundings<S>(static_cast<long double>(d) + 4) * size));
        }
    }
}

TEST_CASE("the weights and axes of a mixture keep their bounds", "[predictor]") {
    random_numbers random;
    for (const isize d : {1, 2, 5, 12}) {
        std::vector<double> weights;
        std::vector<Eigen::MatrixXd> covariances;
        long double total = 0;
        for (isize k = 0; k < 7; ++k) {
            weights.push_back(random.of_any_size(1e-3, 1e3));
            total += weights.back();
            covariances.push_back(random.of_any_size(1e-3, 1e3) * some_covariance(d, k));
        }
        const gaussian_mixture mixture = gaussian_mixture::full(weights, some_means(d, 7), covariances);
        for (std::size_t k = 0; k < 7; ++k) {
            const long double weight = weights[k] / total;
            CHECK(within(mixture.weights()[k], weight, roundings<double>(7) * weight));
            const isize of = static_cast<isize>(k);
            const Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic> axes =
                mixture.axes(of).matrix().cast<long double>();
            const Eigen::Matrix<long double, Eigen::Dynamic, 1> variances =
                mixture.principal_variances().col(of).matrix().cast<long double>();
            const auto error = (axes * variances.asDiagonal() * axes.transpose() - covariances[k].cast<long double>())
                                   .cwiseAbs()
                                   .maxCoeff();
            CHECK(error <= 1e-14L * static_cast<long double>(d) * covariances[k].cwiseAbs().maxCoeff());
        }
    }
}

}  // namespace ddpm::test
