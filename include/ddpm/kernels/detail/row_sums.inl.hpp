// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of row_sums.hpp.

template <class S>
void add_row_sums(isize rows, isize columns, const S* x, isize stride, S* sums) {
    isize i = 0;
    for (; i + lanes<S> <= rows; i += lanes<S>) {
        pack<S> sum = load(sums + i);
        for (isize n = 0; n < columns; ++n) {
            sum += load(x + n * stride + i);
        }
        store(sums + i, sum);
    }
    for (; i < rows; ++i) {
        S sum = sums[i];
        for (isize n = 0; n < columns; ++n) {
            sum += x[n * stride + i];
        }
        sums[i] = sum;
    }
}
