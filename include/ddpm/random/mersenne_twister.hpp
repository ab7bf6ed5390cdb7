// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/mersenne_twister.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ddpm {

/// The numbers of std::mt19937, generated in blocks.
/// @accuracy exact: the words of std::mt19937
class mersenne_twister {
public:
    /// The generator whose words are those of std::mt19937(seed).
    explicit mersenne_twister(std::uint32_t seed) {
        state_[0] = seed;
        for (std::uint32_t i = 1; i < state_.size(); ++i) {
            state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
        }
    }

    /// The next word.
    [[nodiscard]] std::uint32_t operator()() {
        if (used_ == kernels::detail::twister_words) {
            refill();
        }
        return words_[static_cast<std::size_t>(used_++)];
    }

    /// Fills `out` with the lower 24 bits of the next words, as multiples of 2⁻²⁴ in [0, 1).
    void units(std::span<float> out) {
        for (std::size_t done = 0; done < out.size();) {
            if (used_ == kernels::detail::twister_words) {
                refill();
            }
            const isize count = std::min(static_cast<isize>(out.size() - done), kernels::detail::twister_words - used_);
            kernels::detail::words_to_units(count, words_.data() + used_, out.data() + done);
            used_ += count;
            done += static_cast<std::size_t>(count);
        }
    }

private:
    using words = std::array<std::uint32_t, static_cast<std::size_t>(kernels::detail::twister_words)>;

    void refill() {
        kernels::detail::twist(state_.data());
        kernels::detail::temper(kernels::detail::twister_words, state_.data(), words_.data());
        used_ = 0;
    }

    words state_;
    words words_{};  // the words of the current state
    isize used_ = kernels::detail::twister_words;
};

}  // namespace ddpm
