// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/schedule_trainer.hpp>

#include <ddpm/train/learned_schedule.hpp>
#include <ddpm/train/loss_curve.hpp>
#include <ddpm/train/monotone_curve.hpp>
#include <ddpm/train/monotone_network.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>

namespace ddpm::test {

namespace {

using curve = fixed_ends<monotone_network<double>>;

curve fresh_curve() {
    return {monotone_network<double>({.first = -6, .last = 6, .features = 64, .spread = 0.5, .seed = 1}), -6, 6};
}

/// A loss that falls with the noise, as networks' do: 4 at one end, 0.5 at the other.
curve_point known_loss(double gamma) {
    const double s = 1 / (1 + std::exp(gamma));
    return {0.5 + 3.5 * s, -3.5 * s * (1 - s)};
}

/// ∫ of it from −6 to γ.
double known_integral(double gamma) {
    const auto antiderivative = [](double g) { return 0.5 * g + 3.5 * (g - std::log1p(std::exp(g))); };
    return antiderivative(gamma) - antiderivative(-6);
}

struct variance_of_estimate {
    double mean = 0, variance = 0, largest_deviation = 0;
};

template <class Schedule>
variance_of_estimate estimate(const Schedule& schedule) {
    variance_of_estimate e;
    const double loss = known_integral(6);
    const int count = 2000;
    double square = 0;
    for (int i = 0; i < count; ++i) {
        const curve_point gamma = schedule.gamma((i + 0.5) / count);
        const double rate = gamma.slope * known_loss(gamma.value).value;
        e.mean += rate / count;
        square += rate * rate / count;
        e.largest_deviation = std::max(e.largest_deviation, std::abs(rate / loss - 1));
    }
    e.variance = square - e.mean * e.mean;
    return e;
}

}  // namespace

TEST_CASE("a schedule learns to make the estimate of the loss the same at all times", "[train]") {
    curve gamma = fresh_curve();
    schedule_trainer trainer{gamma, {.times = 32, .learning_rate = 0.03, .seed = 3}};
    const variance_of_estimate before = estimate(trainer.schedule());
    const double loss = known_integral(6);
    double objective = 0;
    for (int i = 0; i < 2500; ++i) {
        objective = trainer.step(known_loss);
    }
    CHECK(trainer.steps() == 2500);
    const variance_of_estimate after = estimate(trainer.schedule());
    INFO("variance " << before.variance << " before, " << after.variance << " after; largest deviation of the rate "
                     << before.largest_deviation << " before, " << after.largest_deviation << " after; mean square "
                     << objective << ", at its least " << loss * loss);
    CHECK(std::abs(before.mean - loss) < 1e-3 * loss);  // the schedule changes nothing of the loss
    CHECK(std::abs(after.mean - loss) < 1e-3 * loss);
    CHECK(after.variance < 2e-3 * before.variance);
    CHECK(after.largest_deviation < 0.15);
    CHECK(objective < 1.002 * loss * loss);
    // The best schedule spends time in proportion to the loss: ∫ f up to γ(u) is u times the whole.
    for (int i = 0; i <= 20; ++i) {
        const double u = i / 20.0;
        CHECK(std::abs(known_integral(trainer.schedule().gamma(u).value) / loss - u) < 0.01);
    }
}

TEST_CASE("a schedule learns from losses that are measured on the way", "[train]") {
    curve gamma = fresh_curve();
    schedule_trainer trainer{gamma, {.times = 16, .learning_rate = 0.02}};
    loss_curve losses({.first = -6, .last = 6, .bins = 40, .decay = 0.95});
    const batch<double> noise = random_batch(16, 1000, 5);
    const double before = estimate(trainer.schedule()).variance;
    for (isize step = 0; step < 1000; ++step) {
        for (isize n = 0; n < 16; ++n) {
            const double g = trainer.schedule().gamma((static_cast<double>(n) + 0.5) / 16).value;
            losses.record(g, known_loss(g).value * (1 + 0.3 * noise(n, step)));
        }
        static_cast<void>(trainer.step(losses));
    }
    const double after = estimate(trainer.schedule()).variance;
    INFO("variance " << before << " before, " << after << " after");
    CHECK(after < 0.03 * before);
}

TEST_CASE("a step of a schedule that is not finite changes nothing", "[train]") {
    curve gamma = fresh_curve();
    schedule_trainer trainer{gamma, {.times = 4}};
    const double before = gamma(0.3).value;
    for (const curve_point& point : {curve_point{NAN, 1}, curve_point{INFINITY, 1}, curve_point{1, NAN}}) {
        CHECK_FALSE(std::isfinite(trainer.step([&](double) { return point; })));
        CHECK(gamma(0.3).value == before);
        CHECK(trainer.steps() == 0);
    }
    CHECK(std::isfinite(trainer.step(known_loss)));
    CHECK(trainer.steps() == 1);
}

TEST_CASE("a schedule's trainer refuses what it cannot do", "[train]") {
    curve gamma = fresh_curve();
    CHECK_THROWS_AS((schedule_trainer<curve>{gamma, {.times = 0}}), value_error);
    CHECK_THROWS_AS((schedule_trainer<curve>{gamma, {.learning_rate = -1}}), value_error);
    CHECK_THROWS_AS((schedule_trainer<curve>{gamma, {.learning_rate = INFINITY}}), value_error);
    CHECK_THROWS_AS((schedule_trainer<curve>{gamma, {.adam = {.beta1 = 1}}}), value_error);
}

TEST_CASE("the mean of a schedule's trainer keeps its bound of roundings", "[train]") {
    for (const isize times : {1, 5, 200}) {
        curve gamma = fresh_curve();
        schedule_trainer trainer{gamma, {.times = times, .seed = 7}};
        const double offset = static_cast<double>(philox_noise(7, noise_stream::timestep).bits(0, 0, 0)) * 0x1p-32;
        long double exact = 0;
        for (isize n = 0; n < times; ++n) {
            const curve_point point = gamma((static_cast<double>(n) + offset) / static_cast<double>(times));
            const long double rate = static_cast<long double>(point.slope) * known_loss(point.value).value;
            exact += rate * rate / static_cast<long double>(times);
        }
        const long double count = static_cast<long double>(times) + 4;
        CHECK(within(trainer.step(known_loss), exact, roundings<double>(count) * exact));
    }
}

}  // namespace ddpm::test
