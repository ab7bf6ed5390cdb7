// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/likelihood/optimal_timesteps.hpp>

#include <ddpm/grid/timesteps.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"
#include "support/watched.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace ddpm::test {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A cost without any structure.
double rough_cost(isize t, isize s) {
    const double x = std::sin(static_cast<double>(t * 131 + s * 17 + 5)) * 43758.5453;
    return x - std::floor(x) - 0.2;
}

template <class Cost>
double cost_of(const std::vector<isize>& timesteps, const Cost& cost) {
    double sum = 0;
    for (std::size_t left = timesteps.size(); left > 0; --left) {
        sum = cost(timesteps[left - 1], left < timesteps.size() ? timesteps[left] : clean) + sum;
    }
    return sum;
}

/// Over all sub-sequences that begin at T − 1.
template <class Cost>
timestep_sequence plain_best(isize steps, isize count, const Cost& cost) {
    timestep_sequence best{{}, infinity};
    for (isize chosen = 0; chosen < isize{1} << (steps - 1); ++chosen) {
        std::vector<isize> timesteps{steps - 1};
        for (isize t = steps - 2; t >= 0; --t) {
            if ((chosen >> t) & 1) {
                timesteps.push_back(t);
            }
        }
        if (static_cast<isize>(timesteps.size()) == count && cost_of(timesteps, cost) < best.cost) {
            best = {timesteps, cost_of(timesteps, cost)};
        }
    }
    return best;
}

/// E|x_0 − E[x_0|x_t]|² of x_0 = ±1, by sums over x_t.
std::vector<double> two_point_errors(const noise_schedule<>& schedule) {
    std::vector<double> errors;
    for (isize t = 0; t < schedule.steps(); ++t) {
        const double snr = schedule[t].snr, deviation = 1 / std::sqrt(snr);
        double sum = 0, weights = 0;
        for (int i = -400; i <= 400; ++i) {
            const double z = 0.02 * i, weight = std::exp(-0.5 * z * z);
            const double miss = 1 - std::tanh(snr * (1 + deviation * z));
            sum += weight * miss;
            weights += weight;
        }
        errors.push_back(sum / weights);
    }
    return errors;
}

}  // namespace

TEST_CASE("the cheapest sub-sequence is that of a search of all", "[likelihood]") {
    for (isize steps = 1; steps <= 12; ++steps) {
        const optimal_sequences all(steps, steps, rough_cost);
        CHECK(all.steps() == steps);
        CHECK(all.most() == steps);
        for (isize count = 1; count <= steps; ++count) {
            const timestep_sequence expected = plain_best(steps, count, rough_cost);
            const timestep_sequence found = all[count];
            INFO(count << " of " << steps);
            CHECK(found.timesteps == expected.timesteps);
            CHECK(found.cost == expected.cost);
            CHECK(all.cost(count) == found.cost);
            const timestep_sequence alone = optimal_timesteps(steps, count, rough_cost);
            CHECK(alone.timesteps == found.timesteps);
            CHECK(alone.cost == found.cost);
        }
    }
}

TEST_CASE("where a step costs the square of its length, the best sub-sequence is the trailing one", "[likelihood]") {
    const auto square = [](isize t, isize s) { return static_cast<double>((t - s) * (t - s)); };
    const optimal_sequences all(1000, 50, square);
    for (const isize count : {1, 2, 10, 25, 50}) {
        CHECK(all[count].timesteps == make_timesteps(1000, count, timestep_spacing::trailing));
        CHECK(all.cost(count) == 1e6 / static_cast<double>(count));
    }
}

TEST_CASE("all timesteps, and one", "[likelihood]") {
    CHECK(optimal_timesteps(40, 40, rough_cost).timesteps == all_timesteps(40));
    CHECK(std::abs(optimal_timesteps(40, 40, rough_cost).cost - cost_of(all_timesteps(40), rough_cost)) < 1e-13);
    CHECK(optimal_timesteps(40, 1, rough_cost).timesteps == std::vector<isize>{39});
    CHECK(optimal_timesteps(40, 1, rough_cost).cost == rough_cost(39, clean));
}

TEST_CASE("of equal sums the step to the lower timestep is taken", "[likelihood]") {
    const auto nothing = [](isize, isize) { return 0.0; };
    CHECK(optimal_timesteps(10, 4, nothing).timesteps == std::vector<isize>{9, 2, 1, 0});
}

TEST_CASE("forbidden steps are not taken, and NaN is refused", "[likelihood]") {
    const auto even = [](isize t, isize s) { return s != clean && s % 2 != 0 ? infinity : rough_cost(t, s); };
    for (const isize t : optimal_timesteps(20, 5, even).timesteps) {
        CHECK((t % 2 == 0 || t == 19));
    }
    const optimal_sequences few(20, 20, even);
    CHECK(few[11].timesteps.size() == 11);
    CHECK(few.cost(12) == infinity);
    CHECK_THROWS_AS(few[12], value_error);
    for (const double bad : {-infinity, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS_AS(optimal_timesteps(20, 5, [=](isize t, isize s) { return t == 15 && s == 4 ? bad : 1.0; }),
                        value_error);
        CHECK_THROWS_AS(optimal_timesteps(20, 5, [=](isize t, isize s) { return t == 3 && s == clean ? bad : 1.0; }),
                        value_error);
    }
}

TEST_CASE("the search calls each cost once, and does not depend on the thread count", "[likelihood]") {
    std::atomic<isize> calls{0};
    const auto counted = [&](isize t, isize s) {
        ++calls;
        return rough_cost(t, s);
    };
    set_thread_count(1);
    const optimal_sequences alone(700, 60, counted);
    CHECK(calls == 700 * 701 / 2);
    set_thread_count(3);
    const optimal_sequences together(700, 60, rough_cost);
    set_thread_count(0);
    for (isize count = 1; count <= 60; ++count) {
        CHECK(alone.cost(count) == together.cost(count));
        CHECK(alone[count].timesteps == together[count].timesteps);
        CHECK(std::abs(alone.cost(count) - cost_of(alone[count].timesteps, rough_cost)) < 1e-12);
    }
}

TEST_CASE("the bound of the best sub-sequence falls with its length, from below the uniform ones to that of all steps",
          "[likelihood]") {
    for (const noise_schedule<>& schedule :
         {noise_schedule<>{linear_beta{}, 1000}, noise_schedule<>{cosine_beta{}, 1000}}) {
        const std::vector<double> errors = two_point_errors(schedule);
        for (const step_variance variance :
             {step_variance::fixed_small, step_variance::fixed_large, step_variance::matched}) {
            const step_cost_options options{.variance = variance, .decoder_deviation = 0.05};
            const step_cost cost(schedule, errors, options);
            const optimal_sequences all(1000, 200, cost);
            for (isize count = 2; count <= 200; ++count) {
                // The large variance is for coarse chains; a finer one need not be better there.
                CHECK((variance == step_variance::fixed_large || all.cost(count) <= all.cost(count - 1)));
            }
            for (const isize count : {10, 25, 50}) {
                const timestep_sequence best = optimal_timesteps(schedule, errors, count, options);
                CHECK(best.timesteps == all[count].timesteps);
                CHECK(best.cost == all.cost(count));
                CHECK(best.timesteps.front() == 999);
                require_timesteps("test", best.timesteps, 1000);
                CHECK(std::abs(best.cost - cost_of(best.timesteps, cost)) < 1e-12 * std::abs(best.cost));
                for (const timestep_spacing spacing : {timestep_spacing::trailing, timestep_spacing::linspace}) {
                    const double uniform = cost_of(make_timesteps(1000, count, spacing), cost);
                    INFO("count " << count << ": best " << best.cost << ", uniform " << uniform);
                    CHECK(best.cost < uniform - 0.01);
                }
            }
        }
    }
    const noise_schedule schedule{cosine_beta{}, 30};
    const std::vector<double> errors = two_point_errors(schedule);
    const step_cost_options options{.decoder_deviation = 0.1};
    const step_cost cost(schedule, errors, options);
    CHECK(optimal_timesteps(schedule, errors, 30, options).timesteps == all_timesteps(30));
    CHECK(std::abs(optimal_timesteps(schedule, errors, 30, options).cost - cost_of(all_timesteps(30), cost)) < 1e-12);
    // Two timesteps of a decoder that takes one only.
    const auto at_four = [](isize t) { return t == 4 ? 1.0 : infinity; };
    CHECK(optimal_timesteps(schedule, errors, 2, {.decoder = at_four}).timesteps == std::vector<isize>{29, 4});
}

TEST_CASE("a search for what there cannot be is refused", "[likelihood]") {
    CHECK_THROWS_AS(optimal_sequences(0, 1, rough_cost), value_error);
    CHECK_THROWS_AS(optimal_sequences(10, 0, rough_cost), value_error);
    CHECK_THROWS_AS(optimal_sequences(10, 11, rough_cost), value_error);
    CHECK_THROWS_AS(optimal_timesteps(10, 11, rough_cost), value_error);
    const optimal_sequences all(10, 4, rough_cost);
    CHECK_THROWS_AS(all.cost(0), value_error);
    CHECK_THROWS_AS(all.cost(5), value_error);
    CHECK_THROWS_AS(all[5], value_error);
    const schedule_archetype schedule;
    CHECK_THROWS_AS(optimal_timesteps(schedule, std::vector<double>(9, 0.1), 3), shape_error);
    CHECK_THROWS_AS(optimal_timesteps(schedule, std::vector<double>(10, -0.1), 3), value_error);
    CHECK_THROWS_AS(optimal_timesteps(schedule, std::vector<double>(10, 0.1), 11), value_error);
}

TEST_CASE("the search for timesteps may be watched and stopped", "[likelihood]") {
    const auto cost = [](ddpm::isize t, ddpm::isize s) { return static_cast<double>((t - s) * (t - s)); };
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            const optimal_sequences found(20, 4, cost, progress);
            const timestep_sequence three = found[3];
            CHECK(found.finished() == (three.timesteps.size() == 3));
            return {found.cost(4), three.cost, (progress ? found : optimal_sequences(20, 4, cost)).cost(2)};
        },
        20);
}

TEST_CASE("how many timesteps a sub-sequence may have is said as it is", "[likelihood]") {
    const auto cost = [](ddpm::isize, ddpm::isize) { return 1.0; };
    try {
        const optimal_sequences none(10, 0, cost);
        FAIL("nothing was thrown");
    } catch (const value_error& e) {
        CHECK(std::string(e.what()).ends_with("expected 1 <= count <= 10, got 0"));
    }
}

TEST_CASE("costs of sub-sequences keep their bound of roundings", "[likelihood]") {
    const optimal_sequences all(300, 300, rough_cost);
    for (isize count = 1; count <= 300; ++count) {
        const timestep_sequence found = all[count];
        long double exact = 0, size = 0;
        for (std::size_t k = 0; k < found.timesteps.size(); ++k) {
            const long double cost =
                rough_cost(found.timesteps[k], k + 1 < found.timesteps.size() ? found.timesteps[k + 1] : clean);
            exact += cost;
            size += std::abs(cost);
        }
        CHECK(within(found.cost, exact, roundings<double>(static_cast<long double>(count)) * size));
    }
}

}  // namespace ddpm::test
