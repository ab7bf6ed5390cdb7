// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/detail/mixture_view.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ddpm {

/// The variance head of the oracle: Var[x_0|x_t] of each element, or its mean over the elements. With
/// `reverse_variance::optimal` it gives the best Gaussian of its form for each reverse step.
/// @source Bao et al. 2022, arXiv 2201.06503, theorem 1, without the mean over the data; Bao et al. 2022, arXiv
/// 2206.07309, section 3
enum class oracle_variance { per_element, mean };

namespace detail {

/// The session of the oracle.
class mixture_session {
public:
    mixture_session(const gaussian_mixture& mixture, const level_function& level_of, prediction kind,
                    oracle_variance variance, isize samples)
        : pass_(mixture, samples), level_of_(&level_of), kind_(kind), variance_(variance) {}

    [[nodiscard]] prediction predicts() const noexcept { return kind_; }

    /// @shape xt and out.prediction D × N; out.variance D × N or empty; t N
    template <Scalar S>
    void operator()(std::type_identity_t<batch_view<const S>> xt, std::span<const double> t,
                    const model_output<S>& out) {
        require_fit(xt, t, "prediction has the shape of xt", out.prediction);
        if (out.variance.size() > 0) {
            require_fit(xt, t, "variance has the shape of xt", out.variance);
        }
        for_each(xt, t, [&](isize n, mixture_view<double>& view) {
            const origin from = origin_at(level(t, n));
            auto column = out.prediction.array().col(n);
            column = (from.factors.xt * xt.array().col(n).template cast<double>() +
                      from.factors.value * view.expectation(from.kind))
                         .template cast<S>();
            if (out.variance.size() > 0) {
                auto head = out.variance.array().col(n);
                if (variance_ == oracle_variance::mean) {
                    head = static_cast<S>(view.x0_variance());
                } else {
                    head = view.x0_variances().template cast<S>();
                }
            }
        });
    }

    /// out = vᵀ ∂prediction/∂x_t, without approximation.
    /// @shape xt, v and out D × N; t N
    template <Scalar S>
    void vector_jacobian(std::type_identity_t<batch_view<const S>> xt, std::span<const double> t,
                         std::type_identity_t<batch_view<const S>> v, batch_view<S> out) {
        require_fit(xt, t, "v has the shape of xt", v);
        require_fit(xt, t, "out has the shape of xt", out);
        for_each(xt, t, [&](isize n, mixture_view<double>& view) {
            const origin from = origin_at(level(t, n));
            const auto given = v.array().col(n).template cast<double>();
            auto column = out.array().col(n);
            column =
                (from.factors.xt * given + from.factors.value * view.pull_back(from.kind, given)).template cast<S>();
        });
    }

private:
    /// The quantity from which the prediction is computed: x_0, ε or the score.
    struct origin {
        prediction kind;
        affine factors;
    };

    template <Scalar S, class T>
    static void require_fit(batch_view<const S> xt, std::span<const double> t, std::string_view what,
                            const batch_view<T>& other) {
        require_same_shape("mixture_oracle", what, xt, other);
        if (static_cast<isize>(t.size()) != xt.columns()) {
            throw shape_error("mixture_oracle", "one time per sample", xt.columns(), t.size());
        }
    }

    template <Scalar S, class Take>
    void for_each(batch_view<const S> xt, std::span<const double> t, const Take& take) {
        pass_(
            "mixture_oracle", xt, [&](isize n) { return level(t, n); }, take);
    }

    [[nodiscard]] noise_level<double> level(std::span<const double> t, isize n) const {
        return (*level_of_)(t[static_cast<std::size_t>(n)]);
    }

    /// v and flow are computed from x_0 or ε, whichever divides by the larger of α and σ.
    [[nodiscard]] origin origin_at(const noise_level<double>& at) const {
        if (kind_ != prediction::v && kind_ != prediction::flow) {
            return {kind_, {0, 1}};
        }
        const prediction from = at.sigma > at.signal ? prediction::x0 : prediction::epsilon;
        return {from, conversion(from, kind_, at)};
    }

    mixture_pass pass_;
    const level_function* level_of_;
    prediction kind_;
    oracle_variance variance_;
};

}  // namespace detail

/// The ideal predictor for data from a Gaussian mixture: the exact E[ε|x_t], or the corresponding x_0, v, score or
/// flow, finite at every noise level. It has a variance head, and its sessions have `vector_jacobian`. Use it as a
/// reference for samplers, likelihoods and trained networks.
/// @accuracy computes in double, for float and double samples, as epsilon_given_xt and x0_given_xt, then by `conversion`
/// from the one that divides by the larger of α and σ; log-density and means are stable at σ = 0 (x_0 = x_t/α) and at
/// α = 0 (x_0 is the mean of the data). `vector_jacobian` is in double within 1e-7 of central differences
/// @determinism a sample does not depend on the other samples or the thread count
/// @complexity O(K · D²) per sample, O(K · D) unless the mixture is rotated
class mixture_oracle {
public:
    /// @param level_of the noise level at a time: a discrete schedule, or a callable double → noise_level<double>
    mixture_oracle(gaussian_mixture mixture, level_function level_of, prediction kind = prediction::epsilon,
                   oracle_variance variance = oracle_variance::per_element)
        : mixture_(std::move(mixture)), level_of_(std::move(level_of)), kind_(kind), variance_(variance) {}

    /// The oracle must outlive its session. Calls with at most `samples` samples allocate nothing. They throw
    /// shape_error if sizes do not fit, and what `level_of` throws.
    [[nodiscard]] auto session(isize samples) const {
        return detail::mixture_session(mixture_, level_of_, kind_, variance_, samples);
    }

    [[nodiscard]] const gaussian_mixture& mixture() const noexcept { return mixture_; }
    [[nodiscard]] sample_shape shape() const noexcept { return mixture_.dimension(); }
    [[nodiscard]] prediction predicts() const noexcept { return kind_; }

private:
    gaussian_mixture mixture_;
    level_function level_of_;
    prediction kind_;
    oracle_variance variance_;
};

}  // namespace ddpm
