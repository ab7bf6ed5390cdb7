// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/predictor/concept.hpp>

#include <span>
#include <type_traits>
#include <utility>

namespace ddpm {

/// A predictor with vector-Jacobian products: predictor.vector_jacobian(xt, t, v, out) writes vᵀ ∂prediction/∂x_t, for
/// each sample the gradient of Σ v · prediction with respect to x_t.
/// @shape xt, v and out D × N; t N
template <class P, class S>
concept DifferentiablePredictor =
    Predictor<P, S> && requires(P& predictor, const batch_view<const S> xt, const std::span<const double> t,
                                const batch_view<const S> v, const batch_view<S> out) {
        predictor.vector_jacobian(xt, t, v, out);
        predictor.vector_jacobian(batch_view<const S>(xt), std::span<const double>(t), batch_view<const S>(v),
                                  batch_view<S>(out));
    };

namespace detail {

template <class P, class S>
concept DifferentiableSession =
    SessionMaker<P> && DifferentiablePredictor<decltype(make_session(std::declval<const P&>(), isize{})), S>;

}  // namespace detail

/// What likelihoods accept: such a predictor, or a type whose sessions are such predictors, as every network.
template <class P, class S>
concept DifferentiableLike =
    DifferentiablePredictor<std::remove_reference_t<P>, S> || detail::DifferentiableSession<std::remove_cvref_t<P>, S>;

}  // namespace ddpm
