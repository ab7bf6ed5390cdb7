// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/nn/detail/check.hpp>
#include <ddpm/train/monotone_curve.hpp>

#include <cmath>
#include <utility>

namespace ddpm {

/// A monotone curve, shifted and scaled so that its value is `first` at 0 and `last` at 1, whatever its parameters.
/// @source Kingma et al. 2021, arXiv 2107.00630, appendix H
template <MonotoneCurve Curve>
class fixed_ends {
public:
    using scalar = typename Curve::scalar;

    /// @throws value_error unless last > first
    fixed_ends(Curve curve, double first, double last) : curve_(std::move(curve)), first_(first), last_(last) {
        detail::require(last > first && std::isfinite(last - first), "fixed_ends", "last",
                        {"both ends finite, last > first"}, {first, " to ", last});
    }

    [[nodiscard]] curve_point operator()(double t) const {
        const double start = curve_(0).value, scale = (last_ - first_) / (curve_(1).value - start);
        const curve_point inner = curve_(t);
        return {first_ + scale * (inner.value - start), scale * inner.slope};
    }

    /// Adds the gradient of the parameters to d, given the gradients of value and slope at t.
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
