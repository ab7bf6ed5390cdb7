// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of sum_of_squares.hpp.

template <class T>
struct sixteen {
    typedef T type __attribute__((vector_size(16 * sizeof(T))));
};

template <class S>
double sum_of_squares(index size, const S* x) {
    typename sixteen<double>::type sums{};
    index i = 0;
    for (; i + 16 <= size; i += 16) {
        typename sixteen<S>::type narrow;
        __builtin_memcpy(&narrow, x + i, sizeof narrow);
        const auto wide = __builtin_convertvector(narrow, typename sixteen<double>::type);
        sums += wide * wide;
    }
    for (index lane = 0; i + lane < size; ++lane) {
        const double wide = static_cast<double>(x[i + lane]);
        sums[lane] += wide * wide;
    }
    double sum = 0;
    for (index lane = 0; lane < 16; ++lane) {
        sum += sums[lane];
    }
    return sum;
}
