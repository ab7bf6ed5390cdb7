// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Samplers on Gaussian data with the exact ε reproduce their own exact recursion of mean and variance, written here
// from the papers' formulas and not from the plans. Finite steps are biased; the recursion tends to the data's moments.

#include <ddpm/process/variance.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/gaussian_oracle.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {
namespace {

constexpr double data_mean = 0.7;
constexpr double data_variance = 0.09;

/// The moments of x at each timestep and, last, at the end.
std::vector<moments> recursion(const noise_schedule<>& schedule, const std::vector<isize>& timesteps,
                               const ancestral& sampler) {
    moments x{0, 1};
    std::vector<moments> all{x};
    for (std::size_t k = 0; k < timesteps.size(); ++k) {
        const double now = schedule.alpha_bar(timesteps[k]);
        const bool last = k + 1 == timesteps.size();
        const double next = last ? 1 : schedule.alpha_bar(timesteps[k + 1]);
        const double beta = 1 - now / next;
        const double small = (1 - next) / (1 - now) * beta;
        const double variance = sampler.variance == reverse_variance::fixed_small ? small : beta;
        x = linear_step(x, noise_level_of(now), data_mean, data_variance, std::sqrt(next) * beta / (1 - now),
                        std::sqrt(1 - beta) * (1 - next) / (1 - now), 0, last ? 0 : std::sqrt(variance));
        all.push_back(x);
    }
    return all;
}

std::vector<moments> recursion(const noise_schedule<>& schedule, const std::vector<isize>& timesteps,
                               const ddim& sampler) {
    moments x{0, 1};
    std::vector<moments> all{x};
    for (std::size_t k = 0; k < timesteps.size(); ++k) {
        const double now = schedule.alpha_bar(timesteps[k]);
        const double next = k + 1 == timesteps.size() ? 1 : schedule.alpha_bar(timesteps[k + 1]);
        const double sigma = sampler.eta * std::sqrt((1 - next) / (1 - now) * (1 - now / next));
        x = linear_step(x, noise_level_of(now), data_mean, data_variance, std::sqrt(next), 0,
                        std::sqrt(1 - next - sigma * sigma), sigma);
        all.push_back(x);
    }
    return all;
}

// n draws: the mean is normal with standard error √(v/n), the variance nearly so with v √(2/n). Five standard errors: a
// false alarm once in 1.7 million checks, of which there are 10,000, those of one run not independent.
template <class X>
void check_moments(const X& x, const moments& expected) {
    const double n = static_cast<double>(x.size());
    const double mean = x.template cast<double>().mean();
    const double variance = (x.template cast<double>() - mean).square().sum() / (n - 1);
    const bool good = std::abs(mean - expected.mean) < 5 * std::sqrt(expected.variance / n) &&
                      std::abs(variance - expected.variance) < 5 * expected.variance * std::sqrt(2 / n);
    INFO("mean " << mean << " of " << expected.mean << ", variance " << variance << " of " << expected.variance);
    CHECK(good);
}

template <Scalar S, class A>
void check_sampler(const A& sampler, const noise_schedule<>& schedule, isize steps, std::uint64_t seed) {
    const sample_options options{.steps = steps, .count = 2000, .shape = 10, .seed = seed};
    const gaussian_oracle<noise_schedule<>> oracle{schedule, data_mean, data_variance};
    const auto expected = recursion(schedule, make_timesteps(schedule.steps(), steps, options.spacing), sampler);
    INFO(steps << " steps");
    const batch<S> x = sample<S>(sampler, schedule, oracle, options, [&](const sample_step<S>& now) {
        if (now.step % 10 == 0 || steps <= 100) {
            check_moments(now.xt.array(), expected[static_cast<std::size_t>(now.step)]);
        }
        return true;
    });
    check_moments(x, expected.back());
}

}  // namespace

TEMPLATE_TEST_CASE("samplers reproduce their exact recursion on Gaussian data", "[sampler]", float, double) {
    using S = TestType;
    std::uint64_t seed = 1;
    for (const auto& schedule : {noise_schedule<>{linear_beta{}, 1000}, noise_schedule<>{cosine_beta{}, 1000}}) {
        for (const isize steps : {1000, 100, 10}) {
            check_sampler<S>(ancestral{.variance = reverse_variance::fixed_small}, schedule, steps, seed++);
            check_sampler<S>(ancestral{.variance = reverse_variance::fixed_large}, schedule, steps, seed++);
            check_sampler<S>(ddim{.eta = 0}, schedule, steps, seed++);
            check_sampler<S>(ddim{.eta = 0.5}, schedule, steps, seed++);
        }
    }
}

TEST_CASE("the recursions tend to the data's moments as T grows", "[sampler]") {
    const auto errors = [](const auto& sampler) {
        std::vector<double> found;
        for (const isize steps : {100, 1000, 10000}) {
            const noise_schedule<> schedule{
                linear_beta{.start = 0.1 / static_cast<double>(steps), .end = 20 / static_cast<double>(steps)}, steps};
            const moments x = recursion(schedule, all_timesteps(steps), sampler).back();
            found.push_back(std::abs(x.mean - data_mean) + std::abs(x.variance / data_variance - 1));
        }
        return found;
    };
    for (const auto& found : {errors(ancestral{}), errors(ddim{.eta = 0}), errors(ddim{.eta = 1})}) {
        INFO(found[0] << ", " << found[1] << ", " << found[2]);
        CHECK(found[1] < found[0] / 3);
        CHECK(found[2] < found[1] / 3);
        CHECK(found[2] < 0.005);
    }
}

}  // namespace ddpm::test
