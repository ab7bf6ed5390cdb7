// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>

#include <span>
#include <type_traits>
#include <utility>

namespace ddpm {

/// A predictor with its kind of prediction set at run time; made by `predicts`. Holds an lvalue by reference, a
/// temporary by value.
/// @accuracy exact: the output of the predictor
template <class P>
class predicting : public detail::adaptor<P> {
public:
    /// The predictor, with its output interpreted as `kind`.
    predicting(P&& predictor, prediction kind) : detail::adaptor<P>(std::forward<P>(predictor)), kind_(kind) {}

    /// The output of the predictor, not converted. Shapes and errors as those of the predictor.
    template <Scalar S>
        requires Predictor<std::remove_reference_t<P>, S>
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) {
        this->predictor_(xt, t, out);
    }

    /// The session that the predictor makes for a run of so many samples.
    [[nodiscard]] auto session(isize samples) const
        requires SessionMaker<std::remove_cvref_t<P>>
    {
        return detail::make_session(std::as_const(this->predictor_), samples);
    }

    [[nodiscard]] prediction predicts() const noexcept { return kind_; }

private:
    prediction kind_;
};

/// The same predictor with its output interpreted as `kind`, without conversion.
template <AdaptablePredictor P>
[[nodiscard]] predicting<P> predicts(P&& predictor, prediction kind) {
    return {std::forward<P>(predictor), kind};
}

template <class P>
    requires(!AdaptablePredictor<P>)
detail::adaptor_signatures<P> predicts(P&&, prediction) {
    return {};
}

}  // namespace ddpm
