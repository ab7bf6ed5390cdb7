// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/model_output.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/predictor/network_session.hpp>
#include <ddpm/process/parameterization.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <utility>

namespace ddpm {

/// A denoising network, or anything that stands for one: predictor(xt, t, out) reads x_t, a D × N batch, and the model's
/// time t, one per sample (for a discrete schedule the 0-based timestep), and fills out.prediction. It is handed constants and
/// temporaries: a generic callable takes `const auto& out` or `auto&& out`, not `auto& out`.
///
/// Optional members: `predicts()` returns what the prediction means (without it ε: a bare callable is an ε-predictor);
/// `shape()` the shape of one sample; `session(samples)`, const, returns a predictor for one run that owns the scratch for
/// that many samples and may be called while other sessions are. A `Network` needs none of these to be a predictor.
template <class P, class S>
concept Predictor = Scalar<S> && requires(P& predictor, const batch_view<const S> xt, const std::span<const double> t,
                                          const model_output<S> out) {
    predictor(xt, t, out);
    predictor(batch_view<const S>(xt), std::span<const double>(t), model_output<S>(out));
};

/// What makes one predictor, a session, for each run, and so may be shared between threads: by a member session(samples), or,
/// as every network, by the default session.
template <class P>
concept SessionMaker = requires(const P& predictor, isize samples) { predictor.session(samples); } || Network<P>;

namespace detail {

/// A session for so many samples.
template <SessionMaker P>
[[nodiscard]] auto make_session(const P& predictor, isize samples) {
    if constexpr (requires { predictor.session(samples); }) {
        return predictor.session(samples);
    } else {
        return network_session<P>(predictor, samples);
    }
}

template <class P, class S>
concept SessionPredictor =
    SessionMaker<P> && Predictor<decltype(make_session(std::declval<const P&>(), isize{})), S>;

}  // namespace detail

/// What samplers and losses take: a predictor, or something that makes sessions of one.
template <class P, class S>
concept PredictorLike = Predictor<std::remove_cvref_t<P>, S> || detail::SessionPredictor<std::remove_cvref_t<P>, S>;

/// A predictor whose prediction is ε: any bare callable of the right signature.
template <class P, class S>
concept EpsilonPredictor = Predictor<P, S> && !requires(const P& predictor) { predictor.predicts(); };

/// What a predictor's output means.
template <class P>
[[nodiscard]] prediction prediction_of(const P& predictor) {
    if constexpr (requires { { predictor.predicts() } -> std::convertible_to<prediction>; }) {
        return predictor.predicts();
    } else {
        return prediction::epsilon;
    }
}

/// The shape of one sample, where the predictor knows it.
template <class P>
[[nodiscard]] std::optional<sample_shape> shape_of(const P& predictor) {
    if constexpr (requires { { predictor.shape() } -> std::convertible_to<sample_shape>; }) {
        return predictor.shape();
    } else {
        return std::nullopt;
    }
}

namespace detail {

template <class P>
struct scalar_named_by {
    using type = float;
};
template <class P>
    requires Scalar<typename P::scalar>
struct scalar_named_by<P> {
    using type = typename P::scalar;
};

/// A session of the predictor, or a reference to it if it makes none.
template <class P>
[[nodiscard]] decltype(auto) session_of(P& predictor, [[maybe_unused]] isize samples) {
    if constexpr (SessionMaker<std::remove_const_t<P>>) {
        return make_session(predictor, samples);
    } else {
        return (predictor);
    }
}

}  // namespace detail

/// The arithmetic type that a predictor names as its `scalar`, else float.
template <class P>
using predictor_scalar = typename detail::scalar_named_by<std::remove_cvref_t<P>>::type;

}  // namespace ddpm
