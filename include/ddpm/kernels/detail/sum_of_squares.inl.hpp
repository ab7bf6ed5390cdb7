// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of sum_of_squares.hpp.

template <class S>
double sum_of_squares(isize size, const S* x) {
    sixteen_sums sums{};
    isize i = 0;
    for (; i + 16 <= size; i += 16) {
        fetch_elements<16>(x + i + fetch_ahead);
        add_squares(sums, x + i);
    }
    for (isize lane = 0; i + lane < size; ++lane) {
        const double wide = static_cast<double>(x[i + lane]);
        sums.lane[lane / lanes<double>][lane % lanes<double>] += wide * wide;
    }
    return total(sums);
}
