// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>
#include <ddpm/predictor/detail/session_memory.hpp>

#include <algorithm>
#include <concepts>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

namespace ddpm {

/// The times t at which guidance acts: `from` ≤ t ≤ `to`, in the time passed to the model. At other times the
/// conditional predictor is used alone. For an interval of σ, give the times of its ends.
/// @source Kynkäänniemi et al. 2024, arXiv 2404.07724
struct guidance_interval {
    double from = -std::numeric_limits<double>::infinity();
    double to = std::numeric_limits<double>::infinity();

    /// Whether guidance acts at time t.
    [[nodiscard]] bool contains(double t) const noexcept { return from <= t && t <= to; }
};

namespace detail {

/// A rule of guidance: rule.guides(t) says whether it acts at time t, and rule(t, without, predicted) changes the
/// conditional predictions, given the unconditional ones.
template <class R>
concept GuidanceRule = std::copy_constructible<R> && requires(R& rule, double time, std::span<const double> t,
                                                              batch_view<const float> without, batch_view<float> out) {
    { rule.guides(time) } -> std::same_as<bool>;
    rule(t, without, out);
};

/// The session of a guided predictor. It owns the rule and the rule's state.
template <class Conditional, class Unconditional, GuidanceRule Rule>
class guided_session {
public:
    guided_session(Conditional&& conditional, Unconditional&& unconditional, const Rule& rule, session_memory memory)
        : conditional_(std::forward<Conditional>(conditional)),
          unconditional_(std::forward<Unconditional>(unconditional)),
          rule_(rule),
          without_(std::move(memory)) {
        if constexpr (requires { rule_.reserve(without_); }) {
            rule_.reserve(without_);
        }
    }

    /// @shape xt and out.prediction D × N; t N. The variance head is that of the conditional predictor
    /// @throws shape_error unless there is one time per sample; what the two predictors throw
    template <Scalar S>
        requires Predictor<std::remove_reference_t<Conditional>, S> &&
                 Predictor<std::remove_reference_t<Unconditional>, S>
    void operator()(std::type_identity_t<batch_view<const S>> xt, std::span<const double> t,
                    const model_output<S>& out) {
        if (static_cast<isize>(t.size()) != xt.columns()) {
            throw shape_error("guided", "one time per sample", xt.columns(), t.size());
        }
        conditional_(xt, t, out);
        if (std::none_of(t.begin(), t.end(), [this](double time) { return rule_.guides(time); })) {
            return;
        }
        batch<S>& without = without_.template scratch<S>(xt.rows(), xt.columns());
        unconditional_(xt, t, model_output<S>{batch_view<S>(without), {}, out.first_sample});
        rule_(t, batch_view<const S>(without), out.prediction);
    }

private:
    Conditional conditional_;
    Unconditional unconditional_;
    Rule rule_;
    session_memory without_;
};

}  // namespace detail

/// Two predictors of the same kind, combined by a rule; made by `guided`, `projected_guided` and `autoguided`. Holds
/// lvalues by reference, temporaries by value. It must outlive its sessions.
/// @accuracy that of `guided` or `projected_guided`; where the rule does not act, exact: the conditional prediction
template <class Conditional, class Unconditional, detail::GuidanceRule Rule>
class guided_predictor : public detail::adaptor<Conditional> {
public:
    /// @throws value_error if the two predict different kinds
    guided_predictor(Conditional&& conditional, Unconditional&& unconditional, const Rule& rule)
        : detail::adaptor<Conditional>(std::forward<Conditional>(conditional)),
          unconditional_(std::forward<Unconditional>(unconditional)),
          rule_(rule) {
        static_cast<void>(detail::adaptor_signatures<Unconditional>{});
        const prediction kind = this->predicts(), other = prediction_of(unconditional_);
        if (kind != other) {
            throw value_error("guided", "kind of the unconditional prediction", name_of(kind), name_of(other));
        }
    }

    /// A session for `samples` samples, with sessions of both predictors and a copy of the rule.
    [[nodiscard]] auto session(isize samples) const {
        using with = detail::held_session<Conditional>;
        using without = detail::held_session<Unconditional>;
        return detail::guided_session<with, without, Rule>(
            detail::held_session_of<Conditional>(this->predictor_, samples),
            detail::held_session_of<Unconditional>(unconditional_, samples), rule_,
            detail::session_memory(this->predictor_, samples));
    }

private:
    Unconditional unconditional_;
    Rule rule_;
};

}  // namespace ddpm
