// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/likelihood/bound_options.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"

#include <limits>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

/// The text of the error of these options for a schedule of ten timesteps; empty if there is none.
std::string error_of(const bound_options& options) {
    try {
        require_valid("here", options, 10);
        return {};
    } catch (const value_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("options of the bound that are in their domain are accepted", "[likelihood]") {
    const isize largest = std::numeric_limits<isize>::max();
    for (const bound_options& options : std::vector<bound_options>{
             {},
             {.timesteps = {9}},
             {.timesteps = {9, 4, 0}},
             {.timesteps = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
             {.steps_per_sample = 2},
             {.steps_per_sample = 10},
             {.timesteps = {5, 3}, .steps_per_sample = 2},
             {.timesteps = {4}, .steps_per_sample = 1},
             {.batch = 1},
             {.batch = largest},
             {.first_sample = largest},
             {.variance = reverse_variance::learned_range, .decoder = gaussian_decoder{}, .clip_denoised = false}}) {
        CHECK(error_of(options).empty());
    }
}

TEST_CASE("options of the bound that are outside their domain are refused by name", "[likelihood]") {
    const auto refuses = [](const bound_options& options, const char* what) {
        const std::string error = error_of(options);
        INFO(error);
        CHECK(contains(error, what));
        CHECK(contains(error, "here: "));
    };
    refuses({.decoder = discretized_decoder{.levels = 1}}, "levels");
    refuses({.timesteps = {10}}, "timestep at position 0");
    refuses({.timesteps = {3, -1}}, "timestep at position 1");
    refuses({.timesteps = {3, 3}}, "timestep at position 1");
    refuses({.timesteps = {3, 5}}, "timestep at position 1");
    for (const isize count : {-1, 1, 11}) {
        refuses({.steps_per_sample = count}, "steps per sample; expected 0, or in [2, 10]");
    }
    // Of a sub-sequence there are no more than it has.
    refuses({.timesteps = {5, 3}, .steps_per_sample = 3}, "steps per sample; expected 0, or in [2, 2]");
    refuses({.timesteps = {4}, .steps_per_sample = 2}, "steps per sample; expected 0, or in [1, 1]");
    refuses({.batch = 0}, "samples at once");
    refuses({.batch = -1}, "samples at once");
    refuses({.first_sample = -1}, "first sample");
}

}  // namespace ddpm::test
