// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/group_norm.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

#include <algorithm>

namespace ddpm::nn {

/// A map that is read as f(a·x + b) with one a and b for each channel and sample, or as x: what a normalization and an
/// activation make of x, without memory for it.
template <Scalar S>
struct normalized_map {
    feature_map<const S> map;
    const S* factors = nullptr;  ///< for each sample the a of all channels and then the b; null: x
    kernels::activation act = kernels::activation::none;

    /// The map x itself.
    normalized_map(feature_map<const S> x) noexcept : map(x) {}
    normalized_map(feature_map<S> x) noexcept : map(x) {}

    /// The map f(a·x + b), with the a and b in factors_.
    /// @shape factors_ 2 · x.channels for each sample
    normalized_map(feature_map<const S> x, const S* factors_, kernels::activation f) noexcept
        : map(x), factors(factors_), act(f) {}

    /// The a of a sample from a channel on, whose b follow map.channels later; null: x.
    [[nodiscard]] const S* factors_of(isize sample, isize channel = 0) const noexcept {
        return factors == nullptr ? nullptr : factors + 2 * sample * map.channels + channel;
    }

    /// Writes what the map is read as.
    /// @shape y as the map; it may be the map
    /// @throws shape_error if the shapes differ
    /// @accuracy for values near 1 within 1e-6
    void write(feature_map<S> y) const {
        detail::require_map("normalized_map::write", "output", y, map.channels, map.height, map.width, map.samples);
        if (factors == nullptr) {
            detail::copy_columns<S>(map.columns(), y.columns());
            return;
        }
        const isize per_task = kernels::columns_per_task(map.channels);
        const isize parts = ddpm::detail::divided_up(map.pixels(), per_task);
        parallel_for(map.samples * parts, 1, [&](isize begin, isize end) {
            for (isize task = begin; task < end; ++task) {
                const isize n = task / parts, first = task % parts * per_task;
                const isize count = std::min(per_task, map.pixels() - first);
                const S* const a = factors_of(n);
                kernels::detail::scale_shift<S>(map.sample(n).columns().middle(first, count), a, a + map.channels, act,
                                                y.sample(n).columns().middle(first, count));
            }
        });
    }
};

}  // namespace ddpm::nn
