// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/adam.hpp>
#include <ddpm/train/gradient_norm.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace ddpm::detail {

/// Decides before each Adam step whether it leaves all values finite. It tracks upper bounds of the parameters and the
/// moments; only if a bound is near the largest number does it compute the step on copies.
template <Scalar S>
class step_guard {
public:
    /// Computes the first bounds from the parameters and the optimizer's state.
    void begin(std::span<const nn::parameter<S>> parameters, adam_state<S>& state, gradient_norm<S>& norm) {
        std::vector<nn::parameter<S>> moments(parameters.begin(), parameters.end());
        const auto norm_of = [&](std::vector<nn::tensor<S>>& tensors) {
            for (std::size_t p = 0; p < moments.size(); ++p) {
                moments[p].values = tensors[p].values();
            }
            return norm(moments);
        };
        parameter_ = norm(parameters);  // the norm is a bound of each element
        moment_ = norm_of(state.first);
        moments_are_finite_ = std::isfinite(norm_of(state.second));
    }

    /// The first parameter of which the step would not leave the moments and the value finite, and also the difference
    /// of any two values.
    /// @param norm the norm of the gradients
    [[nodiscard]] std::optional<std::size_t> first_not_finite(const adam<S>& optimizer,
                                                              std::span<const nn::parameter<S>> parameters,
                                                              std::span<const nn::parameter<S>> gradients, double rate,
                                                              double scale, double norm) {
        const kernels::detail::adam_coefficients c = optimizer.next_coefficients(rate, scale);
        const double gradient = norm * scale + c.l2 * parameter_;
        moment_ = std::max(moment_, gradient);
        const double change = std::abs(c.step_size) * moment_ / c.epsilon;
        const double kept = std::abs(c.shrink) > 1 ? std::abs(c.shrink) * parameter_ : parameter_;
        const double next =
            (1 + 1e-6) * (kept - parameter_) + parameter_ + 4 * change;  // with room for rounding errors
        constexpr double largest = static_cast<double>(std::numeric_limits<S>::max());
        if (moments_are_finite_ && next < largest / 4 && moment_ < largest / 4 && gradient * gradient < largest / 4) {
            parameter_ = next;
            return std::nullopt;
        }
        parameter_ = largest;  // no bound is known any more
        return optimizer.first_not_finite(parameters, gradients, rate, scale);
    }

private:
    double parameter_ = 0, moment_ = 0;
    bool moments_are_finite_ = true;
};

DDPM_CLASS_INSTANCE(class step_guard<float>)

}  // namespace ddpm::detail
