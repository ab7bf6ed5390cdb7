// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ddpm::test {

/// What AMX does: eight tiles of 16 rows of 64 bytes.
/// @source Intel SDM volume 2, TDPBF16PS: the even and the odd products of a tile are summed apart, with one rounding
///     each, then their sum is added
struct emulated_tiles {
    static inline thread_local unsigned char memory[8][16][64];

    static void begin() {}
    static void end() {}
    static void fetch(const void* /*from*/) {}
    template <int Tile>
    static void zero() {
        std::memset(memory[Tile], 0, sizeof memory[Tile]);
    }
    template <int Tile>
    static void load(const void* from, isize row) {
        for (isize i = 0; i < 16; ++i) {
            std::memcpy(memory[Tile][i], static_cast<const char*>(from) + i * row, 64);
        }
    }
    template <int Tile>
    static void store(void* to, isize row) {
        for (isize i = 0; i < 16; ++i) {
            std::memcpy(static_cast<char*>(to) + i * row, memory[Tile][i], 64);
        }
    }
    template <int Sum, int A, int B>
    static void multiply_add() {
        for (isize i = 0; i < 16; ++i) {
            bfloat16 a[32];
            float sums[16];
            std::memcpy(a, memory[A][i], 64);
            std::memcpy(sums, memory[Sum][i], 64);
            for (isize o = 0; o < 16; ++o) {
                float even = 0, odd = 0;
                for (isize k = 0; k < 16; ++k) {
                    bfloat16 pair[2];
                    std::memcpy(pair, memory[B][k] + 4 * o, 4);
                    even = std::fma(to_float(a[2 * k]), to_float(pair[0]), even);
                    odd = std::fma(to_float(a[2 * k + 1]), to_float(pair[1]), odd);
                }
                sums[o] += even + odd;
            }
            std::memcpy(memory[Sum][i], sums, 64);
        }
    }
};

// The blocks of AMX, compiled here for every machine.
using kernels::detail::packed_outputs;
using kernels::detail::packed_problem;
#include <ddpm/kernels/detail/tile_product.inl.hpp>

}  // namespace ddpm::test
