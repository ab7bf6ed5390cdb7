// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

namespace ddpm::detail {

/// The instruction sets beyond the baseline that may be used.
struct cpu_features {
    bool avx2 = false;
    bool avx512 = false;
    bool avx512_bf16 = false;
    bool fast_pairs = false;  ///< an instruction of AVX512_BF16 is faster than the two fused products that it replaces
    bool amx = false;
    bool neon = false;
};

/// Results of CPUID (leaf 0 EBX, leaf 1 ECX, leaf 7 EBX and EDX, leaf 7 subleaf 1 EAX) and of XGETBV: the register states
/// that the operating system saves.
struct x86_registers {
    std::uint32_t leaf1_ecx = 0;
    std::uint32_t leaf7_ebx = 0;
    std::uint32_t xcr0 = 0;
    std::uint32_t leaf7_edx = 0;
    std::uint32_t leaf7_1_eax = 0;
    std::uint32_t leaf0_ebx = 0;
};

/// Decodes them. An instruction set is usable only if the processor has it and the operating system saves its vector
/// registers on a task switch.
/// @source Intel SDM volume 1, sections 14.3, 15.2 and 18.2
[[nodiscard]] constexpr cpu_features decode(const x86_registers& registers) noexcept {
    constexpr std::uint32_t fma = 1u << 12, avx = 1u << 28;                              // leaf 1, ECX
    constexpr std::uint32_t avx2 = 1u << 5;                                              // leaf 7, EBX
    constexpr std::uint32_t avx512 = (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);  // leaf 7, EBX: F DQ BW VL
    constexpr std::uint32_t amx = (1u << 22) | (1u << 24);                               // leaf 7, EDX: BF16 TILE
    constexpr std::uint32_t avx512_bf16 = 1u << 5;                                       // leaf 7 subleaf 1, EAX
    constexpr std::uint32_t intel = 0x756e6547;                                          // leaf 0, EBX: "Genu"
    constexpr std::uint32_t ymm_state = 0x06, zmm_state = 0xe6, tile_state = 0x60000;
    const bool has_avx2 = (registers.leaf1_ecx & (fma | avx)) == (fma | avx) && (registers.leaf7_ebx & avx2) != 0 &&
                          (registers.xcr0 & ymm_state) == ymm_state;
    const bool has_avx512 =
        has_avx2 && (registers.leaf7_ebx & avx512) == avx512 && (registers.xcr0 & zmm_state) == zmm_state;
    const bool has_avx512_bf16 = has_avx512 && (registers.leaf7_1_eax & avx512_bf16) != 0;
    const bool has_amx =
        has_avx512_bf16 && (registers.leaf7_edx & amx) == amx && (registers.xcr0 & tile_state) == tile_state;
    // Measured on a Xeon of 2025: an instruction every two cycles, and two fused products of float every cycle.
    const bool has_fast_pairs = has_avx512_bf16 && registers.leaf0_ebx != intel;
    return {has_avx2, has_avx512, has_avx512_bf16, has_fast_pairs, has_amx, false};
}

/// Asks the operating system for AMX's tile registers, for all threads of the process. Linux gives them on request only.
[[nodiscard]] inline bool allows_tiles() noexcept {
#if defined(__x86_64__) && defined(__linux__) && defined(SYS_arch_prctl)
    constexpr long request_permission = 0x1023, tile_data = 18;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
}

[[nodiscard]] inline cpu_features read_cpu_features() noexcept {
#if defined(__x86_64__)
    x86_registers registers;
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(0, &eax, &ebx, &ecx, &edx) != 0) {
        registers.leaf0_ebx = ebx;
    }
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) {
        registers.leaf1_ecx = ecx;
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
        registers.leaf7_ebx = ebx;
        registers.leaf7_edx = edx;
    }
    if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0) {
        registers.leaf7_1_eax = eax;
    }
    if ((registers.leaf1_ecx & (1u << 27)) != 0) {  // OSXSAVE: the instruction XGETBV exists
        std::uint32_t high = 0;
        asm volatile("xgetbv" : "=a"(registers.xcr0), "=d"(high) : "c"(0));
    }
    cpu_features features = decode(registers);
    features.amx = features.amx && allows_tiles();
#if defined(_WIN32) && !defined(__clang__)
    // On Windows the stack is aligned to 16 bytes, and GCC stores wider vectors there as if it were aligned to theirs
    // (GCC's bug 54412), so that only the baseline is safe.
    features = {};
#endif
    return features;
#elif defined(__aarch64__)
    return {.neon = true};
#else
    return {};
#endif
}

}  // namespace ddpm::detail
