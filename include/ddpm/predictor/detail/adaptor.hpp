// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/predictor/concept.hpp>

#include <type_traits>
#include <utility>

namespace ddpm::detail {

/// The predictor that a session of an adaptor calls: a session of the held predictor. If that has none, a reference to
/// an lvalue, or a copy of a predictor held by value, so that runs do not share its state.
template <class P, class Held>
[[nodiscard]] decltype(auto) held_session_of(Held& held, [[maybe_unused]] isize samples) {
    if constexpr (SessionMaker<std::remove_cvref_t<P>>) {
        return make_session(std::as_const(held), samples);
    } else if constexpr (std::is_lvalue_reference_v<P>) {
        return (held);
    } else {
        return P(held);
    }
}

template <class P>
using held_session = decltype(held_session_of<P>(std::declval<P&>(), isize{}));

/// Checks what is adapted, so that the compiler's first error says what is wanted.
template <class... P>
struct adaptor_signatures {
    static_assert((AdaptablePredictor<P> && ...),
                  "ddpm: wanted is a predictor that is called as predictor(batch_view<const S> xt, "
                  "std::span<const double> t, const model_output<S>& out) with S = float or S = double, or that has a "
                  "const member session(samples) which returns one");
};

/// The base of adaptors: holds the adapted predictor (an lvalue by reference, a temporary by value) and forwards its
/// shape and kind of prediction. P may be incomplete until one is made.
template <class P>
class adaptor {
public:
    using scalar = predictor_scalar<P>;

    explicit adaptor(P&& predictor) : predictor_(std::forward<P>(predictor)) {
        static_cast<void>(adaptor_signatures<P>{});
        static_cast<void>(predictor_members<std::remove_cvref_t<P>>{});
    }

    [[nodiscard]] sample_shape shape() const
        requires TellsShape<std::remove_cvref_t<P>>
    {
        return predictor_.shape();
    }

    [[nodiscard]] prediction predicts() const { return prediction_of(predictor_); }

protected:
    P predictor_;
};

}  // namespace ddpm::detail
