// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <string_view>

namespace ddpm::detail {

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

/// Two sample sets as readable memory.
template <BatchLike A, BatchLike B>
class sample_sets {
    readable<A> a_memory_;
    readable<B> b_memory_;

public:
    const batch_view<const scalar_of<A>> a;
    const batch_view<const scalar_of<B>> b;

    /// @throws shape_error if the dimensions differ; value_error if they are 0, or a set has fewer than `least` samples
    sample_sets(std::string_view where, const A& first, const B& second, isize least)
        : a_memory_(first), b_memory_(second), a(a_memory_.view()), b(b_memory_.view()) {
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
};

/// Calls body(first, last) in parallel for chunks of `size` items, `chunk` items each. A watched measurement is done in
/// pieces: reports `work_of_one` per item after each, and returns early if stopped. The chunks are always the same.
template <class Body>
void in_pieces(isize size, isize chunk, double work_of_one, measurement& work, const Body& body) {
    const isize piece = work.is_watched() ? 16 * chunk : size;
    for (isize start = 0; start < size && !work.is_stopped(); start += piece) {
        const isize count = std::min(piece, size - start);
        parallel_for(count, chunk, [&](isize first, isize last) { body(start + first, start + last); });
        work.add(work_of_one * static_cast<double>(count));
    }
}

}  // namespace ddpm::detail
