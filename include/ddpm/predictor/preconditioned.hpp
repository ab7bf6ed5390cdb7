// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>
#include <ddpm/predictor/detail/session_memory.hpp>
#include <ddpm/process/edm_preconditioning.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

namespace detail {

/// The session of a preconditioned network.
template <class Session>
class preconditioned_session {
public:
    preconditioned_session(Session&& network, const edm_preconditioning& options, isize samples, session_memory memory)
        : network_(std::forward<Session>(network)),
          options_(options),
          scaled_(std::move(memory)),
          coefficients_(static_cast<std::size_t>(samples)),
          times_(coefficients_.size()) {}

    /// @shape xt and out.prediction D × N; t N, the σ of each sample
    /// @throws value_error unless every σ > 0
    template <Scalar S>
        requires Predictor<std::remove_reference_t<Session>, S>
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) {
        times_.resize(t.size());
        coefficients_.resize(t.size());
        for (std::size_t n = 0; n < t.size(); ++n) {
            coefficients_[n] = options_.at(t[n]);
            times_[n] = coefficients_[n].time;
        }
        const auto at = [&](isize n) -> const edm_coefficients& { return coefficients_[static_cast<std::size_t>(n)]; };
        batch<S>& scaled = scaled_.template scratch<S>(xt.rows(), xt.columns());
        kernels::linear_combination<S>(
            {xt}, [&](isize n) { return std::array{static_cast<S>(at(n).in)}; }, scaled);
        network_(batch_view<const S>(scaled), std::span<const double>(times_), out);
        kernels::linear_combination<S>(
            {xt, batch_view<const S>(out.prediction)},
            [&](isize n) {
                return std::array{static_cast<S>(at(n).skip), static_cast<S>(at(n).out)};
            },
            out.prediction);
    }

private:
    Session network_;
    edm_preconditioning options_;
    session_memory scaled_;
    std::vector<edm_coefficients> coefficients_;
    std::vector<double> times_;
};

}  // namespace detail

/// A predictor of x_0: a network with EDM preconditioning; made by `edm_preconditioned`.
template <class P>
class edm_preconditioned_predictor : public detail::adaptor<P> {
public:
    /// As the arguments of edm_preconditioned.
    /// @throws value_error unless sigma_data > 0 and sigma_min ≥ 0
    edm_preconditioned_predictor(P&& network, const edm_preconditioning& options)
        : detail::adaptor<P>(std::forward<P>(network)), options_(options) {
        require_valid("edm_preconditioned", options);
    }

    /// A session for `samples` samples, which preconditions a session of the network.
    [[nodiscard]] auto session(isize samples) const {
        return detail::preconditioned_session<detail::held_session<P>>(
            detail::held_session_of<P>(this->predictor_, samples), options_, samples,
            detail::session_memory(this->predictor_, samples));
    }

    [[nodiscard]] prediction predicts() const noexcept { return prediction::x0; }

private:
    edm_preconditioning options_;
};

/// Makes a predictor of x_0 from a network by EDM preconditioning; the network's predicts() is ignored. The predictor's
/// time is σ: use grids with times σ and noise levels {1, σ}. Holds an lvalue by reference, a temporary by value.
/// @throws value_error unless sigma_data > 0 and sigma_min ≥ 0
/// @accuracy with the coefficients of edm_preconditioning::at, the network's input in · x: at most 2 roundings (2⁻²⁴ in
/// float, 2⁻⁵³ in double) of it; x̂_0: 3 of |skip · x| + |out · F|
/// @source Karras et al. 2022, arXiv 2206.00364, equation 7
template <AdaptablePredictor P>
[[nodiscard]] edm_preconditioned_predictor<P> edm_preconditioned(P&& network, const edm_preconditioning& options = {}) {
    return {std::forward<P>(network), options};
}

template <class P>
    requires(!AdaptablePredictor<P>)
detail::adaptor_signatures<P> edm_preconditioned(P&&, const edm_preconditioning& = {}) {
    return {};
}

}  // namespace ddpm
