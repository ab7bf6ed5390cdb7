// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/network_base.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/memory/arena.hpp>

#include <string_view>

namespace ddpm::nn {

/// What a network keeps of one batch for its backward pass, and scratch: all of it in one arena. `Activations` are the
/// network's views into it.
template <Scalar S, class Activations>
class workspace {
public:
    explicit workspace(pass serves) : serves_(serves) {}

    arena<S> memory;
    Activations activations{};

    /// Whether forward leaves what backward needs, at least in part.
    [[nodiscard]] bool for_backward() const noexcept { return serves_ != pass::forward; }

    /// Whether forward keeps all that backward needs.
    [[nodiscard]] bool keeps() const noexcept { return serves_ == pass::backward; }

    /// A new batch goes through: what the last one left is given up.
    void begin(isize samples) noexcept {
        samples_ = samples;
        memory.clear();
    }

    /// @throws shape_error unless it serves backward, and as many samples went forward
    void require_backward(std::string_view where, isize samples) const {
        detail::require<shape_error>(for_backward(), where, "workspace", {"one planned for backward"},
                                     {"one for forward only"});
        detail::require<shape_error>(samples == samples_, where, "samples that went forward", {samples_}, {samples});
    }

private:
    pass serves_;
    isize samples_ = 0;
};

}  // namespace ddpm::nn
