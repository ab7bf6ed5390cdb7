// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>

namespace ddpm {

/// A layer or a network: it has a type `scalar`, and a static `visit(self, f)` that calls f(name, member) in a fixed
/// order for each tensor, inner layer, or vector of inner layers. `self` may be const.
template <class L>
concept Layer = Scalar<typename L::scalar> && requires(L& layer, const L& const_layer) {
    L::visit(layer, [](const char*, auto&) {});
    L::visit(const_layer, [](const char*, const auto&) {});
};

/// What a workspace is used for.
enum class pass {
    forward,   ///< forward only: the memory of activations is reused as soon as possible
    backward,  ///< forward, then backward
    recompute  ///< forward, then backward, with less memory where the network supports it: it stores few activations
               ///< and computes the others again; the results are bit-equal
};

/// The optional properties of a network, with their defaults. A network derives from it and redefines those that
/// differ. It may also say what it predicts, as any predictor may: prediction predicts() const.
struct network_base {
    /// Whether the output has twice the sample's channels: at each pixel first the prediction, then the output for the
    /// variance of the reverse step.
    [[nodiscard]] bool has_variance_head() const noexcept { return false; }

    /// The condition that the network takes.
    [[nodiscard]] condition_shape takes() const noexcept { return {}; }

    /// How many samples one thread should process at once for the best speed; 0 leaves the choice to the session.
    [[nodiscard]] isize samples_at_once() const noexcept { return 0; }
};

}  // namespace ddpm
