// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/process/moments.hpp>

#include <ddpm/process/forward.hpp>
#include <ddpm/process/posterior.hpp>
#include <ddpm/process/reverse_moments.hpp>
#include <ddpm/process/transition.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("moments have a mean of each element, and the variance's logarithm in nats", "[process]", float,
                   double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 10};
    const batch<S> x = pattern<S>(2, 3, 1), predicted = pattern<S>(2, 3, 2), head = pattern<S>(2, 3, 3);
    const std::vector<isize> t{1, 4, 9};
    const auto near_log = [](S log_variance, S variance) {
        return std::abs(static_cast<double>(log_variance) - std::log(static_cast<double>(variance))) < ulps<S>(16);
    };
    // One variance for each sample.
    for (const gaussian_moments<S>& moments :
         {q_mean_variance(schedule, x, t), q_step_mean_variance(schedule, x, t), q_posterior(schedule, x, predicted, t),
          p_mean_variance(schedule, prediction::epsilon, x, predicted, t)}) {
        CHECK(moments.mean.rows() == 2);
        CHECK(moments.mean.cols() == 3);
        REQUIRE(moments.variance.size() == 3);
        REQUIRE(moments.log_variance.size() == 3);
        for (isize n = 0; n < 3; ++n) {
            CHECK(near_log(moments.log_variance(n), moments.variance(n)));
        }
    }
    // One for each element.
    const diagonal_moments<S> moments = p_mean_variance(schedule, prediction::epsilon, x, predicted, head, t,
                                                        {.variance = reverse_variance::learned_range});
    CHECK(moments.mean.rows() == 2);
    CHECK(moments.mean.cols() == 3);
    REQUIRE(moments.variance.rows() == 2);
    REQUIRE(moments.variance.cols() == 3);
    REQUIRE(moments.log_variance.size() == 6);
    for (isize i = 0; i < 6; ++i) {
        CHECK(near_log(moments.log_variance(i), moments.variance(i)));
    }
    CHECK(moments.variance(0, 1) != moments.variance(1, 1));
}

TEST_CASE("the timestep before is that of each sample, or of all", "[process]") {
    const std::vector<isize> times{0, 4, 9};
    const per_sample<isize> each = times, shared = 7;
    const detail::timestep_before before{each}, before_shared{shared};
    CHECK(before[0] == -1);
    CHECK(before[1] == 3);
    CHECK(before[2] == 8);
    CHECK(before_shared[0] == 6);
    CHECK(before_shared[100] == 6);
    CHECK_NOTHROW(before.require_columns("here", 3));
    CHECK_THROWS_AS(before.require_columns("here", 4), shape_error);
    CHECK_NOTHROW(before_shared.require_columns("here", 4));
}

}  // namespace ddpm::test
