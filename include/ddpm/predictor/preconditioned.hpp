// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>
#include <ddpm/predictor/detail/session_memory.hpp>
#include <ddpm/process/parameterization.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// x̂_0 = c_skip x + c_out F(c_in x, c_noise) of a network F, with x = x_0 + σ ε: c_skip = σ_d²/((σ − σ_min)² + σ_d²),
/// c_out = (σ − σ_min) σ_d /√(σ² + σ_d²), c_in = 1/√(σ² + σ_d²), c_noise = time_scale · ¼ ln σ. σ_min = 0 is EDM; with
/// another it is a consistency model, whose x̂_0 at σ_min is x itself.
/// @source Karras et al. 2022, arXiv 2206.00364, table 1; Song et al. 2023, arXiv 2303.01469, appendix C
struct edm_preconditioning {
    double sigma_data = 0.5;
    double sigma_min = 0;
    double time_scale = 1;         ///< 1000 for the consistency models of diffusers
    bool negative_out = false;     ///< F is the negative: "v_prediction" of diffusers' EDM schedulers
    bool arctangent_time = false;  ///< c_noise = time_scale · 2/π atan σ: Stable Audio of diffusers
};

namespace detail {

/// One run of a preconditioned network.
template <class Session>
class preconditioned_session {
public:
    preconditioned_session(Session&& network, const edm_preconditioning& options, index samples, session_memory memory)
        : network_(std::forward<Session>(network)),
          options_(options),
          scaled_(std::move(memory)),
          times_(static_cast<std::size_t>(samples)) {}

    /// @shape xt and out.prediction D × N; t N, the σ of each sample
    /// @throws value_error unless every σ > 0
    template <Scalar S>
    requires Predictor<std::remove_reference_t<Session>, S>
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) {
        times_.resize(t.size());
        for (std::size_t n = 0; n < t.size(); ++n) {
            if (!(t[n] > 0)) {
                throw value_error("edm_preconditioned", "sigma", "> 0", t[n]);
            }
            const double c_noise =
                options_.arctangent_time ? std::atan(t[n]) * 2 / std::numbers::pi : std::log(t[n]) / 4;
            times_[n] = options_.time_scale * c_noise;
        }
        const double data = options_.sigma_data;
        const auto length = [&](index n) { return std::hypot(t[static_cast<std::size_t>(n)], data); };
        const auto c_in = [&](index n) { return std::array{static_cast<S>(1 / length(n))}; };
        const auto c_skip_and_out = [&](index n) {
            const double above = t[static_cast<std::size_t>(n)] - options_.sigma_min;
            const double c_out = above * data / length(n);
            return std::array{static_cast<S>(data * data / (above * above + data * data)),
                              static_cast<S>(options_.negative_out ? -c_out : c_out)};
        };
        batch<S>& scaled = scaled_.template scratch<S>(xt.rows(), xt.columns());
        kernels::linear_combination<S>({xt}, c_in, scaled);
        network_(batch_view<const S>(scaled), std::span<const double>(times_), out);
        kernels::linear_combination<S>({xt, batch_view<const S>(out.prediction)}, c_skip_and_out, out.prediction);
    }

private:
    Session network_;
    edm_preconditioning options_;
    session_memory scaled_;
    std::vector<double> times_;
};

}  // namespace detail

/// A network with EDM's preconditioning, which predicts x_0; made by `edm_preconditioned`.
template <class P>
class edm_preconditioned_predictor : public detail::adaptor<P> {
public:
    edm_preconditioned_predictor(P&& network, const edm_preconditioning& options)
        : detail::adaptor<P>(std::forward<P>(network)), options_(options) {
        if (!(options.sigma_data > 0)) {
            throw value_error("edm_preconditioned", "sigma_data", "> 0", options.sigma_data);
        }
        if (!(options.sigma_min >= 0)) {
            throw value_error("edm_preconditioned", "sigma_min", ">= 0", options.sigma_min);
        }
    }

    [[nodiscard]] auto session(index samples) const {
        return detail::preconditioned_session<detail::held_session<P>>(
            detail::held_session_of<P>(this->predictor_, samples), options_, samples,
            detail::session_memory(this->predictor_, samples));
    }

    [[nodiscard]] prediction predicts() const noexcept { return prediction::x0; }

private:
    edm_preconditioning options_;
};

/// Makes a preconditioned predictor of a network, whatever it says that it predicts; its time is σ: use it over grids
/// whose times are σ and whose levels are {1, σ}. Holds an lvalue by reference, a temporary by value.
/// @throws value_error unless sigma_data > 0 and sigma_min ≥ 0
template <class P>
[[nodiscard]] edm_preconditioned_predictor<P> edm_preconditioned(P&& network, const edm_preconditioning& options = {}) {
    return {std::forward<P>(network), options};
}

}  // namespace ddpm
