// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/condition.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/condition_values.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>

#include <type_traits>
#include <utility>

namespace ddpm {

/// A type whose sessions have a member set_condition(condition_values): networks, and adaptors that pass it on.
template <class P>
concept TakesCondition =
    SessionMaker<P> && requires(decltype(detail::make_session(std::declval<const P&>(), isize{}))& session,
                                const condition_values<predictor_scalar<P>>& given) { session.set_condition(given); };

namespace detail {

/// As adaptor_signatures, for `conditioned`.
template <class P>
struct network_signature {
    static_assert(TakesCondition<std::remove_cvref_t<P>>,
                  "ddpm: wanted is a network, or an adaptor of one: a type with a const member session(samples) whose "
                  "result has a member set_condition(condition_values<S>)");
};

}  // namespace detail

/// A predictor with a fixed condition; made by `conditioned`. It must outlive its sessions.
template <class P>
class conditioned_predictor : public detail::adaptor<P> {
public:
    using scalar = predictor_scalar<P>;

    /// As the arguments of conditioned.
    conditioned_predictor(P&& predictor, const condition<scalar>& given)
        : detail::adaptor<P>(std::forward<P>(predictor)), given_(given) {
        static_cast<void>(detail::network_signature<P>{});
    }

    /// A session of the network for `samples` samples, with the condition set.
    /// @throws shape_error or value_error if the condition is not what the network takes
    [[nodiscard]] auto session(isize samples) const {
        auto made = detail::make_session(this->predictor_, samples);
        made.set_condition(given_);
        return made;
    }

private:
    condition_values<scalar> given_;
};

/// Binds a condition to a network (or to `trainer::ema`, `predicts`, `self_conditioned`): one value per sample of the
/// run, or a single value for all samples. The values are copied; the network is held by reference if an lvalue, by
/// value if a temporary. Classifier-free guidance combines two of them: guided(conditioned(net, {.labels = wanted}),
/// conditioned(net, {.labels = none}), scale).
/// @throws shape_error unless all forms have the same number of samples; sessions throw as
/// network_session::set_condition
/// @accuracy exact: what the network gives
template <class P>
    requires TakesCondition<std::remove_cvref_t<P>>
[[nodiscard]] conditioned_predictor<P> conditioned(P&& predictor, const condition<predictor_scalar<P>>& given) {
    return {std::forward<P>(predictor), given};
}

template <class P>
    requires(!TakesCondition<std::remove_cvref_t<P>>)
detail::network_signature<P> conditioned(P&&, const condition<predictor_scalar<P>>&) {
    return {};
}

}  // namespace ddpm
