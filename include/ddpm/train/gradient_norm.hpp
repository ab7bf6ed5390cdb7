// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/detail/parameter_chunks.hpp>

#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace ddpm {

/// The Euclidean norm of the whole gradient of a network.
template <Scalar S>
class gradient_norm {
public:
    /// Plans for gradients of these sizes; their values are not read.
    explicit gradient_norm(std::span<const nn::parameter<S>> gradients)
        : chunks_(gradients), sums_(static_cast<std::size_t>(chunks_.size())) {}

    /// Allocates nothing.
    /// @accuracy at most 521 + T + K / 16384 roundings (2⁻⁵³) of it, for T tensors of K elements in all, unless a square
    /// underflows
    /// @throws shape_error if the gradients have other sizes than at construction
    /// @determinism the same bits for every thread count
    [[nodiscard, gnu::noinline]] double operator()(std::span<const nn::parameter<S>> gradients) {
        chunks_.require_fit("gradient_norm", gradients);
        chunks_.for_each([&](isize i, const detail::parameter_chunks::chunk& chunk) {
            sums_[static_cast<std::size_t>(i)] =
                kernels::sum_of_squares(chunk.size, gradients[chunk.parameter].values.data() + chunk.first);
        });
        return std::sqrt(std::accumulate(sums_.begin(), sums_.end(), 0.0));
    }

private:
    detail::parameter_chunks chunks_;
    std::vector<double> sums_;
};

DDPM_CLASS_INSTANCE(class gradient_norm<float>)

/// The factor that clips a gradient of this norm to the norm `largest`; 0 means no limit.
/// @accuracy at most 3 roundings (2⁻⁵³) of it
/// @source torch.nn.utils.clip_grad_norm_: largest / (norm + 1e-6), at most 1
[[nodiscard]] inline double clipping_factor(double norm, double largest) noexcept {
    return largest > 0 ? std::fmin(1.0, largest / (norm + 1e-6)) : 1.0;
}

}  // namespace ddpm
