// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/respaced.hpp>

#include <ddpm/grid/space_timesteps.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/zero_terminal_snr.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <concepts>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using list = std::vector<isize>;

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

}  // namespace

TEST_CASE("respaced chains have the published betas", "[grid]") {
    const noise_schedule full{linear_beta{}, 1000};
    const auto even = respaced(full, space_timesteps(1000, "50"));
    CHECK(near(even.schedule.beta(0), 0.0001, 1e-10));
    CHECK(near(even.schedule.beta(1), 0.0061651879466, 1e-11));
    CHECK(near(even.schedule.beta(25), 0.191301509348, 1e-11));
    CHECK(near(even.schedule.beta(49), 0.329809066095, 1e-11));
    const auto ddim = respaced(full, space_timesteps(1000, "ddim50"));
    CHECK(near(ddim.schedule.beta(0), 0.0001, 1e-10));
    CHECK(near(ddim.schedule.beta(1), 0.0061651879466, 1e-11));
    CHECK(near(ddim.schedule.beta(49), 0.324614447529, 1e-11));
}

TEST_CASE("a respaced chain keeps alpha_bar and knows the timesteps it came from", "[grid]") {
    const noise_schedule full{zero_terminal_snr(cosine_beta{}, 100), 100};
    const auto chain = respaced(full, list{99, 60, 59, 7});
    CHECK(chain.timesteps == list{7, 59, 60, 99});
    REQUIRE(chain.schedule.steps() == 4);
    for (isize k = 0; k < 4; ++k) {
        CHECK(near(chain.schedule.alpha_bar(k), full.alpha_bar(chain.timesteps[static_cast<std::size_t>(k)]), 1e-14));
    }
    CHECK(chain.schedule.beta(3) == 1);
    const auto one = respaced(full, list{42});
    CHECK(one.schedule.steps() == 1);
    CHECK(near(one.schedule.alpha_bar(0), full.alpha_bar(42), 1e-15));
    const auto all = respaced(full, all_timesteps(100));
    for (isize t = 0; t < 100; ++t) {
        CHECK(near(all.schedule.beta(t), full.beta(t), 1e-11));
    }
}

TEST_CASE("tables in float stay in float", "[grid]") {
    const noise_schedule<float32_tables> full{linear_beta{}, 1000};
    const auto chain = respaced(full, list{999, 0});
    static_assert(std::same_as<decltype(chain.schedule), noise_schedule<float32_tables>>);
    CHECK(near(static_cast<double>(chain.schedule.alpha_bar(1)), static_cast<double>(full.alpha_bar(999)), 1e-2));
}

TEST_CASE("timesteps that are not the chain's are errors", "[grid]") {
    const noise_schedule full{linear_beta{}, 10};
    try {
        (void)respaced(full, list{});
        FAIL("no error");
    } catch (const value_error& e) {
        CHECK(std::string(e.what()) == "respaced: number of timesteps; expected >= 1, got 0");
    }
    CHECK_THROWS_AS(respaced(full, list{10}), value_error);
    CHECK_THROWS_AS(respaced(full, list{3, 5}), value_error);
    CHECK_THROWS_AS(respaced(full, list{5, 5}), value_error);
}

}  // namespace ddpm::test
