// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/run_watch.hpp>

#include <ddpm/predictor/predicts.hpp>
#include <ddpm/sampler/adaptive_dpm_solver.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/classifier_shift.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/image_to_image.hpp>
#include <ddpm/sampler/inpaint.hpp>
#include <ddpm/sampler/interpolate.hpp>
#include <ddpm/sampler/inversion.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace ddpm::test {
namespace {

/// A network that finds the same x_0 everywhere.
auto finds(double x0) {
    return predicts([x0](batch_view<const double>, std::span<const double>,
                         const model_output<double>& out) { out.prediction.array().setConstant(x0); },
                    prediction::x0);
}

}  // namespace

TEST_CASE("a watch says that a run was stopped, and where", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    isize asked = 0;
    run_watch watch{.stop = [&] { return ++asked == 3; }};
    const sample_options options{.steps = 5, .count = 2, .shape = 3};
    const batch<double> x = sample<double>(ancestral{}, schedule, finds(0.25), options, std::ref(watch));
    CHECK(watch.stopped);
    CHECK(watch.steps == 3);
    CHECK((x == 0.25).all());
    run_watch whole;
    static_cast<void>(sample<double>(ancestral{}, schedule, finds(0.25), options, std::ref(whole)));
    CHECK_FALSE(whole.stopped);
    CHECK(whole.steps == 5);
    CHECK(whole.largest_x0 == 0.25);
}

TEST_CASE("a watch says how far the estimates of x_0 reach, and stops where they leave its limit", "[sampler]") {
    // ε = 0.3 at the cosine's first level, whose signal is 5e-5: x_0 is estimated in the thousands.
    const noise_schedule schedule{cosine_beta{}, 1000};
    const auto network = [](batch_view<const double>, std::span<const double>, const model_output<double>& out) {
        out.prediction.array() = 0.3;
    };
    const sample_options options{.steps = 10, .count = 2, .shape = 3};
    run_watch watch;
    static_cast<void>(sample<double>(ddim{}, schedule, network, options, std::ref(watch)));
    CHECK(watch.largest_x0 > 1000);
    CHECK_FALSE(watch.stopped);
    run_watch limited{.limit = 100};
    static_cast<void>(sample<double>(ddim{}, schedule, network, options, std::ref(limited)));
    CHECK(limited.stopped);
    CHECK(limited.steps == 1);
    for (const double limit : {100.0, std::numeric_limits<double>::infinity()}) {
        run_watch broken{.limit = limit};
        static_cast<void>(sample<double>(ddim{}, schedule, finds(std::nan("")), options, std::ref(broken)));
        CHECK(broken.stopped);
        CHECK(broken.steps == 1);
        CHECK(std::isnan(broken.largest_x0));
    }
}

TEST_CASE("every run takes a callback that may stop it", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const std::vector<isize> timesteps{18, 12, 6, 1};
    const time_grid grid = make_grid(schedule, timesteps);
    philox_noise noise(3, noise_stream::sampler);
    const batch<double> x = pattern<double>(3, 2, 1), ones = batch<double>::Ones(3, 2),
                        none = batch<double>::Zero(3, 2);
    auto network = finds(0.25);
    const auto gradient = [](batch_view<const double>, std::span<const double>, batch_view<double> out) {
        out.array() = 1;
    };
    const auto check = [&](const auto& run) {
        run_watch all;
        run(std::ref(all));
        CHECK_FALSE(all.stopped);
        CHECK(all.steps >= 2);
        CHECK(all.largest_x0 == 0.25);
        run_watch second{.stop = [calls = 0]() mutable { return ++calls == 2; }};
        const batch<double> stopped = run(std::ref(second));
        CHECK(second.stopped);
        CHECK(second.steps == 2);
        CHECK((stopped == 0.25).all());
    };
    check([&](const auto& watch) { return denoise_from<double>(ddim{}.plan(grid), network, x, noise, {}, watch); });
    check([&](const auto& watch) { return image_to_image(ddim{}, grid, network, x, 0.75, noise, {}, watch); });
    check([&](const auto& watch) { return interpolate(ddim{}, grid, network, x, ones, 0.5, 0.75, noise, {}, watch); });
    check([&](const auto& watch) {
        return inpaint<double>(ddim{}.plan(grid), network, {ones, none}, x, noise, {}, watch);
    });
    check([&](const auto& watch) {
        return denoise_with_gradient<double>(ancestral{}.plan(grid), network, gradient, 1, x, noise, {}, watch);
    });
    check(
        [&](const auto& watch) { return denoise_from<double>(predictor_corrector{}, grid, network, x, noise, watch); });
    check([&](const auto& watch) {
        const auto got = denoise_from<double>(
            adaptive_dpm_solver{},
            [](double lambda) {
                return grid_point{lambda, level_of_log_snr(2 * lambda)};
            },
            -2, 2, network, x, watch);
        CHECK(got.stopped == !got.finished);
        return got.x;
    });
    check([&](const auto& watch) {
        const auto got = invert(ddim_inversion{}, grid, network, x, watch);
        CHECK(got.stopped == (got.error.size() == 0));
        return got.latents;
    });
}

}  // namespace ddpm::test
