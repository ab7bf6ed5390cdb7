// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::detail {

/// An estimate of x_0 or ε that an interpolation goes through.
struct estimate {
    isize evaluation;
    double lambda;  ///< where it was made
};

/// The newest estimates first, at most one for each λ; one where λ is infinite only while it is the newest.
class estimate_history {
public:
    void add(isize evaluation, const noise_level<double>& level) {
        const double lambda = half_log_snr(level);
        if (!std::isfinite(lambda)) {
            estimates_.clear();
        } else if (!estimates_.empty() && (!std::isfinite(estimates_[0].lambda) || estimates_[0].lambda == lambda)) {
            estimates_.erase(estimates_.begin());
        }
        estimates_.insert(estimates_.begin(), {evaluation, lambda});
    }

    /// The newest, `count` of them, or all if there are fewer.
    [[nodiscard]] std::span<const estimate> newest(isize count) const {
        return std::span(estimates_).first(std::min(static_cast<std::size_t>(count), estimates_.size()));
    }

private:
    std::vector<estimate> estimates_;
};

}  // namespace ddpm::detail
