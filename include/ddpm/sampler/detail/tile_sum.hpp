// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/sampler/detail/tile.hpp>

#include <algorithm>

namespace ddpm::detail {

/// A linear combination of any number of arrays of a tile's size, from left to right, by a kernel that takes four.
template <Scalar S>
class tile_sum {
public:
    explicit tile_sum(index size) noexcept : size_(size) {}

    /// Adds factor · column, which is read when the sum is written.
    void add(S factor, const S* column) {
        if (count_ == 4) {
            collect();
        }
        factors_[count_] = factor;
        columns_[count_++] = column;
    }

    /// Reads all columns that were added, which may then change.
    void collect() {
        write(sum_);
        factors_[0] = 1;
        columns_[0] = sum_;
        count_ = 1;
    }

    /// Writes the sum to `out`, which may be one of the columns added since the last collect.
    void write(S* out) const {
        const S* const f = factors_;
        const S* const* const x = columns_;
        switch (count_) {
            case 0: std::fill(out, out + size_, S{0}); break;
            case 1: kernels::linear_combination(size_, {f[0]}, {x[0]}, out); break;
            case 2: kernels::linear_combination(size_, {f[0], f[1]}, {x[0], x[1]}, out); break;
            case 3: kernels::linear_combination(size_, {f[0], f[1], f[2]}, {x[0], x[1], x[2]}, out); break;
            default: kernels::linear_combination(size_, factors_, columns_, out);
        }
    }

private:
    index size_;
    index count_ = 0;
    S factors_[4];
    const S* columns_[4];
    S sum_[tile_elements];
};

}  // namespace ddpm::detail
