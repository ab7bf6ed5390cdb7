// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/options.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// The text of the error of these options; empty if there is none.
template <Scalar S>
std::string trainer_error(const trainer_options& options) {
    try {
        detail::require_valid<S>(options);
        return {};
    } catch (const value_error& error) {
        return error.what();
    }
}

}  // namespace

TEMPLATE_TEST_CASE("options of a trainer that are in their domain are accepted", "[train]", float, double) {
    for (const trainer_options& options : std::vector<trainer_options>{{},
                                                                       {.batch = 1},
                                                                       {.batch = (isize{1} << 32) - 1},
                                                                       {.batch = 2, .micro_batch = 5},
                                                                       {.learning_rate = 0},
                                                                       {.largest_gradient_norm = 0},
                                                                       {.largest_gradient_norm = unlimited},
                                                                       {.self_conditioning = 1},
                                                                       {.offset_noise = 0.1}}) {
        CHECK(trainer_error<TestType>(options).empty());
    }
}

TEMPLATE_TEST_CASE("options of a trainer outside their domain are refused by name", "[train]", float, double) {
    const auto refuses = [](const char* what, const trainer_options& options) {
        const std::string error = trainer_error<TestType>(options);
        INFO(error);
        CHECK(contains(error, std::string("trainer: ") + what + "; expected "));
    };
    refuses("batch", {.batch = 0});
    refuses("batch", {.batch = isize{1} << 32});
    refuses("micro_batch", {.micro_batch = -1});
    for (const double wrong : {-1.0, std::nan(""), unlimited}) {
        refuses("learning_rate", {.learning_rate = wrong});
        refuses("offset_noise", {.offset_noise = wrong});
    }
    for (const double wrong : {-1.0, std::nan("")}) {
        refuses("largest_gradient_norm", {.largest_gradient_norm = wrong});
    }
    for (const double wrong : {-0.1, 1.1, std::nan("")}) {
        refuses("self_conditioning", {.self_conditioning = wrong});
    }
    CHECK_FALSE(trainer_error<TestType>({.rate_schedule = {.warm_up_steps = -1}}).empty());
}

TEST_CASE("options of a trainer are refused where the network's scalar cannot hold them", "[train]") {
    for (const trainer_options& options :
         std::vector<trainer_options>{{.largest_gradient_norm = 1e-60}, {.offset_noise = 1e39}}) {
        CHECK_FALSE(trainer_error<float>(options).empty());
        CHECK(trainer_error<double>(options).empty());
    }
}

TEST_CASE("a fit has a number of steps, and the whole training no more than there are numbers for", "[train]") {
    CHECK(fit_options{}.steps == 1000);
    CHECK(fit_options{}.most_skipped == 0);
    CHECK_NOTHROW(detail::require_steps({.steps = 0}, 0, 100));
    CHECK_NOTHROW(detail::require_steps({.steps = 100}, 0, 100));
    CHECK_NOTHROW(detail::require_steps({.steps = 60}, 40, 100));
    CHECK_THROWS_AS(detail::require_steps({.steps = 61}, 40, 100), value_error);
    CHECK_THROWS_AS(detail::require_steps({.steps = -1}, 0, 100), value_error);
    CHECK_THROWS_AS(detail::require_steps({.steps = std::numeric_limits<isize>::max()}, 40, 100), value_error);
    CHECK_THROWS_AS(detail::require_steps({.most_skipped = -1}, 0, 10000), value_error);
    // With other data fewer steps may be the last, and no step is one of them.
    CHECK_NOTHROW(detail::require_steps({.steps = 0}, 40, 30));
    CHECK_THROWS_AS(detail::require_steps({.steps = 1}, 40, 30), value_error);
}

}  // namespace ddpm::test
