// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of row_sums.hpp.

template <class S>
void add_row_sums(index rows, index columns, const S* x, index stride, S* sums) {
    index i = 0;
    for (; i + lanes<S> <= rows; i += lanes<S>) {
        pack<S> sum = load(sums + i);
        for (index n = 0; n < columns; ++n) {
            sum += load(x + n * stride + i);
        }
        store(sums + i, sum);
    }
    for (; i < rows; ++i) {
        S sum = sums[i];
        for (index n = 0; n < columns; ++n) {
            sum += x[n * stride + i];
        }
        sums[i] = sum;
    }
}
