// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// For data whose density is known and the perfect network, the likelihoods are what they should be. That of the
// probability flow is tested with it.

#include <ddpm/likelihood/variational_bound.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/predictor/mixture_posterior.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/mixtures.hpp"

#include <cmath>
#include <cstdint>
#include <iostream>
#include <string_view>
#include <vector>

namespace ddpm::test {
namespace {

/// How far the variational bound lies above the exact entropy of the data, in nats per dimension.
///
/// Its noise comes from the data, whose exact density is known for each sample, and from the least noisy steps, where a
/// term is nearly ½ ε². Those steps are measured with more samples, and both errors by the spread over independent
/// parts.
template <NoiseSchedule Schedule>
mean_estimate gap(const gaussian_mixture& mixture, const Schedule& schedule, reverse_variance variance, isize samples) {
    constexpr isize parts = 10, clean_steps = 64, more = 60;
    const mixture_oracle oracle(mixture, schedule, prediction::v);
    std::vector<isize> least_noisy;
    for (isize t = clean_steps - 1; t >= 0; --t) {
        least_noisy.push_back(t);
    }
    detail::running_mean noisy, nearly_clean;
    for (isize part = 0; part < parts; ++part) {
        bound_options options{
            .variance = variance, .decoder = gaussian_decoder{}, .batch = 500, .first_sample = part * samples * more};
        const auto seed = 2 * static_cast<std::uint64_t>(part) + 1;
        const batch<double> x = mixture.sample(samples, seed);
        const bound_result all = variational_bound(schedule, oracle, x, options);
        double sum = all.prior.mean + log_density(mixture, x, noise_level<double>{1, 0}).mean() /
                                          static_cast<double>(mixture.dimension());
        for (const bound_term& term : all.terms) {
            sum += term.t >= clean_steps ? term.nats.mean : 0;
        }
        noisy.add(sum);

        options.timesteps = least_noisy;
        sum = 0;
        for (const bound_term& term :
             variational_bound(schedule, oracle, mixture.sample(samples * more, seed + 1), options).terms) {
            sum += term.nats.mean;
        }
        nearly_clean.add(sum);
    }
    const mean_estimate a = noisy.mean_and_error(), b = nearly_clean.mean_and_error();
    return {a.mean + b.mean, std::hypot(a.error, b.error)};
}

void print(std::string_view what, std::string_view variance, const mean_estimate& above) {
    std::cout << what << " mixture, " << variance << ": " << above << " nats per dimension above the entropy\n";
}

}  // namespace

TEST_CASE("with the perfect network and the optimal variance the bound is the entropy of the data",
          "[likelihood][slow]") {
    const noise_schedule<> schedule{cosine_beta{}, 4000};
    for (const named_mixture& named : all_mixtures(4)) {
        if (named.name == "isotropic") {
            continue;  // takes its time, and is a diagonal one
        }
        const mean_estimate above = gap(named.mixture, schedule, reverse_variance::optimal, 100);
        print(named.name, "optimal", above);
        CHECK(above.error < 0.0035);
        CHECK(std::abs(above.mean) < 0.01);
    }
}

TEST_CASE("with fixed variances the bound stays above the entropy", "[likelihood][slow]") {
    const noise_schedule<> schedule{cosine_beta{}, 4000};
    for (const named_mixture& named : all_mixtures(4)) {
        const mean_estimate small = gap(named.mixture, schedule, reverse_variance::fixed_small, 25);
        print(named.name, "fixed_small", small);
        CHECK(std::abs(small.mean - 0.48) < 0.05);
        const mean_estimate large = gap(named.mixture, schedule, reverse_variance::fixed_large, 25);
        print(named.name, "fixed_large", large);
        CHECK(std::abs(large.mean - 0.15) < 0.05);
    }
}

}  // namespace ddpm::test
