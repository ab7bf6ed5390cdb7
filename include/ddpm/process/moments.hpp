// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>

#include <string_view>

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

namespace detail {

/// The timestep before t of each sample, as a per_sample of its own would give it.
struct timestep_before {
    const per_sample<isize>& t;
    [[nodiscard]] isize operator[](isize n) const noexcept { return t[n] - 1; }
    void require_columns(std::string_view where, isize columns) const { t.require_columns(where, columns); }
};

}  // namespace detail

}  // namespace ddpm
