// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of torch_normal.hpp. Products and square roots of floats are computed in double and then rounded; this gives
// the correctly rounded float, since a double has more than twice as many bits.

/// Each lane rounded to a float.
DDPM_INLINE pack<double> as_float(pack<double> x) {
    return __builtin_convertvector(__builtin_convertvector(x, narrow<float>), pack<double>);
}

DDPM_INLINE void store_as_float(float* p, pack<double> x) {
    const narrow<float> v = __builtin_convertvector(x, narrow<float>);
    __builtin_memcpy(p, &v, sizeof v);
}

inline void torch_normal(isize blocks, double two_pi, float* x) {
    for (isize block = 0; block < blocks; ++block) {
        float* const first = x + 16 * block;
        for (isize j = 0; j < 8; j += lanes<double>) {
            const pack<double> logarithm = as_float(log<double>(1.0 - load_wide(first + j)));
            const pack<double> radius = as_float(sqrt(-2.0 * logarithm));
            const auto angle = sincos<double>(as_float(two_pi * load_wide(first + 8 + j)));
            store_as_float(first + j, radius * as_float(angle.cosine));
            store_as_float(first + 8 + j, radius * as_float(angle.sine));
        }
    }
}
