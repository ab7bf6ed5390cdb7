// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

namespace ddpm::test {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// A loss with the slope 1 everywhere whose n-th value is not a number if fails(n).
template <class Fails>
[[nodiscard]] auto loss_that_fails(Fails fails) {
    return [fails, calls = std::make_shared<int>(0)](const auto&, prediction, const auto&, auto, auto d_predicted) {
        d_predicted.array().setConstant(1);
        return fails((*calls)++) ? static_cast<double>(nan) : 1.0;
    };
}

/// Two points, and one sample that is not a number.
[[nodiscard]] batch<float> spoilt_data() {
    batch<float> data(4, 9);
    data.leftCols(8) = two_points<float>().leftCols(2).replicate(1, 4);
    data.col(8).setConstant(nan);
    return data;
}

}  // namespace

TEST_CASE("steps that are not finite are skipped, and training goes on", "[train]") {
    auto net = small_net<float>();
    trainer trainer{net, noise_schedule{linear_beta{}, 100}, {.batch = 2}};
    const batch<float> data = spoilt_data();
    std::vector<bool> skipped;
    const auto watch = [&](const training_progress& at) {
        skipped.push_back(at.skipped);
        CHECK(std::isfinite(at.loss) != at.skipped);
        CHECK(std::isfinite(at.gradient_norm) != at.skipped);
        CHECK(nn::first_not_finite<float>(nn::parameters(net)) == std::nullopt);
        return true;
    };
    const fit_result result = trainer.fit(data, {.steps = 45, .most_skipped = 2, .progress = watch});
    CHECK(result.status == fit_status::finished);
    CHECK(result.step == 45);
    CHECK(result.tensor.empty());
    // An epoch is nine samples, so in 90 draws the spoilt one comes ten times.
    CHECK(std::count(skipped.begin(), skipped.end(), true) == 10);
    CHECK(result.skipped == 10);
    CHECK(trainer.fit(data, {.steps = 0}).skipped == 0);
}

TEST_CASE("more steps in succession than may be skipped end the training", "[train]") {
    constant_net<float> net(4);
    const auto run = [&](auto fails, isize most_skipped) {
        net = constant_net<float>(4);
        trainer trainer{
            net, noise_schedule{linear_beta{}, 100}, {.batch = 2, .learning_rate = 1e-2}, loss_that_fails(fails)};
        return trainer.fit(two_points<float>(), {.steps = 10, .most_skipped = most_skipped});
    };
    const auto two_of_three = [](int n) { return n % 3 != 2; };
    const fit_result first = run(two_of_three, 0);
    CHECK(first.status == fit_status::non_finite);
    CHECK(first.step == 0);
    CHECK(first.skipped == 0);
    const fit_result second = run(two_of_three, 1);
    CHECK(second.status == fit_status::non_finite);
    CHECK(second.step == 1);
    CHECK(second.skipped == 1);
    CHECK(std::isnan(second.loss));
    CHECK(net.value[0] == 0);
    const fit_result all = run(two_of_three, 2);
    CHECK(all.status == fit_status::finished);
    CHECK(all.step == 10);
    CHECK(all.skipped == 7);
    // Adam's correction of its moments counts the steps that were made: with a constant slope each moves by the rate.
    CHECK(std::abs(net.value[0] + 3e-2F) < 1e-6F);
}

TEST_CASE("a training that skips steps is resumed exactly", "[train]") {
    const temporary_folder folder;
    const batch<float> data = spoilt_data();
    const noise_schedule schedule{linear_beta{}, 100};
    const trainer_options options{.batch = 2, .seed = 4};
    auto net = small_net<float>();
    trainer whole{net, schedule, options};
    static_cast<void>(whole.fit(data, {.steps = 13, .most_skipped = 3}));
    whole.save(folder / "13");
    const fit_result last = whole.fit(data, {.steps = 20, .most_skipped = 3});
    CHECK(last.skipped > 0);

    auto other = small_net<float>();
    trainer resumed{other, schedule, options};
    resumed.load(folder / "13");
    CHECK(resumed.step() == 13);
    CHECK(resumed.fit(data, {.steps = 20, .most_skipped = 3}).skipped == last.skipped);
    CHECK(largest_difference(net, other) == 0);
    CHECK(largest_difference(whole.average(), resumed.average()) == 0);
    CHECK(io::safetensors_file::open(folder / "13").metadata().at("ddpm.skipped_steps") == "2");
}

}  // namespace ddpm::test
