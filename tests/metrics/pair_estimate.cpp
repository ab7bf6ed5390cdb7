// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/metrics/pair_estimate.hpp>

#include "support/catch.hpp"

namespace ddpm::test {

TEST_CASE("only pairs of different samples need two of them", "[metrics]") {
    CHECK(least_samples(pair_estimate::unbiased) == 2);
    CHECK(least_samples(pair_estimate::v_statistic) == 1);
}

}  // namespace ddpm::test
