// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/predictor/concept.hpp>

#include <span>
#include <type_traits>
#include <vector>

namespace ddpm::test {

/// One call of a session.
template <Scalar S, class Session>
[[nodiscard]] batch<S> call(Session& session, const batch<S>& x, const std::vector<double>& t) {
    batch<S> out(x.rows(), x.cols());
    session(batch_view<const S>(x), std::span<const double>(t), model_output<S>{out, {}});
    return out;
}

/// The first prediction of a run.
template <Scalar S, class P>
    requires PredictorLike<P, S>
[[nodiscard]] batch<S> evaluate(const P& predictor, const batch<S>& x, const std::vector<double>& t) {
    auto&& session = session_of(predictor, x.cols());
    return call<S>(session, x, t);
}

/// A predictor that says what it was asked, and counts how often.
template <Scalar S, class F>
struct counted_predictor {
    using scalar = S;
    F function;  ///< F(t, i, n): the prediction of element i of sample n
    prediction kind = prediction::epsilon;
    int* calls = nullptr;

    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) const {
        if (calls != nullptr) {
            ++*calls;
        }
        for (isize n = 0; n < xt.columns(); ++n) {
            for (isize i = 0; i < out.prediction.rows(); ++i) {
                out.prediction(i, n) = static_cast<S>(function(t[static_cast<std::size_t>(n)], i, n));
            }
        }
    }
    [[nodiscard]] prediction predicts() const { return kind; }
};

/// Deduces the function.
template <Scalar S, class F>
[[nodiscard]] counted_predictor<S, F> counted(F function, int* calls = nullptr, prediction kind = prediction::epsilon) {
    return {function, kind, calls};
}

}  // namespace ddpm::test
