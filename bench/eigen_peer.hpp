// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

/// c = a · b, column-major, c m × n; a is m × k and b k × n, or in memory the transposes of these.
template <class S>
struct product_task {
    std::ptrdiff_t m, n, k;
    bool a_transposed, b_transposed;
    const S* a;
    const S* b;
    S* c;
};

/// What Eigen makes of an operation, in one way to build it.
struct eigen_peer {
    const char* name;

    /// out = 0.25 · in[0] + 0.5 · in[1] + 0.125 · in[2] + 0.0625 · in[3], of the first `terms` ones, at least two.
    void (*linear_combination)(int terms, std::ptrdiff_t size, const float* const* in, float* out);
    void (*multiply_floats)(const product_task<float>& task);
    void (*multiply_doubles)(const product_task<double>& task);
};

/// With the flags of the other files.
extern const eigen_peer eigen_as_built;

/// With -O3 -march=native: at its best.
extern const eigen_peer eigen_native;

/// Those that the build could make.
[[nodiscard]] inline std::vector<eigen_peer> eigen_peers() {
#ifdef DDPM_BENCH_NATIVE
    return {eigen_as_built, eigen_native};
#else
    return {eigen_as_built};
#endif
}
