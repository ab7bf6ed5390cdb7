// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

// Solvers on Gaussian data, whose flow is known exactly: x_t = α m + √(α² s² + σ²) · c with the same c at every level.

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/run.hpp>

#include <cmath>
#include <vector>

namespace ddpm::test {

/// Data N(mean, deviation²) in every element.
struct gaussian_data {
    double mean = 0.4;
    double deviation = 0.5;

    /// The point of the flow with coordinate c.
    [[nodiscard]] double flow(const noise_level<double>& level, double c) const {
        return level.signal * mean + c * spread(level);
    }

    [[nodiscard]] double spread(const noise_level<double>& level) const {
        return std::hypot(level.signal * deviation, level.sigma);
    }

    /// E[x_0|x].
    [[nodiscard]] double x0(const noise_level<double>& level, double x) const {
        const double gain = level.signal * deviation * deviation / (spread(level) * spread(level));
        return mean + gain * (x - level.signal * mean);
    }
};

/// The exact network for such data; the time it is told is λ = ln(α/σ) of a variance-preserving level.
inline auto exact_network(const gaussian_data& data, prediction kind) {
    return predicts(
        [data, kind](batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) {
            for (isize n = 0; n < xt.columns(); ++n) {
                const auto level = variance_preserving_level(std::exp(-t[static_cast<std::size_t>(n)]));
                const affine from_x0 = conversion(prediction::x0, kind, level);
                for (isize i = 0; i < xt.rows(); ++i) {
                    const double x = xt.column(n)[i];
                    out.prediction.column(n)[i] = from_x0.xt * x + from_x0.value * data.x0(level, x);
                }
            }
        },
        kind);
}

/// `steps` equal steps of λ on variance-preserving levels.
inline time_grid uniform_lambda_grid(isize steps, double from = -2, double to = 2) {
    std::vector<grid_point> points;
    for (isize k = 0; k <= steps; ++k) {
        const double lambda = from + (to - from) * static_cast<double>(k) / static_cast<double>(steps);
        points.push_back({lambda, variance_preserving_level(std::exp(-lambda))});
    }
    return time_grid(std::move(points));
}

/// The error at the end of a run over the grid, at three points of the flow. The state is set to the exact flow before
/// each of the first `exact` evaluations at grid points, so that a multistep method starts with an exact history.
inline double end_error(const sampling_plan& plan, prediction kind, isize exact = 1, const gaussian_data& data = {}) {
    const double coordinates[] = {-1.3, 0.4, 1.7};
    const auto flow_at = [&](const noise_level<double>& level) {
        batch<double> x(3, 1);
        for (isize i = 0; i < 3; ++i) {
            x(i, 0) = data.flow(level, coordinates[i]);
        }
        return x;
    };
    auto network = exact_network(data, kind);
    philox_noise noise(0, noise_stream::sampler);
    sampling_run<double, decltype(network), philox_noise> run(plan, network, noise, flow_at(plan.grid()[0].level));
    isize begun = -1;
    while (!run.done()) {
        if (run.next().step != begun && run.next().step < exact) {
            begun = run.next().step;
            run.x().array() = flow_at(plan.grid()[begun].level);
        }
        run.advance();
    }
    return (run.x().array() - flow_at(plan.grid()[plan.grid().steps()].level)).abs().maxCoeff();
}

/// The order at which the error falls with the step, fitted by least squares in double logarithms over 20, 28, 40, …
/// steps, or from another number on. A sampler is anything with plan(grid).
template <class A>
double convergence_order(const A& sampler, prediction kind, isize exact = 1, isize most_steps = 160,
                         isize least_steps = 20) {
    std::vector<double> log_steps, log_errors;
    for (double steps = static_cast<double>(least_steps); steps < static_cast<double>(most_steps) * 1.01;
         steps *= std::sqrt(2.0)) {
        const isize n = static_cast<isize>(std::lround(steps));
        log_steps.push_back(std::log(static_cast<double>(n)));
        log_errors.push_back(std::log(end_error(sampler.plan(uniform_lambda_grid(n)), kind, exact)));
    }
    const double count = static_cast<double>(log_steps.size());
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
    for (std::size_t i = 0; i < log_steps.size(); ++i) {
        mean_x += log_steps[i] / count;
        mean_y += log_errors[i] / count;
    }
    for (std::size_t i = 0; i < log_steps.size(); ++i) {
        xx += (log_steps[i] - mean_x) * (log_steps[i] - mean_x);
        xy += (log_steps[i] - mean_x) * (log_errors[i] - mean_y);
    }
    return -xy / xx;
}

}  // namespace ddpm::test
