// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/predictor/guidance.hpp>

#include <utility>

namespace ddpm {

/// Autoguidance: guides a network by a worse version of itself (smaller or less trained) with the same condition: weak
/// + scale · (net − weak). This reduces the errors that both make without reducing variety.
/// @throws as guided
/// @source Karras et al. 2024, arXiv 2406.02507, equation 3
template <class Net, class Weak>
[[nodiscard]] auto autoguided(Net&& net, Weak&& weak, const guidance_options& options) {
    return guided(std::forward<Net>(net), std::forward<Weak>(weak), options);
}

/// As above with a scale only: 1 is the network alone; the paper uses 1.2 to 3.
template <class Net, class Weak>
[[nodiscard]] auto autoguided(Net&& net, Weak&& weak, double scale) {
    return guided(std::forward<Net>(net), std::forward<Weak>(weak), scale);
}

}  // namespace ddpm
