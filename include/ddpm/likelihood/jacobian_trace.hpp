// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/differentiable.hpp>
#include <ddpm/random/noise.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ddpm {

/// How the trace of a predictor's Jacobian is computed.
enum class trace_method {
    exact,       ///< by D vector-Jacobian products with unit vectors
    rademacher,  ///< an unbiased estimate zᵀ J z by one product, with a probe z of random signs
    gaussian,    ///< as rademacher, with a standard normal probe; its variance is never lower than that of rademacher
};

/// Options of jacobian_trace.
struct trace_options {
    trace_method method = trace_method::exact;  ///< exact, or an estimate
    isize probes = 1;                           ///< number of probes of an estimate
    std::uint64_t seed = 0;                     ///< of the probes
    isize first_sample = 0;                     ///< column n is sample first_sample + n, which selects its probes
};

/// The trace of ∂prediction/∂x_t. All calls use the same probes, so that an estimate is as smooth in time as the trace.
/// @source Hutchinson 1990, doi 10.1080/03610919008812866; Grathwohl et al. 2018, arXiv 1810.01367
template <Scalar S>
class jacobian_trace {
public:
    /// @throws value_error unless probes ≥ 1; as philox_noise::normal
    jacobian_trace(const trace_options& options, isize dimension, isize samples)
        : exact_(options.method == trace_method::exact), vector_(dimension, samples), product_(dimension, samples) {
        if (options.probes < 1) {
            throw value_error("jacobian_trace", "number of probes", ">= 1", options.probes);
        }
        const philox_noise noise(options.seed, noise_stream::probe);
        for (isize k = 0; !exact_ && k < options.probes; ++k) {
            batch<S>& z = probes_.emplace_back(dimension, samples);
            noise.normal(batch_view<S>(z), k, options.first_sample);
            if (options.method == trace_method::rademacher) {
                z = (z < S{0}).select(batch<S>::Constant(dimension, samples, S{-1}), S{1});
            }
        }
    }

    /// The number of estimates for each sample; 1 if exact.
    [[nodiscard]] isize estimates() const noexcept { return exact_ ? 1 : static_cast<isize>(probes_.size()); }

    /// @shape xt D × N, t N; out estimates() × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy from the vector-Jacobian products in S: at most D roundings (2⁻⁵³) of the sum of the absolute values of
    /// the D terms; an estimate with Gaussian probes one of S (2⁻²⁴ in float) more
    /// @complexity one vector-Jacobian product for each probe, or for each dimension
    template <class P>
        requires DifferentiablePredictor<P, S>
    void operator()(P& predictor, batch_view<const S> xt, std::span<const double> t, batch_view<double> out) {
        detail::require_same_shape("jacobian_trace", "samples as planned", batch_view<const S>(vector_), xt);
        if (static_cast<isize>(t.size()) != xt.columns()) {
            throw shape_error("jacobian_trace", "number of times", xt.columns(), t.size());
        }
        if (out.rows() != estimates() || out.columns() != xt.columns()) {
            throw shape_error("jacobian_trace", "output", detail::text(estimates(), " x ", xt.columns()),
                              detail::text(out.rows(), " x ", out.columns()));
        }
        if (xt.columns() == 0) {
            return;  // Eigen would add the offset of a row to the null pointer of an empty array
        }
        if (!exact_) {
            for (isize k = 0; k < estimates(); ++k) {
                const batch<S>& z = probes_[static_cast<std::size_t>(k)];
                predictor.vector_jacobian(xt, t, batch_view<const S>(z), batch_view<S>(product_));
                for (isize n = 0; n < xt.columns(); ++n) {
                    out(k, n) = (z.col(n) * product_.col(n)).template cast<double>().sum();
                }
            }
            return;
        }
        for (isize n = 0; n < xt.columns(); ++n) {
            out(0, n) = 0;
        }
        vector_.setZero();
        for (isize i = 0; i < xt.rows(); ++i) {
            vector_.row(i) = S{1};
            predictor.vector_jacobian(xt, t, batch_view<const S>(vector_), batch_view<S>(product_));
            vector_.row(i) = S{0};
            for (isize n = 0; n < xt.columns(); ++n) {
                out(0, n) += static_cast<double>(product_(i, n));
            }
        }
    }

private:
    bool exact_;
    std::vector<batch<S>> probes_;
    batch<S> vector_, product_;
};

}  // namespace ddpm
