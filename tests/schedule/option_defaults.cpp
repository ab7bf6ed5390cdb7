// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/alpha_bar_curve.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"

// A changed default changes what programs compute that do not name the option.
namespace ddpm::test {

TEST_CASE("options that are not given have the published defaults: discrete schedules", "[schedule]") {
    CHECK(linear_beta{}.start == 1e-4);
    CHECK(linear_beta{}.end == 0.02);
    CHECK(openai_linear_beta{}.start == 1e-4);
    CHECK(openai_linear_beta{}.end == 0.02);
    CHECK(scaled_linear_beta{}.start == 0.00085);
    CHECK(scaled_linear_beta{}.end == 0.012);
    CHECK(warm_up_beta{}.start == 1e-4);
    CHECK(warm_up_beta{}.end == 0.02);
    CHECK(warm_up_beta{}.fraction == 0.1);
    CHECK(constant_beta{}.value == 0.02);
    CHECK(sigmoid_beta{}.start == 1e-4);
    CHECK(sigmoid_beta{}.end == 0.02);
    CHECK(sigmoid_beta{}.range == 6);
    CHECK(cosine_beta{}.offset == 0.008);
    CHECK(cosine_beta{}.cap == 0.999);
    CHECK(alpha_bar_beta<cosine_alpha_bar>{}.cap == 0.999);
    CHECK(cosine_alpha_bar{}.offset == 0.008);
    CHECK(sigmoid_alpha_bar{}.start == -3);
    CHECK(sigmoid_alpha_bar{}.end == 3);
    CHECK(sigmoid_alpha_bar{}.temperature == 1);
    CHECK(exponential_alpha_bar{}.rate == 12);
}

TEST_CASE("options that are not given have the published defaults: continuous schedules", "[schedule]") {
    CHECK(time_range{}.first == 0);
    CHECK(time_range{}.last == 1);
    CHECK(linear_log_snr{}.first == 13.3);
    CHECK(linear_log_snr{}.last == -5);
    CHECK(alpha_cosine_log_snr{}.offset == 0.008);
    CHECK(cosine_log_snr{}.lowest == -15);
    CHECK(cosine_log_snr{}.highest == 15);
    CHECK(rectified_flow{}.time_scale == 1);
    CHECK(variance_preserving{}.beta_min == 0.1);
    CHECK(variance_preserving{}.beta_d == 19.9);
    CHECK(variance_preserving{}.time_scale == 1);
}

}  // namespace ddpm::test
