// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/model_output.hpp>
#include <ddpm/process/parameterization.hpp>
// IWYU pragma: end_exports
#include <ddpm/predictor/network.hpp>
#include <ddpm/predictor/network_session.hpp>

#include <concepts>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace ddpm {

/// A model: predictor(xt, t, out) reads x_t, a D × N batch, and one time t per sample (for a discrete schedule the
/// 0-based timestep), and fills out.prediction. The arguments may be const or temporaries: a generic callable must take
/// `const auto& out` or `auto&& out`, not `auto& out`.
///
/// Optional members: `predicts()` is the kind of prediction (without it ε, as for a bare callable); `shape()` is the
/// shape of one sample; `session(samples)`, const, returns a predictor for one run, which owns scratch memory for that
/// many samples; sessions may run concurrently. A `Network` is a predictor without any of these. A public member of such
/// a name with another signature does not compile where the predictor is used: it would have no effect.
template <class P, class S>
concept Predictor = Scalar<S> && requires(P& predictor, const batch_view<const S> xt, const std::span<const double> t,
                                          const model_output<S> out) {
    predictor(xt, t, out);
    predictor(batch_view<const S>(xt), std::span<const double>(t), model_output<S>(out));
};

namespace detail {

/// Has a public member of that name, const or not.
template <class P>
concept NamesPredicts = requires(P& predictor) { predictor.predicts(); } || requires { &P::predicts; };
template <class P>
concept NamesShape = requires(P& predictor) { predictor.shape(); } || requires { &P::shape; };
template <class P>
concept NamesSession =
    requires(P& predictor, isize samples) { predictor.session(samples); } || requires { &P::session; };

template <class P>
concept TellsPrediction = requires(const P& predictor) {
    { predictor.predicts() } -> std::convertible_to<prediction>;
};
template <class P>
concept TellsShape = requires(const P& predictor) {
    { predictor.shape() } -> std::convertible_to<sample_shape>;
};
template <class P>
concept HasSession = requires(const P& predictor, isize samples) { predictor.session(samples); };

/// Checks the optional members of a predictor: one with a wrong signature would be ignored.
template <class P>
struct predictor_members {
    static_assert(!NamesPredicts<P> || TellsPrediction<P>,
                  "ddpm: wanted as the member predicts of a predictor is: prediction predicts() const");
    static_assert(!NamesShape<P> || TellsShape<P>,
                  "ddpm: wanted as the member shape of a predictor is: sample_shape shape() const");
    static_assert(!NamesSession<P> || HasSession<P>,
                  "ddpm: wanted as the member session of a predictor is a const one that returns a predictor: "
                  "auto session(isize samples) const");
};

}  // namespace detail

/// A type that creates a predictor (a session) for each run, and so may be shared between threads: by a member
/// session(samples), or, for networks, by the default session.
template <class P>
concept SessionMaker = detail::HasSession<P> || ForwardNetwork<P>;

namespace detail {

/// A session for up to `samples` samples.
template <SessionMaker P>
[[nodiscard]] auto make_session(const P& predictor, isize samples) {
    static_cast<void>(predictor_members<P>{});
    if constexpr (HasSession<P>) {
        return predictor.session(samples);
    } else {
        return network_session<P>(predictor, samples);
    }
}

template <class P, class S>
concept SessionPredictor = SessionMaker<P> && Predictor<decltype(make_session(std::declval<const P&>(), isize{})), S>;

}  // namespace detail

/// What samplers and losses accept: a predictor, or a type whose sessions are predictors.
template <class P, class S>
concept PredictorLike = Predictor<std::remove_reference_t<P>, S> || detail::SessionPredictor<std::remove_cvref_t<P>, S>;

namespace detail {

struct one_call {
    void operator()();
};
template <class C>
struct one_more_call : C, one_call {};

/// A class whose operator() is a template or overloaded: its address is ambiguous, and so is that of a class which also
/// inherits another operator(). For which arguments it can be called shows only where it is called: to ask would compile
/// the body of a generic lambda, maybe for a scalar that it is not written for.
template <class C>
concept GenericCallable = std::is_class_v<C> && requires { sizeof(C); } && !std::is_final_v<C> &&
                          !requires { &C::operator(); } && !requires { &one_more_call<C>::operator(); };

}  // namespace detail

/// What adaptors such as `predicts` and `guided` accept: a predictor of float or of double, or a type that creates
/// sessions. A generic callable is taken without a check, since the scalar is known only where it is called.
template <class P>
concept AdaptablePredictor =
    detail::GenericCallable<std::remove_cvref_t<P>> || Predictor<std::remove_reference_t<P>, float> ||
    Predictor<std::remove_reference_t<P>, double> || SessionMaker<std::remove_cvref_t<P>>;

/// A predictor of ε: any bare callable with the right signature.
template <class P, class S>
concept EpsilonPredictor = Predictor<P, S> && !detail::NamesPredicts<std::remove_cvref_t<P>>;

/// The kind of a predictor's prediction: its member predicts(), or ε without one.
template <class P>
[[nodiscard]] prediction prediction_of(const P& predictor) {
    static_cast<void>(detail::predictor_members<P>{});
    if constexpr (detail::TellsPrediction<P>) {
        return predictor.predicts();
    } else {
        return prediction::epsilon;
    }
}

/// The shape of one sample, if the predictor has a member shape().
template <class P>
[[nodiscard]] std::optional<sample_shape> shape_of(const P& predictor) {
    static_cast<void>(detail::predictor_members<P>{});
    if constexpr (detail::TellsShape<P>) {
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

}  // namespace detail

/// A session of the predictor for up to `samples` samples, or a reference to the predictor itself if it has none: what
/// one run calls.
template <class P>
[[nodiscard]] decltype(auto) session_of(P& predictor, [[maybe_unused]] isize samples) {
    static_cast<void>(detail::predictor_members<std::remove_const_t<P>>{});
    if constexpr (SessionMaker<std::remove_const_t<P>>) {
        return detail::make_session(predictor, samples);
    } else {
        return (predictor);
    }
}

/// The scalar type of a predictor: its member type `scalar`, or float if it has none.
template <class P>
using predictor_scalar = typename detail::scalar_named_by<std::remove_cvref_t<P>>::type;

}  // namespace ddpm
