// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/predictor_corrector.hpp>

#include <ddpm/kernels/blocks.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/random/brownian_tree.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/golden_loop.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

/// The score of N(0, s²) data at levels {1, σ}, told σ.
auto gaussian_score(double deviation) {
    return predicts(
        [deviation](batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) {
            for (isize n = 0; n < xt.columns(); ++n) {
                const double sigma = t[static_cast<std::size_t>(n)];
                out.prediction.array().col(n) = -xt.array().col(n) / (deviation * deviation + sigma * sigma);
            }
        },
        prediction::score);
}

/// The estimate of x_0 of N(0, s²) data, by that score.
auto gaussian_x0(double deviation) {
    return predicts(
        [deviation](batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) {
            gaussian_score(deviation)(xt, t, out);
            for (isize n = 0; n < xt.columns(); ++n) {
                const double sigma = t[static_cast<std::size_t>(n)];
                out.prediction.array().col(n) = xt.array().col(n) + sigma * sigma * out.prediction.array().col(n);
            }
        },
        prediction::x0);
}

time_grid exploding(isize steps, double from, double to) {
    std::vector<grid_point> points;
    for (isize k = 0; k < steps; ++k) {
        const double sigma = from * std::pow(to / from, static_cast<double>(k) / static_cast<double>(steps - 1));
        points.push_back({sigma, {1, sigma}});
    }
    points.push_back({0, {1, 0}});
    return time_grid(std::move(points));
}

}  // namespace

// Published: diffusers' tests/schedulers/test_scheduler_score_sde_ve.py: three steps whose network is told σ of a grid
// of 2,000 (which set_sigmas finds still there), and whose σ are those of three.
TEST_CASE("the predictor-corrector ends where diffusers does", "[sampler]") {
    const double least = 0.01, most = 1348, first = 1e-5;
    const auto sigma_of = [&](double time) { return least * std::pow(most / least, time); };
    const auto told = [&](isize i) { return sigma_of(1 + (first - 1) * static_cast<double>(i) / 1999); };
    std::vector<grid_point> points;
    for (isize i = 0; i < 3; ++i) {
        const double time = 1 + (first - 1) * static_cast<double>(i) / 2;
        const auto position = static_cast<double>(static_cast<isize>(time * 2));  // in the table of σ
        points.push_back({told(i), {1, std::exp(std::log(least) + std::log(most / least) * position / 2)}});
    }
    points.push_back({0, {1, 0}});
    const batch<double> end =
        denoise_from<double>(predictor_corrector{.batch_norms = true, .noise_at_end = true},
                             time_grid(std::move(points)), predicts(golden_model<double>, prediction::score),
                             deterministic<double>(false), float_torch_noise{torch_noise(0)});
    const double sum = end.abs().sum();
    INFO("sum " << sum << ", mean " << sum / 768);
    CHECK(std::abs(sum / 14372758528 - 1) < 1e-5);
}

TEST_CASE("a predictor step is the reverse diffusion step", "[sampler]") {
    const batch<double> x = pattern<double>(4, 3, 1);
    const double from = 3, to = 2;
    philox_noise noise(5, noise_stream::sampler);
    const batch<double> got =
        denoise_from<double>(predictor_corrector{.corrections = 0}, time_grid({{from, {1, from}}, {to, {1, to}}}),
                             gaussian_score(0.5), batch<double>(x), noise, {}, 9);
    batch<double> z(4, 3);
    noise.normal(batch_view<double>(z), 1, 9);
    const double v = from * from - to * to;
    CHECK((got - (x - v * x / (0.25 + from * from) + std::sqrt(v) * z)).abs().maxCoeff() < 1e-14);

    // Where the signal shrinks too: its step is by a = 0.6/0.8, with variance 0.8² − a² 0.6².
    auto predictor = predicts([](batch_view<const double> xt, std::span<const double>,
                                 const model_output<double>& out) { out.prediction.array() = -xt.array() / 2; },
                              prediction::score);
    const batch<double> shrunk =
        denoise_from<double>(predictor_corrector{.corrections = 0}, time_grid({{2, {0.6, 0.8}}, {1, {0.8, 0.6}}}),
                             predictor, batch<double>(x), noise, {}, 9);
    const double a = 0.75, w = 0.64 - a * a * 0.36;
    CHECK((shrunk - ((x - w * x / 2) / a + std::sqrt(w) * z)).abs().maxCoeff() < 1e-14);
}

TEST_CASE("the step to data adds noise only if it is asked for", "[sampler]") {
    const batch<double> x = pattern<double>(4, 3, 1);
    const double from = 3, v = from * from;
    const philox_noise noise(5, noise_stream::sampler);
    batch<double> z(4, 3);
    noise.normal(batch_view<double>(z), 1, 0);
    for (const bool noisy : {false, true}) {
        const batch<double> got = denoise_from<double>(predictor_corrector{.corrections = 0, .noise_at_end = noisy},
                                                       time_grid({{from, {1, from}}, {0, {1, 0}}}), gaussian_score(0.5),
                                                       batch<double>(x), noise);
        CHECK((got - (x - v * x / (0.25 + v) + (noisy ? from : 0) * z)).abs().maxCoeff() < 1e-14);
    }
}

TEST_CASE("on a path the predictor's noise is the increment of its step, the corrector's is not", "[sampler]") {
    const batch<double> x = pattern<double>(4, 3, 1);
    const double from = 3, to = 2, r = 0.2, v = from * from - to * to;
    const brownian_tree path(5, 0.01, 20);
    for (const bool corrects : {false, true}) {
        const batch<double> got = denoise_from<double>(
            predictor_corrector{.corrections = corrects ? 1 : 0, .signal_to_noise = r},
            time_grid({{from, {1, from}}, {to, {1, to}}}), gaussian_score(0.5), batch<double>(x), path, {}, 9);
        batch<double> corrected = x, z(4, 3);
        if (corrects) {
            path.normal(batch_view<double>(z), 1, 9);
            for (isize n = 0; n < 3; ++n) {
                const auto score = (-x.col(n) / (0.25 + from * from)).eval();
                const double ratio = r * z.col(n).matrix().norm() / score.matrix().norm(), h = 2 * ratio * ratio;
                corrected.col(n) += h * score + std::sqrt(2 * h) * z.col(n);
            }
        }
        path.normal_between(batch_view<double>(z), from, to, 9);
        const batch<double> expected = corrected - v * corrected / (0.25 + from * from) + std::sqrt(v) * z;
        CHECK((got - expected).abs().maxCoeff() < 1e-13);
    }
}

TEST_CASE("runs of different steps of the predictor follow one path", "[sampler]") {
    const auto end = [](isize steps, auto noise) {
        return denoise_from<double>(predictor_corrector{.corrections = 0}, exploding(steps, 20, 0.01),
                                    gaussian_score(0.5), batch<double>(20 * pattern<double>(40, 5, 1)), noise);
    };
    const auto distance = [&](auto noise) { return std::sqrt((end(400, noise) - end(100, noise)).square().mean()); };
    const double on_path = distance(brownian_tree(5, 0.01, 20)),
                 apart = distance(philox_noise(5, noise_stream::sampler));
    INFO(on_path << " on a path, " << apart << " with other noise");
    CHECK(on_path < 0.2 * apart);
}

TEST_CASE("a correction is the formula, also for samples of several blocks", "[sampler]") {
    const double from = 3, to = 2, r = 0.2, v = from * from - to * to;
    for (const isize rows : {isize{40}, 2 * kernels::block_elements + 100}) {
        const batch<double> x = pattern<double>(rows, 2, 1), score = -x / (0.25 + from * from);
        batch<double> z(rows, 2), last(rows, 2);
        philox_noise noise(5, noise_stream::sampler);
        noise.normal(batch_view<double>(z), 1, 9);
        noise.normal(batch_view<double>(last), 2, 9);
        const auto norms = [](const batch<double>& of) { return of.matrix().colwise().norm().array().eval(); };
        for (const bool together : {false, true}) {
            const batch<double> got = denoise_from<double>(
                predictor_corrector{.signal_to_noise = r, .batch_norms = together},
                time_grid({{from, {1, from}}, {to, {1, to}}}), gaussian_x0(0.5), batch<double>(x), noise, {}, 9);
            for (isize n = 0; n < 2; ++n) {
                const double ratio =
                    r * (together ? norms(z).sum() / norms(score).sum() : norms(z)(n) / norms(score)(n));
                const double h = 2 * ratio * ratio;
                const auto corrected = (x.col(n) + h * score.col(n) + std::sqrt(2 * h) * z.col(n)).eval();
                const auto expected =
                    (corrected - v * corrected / (0.25 + from * from) + std::sqrt(v) * last.col(n)).eval();
                CHECK((got.col(n) - expected).abs().maxCoeff() < 1e-11);
            }
        }
    }
}

// The end of 200 steps of the exact score: the variance of 20,000 values is known to 1 %, five standard errors to 5 %;
// the discretization adds 3 %. Without a corrector the chain ends 8 % below.
TEST_CASE("correction brings samples to their level's distribution", "[sampler]") {
    const auto variance = [&](isize corrections) {
        batch<double> x(2000, 10);
        philox_noise noise(5, noise_stream::sampler);
        noise.normal(batch_view<double>(x), 0, 0);
        x *= 20;
        const batch<double> end =
            denoise_from<double>(predictor_corrector{.corrections = corrections, .signal_to_noise = 0.16},
                                 exploding(60, 20, 0.01), gaussian_score(0.5), std::move(x), noise);
        return end.square().mean();
    };
    const double with = std::abs(variance(2) / 0.25 - 1), without = std::abs(variance(0) / 0.25 - 1);
    INFO(with << " with, " << without << " without");
    CHECK(with < 0.08);
    CHECK(with < without);
}

TEST_CASE("a correction takes the score from any prediction", "[sampler]") {
    for (const bool together : {false, true}) {
        const auto run = [&](auto network) {
            return denoise_from<double>(predictor_corrector{.batch_norms = together}, exploding(5, 20, 0.01), network,
                                        pattern<double>(40, 5, 1), philox_noise(5, noise_stream::sampler));
        };
        CHECK((run(gaussian_score(0.5)) - run(gaussian_x0(0.5))).abs().maxCoeff() < 1e-10);
    }
}

TEST_CASE("a step of the predictor-corrector allocates nothing", "[sampler]") {
    for (const bool together : {false, true}) {
        const auto allocated = [&](isize steps) {
            const time_grid grid = exploding(steps, 20, 0.01);
            auto network = gaussian_score(0.5);
            batch<double> x = pattern<double>(40, 5, 1);
            const std::size_t before = allocations;
            const batch<double> end = denoise_from<double>(predictor_corrector{.batch_norms = together}, grid, network,
                                                           std::move(x), philox_noise(5, noise_stream::sampler));
            return allocations - before;
        };
        const std::size_t first = allocated(3);  // a thread's scratch too
        CHECK((first > 0) == allocations_are_counted);
        CHECK(allocated(3) == allocated(30));
    }
}

TEST_CASE("samples are corrected by norms of their own", "[sampler]") {
    const batch<double> x = pattern<double>(40, 5, 1);
    philox_noise noise(5, noise_stream::sampler);
    const auto run = [&](const batch<double>& start, isize first, bool together) {
        return denoise_from<double>(predictor_corrector{.batch_norms = together}, exploding(5, 20, 0.01),
                                    gaussian_score(0.5), batch<double>(start), noise, {}, first);
    };
    CHECK((run(x, 0, false).col(3) == run(x.col(3), 3, false).col(0)).all());
    CHECK((run(x, 0, false) == denoise_from<double>(predictor_corrector{}, exploding(5, 20, 0.01), gaussian_score(0.5),
                                                    batch<double>(x), noise))
              .all());
    CHECK_FALSE((run(x, 0, true).col(3) == run(x.col(3), 3, true).col(0)).all());
    CHECK((run(x.col(3), 3, true) == run(x.col(3), 3, false)).all());
    CHECK_THROWS_AS(denoise_from<double>(predictor_corrector{.corrections = -1}, exploding(5, 20, 0.01),
                                         gaussian_score(1), batch<double>(x), noise),
                    value_error);
    CHECK_THROWS_AS(denoise_from<double>(predictor_corrector{.signal_to_noise = 0}, exploding(5, 20, 0.01),
                                         gaussian_score(1), batch<double>(x), noise),
                    value_error);
}

TEST_CASE("the predictor-corrector: rising noise is an error, equal noise a step without noise", "[sampler]") {
    const auto end = [](const time_grid& grid) {
        return denoise_from<double>(predictor_corrector{}, grid, gaussian_score(1), pattern<double>(4, 3, 1),
                                    philox_noise(5, noise_stream::sampler));
    };
    const time_grid falling({{2, {1, 2}}, {1, {1, 1}}, {0.5, {1, 0.5}}});
    CHECK(end(falling).allFinite());
    CHECK_THROWS_AS(end(falling.reversed()), value_error);
    // The variance between levels of one σ/α, as floating point has it, is a little more or less than 0.
    for (isize i = 1; i < 200; ++i) {
        const double from = 1 / static_cast<double>(i), to = 1 / static_cast<double>(i + 1);
        CHECK(end(time_grid({{1, {from, 4 * from}}, {0, {to, 4 * to}}})).allFinite());
    }
}

}  // namespace ddpm::test
