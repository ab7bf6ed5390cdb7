// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/detail/timestep_sampler.hpp>

#include <ddpm/loss/weighting.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/time_sampler.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

template <Scalar S>
using timestep_sampler = time_sampler<noise_schedule<>, S>;

struct named_sampling {
    const char* name;
    time_sampling sampling;
};

/// Every way to choose timesteps whose estimates are to be unbiased.
std::vector<named_sampling> unbiased_samplings() {
    return {{"uniform", uniform_times{}},
            {"antithetic", antithetic_times{}},
            {"stratified", stratified_times{}},
            {"stratified, one offset", stratified_times{.one_offset = true}},
            {"importance", importance_times{}},
            {"importance, history 2", importance_times{.history = 2, .uniform_probability = 0.1}},
            {"log-normal", log_normal_times{.unbiased = true, .uniform_probability = 0.1}},
            {"logit-normal", logit_normal_times{.unbiased = true, .uniform_probability = 0.1}},
            {"logit-normal, shifted", logit_normal_times{0.5, 1.5, true, 0.05}}};
}

/// Tells a sampler so many losses f(t) · (1 ± spread) of each t.
template <Scalar S>
void teach(timestep_sampler<S>& sampler, isize steps, isize count, const std::function<double(isize)>& f,
           double spread = 0) {
    std::vector<isize> t;
    std::vector<double> losses;
    for (isize k = 0; k < count; ++k) {
        for (isize at = 0; at < steps; ++at) {
            t.push_back(at);
            losses.push_back(f(at) * (1 + (k % 2 == 0 ? spread : -spread)));
        }
    }
    sampler.record(t, losses);
}

struct weighted_mean {
    double mean, variance, standard_error;
};

/// The mean over `runs` steps of the weighted mean of f over a batch.
template <Scalar S>
weighted_mean estimated(const timestep_sampler<S>& sampler, const std::function<double(isize)>& f, isize batch,
                        isize runs) {
    double sum = 0, squares = 0;
    for (isize step = 0; step < runs; ++step) {
        double mean = 0;
        for (isize n = 0; n < batch; ++n) {
            const drawn_time<isize> drawn = sampler(step, n, batch);
            mean += drawn.weight * f(drawn.t) / static_cast<double>(batch);
        }
        sum += mean;
        squares += mean * mean;
    }
    const double n = static_cast<double>(runs), mean = sum / n;
    const double variance = std::max(0.0, squares / n - mean * mean) * n / (n - 1);
    return {mean, variance, std::sqrt(variance / n)};
}

double full_mean(isize steps, const std::function<double(isize)>& f) {
    double sum = 0;
    for (isize t = 0; t < steps; ++t) {
        sum += f(t);
    }
    return sum / static_cast<double>(steps);
}

}  // namespace

TEST_CASE("the weighted estimate of a sum over t is unbiased for every sampler and weighting", "[train]") {
    const isize steps = 200;
    const noise_schedule schedule{linear_beta{.start = 5e-4, .end = 0.1}, steps};
    const std::vector<loss_weighting> weightings{
        uniform_weighting{}, snr_weighting{},          truncated_snr_weighting{},
        min_snr_weighting{}, soft_min_snr_weighting{}, p2_weighting{},
        edm_weighting{},     vdm_weighting{},          continuous_vdm_weighting{}};
    for (const auto& [name, sampling] : unbiased_samplings()) {
        for (const loss_weighting& weighting : weightings) {
            std::vector<double> values;
            for (isize t = 0; t < steps; ++t) {
                // The error of a network: large where there is little noise.
                const double error = 1 / (1 + 40 * (1 - schedule.alpha_bar(t))) + 0.01;
                values.push_back(error * weight_at(schedule, weighting, prediction::epsilon, t));
            }
            const auto f = [&](isize t) { return values[static_cast<std::size_t>(t)]; };
            timestep_sampler<float> sampler(sampling, schedule, 3);
            teach(sampler, steps, 10, f, 0.3);
            const double full = full_mean(steps, f);
            const weighted_mean found = estimated(sampler, f, 7, 4000);
            INFO(name << ", weighting " << weighting.index() << ": mean " << found.mean << ", should be " << full
                      << ", standard error " << found.standard_error << ", variance " << found.variance);
            CHECK(std::abs(found.mean - full) <= 5 * found.standard_error + 1e-12 * full);
            CHECK(found.standard_error < 0.2 * full);  // the check above says something
        }
    }
}

TEST_CASE("samplers lower the variance as they should", "[train]") {
    const isize steps = 100;
    const noise_schedule schedule{cosine_beta{}, steps};
    const auto peaked = [](isize t) { return t == 0 ? 60.0 : t == 1 ? 20.0 : 0.2 + 0.002 * static_cast<double>(t); };
    const auto slope = [](isize t) { return static_cast<double>(t); };
    const auto variance = [&](const time_sampling& sampling, const std::function<double(isize)>& f) {
        timestep_sampler<double> sampler(sampling, schedule, 1);
        teach(sampler, steps, 10, f);
        return estimated(sampler, f, 8, 2000).variance;
    };
    const double uniform = variance(uniform_times{}, peaked), importance = variance(importance_times{}, peaked);
    INFO("variance on a peak: uniform " << uniform << ", importance " << importance << ", factor "
                                        << uniform / importance);
    CHECK(importance < 1e-3 * uniform);
    const double by_itself = variance(uniform_times{}, slope);
    INFO("variance on a slope: " << by_itself << ", stratified " << variance(stratified_times{}, slope) << ", comb "
                                 << variance(stratified_times{true}, slope) << ", antithetic "
                                 << variance(antithetic_times{}, slope));
    CHECK(variance(stratified_times{}, slope) < 0.03 * by_itself);      // 1/64 for 8 strata
    CHECK(variance(stratified_times{true}, slope) < 0.15 * by_itself);  // 1/8 of that of one sample
    CHECK(variance(antithetic_times{}, slope) < 1e-12 * by_itself);
}

TEST_CASE("uniform timesteps are the words of the stream at their address", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 123};
    const timestep_sampler<float> sampler(uniform_times{}, schedule, 9);
    timestep_sampler<float> untaught(importance_times{}, schedule, 9);
    CHECK_FALSE(sampler.weighs());
    CHECK_FALSE(sampler.learns());
    CHECK(untaught.learns());
    const philox_noise words(9, noise_stream::timestep);
    for (isize step = 0; step < 20; ++step) {
        for (isize n = 0; n < 20; ++n) {
            CHECK(sampler(step, n, 20).t == words.below(123, n, step));
            CHECK(sampler(step, n, 20).weight == 1);
            CHECK(untaught(step, n, 20).t == words.below(123, n, step));
            CHECK(untaught(step, n, 20).weight == 1);
        }
    }
}

TEST_CASE("antithetic timesteps come in pairs, stratified ones each from its stratum", "[train]") {
    const isize steps = 90, batch = 30;
    const noise_schedule schedule{cosine_beta{}, steps};
    const timestep_sampler<float> pairs(antithetic_times{}, schedule, 9), strata(stratified_times{}, schedule, 9),
        comb(stratified_times{true}, schedule, 9);
    for (isize step = 0; step < 50; ++step) {
        std::vector<isize> places;
        for (isize n = 0; n < batch; ++n) {
            CHECK(pairs(step, n, batch).t == steps - 1 - pairs(step, n ^ 1, batch).t);
            CHECK(strata(step, n, batch).t / 3 == n);
            places.push_back(comb(step, n, batch).t);
        }
        std::sort(places.begin(), places.end());
        for (std::size_t n = 1; n < places.size(); ++n) {
            CHECK(places[n] - places[n - 1] == 3);
        }
    }
    isize same = 0;
    for (isize n = 0; n < batch; ++n) {
        same += strata(0, n, batch).t == strata(1, n, batch).t ? 1 : 0;
    }
    CHECK(same < batch / 2);
}

TEST_CASE("importance is the root mean square of the last losses, uniform until all are there", "[train]") {
    const noise_schedule<> schedule{std::vector<double>{0.1, 0.2, 0.3}};
    timestep_sampler<double> sampler(importance_times{.history = 3, .uniform_probability = 0.25}, schedule, 9);
    const std::vector<isize> t{0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 1};
    const std::vector<double> losses{100, 200, 1, 3, 1, 2, 4, 2, 5, 3, 4};
    sampler.record(t, losses);
    for (isize n = 0; n < 50; ++n) {
        CHECK(sampler(0, n, 50).weight == 1);  // t = 2 has two
    }
    sampler.record(std::vector<isize>{2}, std::vector<double>{2});
    const double shares[] = {std::sqrt((9 + 16 + 25) / 3.0), std::sqrt((4 + 9 + 16) / 3.0),
                             std::sqrt((1 + 4 + 4) / 3.0)};
    const double sum = shares[0] + shares[1] + shares[2];
    double counts[3] = {};
    const isize draws = 30000;
    for (isize n = 0; n < draws; ++n) {
        const drawn_time<isize> drawn = sampler(0, n, draws);
        const double p = 0.75 * shares[drawn.t] / sum + 0.25 / 3;
        CHECK(std::abs(drawn.weight * 3 * p - 1) <= 1e-12);
        ++counts[drawn.t];
    }
    for (int k = 0; k < 3; ++k) {
        const double p = 0.75 * shares[k] / sum + 0.25 / 3, n = static_cast<double>(draws);
        CHECK(std::abs(counts[k] - n * p) <= 5 * std::sqrt(n * p * (1 - p)));
    }
    sampler.forget();
    CHECK(sampler(0, 1, 2).weight == 1);

    timestep_sampler<double> zero(importance_times{.history = 1}, schedule, 9);
    zero.record(std::vector<isize>{0, 1, 2}, std::vector<double>{0, 0, 0});
    CHECK(std::abs(zero(0, 1, 2).weight - 1) <= 1e-12);
    timestep_sampler<float> huge(importance_times{.history = 1}, schedule, 9);
    huge.record(std::vector<isize>{0, 1, 2}, std::vector<double>{1e300, 1, 1});
    CHECK(huge(0, 1, 2).t == 0);
}

TEST_CASE("counts from a file that make no sense do no harm", "[train]") {
    const noise_schedule<> schedule{std::vector<double>{0.1, 0.2, 0.3}};
    for (const float count : {-1.0f, 1e9f, 0.5f, std::numeric_limits<float>::quiet_NaN()}) {
        timestep_sampler<float> sampler(importance_times{.history = 2}, schedule, 9);
        timestep_sampler<float>::visit_state(
            sampler, [&](const char*, auto& state) { std::fill(state.values().begin(), state.values().end(), count); });
        sampler.refresh();
        for (int step = 0; step < 3; ++step) {
            sampler.record(std::vector<isize>{0, 1, 2}, std::vector<double>{3, 2, 1});
            CHECK(sampler(step, 0, 1).t < 3);
        }
    }
}

TEST_CASE("normal timesteps are the nearest to what a normal gives", "[train]") {
    const isize steps = 50, draws = 20000;
    const noise_schedule schedule{cosine_beta{}, steps};
    const batch<double> z = random_batch(1, draws, 5);
    const auto check = [&](const time_sampling& sampling, const std::function<isize(double)>& timestep_of) {
        const timestep_sampler<float> sampler(sampling, schedule, 2);
        std::vector<double> found(steps), expected(steps);
        for (isize n = 0; n < draws; ++n) {
            const drawn_time<isize> drawn = sampler(0, n, draws);
            CHECK(drawn.weight == 1);
            ++found[static_cast<std::size_t>(drawn.t)];
            ++expected[static_cast<std::size_t>(timestep_of(z(0, n)))];
        }
        for (std::size_t t = 0; t < found.size(); ++t) {
            INFO("t = " << t << ": " << found[t] << " and " << expected[t]);
            CHECK(std::abs(found[t] - expected[t]) <= 5 * std::sqrt(found[t] + expected[t] + 1));
        }
    };
    check(log_normal_times{-1, 1.5}, [&](double normal) {
        isize nearest = 0;
        double least = std::numeric_limits<double>::infinity();
        for (isize t = 0; t < steps; ++t) {
            const double distance = std::abs(-0.5 * std::log(detail::snr_at(schedule, t)) - (-1 + 1.5 * normal));
            nearest = distance < least ? t : nearest;
            least = std::min(least, distance);
        }
        return nearest;
    });
    check(logit_normal_times{0.4, 0.8}, [&](double normal) {
        return static_cast<isize>(static_cast<double>(steps) / (1 + std::exp(-(0.4 + 0.8 * normal))));
    });
}

TEST_CASE("tails of a normal keep their mass", "[train]") {
    CHECK(std::abs(detail::normal_mass(-1, 1) - 0.6826894921370859) <= 1e-15);
    CHECK(std::abs(detail::normal_mass(6, HUGE_VAL) / 9.865876450376946e-10 - 1) <= 1e-12);
    CHECK(std::abs(detail::normal_mass(-HUGE_VAL, -6) / 9.865876450376946e-10 - 1) <= 1e-12);
    CHECK(detail::normal_mass(-HUGE_VAL, HUGE_VAL) == 1);
}

TEST_CASE("a timestep without probability is never drawn", "[train]") {
    detail::timestep_table table;
    table.assign(
        5, [](isize t) { return t == 1 || t == 3 ? 1.0 : 0.0; }, 0);
    CHECK(table.at(0) == 1);
    CHECK(table.at(0.5) == 3);
    CHECK(table.at(std::nextafter(0.5, 0)) == 1);
    CHECK(table.at(std::nextafter(1.0, 0)) == 3);
}

TEST_CASE("samplers of timesteps refuse what they cannot do", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 1000};
    const auto refuses = [&](const time_sampling& sampling) {
        CHECK_THROWS_AS(timestep_sampler<float>(sampling, schedule, 0), value_error);
    };
    refuses(importance_times{.history = 0});
    refuses(log_normal_times{.mean = -40, .unbiased = true});  // no mass at most t
    CHECK_NOTHROW(timestep_sampler<float>(log_normal_times{.mean = -40}, schedule, 0));
}

}  // namespace ddpm::test
