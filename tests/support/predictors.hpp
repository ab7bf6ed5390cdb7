// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

#include <ddpm/predictor/concept.hpp>

#include <cmath>

namespace ddpm::test {

/// The smallest predictor.
template <Scalar S>
struct predictor_archetype {
    void operator()(batch_view<const S> xt, std::span<const double>, const model_output<S>& out) const {
        out.prediction.array() = xt.array() / 2;
    }
};

/// The smallest network: makes sessions, predicts v, knows its shape.
template <Scalar S>
struct session_archetype {
    using scalar = S;
    struct predictor {
        isize samples;
        void operator()(batch_view<const S> xt, std::span<const double>, const model_output<S>& out) const {
            out.prediction.array() = xt.array() / 4;
        }
        [[nodiscard]] prediction predicts() const { return prediction::v; }
    };
    [[nodiscard]] predictor session(isize samples) const { return {samples}; }
    [[nodiscard]] prediction predicts() const { return prediction::v; }
    [[nodiscard]] sample_shape shape() const { return 4; }
};

/// The model of diffusers' scheduler tests: x · t / (t + 1).
template <Scalar S>
void golden_model(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) {
    for (isize n = 0; n < xt.columns(); ++n) {
        const double time = t[static_cast<std::size_t>(n)];
        out.prediction.array().col(n) = xt.array().col(n) * static_cast<S>(time) / static_cast<S>(time + 1);
    }
}

}  // namespace ddpm::test
