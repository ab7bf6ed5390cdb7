// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/random/normal_transform.hpp>
#include <ddpm/random/philox.hpp>

#include <cstdint>

namespace ddpm::test {

/// The scalar reference of the normal at element e of the n-th sample from an address.
inline float reference_normal(const kernels::normal_address& at, isize n, isize e) {
    const auto block = static_cast<std::uint32_t>(e / 64 * 16 + e % 16);
    const auto words = philox4x32({block, at.step, at.sample + static_cast<std::uint32_t>(n), at.stream},
                                  {static_cast<std::uint32_t>(at.seed), static_cast<std::uint32_t>(at.seed >> 32)});
    const normal_pair pair = e / 32 % 2 == 0 ? box_muller(words[0], words[1]) : box_muller(words[2], words[3]);
    return e / 16 % 2 == 0 ? pair.first : pair.second;
}

}  // namespace ddpm::test
