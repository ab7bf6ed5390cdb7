// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/network_base.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/memory/arena.hpp>

#include <string_view>

namespace ddpm::nn {

/// The activations of one batch for the backward pass, and scratch, in one arena. `Activations` are views into it.
template <Scalar S, class Activations>
class workspace {
public:
    /// Without memory, which grows when the first batch needs it.
    /// @param serves the passes that a batch makes
    explicit workspace(pass serves) : serves_(serves) {}

    arena<S> memory;
    Activations activations{};

    /// Whether backward can follow forward.
    [[nodiscard]] bool for_backward() const noexcept { return serves_ != pass::forward; }

    /// Whether forward keeps all activations, so that backward computes none again.
    [[nodiscard]] bool keeps() const noexcept { return serves_ == pass::backward; }

    /// Begins a new batch and discards the activations of the last one.
    void begin(isize samples) noexcept {
        samples_ = samples;
        memory.clear();
    }

    /// Ends the batch: from here on backward writes gradients over activations, which then serve no second backward.
    void end() noexcept { samples_ = used_up; }

    /// @throws shape_error unless it was made for backward, and forward had as many samples and came after the last backward
    /// that ended a batch
    void require_backward(std::string_view where, isize samples) const {
        detail::require<shape_error>(for_backward(), where, "workspace", {"one planned for backward"},
                                     {"one for forward only"});
        detail::require<shape_error>(samples_ != used_up, where, "workspace", {"one after forward"},
                                     {"one whose activations are used up"});
        detail::require<shape_error>(samples == samples_, where, "samples that went forward", {samples_}, {samples});
    }

private:
    static constexpr isize used_up = -1;

    pass serves_;
    isize samples_ = 0;
};

}  // namespace ddpm::nn
