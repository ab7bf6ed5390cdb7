// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

namespace ddpm {

/// N Gaussians with isotropic variance, one per sample.
template <Scalar S>
struct gaussian_moments {
    batch<S> mean;                      ///< D × N
    per_sample_values<S> variance;      ///< 1 × N
    per_sample_values<S> log_variance;  ///< 1 × N, nats
};

/// N Gaussians with diagonal covariance: one variance per element.
template <Scalar S>
struct diagonal_moments {
    batch<S> mean;          ///< D × N
    batch<S> variance;      ///< D × N
    batch<S> log_variance;  ///< D × N, nats
};

}  // namespace ddpm
