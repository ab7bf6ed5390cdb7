// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// Calls body(first, last) in parallel for ranges of the pixels of all samples.
template <class T, class Body>
void for_each_pixel(const feature_map<T>& map, const Body& body) {
    parallel_for(map.pixels() * map.samples, kernels::columns_per_task(map.channels), body);
}

/// both = the channels of two maps, a's first.
template <Scalar S>
void concatenate(feature_map<const S> a, feature_map<const S> b, feature_map<S> both) {
    require_map("concatenate", "second map", b, b.channels, a.height, a.width, a.samples);
    require_map("concatenate", "result", both, a.channels + b.channels, a.height, a.width, a.samples);
    for_each_pixel(both, [&](isize first, isize last) {
        for (isize pixel = first; pixel < last; ++pixel) {
            S* const to = both.data + pixel * both.channels;
            std::copy_n(a.data + pixel * a.channels, a.channels, to);
            std::copy_n(b.data + pixel * b.channels, b.channels, to + a.channels);
        }
    });
}

/// The inverse: splits the channels.
template <Scalar S>
void separate(feature_map<const S> both, feature_map<S> a, feature_map<S> b) {
    require_map("separate", "second map", b, b.channels, a.height, a.width, a.samples);
    require_map("separate", "both maps", both, a.channels + b.channels, a.height, a.width, a.samples);
    for_each_pixel(both, [&](isize first, isize last) {
        for (isize pixel = first; pixel < last; ++pixel) {
            const S* const from = both.data + pixel * both.channels;
            std::copy_n(from, a.channels, a.data + pixel * a.channels);
            std::copy_n(from + a.channels, b.channels, b.data + pixel * b.channels);
        }
    });
}

}  // namespace ddpm::nn::detail
