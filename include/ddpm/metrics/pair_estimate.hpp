// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

namespace ddpm {

/// How the mean over pairs within one set is taken, where samples estimate a distance of distributions.
enum class pair_estimate {
    unbiased,     ///< over pairs of different samples: right in the mean, and so negative about as often as positive
                  ///< where the distributions are equal
    v_statistic,  ///< over all pairs, a sample with itself included: the distance of the samples as they are, never
                  ///< negative, and too large in the mean by about a constant over the number of samples
};

/// The least number of samples of a set that an estimate can be made of.
[[nodiscard]] constexpr isize least_samples(pair_estimate estimate) noexcept {
    return estimate == pair_estimate::unbiased ? 2 : 1;
}

}  // namespace ddpm
