// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <cmath>
#include <concepts>
#include <utility>

namespace ddpm {

/// Value and derivative of a function of one variable at a point.
struct curve_point {
    double value;
    double slope;  ///< the derivative
};

/// A learned function of one variable that never decreases: curve(t) returns its value and slope at t, and
/// curve.backward(t, dvalue, dslope, d) adds the gradient of the parameters to d, given the gradients of value and
/// slope.
template <class C>
concept MonotoneCurve = Layer<C> && std::copyable<C> && requires(const C& curve, C& d, double t) {
    { curve(t) } -> std::same_as<curve_point>;
    curve.backward(t, t, t, d);
};

namespace detail {

/// The derivative of |x|; 1 at 0.
template <Scalar S>
[[nodiscard]] double slope_of_abs(S x) noexcept {
    return x < 0 ? -1 : 1;
}

}  // namespace detail

/// The line b + |w| t.
/// @source Kingma et al. 2021, arXiv 2107.00630, the authors' code (NoiseSchedule_Scalar)
template <Scalar S>
struct monotone_line : nn::weight_and_bias {
    using scalar = S;

    nn::tensor<S> weight{{1}};
    nn::tensor<S> bias{{1}};

    monotone_line() = default;

    /// From `first` at 0 to `last` at 1.
    /// @throws value_error unless last >= first and both are finite, as is their difference
    monotone_line(double first, double last) {
        detail::require(
            last >= first && std::isfinite(static_cast<S>(first)) && std::isfinite(static_cast<S>(last - first)),
            "monotone_line", "last", {"both ends finite, last >= first"}, {first, " to ", last});
        weight[0] = static_cast<S>(last - first);
        bias[0] = static_cast<S>(first);
    }

    /// The value at t and its derivative with respect to t, |w|.
    /// @accuracy the value at most 2 roundings (2⁻⁵³) of |b| + |w t|; the derivative exact
    [[nodiscard]] curve_point operator()(double t) const {
        const double slope = std::abs(static_cast<double>(weight[0]));
        return {static_cast<double>(bias[0]) + slope * t, slope};
    }

    /// Adds the gradient of the parameters to d, given the gradients of value and slope at t.
    /// @accuracy that of w at most 2 roundings (2⁻⁵³) of |dvalue t| + |dslope|, that of b exact; then rounded to S and added
    void backward(double t, double dvalue, double dslope, monotone_line& d) const {
        d.weight[0] += static_cast<S>(detail::slope_of_abs(weight[0]) * (dvalue * t + dslope));
        d.bias[0] += static_cast<S>(dvalue);
    }
};

/// A monotone curve, shifted and scaled so that its value is `first` at 0 and `last` at 1, for all parameters with which
/// the curve inside rises from 0 to 1. Values are NaN while it does not.
/// @source Kingma et al. 2021, arXiv 2107.00630, appendix H
template <MonotoneCurve Curve>
class fixed_ends {
public:
    using scalar = typename Curve::scalar;

    /// @throws value_error unless last > first and the curve rises from 0 to 1
    fixed_ends(Curve curve, double first, double last) : curve_(std::move(curve)), first_(first), last_(last) {
        detail::require(last > first && std::isfinite(last - first), "fixed_ends", "last",
                        {"both ends finite, last > first"}, {first, " to ", last});
        const double start = curve_(0).value, end = curve_(1).value;
        detail::require(end > start && std::isfinite(end - start), "fixed_ends", "curve", {"finite, rises from 0 to 1"},
                        {start, " to ", end});
    }

    /// The value at t and its derivative with respect to t.
    /// @accuracy from the values of the curve inside: at most 6 roundings (2⁻⁵³) of |first| + |value − first|; the
    /// derivative 4 of it
    [[nodiscard]] curve_point operator()(double t) const {
        const double start = curve_(0).value, scale = (last_ - first_) / (curve_(1).value - start);
        const curve_point inner = curve_(t);
        return {first_ + scale * (inner.value - start), scale * inner.slope};
    }

    /// Adds the gradient of the parameters to d, given the gradients of value and slope at t.
    /// @accuracy in double within 1e-6 of central differences
    void backward(double t, double dvalue, double dslope, fixed_ends& d) const {
        const double start = curve_(0).value, rise = curve_(1).value - start, scale = (last_ - first_) / rise;
        const curve_point inner = curve_(t);
        const double drise = -scale / rise * (dvalue * (inner.value - start) + dslope * inner.slope);
        curve_.backward(t, dvalue * scale, dslope * scale, d.curve_);
        curve_.backward(0, -dvalue * scale - drise, 0, d.curve_);
        curve_.backward(1, drise, 0, d.curve_);
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        Curve::visit(self.curve_, visitor);
    }

private:
    Curve curve_;
    double first_, last_;
};

}  // namespace ddpm
