// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// What is trained on samples with a vector each draws what belongs to a vector that it was not trained on.

#include <ddpm/core/types.hpp>
#include <ddpm/grid/timesteps.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/plane_training.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numbers>
#include <random>
#include <string>

namespace ddpm::test {

namespace {

constexpr isize told_count = 10, draw_count = 2000;

/// Two Gaussians in the plane. A vector in [-1, 1]^2 moves their middle, turns the line between them and weighs them.
gaussian_mixture mixture_of(const Eigen::Array2d& c) {
    const double angle = std::numbers::pi / 4 * c[0], weight = 0.5 + 0.2 * c[1], variance = 0.4 * 0.4;
    const Eigen::Array2d middle = 0.5 * c, arm(0.8 * std::cos(angle), 0.8 * std::sin(angle));
    batch<double> means(2, 2);
    means << middle + arm, middle - arm;
    return gaussian_mixture::isotropic({weight, 1 - weight}, means, {variance, variance});
}

struct plane_moments {
    Eigen::Array2d mean, deviation;
};

plane_moments exact_moments(const gaussian_mixture& mixture) {
    const Eigen::Map<const Eigen::VectorXd> weights(mixture.weights().data(), 2);
    const Eigen::Array2d mean = mixture.means().matrix() * weights;
    const batch<double> squares = mixture.means().square() + mixture.principal_variances();
    const Eigen::Array2d second = squares.matrix() * weights;
    return {mean, (second - mean.square()).sqrt()};
}

plane_moments moments_of(const batch<double>& samples) {
    const Eigen::Array2d mean = samples.rowwise().mean();
    return {mean, (samples.colwise() - mean).square().rowwise().mean().sqrt()};
}

/// Ten vectors within a circle of radius 0.8, on a spiral.
batch<float> told_vectors() {
    batch<float> vectors(2, told_count);
    for (isize k = 0; k < told_count; ++k) {
        const double radius = 0.8 * std::sqrt((static_cast<double>(k) + 0.5) / told_count);
        const double angle = 2.4 * static_cast<double>(k);
        vectors.col(k) << static_cast<float>(radius * std::cos(angle)), static_cast<float>(radius * std::sin(angle));
    }
    return vectors;
}

/// Normal noise, but that of each condition's draws has mean 0 and covariance 1 exactly.
batch<float> balanced_noise(std::uint64_t seed) {
    batch<float> noise(2, told_count * draw_count);
    philox_noise(seed, noise_stream::sampler).normal(batch_view<float>(noise), 0);
    for (isize k = 0; k < told_count; ++k) {
        auto part = noise.middleCols(k * draw_count, draw_count);
        Eigen::MatrixXd x = part.matrix().cast<double>();
        x.colwise() -= x.rowwise().mean().eval();
        const Eigen::MatrixXd covariance = x * x.transpose() / static_cast<double>(draw_count);
        part = covariance.llt().matrixL().solve(x).array().cast<float>();
    }
    return noise;
}

/// Trains a network on 200,000 samples, each of the mixture of its own random vector.
void train_on_vectors(trainer<nn::mlp<float>, noise_schedule<>>& trainer, isize steps, std::uint64_t seed) {
    constexpr isize count = 200'000;
    batch<float> x0(2, count), vectors(2, count);
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> uniform(-1, 1);
    const philox_noise noise(seed, noise_stream::evaluation);
    for (isize n = 0; n < count; ++n) {
        const double first = uniform(random), second = uniform(random);
        const Eigen::Array2d c(first, second);
        vectors.col(n) = c.cast<float>();
        mixture_of(c).sample(batch_view<float>(x0).middle(n, 1), noise, 0, n);
    }
    REQUIRE(trainer.fit({x0, {.vectors = vectors}}, {.steps = steps}).status == fit_status::finished);
}

}  // namespace

// Of 2,000 independent draws the mean alone has a standard error of 0.022 deviations: were the network perfect, one of
// the 20 means would be off by 0.05 with two seeds of five. So each condition begins with noise of mean 0 and
// covariance 1, and what is left is the part of the draws that is no linear function of it: with the exact posterior
// in the network's place the worst of the 20 means was off by 0.013 deviations at most, and the worst deviation by
// 0.8 %, for each of 15 seeds of the noise. The rest is the network's: with the seeds 1 to 4 for everything the worst
// means were off by 0.014, 0.020, 0.016 and 0.028, the worst deviations by 1.5, 2.1, 1.2 and 1.4 %, where 0.05 and 5 %
// are allowed. The seed is fixed, so that only a machine that rounds otherwise changes the figures.
TEST_CASE("a network told a vector that it was not trained on draws from the mixture of that vector", "[train][slow]") {
    constexpr std::uint64_t seed = 1;
    constexpr isize steps = 4000;
    const noise_schedule schedule{cosine_beta{}, 1000};
    nn::mlp<float> net{{.dim = 2, .hidden = 64, .blocks = 2, .embedding = 32, .vector = 2, .seed = seed}};
    trainer trainer{net, schedule, plane_training(512, steps, seed)};
    train_on_vectors(trainer, steps, seed);

    const batch<float> vectors = told_vectors();
    batch<float> told(2, told_count * draw_count);
    for (isize n = 0; n < told.cols(); ++n) {
        told.col(n) = vectors.col(n / draw_count);
    }
    const auto timesteps = make_timesteps(schedule.steps(), 50, timestep_spacing::trailing);
    const sampling_plan plan = make_plan(dpm_multistep{}, schedule, timesteps);
    const batch<float> drawn = denoise_from(plan, conditioned(trainer.ema(), {.vectors = told}), balanced_noise(seed),
                                            philox_noise(seed, noise_stream::sampler));

    std::string table = "vector            mean - exact, in deviations    deviation / exact";
    Eigen::ArrayXXd off(2, told_count), ratio(2, told_count);
    for (isize k = 0; k < told_count; ++k) {
        const plane_moments exact = exact_moments(mixture_of(vectors.col(k).cast<double>()));
        const plane_moments got = moments_of(drawn.middleCols(k * draw_count, draw_count).cast<double>());
        off.col(k) = (got.mean - exact.mean) / exact.deviation;
        ratio.col(k) = got.deviation / exact.deviation;
        char line[120];
        std::snprintf(line, sizeof line, "\n(%6.3f, %6.3f)  %7.4f, %7.4f               %.4f, %.4f",
                      static_cast<double>(vectors(0, k)), static_cast<double>(vectors(1, k)), off(0, k), off(1, k),
                      ratio(0, k), ratio(1, k));
        table += line;
    }
    INFO(table);
    CHECK(off.abs().maxCoeff() < 0.05);
    CHECK((ratio - 1).abs().maxCoeff() < 0.05);
}

}  // namespace ddpm::test
