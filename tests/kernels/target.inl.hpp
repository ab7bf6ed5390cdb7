// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of the smallest kernel: it says which instruction set it was compiled for.

inline instruction_set compiled_for() {
#if defined(DDPM_TARGET_AVX512)
    return instruction_set::avx512;
#elif defined(DDPM_TARGET_AVX2)
    return instruction_set::avx2;
#elif defined(DDPM_TARGET_NEON)
    return instruction_set::neon;
#else
    return instruction_set::baseline;
#endif
}

template <class S>
instruction_set compiled_for_in_template() {
    return compiled_for();
}
