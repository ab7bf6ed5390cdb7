// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/run.hpp>

#include <cmath>
#include <functional>
#include <limits>

namespace ddpm {

/// A callback that records whether the run was stopped, and the largest estimate of |x_0|: pass std::ref(watch) to
/// `sample` or another run. Data commonly lie in [−1, 1], so an estimate of 100 indicates an error, such as a
/// prediction of ε at a level with almost no signal without clipping of x_0.
struct run_watch {
    std::function<bool()> stop{};  ///< called at each step; true stops the run
    /// The run stops if an estimate of |x_0| is above this, or NaN.
    double limit = std::numeric_limits<double>::infinity();

    bool stopped = false;   ///< whether the run was stopped; its result is then the estimate of x_0
    isize steps = 0;        ///< the number of steps begun
    double largest_x0 = 0;  ///< the largest estimate of |x_0|; NaN if one was NaN

    /// @complexity one pass over the estimate
    /// @accuracy exact
    template <Scalar S>
    [[nodiscard]] bool operator()(const sample_step<S>& now) {
        steps = now.step + 1;
        for (isize n = 0; n < now.x0.columns(); ++n) {
            for (isize i = 0; i < now.x0.rows(); ++i) {
                const double size = std::abs(static_cast<double>(now.x0.column(n)[i]));
                if (!(size <= largest_x0)) {  // also if one of them is NaN, which then stays
                    largest_x0 = std::isnan(largest_x0) ? largest_x0 : size;
                }
            }
        }
        stopped = !(largest_x0 <= limit) || (stop && stop());
        return !stopped;
    }
};

}  // namespace ddpm
