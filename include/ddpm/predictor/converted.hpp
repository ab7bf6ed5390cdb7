// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ddpm {

namespace detail {

/// Converts predictions of kind `from` to kind `to`, column n at the noise level of t[n].
template <Scalar S>
void convert_at(std::string_view where, prediction from, prediction to, const level_function& level_of,
                batch_view<const S> xt, std::span<const double> t, batch_view<const S> value, batch_view<S> out) {
    require_same_shape(where, "prediction has the shape of xt", xt, out);
    if (static_cast<isize>(t.size()) != xt.columns()) {
        throw shape_error(where, "one time per sample", xt.columns(), t.size());
    }
    const auto factors_of = [&](isize n) {
        const affine c = conversion(from, to, level_of(t[static_cast<std::size_t>(n)]));
        return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)};
    };
    kernels::linear_combination<S>({xt, value}, factors_of, out);
}

/// The session of a converted predictor.
template <class Session>
class converted_session {
public:
    converted_session(Session&& session, prediction from, prediction to, const level_function& level_of)
        : session_(std::forward<Session>(session)), from_(from), to_(to), level_of_(&level_of) {}

    /// @shape xt and out.prediction D × N; t N
    template <Scalar S>
        requires Predictor<std::remove_reference_t<Session>, S>
    void operator()(std::type_identity_t<batch_view<const S>> xt, std::span<const double> t,
                    const model_output<S>& out) {
        session_(xt, t, out);
        if (from_ != to_) {
            convert_at<S>("converted", from_, to_, *level_of_, xt, t, out.prediction, out.prediction);
        }
    }

private:
    Session session_;
    prediction from_;
    prediction to_;
    const level_function* level_of_;
};

}  // namespace detail

/// A predictor with its output converted to another kind; made by `converted`. It must outlive its sessions.
template <class P>
class converted_predictor : public detail::adaptor<P> {
public:
    /// As the arguments of converted.
    converted_predictor(P&& predictor, prediction to, level_function level_of)
        : detail::adaptor<P>(std::forward<P>(predictor)), to_(to), level_of_(std::move(level_of)) {}

    /// A session for `samples` samples, which converts what a session of the predictor gives.
    [[nodiscard]] auto session(isize samples) const {
        return detail::converted_session<detail::held_session<P>>(detail::held_session_of<P>(this->predictor_, samples),
                                                                  prediction_of(this->predictor_), to_, level_of_);
    }

    [[nodiscard]] prediction predicts() const noexcept { return to_; }

private:
    prediction to_;
    level_function level_of_;
};

/// The same predictor with its output converted to `to`. Holds an lvalue by reference, a temporary by value. Sessions
/// throw value_error where the conversion does not exist (see `conversion`), and what `level_of` throws.
/// @param level_of the noise level at a time: a discrete schedule, or a callable double → noise_level<double>
/// @accuracy bit-equal to `convert` of the prediction
template <AdaptablePredictor P>
[[nodiscard]] converted_predictor<P> converted(P&& predictor, prediction to, level_function level_of) {
    return {std::forward<P>(predictor), to, std::move(level_of)};
}

template <class P>
    requires(!AdaptablePredictor<P>)
detail::adaptor_signatures<P> converted(P&&, prediction, const level_function&) {
    return {};
}

}  // namespace ddpm
