// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/detail/mixture_view.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/predictor/level_function.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace ddpm {

namespace detail {

/// One run of the oracle.
class mixture_session {
public:
    mixture_session(const gaussian_mixture& mixture, const level_function& level_of, prediction kind, index samples)
        : pass_(mixture, samples), level_of_(&level_of), kind_(kind) {}

    [[nodiscard]] prediction predicts() const noexcept { return kind_; }

    /// @shape xt and out.prediction D × N; t N
    template <Scalar S>
    void operator()(std::type_identity_t<batch_view<const S>> xt, std::span<const double> t,
                    const model_output<S>& out) {
        require_same_shape("mixture_oracle", "prediction has the shape of xt", xt, out.prediction);
        if (static_cast<index>(t.size()) != xt.columns()) {
            throw shape_error("mixture_oracle", "one time per sample", xt.columns(), t.size());
        }
        const auto level = [&](index n) { return (*level_of_)(t[static_cast<std::size_t>(n)]); };
        pass_("mixture_oracle", xt, level, [&](index n, mixture_view& view) {
            auto column = out.prediction.array().col(n);
            switch (kind_) {
                case prediction::epsilon: column = view.epsilon().template cast<S>(); return;
                case prediction::x0: column = view.x0().template cast<S>(); return;
                case prediction::score: column = view.score().template cast<S>(); return;
                default: break;
            }
            // The others follow from x_0 or from ε, whichever divides by the larger of the two levels.
            const auto at = level(n);
            const bool noisy = at.sigma > at.signal;
            const affine c = conversion(noisy ? prediction::x0 : prediction::epsilon, kind_, at);
            const auto& value = noisy ? view.x0() : view.epsilon();
            column = (c.xt * xt.array().col(n).template cast<double>() + c.value * value).template cast<S>();
        });
    }

private:
    mixture_pass pass_;
    const level_function* level_of_;
    prediction kind_;
};

}  // namespace detail

/// The predictor that a network trained for ever on data from a Gaussian mixture would be: the exact E[ε|x_t], or what
/// else it is asked to predict, finite at every level. A reference for samplers, likelihoods and trained networks.
/// @accuracy computes in double, for float and double samples; log-density and means are stable at σ = 0 (x_0 = x_t/α)
/// and at α = 0 (x_0 is the mean of the data)
/// @determinism a sample does not depend on its neighbours nor on the thread count
/// @complexity O(K · D²) per sample, O(K · D) unless the mixture is rotated
class mixture_oracle {
public:
    /// @param level_of what level a time stands for: a discrete schedule, or a callable double → marginal<double>
    mixture_oracle(gaussian_mixture mixture, level_function level_of, prediction kind = prediction::epsilon)
        : mixture_(std::move(mixture)), level_of_(std::move(level_of)), kind_(kind) {}

    /// The oracle must outlive its session. A call allocates nothing if it has no more samples, and throws shape_error
    /// if sizes do not fit, and what the level function throws.
    [[nodiscard]] auto session(index samples) const {
        return detail::mixture_session(mixture_, level_of_, kind_, samples);
    }

    [[nodiscard]] const gaussian_mixture& mixture() const noexcept { return mixture_; }
    [[nodiscard]] sample_shape shape() const noexcept { return mixture_.dimension(); }
    [[nodiscard]] prediction predicts() const noexcept { return kind_; }

private:
    gaussian_mixture mixture_;
    level_function level_of_;
    prediction kind_;
};

}  // namespace ddpm
