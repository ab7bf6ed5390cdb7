// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>

#include <concepts>

namespace ddpm {

/// A layer or a network: it names its scalar, and its static `visit(self, f)` calls f(name, member) in a fixed order
/// for each tensor, inner layer, or vector of inner layers. `self` may be const.
template <class L>
concept Layer = Scalar<typename L::scalar> && requires(L& layer, const L& const_layer) {
    L::visit(layer, [](const char*, auto&) {});
    L::visit(const_layer, [](const char*, const auto&) {});
};

/// What a workspace is to serve.
enum class pass {
    forward,   ///< forward only: activations are given back as soon as they are used
    backward,  ///< forward, then backward
    recompute  ///< the same with less memory, where the network can: it keeps little and computes the rest once more; the
               ///< bits stay the same
};

/// What a network says of itself, with the values of one that has nothing special. A network derives from it and declares
/// anew what is different. What it predicts it may say as any predictor does: prediction predicts() const.
struct network_base {
    /// Whether the output has twice the sample's channels: in each pixel those of the prediction, then those of the head for
    /// the reverse step's variance.
    [[nodiscard]] bool has_variance_head() const noexcept { return false; }

    /// What it must be told of each sample beside x_t and its time.
    [[nodiscard]] condition_shape takes() const noexcept { return {}; }

    /// How many samples a thread best sends through at once; 0 leaves it to the session.
    [[nodiscard]] isize samples_at_once() const noexcept { return 0; }
};

}  // namespace ddpm
