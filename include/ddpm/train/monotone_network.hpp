// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/train/monotone_curve.hpp>

#include <cmath>
#include <cstdint>

namespace ddpm {

/// The size and the initial values of a monotone_network.
struct monotone_options {
    double first = -13.3;    ///< initial value at t = 0
    double last = 5;         ///< initial value at t = 1
    isize features = 1024;   ///< number of sigmoids
    double spread = 0.01;    ///< standard deviation of their initial weights
    std::uint64_t seed = 0;  ///< of the initial weights
};

/// A line plus sigmoids: l1(t) + Σ over features of (2 sigmoid(l2(2 t − 1)) − 1) · l3 / features. Each l is an affine
/// function with the absolute values of its weights; l3 has no bias.
/// @source Kingma et al. 2021, arXiv 2107.00630, appendix H and the authors' code (NoiseSchedule_NNet)
template <Scalar S>
class monotone_network {
public:
    using scalar = S;

    /// @throws value_error unless features ≥ 1, last ≥ first and spread ≥ 0
    explicit monotone_network(const monotone_options& options = {})
        : line_(options.first, options.last),
          in_(nn::tensor_shape{required(options).features, 1}),
          in_bias_({options.features}),
          out_({1, options.features}) {
        nn::initializer start(options.seed);
        start.normal(options.spread, in_);
        start.normal(options.spread, out_);
    }

    /// The value at t and its derivative with respect to t.
    /// @accuracy in roundings (2⁻⁵³), R = features + 20 + 3 A of them with A the largest |weight · (2 t − 1)| + |bias| of l2:
    /// the value at most R of |bias| + |weight · t| of l1 plus Σ |l3| / features, the derivative R of the weight of l1 plus
    /// Σ |weight of l2 · l3| / features
    [[nodiscard]] curve_point operator()(double t) const {
        curve_point point = line_(t);
        const double x = 2 * t - 1, share = 1 / static_cast<double>(in_.size());
        for (isize k = 0; k < in_.size(); ++k) {
            const double in = magnitude(in_[k]), out = magnitude(out_[k]) * share;
            const double s = sigmoid(in * x + static_cast<double>(in_bias_[k]));
            point.value += out * (2 * s - 1);
            point.slope += out * 4 * in * s * (1 - s);  // dx/dt is 2
        }
        return point;
    }

    /// Adds the gradient of the parameters to d, given the gradients of value and slope at t.
    /// @throws shape_error if d has another number of features
    /// @accuracy in double within 1e-6 of central differences
    void backward(double t, double dvalue, double dslope, monotone_network& d) const {
        detail::require<shape_error>(d.in_.size() == in_.size(), "monotone_network::backward",
                                     "features of the gradient", {in_.size()}, {d.in_.size()});
        line_.backward(t, dvalue, dslope, d.line_);
        const double x = 2 * t - 1, share = 1 / static_cast<double>(in_.size());
        for (isize k = 0; k < in_.size(); ++k) {
            const double in = magnitude(in_[k]), out = magnitude(out_[k]) * share;
            const double s = sigmoid(in * x + static_cast<double>(in_bias_[k]));
            const double first = s * (1 - s), second = first * (1 - 2 * s);  // derivatives of the sigmoid
            const double da = out * (2 * dvalue * first + 4 * dslope * in * second);
            d.in_[k] += static_cast<S>(detail::slope_of_abs(in_[k]) * (da * x + 4 * dslope * out * first));
            d.in_bias_[k] += static_cast<S>(da);
            d.out_[k] += static_cast<S>(detail::slope_of_abs(out_[k]) * share *
                                        (dvalue * (2 * s - 1) + 4 * dslope * in * first));
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("l1", self.line_);
        visitor("l2.weight", self.in_);
        visitor("l2.bias", self.in_bias_);
        visitor("l3.weight", self.out_);
    }

private:
    static monotone_options required(const monotone_options& o) {
        detail::require(o.features >= 1 && o.last >= o.first && o.spread >= 0, "monotone_network", "options",
                        {"features >= 1, last >= first, spread >= 0"},
                        {o.features, ", ", o.last, " - ", o.first, ", ", o.spread});
        return o;
    }

    static double magnitude(S weight) noexcept { return std::abs(static_cast<double>(weight)); }
    static double sigmoid(double a) noexcept { return 1 / (1 + std::exp(-a)); }

    monotone_line<S> line_;
    nn::tensor<S> in_, in_bias_, out_;
};

}  // namespace ddpm
