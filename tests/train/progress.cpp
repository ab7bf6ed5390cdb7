// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/progress.hpp>

#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/training.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEST_CASE("the speed of a fit is that of its own steps", "[train]") {
    const training_progress before{30, 50, 0.25, 3, 1e-3};
    CHECK(before.samples_per_second == 0);
    CHECK(before.seconds_left == 0);
    // Ten steps of 16 samples in 4 seconds, and 20 steps are left.
    const training_progress at = detail::with_speed(before, 10, 4, 16);
    CHECK(at.samples_per_second == 40);
    CHECK(at.seconds_left == 8);
    CHECK(at.step == 30);
    CHECK(at.steps == 50);
    CHECK(at.loss == 0.25);
    CHECK(at.gradient_norm == 3);
    CHECK(at.learning_rate == 1e-3);
    // A clock may not have moved.
    CHECK(std::isfinite(detail::with_speed(before, 1, 0, 16).samples_per_second));
    CHECK(detail::with_speed({50, 50, 0, 0, 0}, 10, 4, 16).seconds_left == 0);
}

TEST_CASE("the callback is told of every step, of those before this fit too", "[train]") {
    const noise_schedule schedule{linear_beta{}, 20};
    constant_net<double> net(4);
    trainer trainer{net, schedule, {.batch = 2, .learning_rate = 0.5}};
    std::vector<isize> steps, ends;
    std::vector<double> losses;
    const training_callback watch = [&](const training_progress& at) {
        steps.push_back(at.step);
        ends.push_back(at.steps);
        losses.push_back(at.loss);
        CHECK(at.learning_rate == 0.5);
        CHECK(at.gradient_norm > 0);
        CHECK(at.samples_per_second > 0);
        CHECK(at.seconds_left >= 0);
        return at.step != 4;
    };
    const fit_result first = trainer.fit(two_points<double>(), {.steps = 2, .progress = watch});
    CHECK(first.loss == losses.back());
    const fit_result second = trainer.fit(two_points<double>(), {.steps = 3, .progress = watch});
    CHECK(second.status == fit_status::stopped);
    CHECK(second.loss == losses.back());
    CHECK(steps == std::vector<isize>{1, 2, 3, 4});
    CHECK(ends == std::vector<isize>{2, 2, 5, 5});
}

}  // namespace ddpm::test
