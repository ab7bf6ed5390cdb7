// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/compiler.hpp>

#include <Eigen/Core>

#include <concepts>
#include <cstddef>

static_assert(EIGEN_VERSION_AT_LEAST(3, 4, 0), "ddpm needs Eigen 3.4 or newer");

namespace ddpm {

/// Signed size, position or 0-based timestep: t = 0 is the least noisy step, T − 1 the most (the paper's t is t + 1).
using isize = std::ptrdiff_t;

/// The arithmetic type of samples and parameters.
template <class S>
concept Scalar = std::same_as<S, float> || std::same_as<S, double>;

/// A batch of N samples of dimension D: column-major D × N, one sample per column. An image's column runs over height,
/// width and channel with the channel fastest (NHWC).
/// It does not have Eigen's alignment, which depends on -march, so that files with different flags may share a batch.
template <Scalar S>
using batch = Eigen::Array<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor | Eigen::DontAlign>;

/// One value for each of the N samples of a batch: 1 × N.
template <Scalar S>
using per_sample_values = Eigen::Array<S, 1, Eigen::Dynamic, Eigen::RowMajor | Eigen::DontAlign>;

namespace detail {

/// How many parts of length `by` cover `size` ≥ 0, and the length of these parts together.
[[nodiscard]] constexpr isize divided_up(isize size, isize by) noexcept { return (size + by - 1) / by; }
[[nodiscard]] constexpr isize rounded_up(isize size, isize to) noexcept { return divided_up(size, to) * to; }

}  // namespace detail

}  // namespace ddpm
