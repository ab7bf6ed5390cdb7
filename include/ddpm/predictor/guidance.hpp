// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/process/parameterization.hpp>

#include <array>
#include <span>
#include <type_traits>
#include <utility>

namespace ddpm {

namespace detail {

/// One run of a guided predictor.
template <class Conditional, class Unconditional, Scalar S>
class guided_session {
public:
    using scalar = S;

    guided_session(Conditional conditional, Unconditional unconditional, double scale)
        : conditional_(std::move(conditional)), unconditional_(std::move(unconditional)), scale_(static_cast<S>(scale)) {}

    /// @shape xt and out.prediction D × N; t N. A variance head is the conditional predictor's
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) {
        if (without_.rows() != xt.rows() || without_.cols() != xt.columns()) {
            without_.resize(xt.rows(), xt.columns());
        }
        conditional_(xt, t, out);
        unconditional_(xt, t, model_output<S>{batch_view<S>(without_), {}});
        kernels::linear_combination<S>({batch_view<const S>(out.prediction), batch_view<const S>(without_)},
                                       [this](index) { return std::array{scale_, S{1} - scale_}; }, out.prediction);
    }

private:
    Conditional conditional_;
    Unconditional unconditional_;
    S scale_;
    batch<S> without_;
};

}  // namespace detail

/// Classifier-free guidance: unconditional + scale · (conditional − unconditional), of two predictors that predict the
/// same kind; made by `guided`. It holds lvalues by reference, temporaries by value.
/// @source Ho and Salimans 2022, arXiv 2207.12598, equation 6 (scale = 1 + w)
template <class Conditional, class Unconditional>
class guided_predictor {
public:
    using scalar = predictor_scalar<Conditional>;

    guided_predictor(Conditional&& conditional, Unconditional&& unconditional, double scale)
        : conditional_(std::forward<Conditional>(conditional)),
          unconditional_(std::forward<Unconditional>(unconditional)),
          scale_(scale) {
        if (prediction_of(conditional_) != prediction_of(unconditional_)) {
            throw value_error("guided", "the two predictors", "the same kind of prediction", "two kinds");
        }
    }

    [[nodiscard]] auto session(index samples) const
        requires SessionMaker<std::remove_cvref_t<Conditional>> && SessionMaker<std::remove_cvref_t<Unconditional>>
    {
        using with = decltype(conditional_.session(samples));
        using without = decltype(unconditional_.session(samples));
        return detail::guided_session<with, without, scalar>(conditional_.session(samples),
                                                             unconditional_.session(samples), scale_);
    }

    [[nodiscard]] sample_shape shape() const
        requires requires(const std::remove_cvref_t<Conditional>& p) { p.shape(); }
    {
        return conditional_.shape();
    }

    [[nodiscard]] prediction predicts() const { return prediction_of(conditional_); }

private:
    Conditional conditional_;
    Unconditional unconditional_;
    double scale_;
};

/// Makes a guided predictor. Scale 1 is the conditional predictor alone, 0 the unconditional one.
/// @throws value_error if the two predict different kinds
template <class Conditional, class Unconditional>
[[nodiscard]] guided_predictor<Conditional, Unconditional> guided(Conditional&& conditional,
                                                                  Unconditional&& unconditional, double scale) {
    return {std::forward<Conditional>(conditional), std::forward<Unconditional>(unconditional), scale};
}

}  // namespace ddpm
