// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/normal_constants.hpp>

#include <array>
#include <cstdint>

namespace ddpm {

/// Philox4x32-10: four random words from a counter and a key. For each key it is a bijection of the counter, so that
/// every counter has its own words, all at the same cost.
/// @determinism integer arithmetic only: the same words everywhere
/// @source Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3; known-answer tests of Random123
/// @accuracy exact: the words of Random123
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                                std::array<std::uint32_t, 2> key) noexcept {
    using namespace kernels::detail;
    for (int round = 0; round < philox_rounds; ++round) {
        const std::uint64_t product_0 = std::uint64_t{philox_multiplier_0} * counter[0];
        const std::uint64_t product_1 = std::uint64_t{philox_multiplier_1} * counter[2];
        counter = {
            static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product_1),
            static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product_0)};
        key[0] += philox_weyl_0;
        key[1] += philox_weyl_1;
    }
    return counter;
}

}  // namespace ddpm
