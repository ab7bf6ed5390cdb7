// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/loss/bound_term.hpp>

#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <span>

namespace ddpm::test {
namespace {

constexpr std::array<float, 3> bound_term_x0{-0.5f, 0, 1}, bound_term_xt{0.25f, -1, 2}, bound_term_eps{0.5f, -0.75f, 1};

bound_sums bound_term_sums(const bound_step& step, std::span<const float> head = {}) {
    return bound_sums_of<float>(step, gaussian_decoder{}, bound_term_x0, bound_term_xt, bound_term_eps, head);
}

}  // namespace

TEST_CASE("a term of the bound is the KL divergence of two Gaussians", "[loss]") {
    const noise_schedule<> schedule(linear_beta{.start = 0.01, .end = 0.3}, 10);
    const isize t = 6, s = 5;
    const auto posterior = posterior_at(schedule, s, t);
    const affine to_x0 = conversion(prediction::epsilon, prediction::x0, noise_level_at(schedule, t));
    const double variance = reverse_variance_at(schedule, reverse_variance::fixed_large, t, s);
    double divergence = 0, squared_error = 0;
    for (std::size_t i = 0; i < bound_term_x0.size(); ++i) {
        const double x0 = static_cast<double>(bound_term_x0[i]);
        const double estimate =
            to_x0.xt * static_cast<double>(bound_term_xt[i]) + to_x0.value * static_cast<double>(bound_term_eps[i]);
        const double difference = posterior.x0 * (x0 - estimate);
        const double ratio = posterior.variance / variance;
        divergence += (ratio - 1 - std::log(ratio) + difference * difference / variance) / 2;
        squared_error += (estimate - x0) * (estimate - x0);
    }
    const bound_sums sums =
        bound_term_sums(bound_step_at(schedule, prediction::epsilon, reverse_variance::fixed_large, t, s));
    CHECK(sums.term == Approx(divergence).epsilon(1e-12));
    CHECK(sums.squared_error == Approx(squared_error).epsilon(1e-12));
}

TEST_CASE("the last term of the bound is a likelihood of the data", "[loss]") {
    const noise_schedule<> schedule(linear_beta{.start = 0.01, .end = 0.3}, 10);
    const affine to_x0 = conversion(prediction::epsilon, prediction::x0, noise_level_at(schedule, 0));
    const bound_step step = bound_step_at(schedule, prediction::epsilon, reverse_variance::learned, 0, clean);
    const std::array<float, 3> head{-2, -1, 0.5f};
    double expected = 0;
    for (std::size_t i = 0; i < head.size(); ++i) {
        const double estimate =
            to_x0.xt * static_cast<double>(bound_term_xt[i]) + to_x0.value * static_cast<double>(bound_term_eps[i]);
        expected -= log_likelihood(gaussian_decoder{}, static_cast<double>(bound_term_x0[i]), estimate,
                                   static_cast<double>(head[i]) / 2)
                        .log_likelihood;
    }
    CHECK(bound_term_sums(step, head).term == Approx(expected).epsilon(1e-12));
    CHECK_THROWS_AS(bound_term_sums(step), shape_error);
    CHECK_THROWS_AS(bound_term_sums(step, std::span(head).first(2)), shape_error);
}

}  // namespace ddpm::test
