// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/noise_process.hpp>

#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <concepts>
#include <string>

namespace ddpm::test {

namespace {

/// Both at once.
struct either_schedule : schedule_archetype {
    [[nodiscard]] noise_level<double> level(double u) const { return {1, u}; }
};

struct own_level {
    noise_level<double> own;
    [[nodiscard]] noise_level<double> level(double) const { return own; }
};

/// x_0 with a σ that goes from one value to another.
struct own_curve {
    double first, last;
    [[nodiscard]] noise_level<double> level(double u) const { return {1, u * last + (1 - u) * first}; }
};

static_assert(NoiseProcess<noise_schedule<>> && NoiseProcess<schedule_archetype> && NoiseProcess<rectified_flow>);
static_assert(!NoiseProcess<int>);
static_assert(std::same_as<time_type<noise_schedule<>>, isize> && std::same_as<time_type<rectified_flow>, double>);
static_assert(std::same_as<time_type<either_schedule>, isize>);

}  // namespace

TEST_CASE("levels and model times are had alike in discrete and in continuous time", "[schedule]") {
    const noise_schedule schedule{cosine_beta{}, 10};
    CHECK(noise_level_at(rectified_flow{}, 0.25).signal == 0.75);
    CHECK(noise_level_at(rectified_flow{}, 0.25).sigma == 0.25);
    CHECK(noise_level_at(either_schedule{}, 3).signal == noise_level_at(schedule_archetype{}, 3).signal);
    CHECK(model_time_at(schedule, isize{7}) == 7);
    CHECK(model_time_at(rectified_flow{.time_scale = 1000}, 0.25) == 250);
    CHECK_NOTHROW(require_time("here", schedule, 9));
    CHECK_THROWS_AS(require_time("here", schedule, 10), value_error);
    CHECK_NOTHROW(require_time("here", variance_exploding{}, 80));
    CHECK_THROWS_AS(require_time("here", rectified_flow{}, 1.5), value_error);
}

TEST_CASE("a continuous schedule must have levels that make sense", "[schedule]") {
    CHECK_NOTHROW(noise_level_at(own_level{{0, 1}}, 0.5));
    for (const noise_level<double>& level :
         {noise_level<double>{0, 0}, {-1, 1}, {1, -1}, {1, std::nan("")}, {HUGE_VAL, 1}}) {
        CHECK_THROWS_AS(noise_level_at(own_level{level}, 0.5), value_error);
        CHECK_THROWS_AS(require_time("here", own_level{level}, 0.5), value_error);
    }
}

TEST_CASE("between two times the noise must not fall, and both its ends must be there", "[schedule]") {
    const auto noisy = [](double s, double t) { return own_curve{s, t}; };
    const auto error_of = [](const auto& schedule, double s, double t) -> std::string {
        try {
            require_earlier("here", schedule, s, t);
        } catch (const value_error& e) {
            return e.what();
        }
        return "";
    };
    CHECK(error_of(noisy(0.2, 0.2), 0, 1).empty());
    CHECK(contains(error_of(noisy(0.2, 0.1), 0, 1), "sigma/alpha that does not fall"));
    CHECK(contains(error_of(noisy(0, 0), 0, 1), "sigma at time 1"));
    CHECK(contains(error_of(noisy(0, 1e-160), 0, 1), "sigma at time 1"));
    CHECK(contains(error_of(noisy(0.2, 0.3), 1, 0), "earlier time"));
    CHECK(contains(error_of(noisy(0.2, 0.3), std::nan(""), 1), "level"));
    CHECK(contains(error_of(rectified_flow{}, 1, 1), "earlier time"));
    CHECK(contains(error_of(own_level{{0, 1}}, 0, 1), "signal at time 0"));
    CHECK_THROWS_AS(transition_at(noisy(0.2, 0.1), 0, 1), value_error);
    CHECK_THROWS_AS(posterior_at(noisy(0.2, 0.1), 0, 1), value_error);
    CHECK_NOTHROW(require_earlier("here", either_schedule{}, clean, 3));
    // Equal levels: nothing happens between them.
    CHECK(transition_at(noisy(0.2, 0.2), 0, 1).variance == 0);
    CHECK(posterior_at(noisy(0.2, 0.2), 0, 1).x0 == 0);
    CHECK(posterior_at(noisy(0.2, 0.2), 0, 1).xt == 1);
}

}  // namespace ddpm::test
