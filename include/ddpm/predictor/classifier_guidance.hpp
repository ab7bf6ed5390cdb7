// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>
#include <ddpm/predictor/detail/rescale.hpp>
#include <ddpm/predictor/detail/session_memory.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ddpm {

/// The gradient of a classifier: gradient(xt, t, out) writes ∇ ln p(y|x_t) with respect to x_t, D × N, for the wanted
/// class y of each sample. The classifier must be trained on noisy samples. Like a predictor, it may have a const
/// member session(samples), which returns a gradient for one run. A public member of that name with another signature
/// does not compile where the gradient is used.
template <class G, class S>
concept LogGradient = Scalar<S> && requires(G& gradient, const batch_view<const S> xt, const std::span<const double> t,
                                            const batch_view<S> out) {
    gradient(xt, t, out);
    gradient(batch_view<const S>(xt), std::span<const double>(t), batch_view<S>(out));
};

/// What `classifier_guided` accepts: a gradient for float or double, or a type that creates sessions which are one. A
/// generic callable is taken without a check, as by AdaptablePredictor.
template <class G>
concept AdaptableGradient =
    detail::GenericCallable<std::remove_cvref_t<G>> || LogGradient<std::remove_reference_t<G>, float> ||
    LogGradient<std::remove_reference_t<G>, double> || detail::HasSession<std::remove_cvref_t<G>>;

namespace detail {

/// Checks the optional member of a gradient: one with a wrong signature would be ignored.
template <class G>
struct gradient_members {
    static_assert(!NamesSession<G> || HasSession<G>,
                  "ddpm: wanted as the member session of a gradient is a const one that returns a gradient: "
                  "auto session(isize samples) const");
};

}  // namespace detail

/// A session of the gradient for up to `samples` samples, or a reference to the gradient itself if it has none: what one
/// run calls.
template <class Gradient>
[[nodiscard]] decltype(auto) gradient_session_of(Gradient& gradient, [[maybe_unused]] isize samples) {
    static_cast<void>(detail::gradient_members<std::remove_const_t<Gradient>>{});
    if constexpr (detail::HasSession<std::remove_const_t<Gradient>>) {
        return std::as_const(gradient).session(samples);
    } else {
        return (gradient);
    }
}

/// A gradient, or a type whose sessions are gradients.
template <class G, class S>
concept GradientLike = LogGradient<
    std::remove_reference_t<decltype(gradient_session_of(std::declval<std::add_lvalue_reference_t<G>>(), isize{}))>, S>;

/// @throws value_error unless the scale of classifier guidance is within ±10⁶
inline void require_guidance_scale(std::string_view where, double scale) {
    detail::require_guidance_factor(where, "scale", scale);
}

namespace detail {

/// As held_session_of, for a gradient.
template <class G, class Held>
[[nodiscard]] decltype(auto) held_gradient_of(Held& held, [[maybe_unused]] isize samples) {
    if constexpr (HasSession<std::remove_cvref_t<G>> || std::is_lvalue_reference_v<G>) {
        return gradient_session_of(held, samples);
    } else {
        static_cast<void>(gradient_members<std::remove_cvref_t<G>>{});
        return G(held);
    }
}

template <class G>
using held_gradient = decltype(held_gradient_of<G>(std::declval<G&>(), isize{}));

/// As adaptor_signatures, for a predictor and a gradient.
template <class P, class Gradient>
struct gradient_signature : adaptor_signatures<P> {
    static_assert(AdaptableGradient<Gradient>,
                  "ddpm: wanted is a gradient that is called as gradient(batch_view<const S> xt, "
                  "std::span<const double> t, batch_view<S> out) with S = float or S = double, or that has a const "
                  "member session(samples) which returns one");
};

/// The factor of ∇ ln p(y|x_t) that is added to a prediction: −σ for ε, for the other kinds by conversion from ε.
[[nodiscard]] inline double guidance_shift(prediction kind, const noise_level<double>& level) {
    if (kind == prediction::score) {
        return 1;
    }
    return -level.sigma * conversion(prediction::epsilon, kind, level).value;
}

/// The session of a classifier-guided predictor.
template <class Session, class Gradient>
class classifier_guided_session {
public:
    classifier_guided_session(Session&& session, Gradient&& gradient, prediction kind, const level_function& level_of,
                              double scale, session_memory memory)
        : session_(std::forward<Session>(session)),
          gradient_(std::forward<Gradient>(gradient)),
          kind_(kind),
          level_of_(&level_of),
          scale_(scale),
          memory_(std::move(memory)) {}

    /// @shape xt and out.prediction D × N; t N
    template <Scalar S>
        requires Predictor<std::remove_reference_t<Session>, S> && LogGradient<std::remove_reference_t<Gradient>, S>
    void operator()(std::type_identity_t<batch_view<const S>> xt, std::span<const double> t,
                    const model_output<S>& out) {
        if (static_cast<isize>(t.size()) != xt.columns()) {
            throw shape_error("classifier_guided", "one time per sample", xt.columns(), t.size());
        }
        session_(xt, t, out);
        batch<S>& gradient = memory_.template scratch<S>(xt.rows(), xt.columns());
        gradient_(xt, t, batch_view<S>(gradient));
        const auto factors_of = [&](isize n) {
            const double shift = guidance_shift(kind_, (*level_of_)(t[static_cast<std::size_t>(n)]));
            return std::array{S{1}, static_cast<S>(scale_ * shift)};
        };
        kernels::linear_combination<S>({batch_view<const S>(out.prediction), batch_view<const S>(gradient)}, factors_of,
                                       out.prediction);
    }

private:
    Session session_;
    Gradient gradient_;
    prediction kind_;
    const level_function* level_of_;
    double scale_;
    session_memory memory_;
};

}  // namespace detail

/// A predictor guided by a classifier; made by `classifier_guided`. It must outlive its sessions.
template <class P, class Gradient>
class classifier_guided_predictor : public detail::adaptor<P> {
public:
    /// As the arguments of classifier_guided.
    /// @throws value_error unless scale is within ±10⁶
    classifier_guided_predictor(P&& predictor, Gradient&& gradient, level_function level_of, double scale)
        : detail::adaptor<P>(std::forward<P>(predictor)),
          gradient_(std::forward<Gradient>(gradient)),
          level_of_(std::move(level_of)),
          scale_(scale) {
        static_cast<void>(detail::gradient_signature<P, Gradient>{});
        static_cast<void>(detail::gradient_members<std::remove_cvref_t<Gradient>>{});
        require_guidance_scale("classifier_guided", scale);
    }

    /// A session for `samples` samples, with sessions of the predictor and the gradient.
    [[nodiscard]] auto session(isize samples) const {
        using gradient = detail::held_gradient<Gradient>;
        return detail::classifier_guided_session<detail::held_session<P>, gradient>(
            detail::held_session_of<P>(this->predictor_, samples),
            detail::held_gradient_of<Gradient>(gradient_, samples), this->predicts(), level_of_, scale_,
            detail::session_memory(this->predictor_, samples));
    }

private:
    Gradient gradient_;
    level_function level_of_;
    double scale_;
};

/// Classifier guidance: the score becomes ∇ ln p(x_t) + scale · ∇ ln p(y|x_t), so that ε' = ε − scale · σ ∇
/// ln p(y|x_t); the other kinds of prediction change accordingly. Works with every sampler. Holds lvalues by reference,
/// temporaries by value. Sessions throw value_error where the prediction cannot be computed from ε (x0, v and flow at
/// α = 0), and what `level_of` throws. Where scale · σ is 0 the gradient may be infinite or NaN.
/// @param level_of the noise level at a time: a discrete schedule, or a callable double → noise_level<double>
/// @throws value_error if |scale| > 10⁶
/// @accuracy at most 12 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |prediction| + |its change|, for
/// the gradient and the level as given
/// @source Dhariwal and Nichol 2021, arXiv 2105.05233, algorithm 2
template <AdaptablePredictor P, AdaptableGradient Gradient>
[[nodiscard]] classifier_guided_predictor<P, Gradient> classifier_guided(P&& predictor, Gradient&& gradient,
                                                                         level_function level_of, double scale = 1) {
    return {std::forward<P>(predictor), std::forward<Gradient>(gradient), std::move(level_of), scale};
}

template <class P, class Gradient>
    requires(!AdaptablePredictor<P> || !AdaptableGradient<Gradient>)
detail::gradient_signature<P, Gradient> classifier_guided(P&&, Gradient&&, const level_function&, double = 1) {
    return {};
}

}  // namespace ddpm
