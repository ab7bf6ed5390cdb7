// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/continuous_schedule.hpp>

#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"

#include <limits>

namespace ddpm::test {
namespace {

struct own_schedule {
    [[nodiscard]] noise_level<double> level(double u) const { return {1, u}; }
};

static_assert(ContinuousSchedule<own_schedule> && !InvertibleSchedule<own_schedule>);
static_assert(InvertibleSchedule<variance_preserving> && InvertibleSchedule<variance_exploding>);
static_assert(InvertibleSchedule<rectified_flow>);
static_assert(ContinuousSchedule<log_snr_schedule<cosine_log_snr>>);
static_assert(!ContinuousSchedule<noise_schedule<>>);

}  // namespace

TEST_CASE("the network is told the time, or what the schedule says", "[schedule]") {
    CHECK(model_time_at(own_schedule{}, 0.25) == 0.25);
    CHECK(model_time_at(variance_exploding{}, 3.0) == 3);
    CHECK(model_time_at(rectified_flow{.time_scale = 1000}, 0.25) == 250);
    CHECK(model_time_at(variance_preserving{.time_scale = 999}, 1.0) == 999);
    CHECK(model_time_at(log_snr_schedule{linear_log_snr{}}, 1.0) == -5);
}

TEST_CASE("times are those from 0 to 1, or what the schedule says", "[schedule]") {
    CHECK(times_of(own_schedule{}).first == 0);
    CHECK(times_of(own_schedule{}).last == 1);
    CHECK(times_of(rectified_flow{}).last == 1);
    CHECK(times_of(variance_exploding{}).first == 0);
    CHECK(times_of(variance_exploding{}).last == std::numeric_limits<double>::infinity());
}

}  // namespace ddpm::test
