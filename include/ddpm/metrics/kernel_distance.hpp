// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/metrics/detail/pair_sums.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>
#include <ddpm/metrics/pair_estimate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

namespace ddpm {

/// Options of kernel_distance.
struct kernel_distance_options {
    isize block = 1000;               ///< samples of each set in a block, at most the size of the smaller set
    isize blocks = 0;                 ///< number of random blocks; 0: disjoint blocks of all samples
    std::uint64_t seed = 0;           ///< for random blocks
    measurement_callback progress{};  ///< may stop it: see kernel_distance_estimate::finished
};

/// A kernel distance and its uncertainty.
struct kernel_distance_estimate {
    double distance;        ///< the mean over the blocks
    double deviation;       ///< standard deviation of the blocks' values (divisor: blocks), as tables give it after ±
    double standard_error;  ///< of the mean, for disjoint blocks: deviation / √(blocks − 1); NaN for one block
    isize blocks;
    bool finished = true;  ///< false if the callback stopped it: then the result of the blocks before, NaN if none
};

namespace detail {

/// The unbiased squared maximum mean discrepancy with the kernel (x·y / D + 1)³.
template <class S, class R>
[[nodiscard]] double cubic_mmd(const batch_view<const S>& a, const batch_view<const R>& b, measurement& work) {
    const double scale = 1 / static_cast<double>(a.rows());
    const auto cubes = [&](const double* products, isize count) {
        double sum = 0;
        for (isize m = 0; m < count; ++m) {
            const double base = scale * products[m] + 1;
            sum += base * base * base;
        }
        return sum;
    };
    return two_sample_estimate(a, b, batch<double>::Zero(a.rows(), 1), pair_value::product, pair_estimate::unbiased, 0,
                               work, cubes);
}

/// `count` of the samples, drawn uniformly without replacement, in their original order.
template <class S>
[[nodiscard]] batch<S> random_samples(const batch_view<const S>& x, isize count, const kernels::normal_address& at) {
    std::vector<double> keys(static_cast<std::size_t>(x.columns()));
    kernels::philox_normal<double>(at, batch_view<double>(keys.data(), x.columns(), 1));
    std::vector<isize> order(keys.size());
    std::iota(order.begin(), order.end(), isize{0});
    const auto middle = order.begin() + count;
    std::nth_element(order.begin(), middle - 1, order.end(), [&](isize i, isize j) {
        const double left = keys[static_cast<std::size_t>(i)], right = keys[static_cast<std::size_t>(j)];
        return left != right ? left < right : i < j;
    });
    std::sort(order.begin(), middle);
    batch<S> chosen(x.rows(), count);
    for (isize n = 0; n < count; ++n) {
        chosen.col(n) = x.array().col(order[static_cast<std::size_t>(n)]);
    }
    return chosen;
}

}  // namespace detail

/// The kernel distance of two feature sets: the unbiased squared maximum mean discrepancy with the kernel (x·y / D +
/// 1)³, averaged over blocks. With Inception features this is the KID; features must be computed by the caller, or use
/// the samples themselves. For equal distributions it is negative about half the time. It depends on the first three
/// moments only. Disjoint blocks divide all samples into as many blocks as there are whole blocks of `block` samples in
/// the smaller set; the samples must be in random order. Random blocks are drawn independently, without replacement
/// within a block, as in the published code; they overlap, so that their standard error is too small.
/// @shape a D × N, b D × M
/// @throws shape_error if the dimensions differ
/// @throws value_error if the dimension is 0, a set has fewer than two samples, block < 2 or blocks is not in [0, 2³²]
/// @accuracy in double whatever the features' type; NaN if a value is not finite
/// @determinism the same bits for every thread count
/// @complexity O((N + M) · block · D) as matrix products, in parallel; memory for one block
/// @source Bińkowski et al. 2018, arXiv 1801.01401; disjoint blocks: Zaremba et al. 2013, arXiv 1307.1954
template <BatchLike A, BatchLike B>
[[nodiscard]] kernel_distance_estimate kernel_distance(const A& a, const B& b,
                                                       const kernel_distance_options& options = {}) {
    const detail::sample_sets sets("kernel_distance", a, b, 2);
    const auto& first = sets.a;
    const auto& second = sets.b;
    if (options.block < 2) {
        throw value_error("kernel_distance", "samples in a block", ">= 2", options.block);
    }
    if (options.blocks < 0 || options.blocks > isize{1} << 32) {
        throw value_error("kernel_distance", "number of blocks", ">= 0, <= 2^32", options.blocks);
    }
    const isize size = std::min({options.block, first.columns(), second.columns()});
    const isize blocks = options.blocks > 0 ? options.blocks : std::min(first.columns(), second.columns()) / size;
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (!detail::common_mean(first, second).allFinite()) {
        return {nan, nan, nan, blocks};
    }
    const bool separate = options.blocks == 0;
    const isize n = separate ? first.columns() / blocks : size, m = separate ? second.columns() / blocks : size;
    detail::measurement work(options.progress, static_cast<double>(blocks) * detail::pairs_of(n, m));
    std::vector<double> values;
    for (isize i = 0; i < blocks && !work.is_stopped(); ++i) {
        if (options.blocks > 0) {
            // The two sets use two streams of one seed.
            const auto draw = [&](const auto& set, std::uint32_t stream) {
                return detail::random_samples(set, size, {options.seed, stream, static_cast<std::uint32_t>(i), 0});
            };
            const auto x = draw(first, 0);
            const auto y = draw(second, 1);
            values.push_back(
                detail::cubic_mmd(batch_view<const scalar_of<A>>(x), batch_view<const scalar_of<B>>(y), work));
        } else {
            const auto part = [&](const auto& set) {
                const isize begin = i * set.columns() / blocks, end = (i + 1) * set.columns() / blocks;
                return set.middle(begin, end - begin);
            };
            values.push_back(detail::cubic_mmd(part(first), part(second), work));
        }
    }
    if (work.is_stopped()) {
        values.pop_back();  // of an incomplete block
    }
    const isize measured = static_cast<isize>(values.size());
    if (measured == 0) {
        return {nan, nan, nan, 0, false};
    }
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(measured);
    double squares = 0;
    for (const double value : values) {
        squares += (value - mean) * (value - mean);
    }
    const double deviation = std::sqrt(squares / static_cast<double>(measured));
    const double error = measured > 1 ? deviation / std::sqrt(static_cast<double>(measured - 1)) : nan;
    return {mean, deviation, error, measured, !work.is_stopped()};
}

}  // namespace ddpm
