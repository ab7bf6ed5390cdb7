// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/condition_values.hpp>
#include <ddpm/predictor/detail/adaptor.hpp>

#include <type_traits>
#include <utility>

namespace ddpm {

/// What makes sessions that can be told a condition, by a member tell(condition_values): every network, and what adapts one
/// and passes it on.
template <class P>
concept TakesCondition =
    SessionMaker<P> && requires(decltype(detail::make_session(std::declval<const P&>(), isize{}))& session,
                                const condition_values<predictor_scalar<P>>& given) { session.tell(given); };

/// A predictor that is told a condition; made by `conditioned`. It must outlive its sessions.
template <class P>
class conditioned_predictor : public detail::adaptor<P> {
public:
    using scalar = predictor_scalar<P>;

    conditioned_predictor(P&& predictor, const condition<scalar>& given)
        : detail::adaptor<P>(std::forward<P>(predictor)), given_(given) {}

    /// @throws shape_error or value_error if the condition is not what the network takes
    [[nodiscard]] auto session(isize samples) const {
        auto made = detail::make_session(this->predictor_, samples);
        made.tell(given_);
        return made;
    }

private:
    condition_values<scalar> given_;
};

/// A network (or what stands for one: `trainer::ema`, `predicts`, `self_conditioned`) with what it is told of the samples
/// of a run: sample n its own condition, or all of them the same if there is one. The values are copied; the network, an
/// lvalue, is held by reference, a temporary by value. Guidance combines two of them:
/// guided(conditioned(net, {.labels = wanted}), conditioned(net, {.labels = none}), scale).
/// @throws shape_error unless all forms of the condition are of equally many samples; its sessions as network_session::tell
template <class P>
    requires TakesCondition<std::remove_cvref_t<P>>
[[nodiscard]] conditioned_predictor<P> conditioned(P&& predictor, const condition<predictor_scalar<P>>& given) {
    return {std::forward<P>(predictor), given};
}

}  // namespace ddpm
