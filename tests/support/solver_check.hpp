// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

// What solvers are tested with: grids of every kind of path, and exact networks that know the level of each evaluation.

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/run.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"

#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {

/// The exact network of Gaussian data for the run of one plan: it takes the levels from the plan, in the order of its
/// evaluations.
inline auto stage_network(const sampling_plan& plan, const gaussian_data& data, prediction kind) {
    return predicts(
        [&plan, data, kind, i = std::size_t{0}](batch_view<const double> xt, std::span<const double>,
                                                const model_output<double>& out) mutable {
            const noise_level<double> level = plan.stages()[i++].level;
            const affine from_x0 =
                kind == prediction::v && level.sigma == 0 ? affine{0, 0} : conversion(prediction::x0, kind, level);
            for (isize n = 0; n < xt.columns(); ++n) {
                for (isize e = 0; e < xt.rows(); ++e) {
                    const double x = xt.column(n)[e];
                    out.prediction.column(n)[e] = from_x0.xt * x + from_x0.value * data.x0(level, x);
                }
            }
        },
        kind);
}

enum class path_kind { preserving, exploding, flow };

inline noise_level<double> level_on(path_kind path, double ratio) {
    switch (path) {
        case path_kind::preserving:
            return variance_preserving_level(ratio);
        case path_kind::exploding:
            return {1, ratio};
        case path_kind::flow:
            break;
    }
    return {1 / (1 + ratio), std::isinf(ratio) ? 1 : ratio / (1 + ratio)};
}

/// Points at falling σ/α; times are σ.
inline time_grid grid_on(path_kind path, const std::vector<double>& ratios) {
    std::vector<grid_point> points;
    for (const double ratio : ratios) {
        const noise_level<double> level = level_on(path, ratio);
        points.push_back({level.sigma, level});
    }
    return time_grid(std::move(points));
}

struct named_grid {
    std::string name;
    time_grid grid;
};

/// Grids of uneven steps from much noise to none on every path, of one step and of several.
inline std::vector<named_grid> falling_grids() {
    std::vector<named_grid> grids;
    for (const auto& [name, path] :
         {std::pair{"preserving", path_kind::preserving}, std::pair{"exploding", path_kind::exploding},
          std::pair{"flow", path_kind::flow}}) {
        grids.push_back({std::string(name) + ", one step", grid_on(path, {12, 0})});
        grids.push_back({std::string(name) + ", two steps", grid_on(path, {12, 1.5, 0})});
        grids.push_back({name, grid_on(path, {12, 7.5, 4, 1.4, 1.3, 0.5, 0.11, 0.02, 0})});
        grids.push_back({std::string(name) + ", a level twice", grid_on(path, {12, 4, 4, 1.4, 0.5, 0.11, 0.11, 0})});
    }
    return grids;
}

/// The end of a run without noise, from a batch of the first point's flow.
inline batch<double> run_exactly(const sampling_plan& plan, const gaussian_data& data, prediction kind,
                                 batch<double> x) {
    auto network = stage_network(plan, data, kind);
    philox_noise noise(1, noise_stream::sampler);
    sampling_run<double, decltype(network), philox_noise> run(plan, network, noise, std::move(x));
    while (!run.done()) {
        run.step();
    }
    return std::move(run).take();
}

/// Data that is one point is found exactly, over every grid, whatever the network predicts.
template <class A>
void check_finds_point(const A& sampler) {
    const gaussian_data point{.mean = -0.7, .deviation = 0};
    for (const auto& [name, grid] : falling_grids()) {
        for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
            const noise_level<double>& first = grid[0].level;
            batch<double> x(3, 2);
            x << 0.3, -2, 1.1, 0.4, -0.2, 3;
            x = first.signal * point.mean + first.sigma * x;
            INFO(name << ", " << name_of(kind));
            CHECK((run_exactly(sampler.plan(grid), point, kind, x) - point.mean).abs().maxCoeff() < 1e-11);
        }
    }
}

/// Two plans give the same end for Gaussian data, to rounding, over every grid.
template <class A, class B>
void check_same(const A& a, const B& b, double tolerance = 1e-12) {
    const gaussian_data data{};
    for (const auto& [name, grid] : falling_grids()) {
        batch<double> x(3, 1);
        x << 0.3, -2, 1.1;
        x = grid[0].level.signal * data.mean + data.spread(grid[0].level) * x;
        INFO(name);
        CHECK((run_exactly(a.plan(grid), data, prediction::epsilon, x) -
               run_exactly(b.plan(grid), data, prediction::epsilon, x))
                  .abs()
                  .maxCoeff() < tolerance);
    }
}

/// A number that is linear in y = x/α at the beginning of a step and in its normals.
struct linear_value {
    double constant = 0;
    double y = 0;
    std::array<double, 2> z{};

    friend linear_value operator*(double a, linear_value v) {
        return {a * v.constant, a * v.y, {a * v.z[0], a * v.z[1]}};
    }
    friend linear_value operator+(linear_value a, linear_value b) {
        return {a.constant + b.constant, a.y + b.y, {a.z[0] + b.z[0], a.z[1] + b.z[1]}};
    }
    friend linear_value operator-(linear_value a, linear_value b) { return a + (-1) * b; }
};

/// The exact estimate of x_0 at σ/α = ratio, of y there.
inline linear_value estimate_at(const gaussian_data& data, double ratio, linear_value y) {
    const double gain = data.deviation * data.deviation / (data.deviation * data.deviation + ratio * ratio);
    return linear_value{.constant = (1 - gain) * data.mean} + gain * y;
}

struct unchanged {
    linear_value operator()(double, linear_value y) const { return y; }
};

/// Mean and variance of the samples after every step are those of a recursion in y = x/α, within five standard errors:
/// step(data, σ/α, the next σ/α, y) is the next y, and what is done before a step begin(σ/α, y).
template <class A, class Step, class Begin = unchanged>
void check_moments(const A& sampler, const time_grid& grid, const Step& step, const Begin& begin = {}) {
    constexpr isize count = 40000;
    const gaussian_data data{};
    const sampling_plan plan = sampler.plan(grid);
    philox_noise noise(23, noise_stream::sampler);
    batch<double> x(4, count / 4);
    noise.normal(batch_view<double>(x), 0, 0);
    double mean = data.mean, variance = std::pow(data.spread(grid[0].level) / grid[0].level.signal, 2);
    x = grid[0].level.signal * (mean + std::sqrt(variance) * x);
    auto network = stage_network(plan, data, prediction::epsilon);
    sampling_run<double, decltype(network), philox_noise> run(plan, network, noise, std::move(x));
    const auto pass = [&](const linear_value& next) {
        mean = next.constant + next.y * mean;
        variance = next.y * next.y * variance + next.z[0] * next.z[0] + next.z[1] * next.z[1];
    };
    pass(begin(noise_ratio(grid[0].level), linear_value{.y = 1}));
    for (isize k = 0; k < grid.steps(); ++k) {
        run.step();
        const double next = noise_ratio(grid[k + 1].level);
        pass(step(data, noise_ratio(grid[k].level), next, linear_value{.y = 1}));
        if (!run.done()) {
            pass(begin(next, linear_value{.y = 1}));
        }
        const batch<double> y = run.x().array() / (run.done() ? grid[k + 1].level : run.next().level).signal;
        const double found = y.mean(), found_variance = (y - found).square().mean();
        INFO("after step " << k << ": " << found << ", " << found_variance << "; expected " << mean << ", "
                           << variance);
        CHECK(std::abs(found - mean) <= 5 * std::sqrt(variance / count));
        CHECK(std::abs(found_variance - variance) <= 5 * variance * std::sqrt(2.0 / count));
    }
}

/// A sampler for convergence_order that runs on a grid of its own, made for a multiple of the number of steps.
template <class A, class MakeGrid>
struct over_grid {
    A sampler;
    MakeGrid make_grid;

    [[nodiscard]] sampling_plan plan(const time_grid& grid) const { return sampler.plan(make_grid(grid.steps())); }
};
template <class A, class MakeGrid>
over_grid(A, MakeGrid) -> over_grid<A, MakeGrid>;

/// `steps` equal steps of σ/α on variance-preserving levels, from λ = −1 to 1, with λ for time.
inline time_grid uniform_ratio_grid(isize steps) {
    const double from = std::exp(1.0), to = std::exp(-1.0);
    std::vector<grid_point> points;
    for (isize k = 0; k <= steps; ++k) {
        const double ratio = from + (to - from) * static_cast<double>(k) / static_cast<double>(steps);
        points.push_back({-std::log(ratio), variance_preserving_level(ratio)});
    }
    return time_grid(std::move(points));
}

}  // namespace ddpm::test
