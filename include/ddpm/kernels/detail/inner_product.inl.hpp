// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of inner_product.hpp.

template <class S>
double inner_product(isize size, const S* x, const S* y) {
    sixteen_sums sums{};
    isize i = 0;
    for (; i + 16 <= size; i += 16) {
        fetch_elements<16>(x + i + fetch_ahead);
        fetch_elements<16>(y + i + fetch_ahead);
        DDPM_UNROLL
        for (isize part = 0; part < 16 / lanes<double>; ++part) {
            const isize at = i + part * lanes<double>;
            sums.lane[part] += load_wide(x + at) * load_wide(y + at);
        }
    }
    for (isize lane = 0; i + lane < size; ++lane) {
        sums.lane[lane / lanes<double>][lane % lanes<double>] +=
            static_cast<double>(x[i + lane]) * static_cast<double>(y[i + lane]);
    }
    return total(sums);
}
