// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// The start of a convolution's sums: bias + sample_bias(:, n); or, if `add`, the present output + bias.
template <Scalar S>
struct convolution_start {
    const S* bias = nullptr;
    batch_view<const S> sample_bias{};
    bool add = false;

    /// Whether the start is the same for all pixels.
    [[nodiscard]] bool alike() const noexcept { return !add && sample_bias.data() == nullptr; }

    /// Writes the start to `y`: channels from first_row on, pixels from `first` on, with `pixels` pixels per sample.
    void put(batch_view<S> y, isize first_row, isize first, isize pixels) const {
        for (isize j = 0; j < y.columns(); ++j) {
            S* const to = y.column(j);
            if (add) {
                kernels::linear_combination(y.rows(), {S{1}, S{1}}, {to, bias + first_row}, to);
            } else if (j > 0 && (first + j) % pixels != 0) {
                std::copy_n(y.column(j - 1), y.rows(), to);
            } else {
                const S* const more = sample_bias.column((first + j) / pixels) + first_row;
                kernels::linear_combination(y.rows(), {S{1}, S{1}}, {bias + first_row, more}, to);
            }
        }
    }
};

/// The biases that a start adds to all pixels of a sample: those of sample n at data + n · sample.
template <Scalar S>
struct sample_biases {
    const S* data;
    isize sample;  ///< 0 if all samples have the same
};

/// The biases of a start for `outputs` channels, followed by zeros up to `whole`, in this thread's scratch memory.
template <Scalar S>
[[nodiscard]] sample_biases<S> biases_of(const convolution_start<S>& start, isize outputs, isize whole, isize samples) {
    struct biases_tag {};  // for thread_scratch
    const bool own = start.sample_bias.data() != nullptr;
    const isize count = own ? samples : 1;
    S* const biases = thread_scratch<biases_tag, S>(count * whole);
    std::fill_n(biases, count * whole, S{0});
    for (isize n = 0; n < count; ++n) {
        if (own) {
            kernels::linear_combination(outputs, {S{1}, S{1}}, {start.bias, start.sample_bias.column(n)},
                                        biases + n * whole);
        } else if (start.bias != nullptr) {
            std::copy_n(start.bias, outputs, biases + n * whole);
        }
    }
    return {biases, own ? whole : 0};
}

}  // namespace ddpm::nn::detail
