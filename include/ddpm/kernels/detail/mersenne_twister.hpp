// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/pack.hpp>

#include <cstdint>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/mersenne_twister.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels::detail {

/// Number of words of the generator's state.
inline constexpr isize twister_words = 624;

/// Advances the state by 624 words.
/// @source Matsumoto and Nishimura, Mersenne twister, ACM TOMACS 8 (1998): MT19937
inline void twist(std::uint32_t* state) { DDPM_DISPATCH(twist)(state); }

/// The output words of `count` state words.
inline void temper(isize count, const std::uint32_t* state, std::uint32_t* words) {
    DDPM_DISPATCH(temper)(count, state, words);
}

/// The low 24 bits of each word, times 2⁻²⁴: numbers in [0, 1).
inline void words_to_units(isize count, const std::uint32_t* words, float* units) {
    DDPM_DISPATCH(words_to_units)(count, words, units);
}

}  // namespace ddpm::kernels::detail
