// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/run.hpp>

#include <cmath>
#include <functional>
#include <limits>

namespace ddpm {

/// A callback that remembers: give std::ref(watch) to `sample` or any other run, then ask it whether the run was stopped, and
/// how far its estimates of x_0 reached. Data commonly lie in [−1, 1]: estimates of 100 say that something is wrong, as where
/// a network that predicts ε is asked at a level with next to no signal, and nothing limits x_0.
struct run_watch {
    std::function<bool()> stop{};  ///< asked at each step; true stops the run
    double limit =
        std::numeric_limits<double>::infinity();  ///< the run stops where a |x_0| is estimated above it, or as NaN

    bool stopped = false;   ///< the run was stopped, and gave its estimate of x_0
    isize steps = 0;        ///< that the run has begun
    double largest_x0 = 0;  ///< of all estimates of |x_0|; ∞ if one was NaN

    /// @complexity a pass over the estimate
    template <Scalar S>
    [[nodiscard]] bool operator()(const sample_step<S>& now) {
        steps = now.step + 1;
        for (isize n = 0; n < now.x0.columns(); ++n) {
            for (isize i = 0; i < now.x0.rows(); ++i) {
                const double size = std::abs(static_cast<double>(now.x0.column(n)[i]));
                if (!(size <= largest_x0)) {
                    largest_x0 = std::isnan(size) ? std::numeric_limits<double>::infinity() : size;
                }
            }
        }
        stopped = largest_x0 > limit || (stop && stop());
        return !stopped;
    }
};

}  // namespace ddpm
