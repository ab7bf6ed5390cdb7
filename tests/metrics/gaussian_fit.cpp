// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/watched.hpp"

#include <ddpm/metrics/gaussian_fit.hpp>

#include <ddpm/core/parallel.hpp>

#include <cmath>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("a Gaussian fit is the mean and the covariance with 1/(n-1)", "[metrics]", float, double) {
    batch<TestType> x(2, 4);
    x << 1, 2, 3, 6,  //
        0, 4, 0, 0;
    const gaussian_fit fit = fit_gaussian(x);
    REQUIRE(fit.mean.size() == 2);
    CHECK(fit.mean[0] == 3.0);
    CHECK(fit.mean[1] == 1.0);
    CHECK(std::abs(fit.covariance(0, 0) - 14.0 / 3) < 1e-15);
    CHECK(std::abs(fit.covariance(1, 1) - 4.0) < 1e-15);
    CHECK(std::abs(fit.covariance(0, 1) + 4.0 / 3) < 1e-15);
    CHECK(fit.covariance(0, 1) == fit.covariance(1, 0));
}

TEMPLATE_TEST_CASE("a Gaussian fit takes views with gaps and more samples than one chunk", "[metrics]", float, double) {
    batch<TestType> x(3, 1000);
    for (isize n = 0; n < x.cols(); ++n) {
        x.col(n) << static_cast<TestType>(n % 2), static_cast<TestType>(-n % 2), static_cast<TestType>(7);
    }
    const gaussian_fit whole = fit_gaussian(x);
    CHECK(std::abs(whole.covariance(0, 0) - 250.0 / 999) < 1e-14);
    CHECK(whole.covariance(2, 2) == 0.0);

    const gaussian_fit part = fit_gaussian(batch_view<const TestType>(x).middle_rows(0, 2).middle(100, 600));
    REQUIRE(part.mean.size() == 2);
    CHECK(std::abs(part.mean[0] - 0.5) < 1e-15);
    CHECK(std::abs(part.covariance(0, 0) - 150.0 / 599) < 1e-14);
    CHECK(std::abs(part.covariance(0, 1) + 150.0 / 599) < 1e-14);
}

TEST_CASE("a Gaussian fit keeps a small spread about a large mean", "[metrics]") {
    batch<double> x(1, 400);
    for (isize n = 0; n < x.cols(); ++n) {
        x(0, n) = 1e8 + static_cast<double>(n % 2);
    }
    CHECK(std::abs(fit_gaussian(x).covariance(0, 0) - 100.0 / 399) < 1e-6);
}

TEST_CASE("a Gaussian fit is symmetric and does not depend on the thread count", "[metrics]") {
    batch<double> x(150, 700);
    for (isize n = 0; n < x.size(); ++n) {
        x.data()[n] = std::sin(static_cast<double>(n) * 1.37);
    }
    set_thread_count(1);
    const gaussian_fit alone = fit_gaussian(x);
    const Eigen::MatrixXd centred = x.matrix().colwise() - x.matrix().rowwise().mean().eval();
    CHECK((alone.covariance - centred * centred.transpose() / 699).cwiseAbs().maxCoeff() < 1e-14);
    CHECK(alone.covariance == alone.covariance.transpose());
    for (const isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        CHECK(fit_gaussian(x).covariance == alone.covariance);
    }
    set_thread_count(0);
}

TEMPLATE_TEST_CASE("a Gaussian fit has the accuracy that it states", "[metrics]", float, double) {
    constexpr long double u = 0x1p-53L;
    for (const isize count : {2, 30, 700}) {
        for (const double offset : {0.0, 0.4, 300.0}) {
            batch<TestType> x(3, count);
            for (isize n = 0; n < x.size(); ++n) {
                x.data()[n] = static_cast<TestType>(offset + std::sin(static_cast<double>(n * n) * 1.37));
            }
            const gaussian_fit fit = fit_gaussian(x);
            const auto wide = x.template cast<long double>().eval();
            const auto mean = wide.rowwise().mean().eval();
            const auto centred = (wide.colwise() - mean).matrix().eval();
            const auto covariance = (centred * centred.transpose() / static_cast<long double>(count - 1)).eval();
            const auto bound = (static_cast<long double>(count) * u * wide.abs().rowwise().mean()).eval();
            for (isize i = 0; i < 3; ++i) {
                CHECK(std::abs(static_cast<long double>(fit.mean(i)) - mean(i)) <= bound(i));
                for (isize j = 0; j < 3; ++j) {
                    const long double deviations = std::sqrt(covariance(i, i) * covariance(j, j));
                    CHECK(std::abs(static_cast<long double>(fit.covariance(i, j)) - covariance(i, j)) <=
                          static_cast<long double>(count + 4) * u * deviations + 2 * bound(i) * bound(j));
                }
            }
        }
    }
}

TEST_CASE("a Gaussian fit refuses too few samples", "[metrics]") {
    CHECK_THROWS_AS(fit_gaussian(batch<float>::Zero(3, 1)), value_error);
    CHECK_THROWS_AS(fit_gaussian(batch<float>(3, 0)), value_error);
    CHECK_THROWS_AS(fit_gaussian(batch<double>(0, 3)), value_error);
}

TEST_CASE("the fit of a Gaussian may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            const auto fit = fit_gaussian(a, progress);
            return {fit.mean(0), fit.covariance(1, 0), fit.covariance(1, 1)};
        },
        4);
}

}  // namespace ddpm::test
