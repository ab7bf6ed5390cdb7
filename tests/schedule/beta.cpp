// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/beta.hpp>

#include "support/catch.hpp"

#include <string>

namespace ddpm::test {

static_assert(BetaSchedule<linear_beta>);
static_assert(BetaSchedule<cosine_beta>);
static_assert(BetaSchedule<beta_table>);
static_assert(BetaSchedule<double (*)(index, index)>);
static_assert(!BetaSchedule<double>);
static_assert(!BetaSchedule<double (*)(index)>);
static_assert(!BetaSchedule<std::string (*)(index, index)>);

TEST_CASE("linear beta has its ends exactly and one increment between", "[schedule]") {
    const linear_beta beta{.start = 1e-4, .end = 0.02};
    CHECK(beta(0, 1000) == 1e-4);
    CHECK(beta(999, 1000) == 0.02);
    CHECK(std::abs(beta(500, 1000) - beta(499, 1000) - 0.0199 / 999) < 1e-17);
    CHECK(beta(0, 1) == 1e-4);
    CHECK(beta.operator()<float>(999, 1000) == 0.02F);
}

TEST_CASE("cosine beta follows its options", "[schedule]") {
    CHECK(cosine_beta{}(999, 1000) == 0.999);
    CHECK(cosine_beta{.cap = 0.5}(999, 1000) == 0.5);
    CHECK(cosine_beta{.offset = 0.1}(0, 1000) > cosine_beta{}(0, 1000));
}

TEST_CASE("a table refuses another number of steps", "[schedule]") {
    CHECK(beta_table{{0.1, 0.2}}(1, 2) == 0.2);
    CHECK_THROWS_AS((beta_table{{0.1, 0.2}}(0, 3)), value_error);
}

}  // namespace ddpm::test
