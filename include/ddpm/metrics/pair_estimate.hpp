// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

namespace ddpm {

/// How the mean over pairs within a set is estimated.
enum class pair_estimate {
    unbiased,     ///< over pairs of different samples: unbiased, hence negative about as often as positive for equal
                  ///< distributions
    v_statistic,  ///< over all pairs, including a sample with itself: the distance of the empirical distributions,
                  ///< never negative, biased upwards by about a constant divided by the number of samples
};

/// The smallest number of samples in a set that an estimate needs.
[[nodiscard]] constexpr isize least_samples(pair_estimate estimate) noexcept {
    return estimate == pair_estimate::unbiased ? 2 : 1;
}

}  // namespace ddpm
