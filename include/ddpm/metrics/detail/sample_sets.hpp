// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <string_view>

namespace ddpm::detail {

/// @throws shape_error if the dimensions differ; value_error if they are 0, or a set has fewer than `least` samples
template <class S, class R>
void require_sample_sets(std::string_view where, const batch_view<const S>& a, const batch_view<const R>& b,
                         isize least) {
    if (a.rows() != b.rows()) {
        throw shape_error(where, "sets of the same dimension", a.rows(), b.rows());
    }
    if (a.rows() < 1) {
        throw value_error(where, "samples without elements", "dimension >= 1", a.rows());
    }
    if (std::min(a.columns(), b.columns()) < least) {
        throw value_error(where, "number of samples", text(">= ", least), std::min(a.columns(), b.columns()));
    }
}

/// The sum of all samples: D × 1. Not finite if any element is not.
template <class S>
[[nodiscard]] batch<double> sum_of_samples(const batch_view<const S>& x) {
    batch<double> sum = batch<double>::Zero(x.rows(), 1);
    for (isize n = 0; n < x.columns(); ++n) {
        sum.col(0) += x.array().col(n).template cast<double>();
    }
    return sum;
}

/// The mean of all samples of two sets: D × 1.
template <class S, class R>
[[nodiscard]] batch<double> common_mean(const batch_view<const S>& a, const batch_view<const R>& b) {
    return (sum_of_samples(a) + sum_of_samples(b)) / static_cast<double>(a.columns() + b.columns());
}

}  // namespace ddpm::detail
