// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/kernels/detail/cpu.hpp>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ddpm {

/// The instruction sets that kernels are compiled for, whatever the compiler flags. A machine supports some of them.
/// Only products of 16-bit numbers have versions for avx512_bf16 and amx; there all other kernels are those of avx512.
enum class instruction_set {
    baseline,     ///< supported by every machine of the architecture: SSE2 on x86-64
    avx2,         ///< x86-64 with AVX2 and FMA
    avx512,       ///< x86-64 with AVX-512 F, VL, DQ and BW
    avx512_bf16,  ///< avx512 with AVX512_BF16
    amx,          ///< avx512_bf16 with AMX-TILE and AMX-BF16
    neon          ///< 64-bit Arm
};

/// Those for which every kernel has a version, from the slowest to the fastest.
inline constexpr std::array float_instruction_sets{instruction_set::baseline, instruction_set::neon,
                                                   instruction_set::avx2, instruction_set::avx512};

/// From the slowest to the fastest.
inline constexpr std::array all_instruction_sets{instruction_set::baseline,    instruction_set::neon,
                                                 instruction_set::avx2,        instruction_set::avx512,
                                                 instruction_set::avx512_bf16, instruction_set::amx};

/// The name as DDPM_SIMD takes it: "baseline", "avx2", "avx512", "avx512_bf16", "amx" or "neon".
[[nodiscard]] constexpr std::string_view name_of(instruction_set set) noexcept {
    using enum instruction_set;
    switch (set) {
        case avx2:
            return "avx2";
        case avx512:
            return "avx512";
        case avx512_bf16:
            return "avx512_bf16";
        case amx:
            return "amx";
        case neon:
            return "neon";
        default:
            return "baseline";
    }
}

namespace detail {

[[nodiscard]] inline const cpu_features& this_cpu() {
    static const cpu_features cpu = read_cpu_features();
    return cpu;
}

}  // namespace detail

/// Whether this machine and its operating system support that instruction set.
[[nodiscard]] inline bool is_supported(instruction_set set) {
    const detail::cpu_features& cpu = detail::this_cpu();
    using enum instruction_set;
    switch (set) {
        case avx2:
            return cpu.avx2;
        case avx512:
            return cpu.avx512;
        case avx512_bf16:
            return cpu.avx512_bf16;
        case amx:
            return cpu.amx;
        case neon:
            return cpu.neon;
        default:
            return true;
    }
}

namespace detail {

/// The instruction set that the text of DDPM_SIMD names; the fastest supported one if the text is empty.
/// @throws value_error if the text names no instruction set, or one that this machine does not support
[[nodiscard]] inline instruction_set parse_simd_target(std::string_view text) {
    std::string supported;
    instruction_set fastest = instruction_set::baseline;
    bool known = false;
    for (const instruction_set set : all_instruction_sets) {
        const bool named = text == name_of(set);
        if (is_supported(set)) {
            if (named) {
                return set;
            }
            fastest = set;
            supported.append(supported.empty() ? "" : ", ").append(name_of(set));
        }
        known = known || named;
    }
    if (text.empty()) {
        return fastest;
    }
    throw value_error("DDPM_SIMD",
                      known ? "this machine does not have that instruction set" : "unknown instruction set", supported,
                      text);
}

// Not inlined, since every kernel's call asks for the active set.
[[nodiscard, gnu::noinline]] inline instruction_set first_simd_target() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): safe as long as the program does not change its environment meanwhile
    const char* const forced = std::getenv("DDPM_SIMD");
    return parse_simd_target(forced == nullptr ? "" : forced);
}

inline std::atomic<instruction_set>& active_simd_target() {
    static std::atomic<instruction_set> active{first_simd_target()};
    return active;
}

/// Makes kernels of all threads use one instruction set until the end of the scope: for tests and benchmarks.
class scoped_simd_target {
public:
    /// @throws value_error if this machine does not support it
    explicit scoped_simd_target(instruction_set set)
        : before_(active_simd_target().exchange(parse_simd_target(name_of(set)))) {}
    scoped_simd_target(const scoped_simd_target&) = delete;
    scoped_simd_target& operator=(const scoped_simd_target&) = delete;
    ~scoped_simd_target() { active_simd_target() = before_; }

private:
    instruction_set before_;
};

}  // namespace detail

/// The instruction set that kernels use: the fastest that the machine supports, or the one that the environment
/// variable DDPM_SIMD named when the first kernel ran.
/// @throws value_error if DDPM_SIMD names no instruction set, or one that this machine does not support
[[nodiscard]] inline instruction_set simd_target() {
    return detail::active_simd_target().load(std::memory_order_relaxed);
}

}  // namespace ddpm
