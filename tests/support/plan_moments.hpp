// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

// What a plan does to one number, with the exact network of Gaussian data: every quantity is then a linear function of
// the initial x and of the draws, so that its mean and variance are known.

#include <ddpm/sampler/plan.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace ddpm::test {

/// offset + start · x + Σ draws(d) z_d, of the initial x and of the draws.
struct linear_state {
    Eigen::ArrayXd factors;  // offset, start, draws

    [[nodiscard]] double offset() const { return factors(0); }
    [[nodiscard]] double start() const { return factors(1); }
    [[nodiscard]] double mean(double of_start) const { return factors(0) + factors(1) * of_start; }
    [[nodiscard]] double variance(double of_start) const {
        return factors(1) * factors(1) * of_start + factors.tail(factors.size() - 2).square().sum();
    }
};

/// x at every evaluation, then at the end, as the plan's assignments say, with E[x_0|x] of the data for the estimates.
inline std::vector<linear_state> propagate(const sampling_plan& plan, const gaussian_data& data) {
    const Eigen::Index size = 2 + static_cast<Eigen::Index>(plan.draws().size());
    Eigen::ArrayXd x = Eigen::ArrayXd::Zero(size), base = x;
    x(1) = 1;
    std::vector<Eigen::ArrayXd> x0, eps;
    const auto apply = [&](const std::vector<assignment>& assignments) {
        for (const assignment& a : assignments) {
            Eigen::ArrayXd sum = Eigen::ArrayXd::Zero(size);
            for (const term& t : a.terms) {
                switch (t.of) {
                    case quantity::x:
                        sum += t.factor * x;
                        break;
                    case quantity::base:
                        sum += t.factor * base;
                        break;
                    case quantity::x0:
                        sum += t.factor * x0[static_cast<std::size_t>(t.number)];
                        break;
                    case quantity::eps:
                        sum += t.factor * eps[static_cast<std::size_t>(t.number)];
                        break;
                    case quantity::noise:
                        sum(2 + t.number) += t.factor;
                        break;
                    case quantity::spread_noise:  // which no plan here has
                        break;
                }
            }
            (a.target == quantity::x ? x : base) = sum;
        }
    };
    std::vector<linear_state> states;
    apply(plan.before());
    for (const stage& s : plan.stages()) {
        states.push_back({x});
        const double at_zero = data.x0(s.level, 0), slope = data.x0(s.level, 1) - at_zero;
        x0.push_back(slope * x);
        x0.back()(0) += at_zero;
        eps.push_back((x - s.level.signal * x0.back()) / s.level.sigma);
        apply(s.then);
    }
    states.push_back({x});
    return states;
}

/// Runs a plan over variance-preserving levels whose times are λ, on 20000 samples that begin as N(0.3, 0.8²), and
/// compares the samples' mean and variance with the plan's at every evaluation and at the end, within 5 standard
/// errors.
inline void check_moments(const sampling_plan& plan, const gaussian_data& data = {}) {
    constexpr isize count = 20000;
    constexpr double mean = 0.3, deviation = 0.8;
    const auto states = propagate(plan, data);
    auto network = exact_network(data, prediction::epsilon);
    philox_noise noise(5, noise_stream::sampler);
    batch<double> x(1, count);
    noise.normal(batch_view<double>(x), 0);
    x = mean + deviation * x;
    sampling_run<double, decltype(network), philox_noise> run(plan, network, noise, std::move(x));
    for (std::size_t k = 0; k < states.size(); ++k) {
        const auto values = run.x().array();
        const double got_mean = values.mean(), got_variance = (values - got_mean).square().sum() / (count - 1.0);
        const double want_mean = states[k].mean(mean), want_variance = states[k].variance(deviation * deviation);
        INFO("evaluation " << k << ": mean " << got_mean << " for " << want_mean << ", variance " << got_variance
                           << " for " << want_variance);
        CHECK(std::abs(got_mean - want_mean) < 5 * std::sqrt(want_variance / count));
        CHECK(std::abs(got_variance - want_variance) < 5 * want_variance * std::sqrt(2.0 / count));
        run.advance();
    }
}

/// Falling levels that preserve the variance, that do not, and of a flow: inner ones, those with data at the end, and
/// those without signal at the beginning as well.
inline std::vector<time_grid> all_kinds_of_levels() {
    const auto grid = [](const auto& level_at, std::vector<double> ratios) {
        std::vector<grid_point> points;
        for (const double r : ratios) {
            points.push_back({1000 * r / (1 + r), level_at(r)});
        }
        return time_grid(std::move(points));
    };
    const std::vector<double> inner{30, 8, 3, 1.5, 1, 0.5, 0.2, 0.05};
    std::vector<double> to_data = inner;
    to_data.push_back(0);
    const auto preserving = [](double r) { return variance_preserving_level(r); };
    const auto exploding = [](double r) { return noise_level<double>{1, r}; };
    const auto flow = [](double r) { return noise_level<double>{1 / (1 + r), r / (1 + r)}; };
    std::vector<time_grid> grids;
    for (const auto& ratios : {inner, to_data}) {
        grids.push_back(grid(preserving, ratios));
        grids.push_back(grid(exploding, ratios));
        grids.push_back(grid(flow, ratios));
    }
    grids.push_back(time_grid({{1000, {0, 1}}, {900, {0.1, 0.9}}, {700, {0.3, 0.7}}, {400, {0.6, 0.4}}, {0, {1, 0}}}));
    grids.push_back(time_grid({{1000, {0, 1}}, {0, {1, 0}}}));
    grids.push_back(time_grid({{500, {0.5, 0.5}}, {0, {0.9, 0.1}}}));
    return grids;
}

/// Data that is one number: the estimate of x_0 is always m, and that of ε stays what it is at the beginning.
/// @returns the largest error of the mean at the grid's points
inline double constant_error(const sampling_plan& plan) {
    constexpr double m = -0.7;
    const auto states = propagate(plan, {.mean = m, .deviation = 0});
    const auto error_at = [&](std::size_t k, double e) {
        const noise_level<double>&first = plan.grid()[0].level, &level = plan.grid()[static_cast<isize>(k)].level;
        return std::abs(states[k].mean(first.signal * m + first.sigma * e) - level.signal * m - level.sigma * e);
    };
    double largest = 0;
    const bool stochastic = !plan.draws().empty();
    for (std::size_t k = 0; k < states.size(); ++k) {
        for (const double e : {0.0, 1.3}) {
            const double error = e != 0 && stochastic ? 0 : error_at(k, e);
            if (std::isnan(error)) {
                return error;  // which no maximum would keep
            }
            largest = std::max(largest, error);
        }
    }
    return largest;
}

/// Whether each step of a plan with one evaluation a step carries α_s x_0 + σ_s ε to α_t x_0 + σ_t ε: the step of DDIM.
inline bool is_ddim(const sampling_plan& plan) {
    for (std::size_t k = 0; k < plan.stages().size(); ++k) {
        const auto &from = plan.grid()[static_cast<isize>(k)].level, &to = plan.grid()[static_cast<isize>(k) + 1].level;
        double x0 = 0, eps = 0;
        for (const term& t : plan.stages()[k].then.back().terms) {
            if (t.of != quantity::x && t.number != static_cast<isize>(k)) {
                return false;
            }
            x0 += t.factor * (t.of == quantity::x ? from.signal : t.of == quantity::x0 ? 1 : 0);
            eps += t.factor * (t.of == quantity::x ? from.sigma : t.of == quantity::eps ? 1 : 0);
        }
        if (std::abs(x0 - to.signal) > 1e-14 * (1 + to.signal) || std::abs(eps - to.sigma) > 1e-14 * (1 + to.sigma)) {
            return false;
        }
    }
    return true;
}

}  // namespace ddpm::test
