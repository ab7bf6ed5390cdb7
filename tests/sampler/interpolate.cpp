// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/sampler/interpolate.hpp>

#include <ddpm/sampler/ddim.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("slerp is the formula of its source, sample by sample", "[sampler]", float, double) {
    using S = TestType;
    const batch<S> a = pattern<S>(4, 3, 1), b = pattern<S>(4, 3, 2);
    for (const double weight : {0.0, 0.2, 0.5, 0.9, 1.0}) {
        const batch<S> got = slerp(a, b, weight);
        for (isize n = 0; n < 3; ++n) {
            const Eigen::ArrayXd u = a.col(n).template cast<double>(), v = b.col(n).template cast<double>();
            const double angle = std::acos((u * v).sum() / std::sqrt(u.square().sum() * v.square().sum()));
            const Eigen::ArrayXd expected =
                (std::sin((1 - weight) * angle) * u + std::sin(weight * angle) * v) / std::sin(angle);
            CHECK((got.col(n).template cast<double>() - expected).abs().maxCoeff() < ulps<S>(8));
        }
    }
}

TEST_CASE("slerp keeps length and ends", "[sampler]") {
    const batch<double> a = pattern<double>(50, 3, 1), b = pattern<double>(50, 3, 2);
    CHECK((slerp(a, b, 0) - a).abs().maxCoeff() < 1e-14);
    CHECK((slerp(a, b, 1) - b).abs().maxCoeff() < 1e-14);
    const batch<double> unit_a = a.rowwise() / a.square().colwise().sum().sqrt();
    const batch<double> unit_b = b.rowwise() / b.square().colwise().sum().sqrt();
    CHECK((slerp(unit_a, unit_b, 0.3).square().colwise().sum() - 1).abs().maxCoeff() < 1e-13);
    CHECK((slerp(a, a, 0.3) - a).abs().maxCoeff() < 1e-14);
    CHECK((slerp(batch<double>::Zero(50, 3), b, 0.3) - 0.3 * b).abs().maxCoeff() < 1e-14);  // which has no direction
    // Of some parallel vectors the cosine is beyond 1 by rounding.
    const batch<double> many = pattern<double>(3, 1000, 1);
    CHECK(((slerp(many, 0.7 * many, 0.3) - 0.91 * many).abs() < 1e-6).all());
    CHECK(((slerp(many, -0.7 * many, 0.3) - 0.49 * many).abs() < 1e-6).all());
}

TEST_CASE("on a great circle the end alone is read where it has all the weight", "[sampler]") {
    const batch<double> x = pattern<double>(3, 2, 1), broken = batch<double>::Constant(3, 2, std::nan(""));
    CHECK((slerp(x, broken, 0) == x).all());
    CHECK((slerp(broken, x, 1) == x).all());
}

TEST_CASE("interpolation ends at the image of either end", "[sampler]") {
    const gaussian_data data;
    const time_grid grid = uniform_lambda_grid(20);
    const batch<double> a = pattern<double>(5, 3, 1), b = pattern<double>(5, 3, 2);
    philox_noise noise(4, noise_stream::sampler);
    auto network = exact_network(data, prediction::epsilon);
    const auto at = [&](double weight) { return interpolate(ddim{}, grid, network, a, b, weight, 0.5, noise); };
    CHECK((at(0) - image_to_image(ddim{}, grid, network, a, 0.5, noise)).abs().maxCoeff() < 1e-15);
    CHECK((at(1) - image_to_image(ddim{}, grid, network, b, 0.5, noise)).abs().maxCoeff() < 1e-15);
    // Gaussian data make all of it affine.
    CHECK((at(0.5) - (at(0) + at(1)) / 2).abs().maxCoeff() < 1e-13);
    CHECK((at(1.5) - (1.5 * at(1) - 0.5 * at(0))).abs().maxCoeff() < 1e-13);
    // Part of a batch has the noise of its place in the whole.
    const batch<double> rest =
        interpolate(ddim{}, grid, network, a.rightCols(2), b.rightCols(2), 0.5, 0.5, noise, {}, {}, 1);
    CHECK((rest == at(0.5).rightCols(2)).all());
}

TEST_CASE("interpolation reads only what has weight", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const time_grid grid = make_grid(schedule, std::vector<isize>{18, 12, 6, 1});
    const predictor_archetype<double> network;
    philox_noise noise(3, noise_stream::sampler);
    const batch<double> x = pattern<double>(3, 2, 1);
    const batch<double> broken = batch<double>::Constant(3, 2, std::numeric_limits<double>::infinity());
    const batch<double> expected = image_to_image(ddim{}, grid, network, x, 0.5, noise);
    CHECK((interpolate(ddim{}, grid, network, x, broken, 0, 0.5, noise) == expected).all());
    CHECK((interpolate(ddim{}, grid, network, broken, x, 1, 0.5, noise) == expected).all());
}

TEST_CASE("interpolation refuses what does not fit", "[sampler]") {
    const time_grid grid({{9, {0.6, 0.8}}, {5, {0.8, 0.6}}, {-1, {1, 0}}});
    const predictor_archetype<float> network;
    philox_noise noise(3, noise_stream::sampler);
    const batch<float> x = pattern<float>(3, 2, 1), narrow = x.leftCols(1), low = x.topRows(2);
    const auto with = [&](const batch<float>& b, double weight, double strength) {
        return interpolate(ddim{}, grid, network, x, b, weight, strength, noise);
    };
    CHECK_NOTHROW(with(x, 1.5, 1));
    CHECK_THROWS_AS(with(narrow, 0.5, 1), shape_error);
    CHECK_THROWS_AS(with(low, 0.5, 1), shape_error);
    CHECK_THROWS_AS(slerp(x, narrow, 0.5), shape_error);
    CHECK_THROWS_AS(slerp(x, low, 0.5), shape_error);
    for (const double weight : {std::nan(""), std::numeric_limits<double>::infinity()}) {
        CHECK_THROWS_AS(with(x, weight, 1), value_error);
    }
    for (const double strength : {0.4, -0.1, 1.1, std::nan("")}) {
        CHECK_THROWS_AS(with(x, 0.5, strength), value_error);
    }
    CHECK_THROWS_AS(interpolate(ddim{.eta = -1}, grid, network, x, x, 0.5, 1, noise), value_error);
}

}  // namespace ddpm::test
