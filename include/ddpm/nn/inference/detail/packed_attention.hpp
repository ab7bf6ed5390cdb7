// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/attention_row.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/detail/staged_memory.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace ddpm::nn::detail {

/// The attention of inference: softmax(q kᵀ / √d) v for each head, from a map whose channels are q, k and v of all
/// heads. Keys and values of a head are packed as weights are; queries are taken up to 96 at a time, with their scores in
/// memory of the thread.
template <class T>
class packed_attention {
public:
    packed_attention() = default;
    packed_attention(isize channels, isize heads) : channels_(channels), heads_(heads) {}

    /// The number of T that forward needs as scratch memory.
    [[nodiscard]] isize packed_length(isize tokens, isize samples) const noexcept {
        return samples * heads_ * (keys_length(tokens) + values_length(tokens));
    }

    /// @shape qkv 3 · channels × tokens × N, attended channels × tokens × N; packed packed_length
    /// @determinism the bits of a sample depend on that sample only, on one instruction set
    void forward(const stored_map<T>& qkv, const stored_map<T>& attended, T* packed) const {
        with_product_input<T>([&]<class X>(X) { forward_as<X>(qkv, attended, packed); });
    }

private:
    static constexpr isize width = kernels::detail::packed_outputs, step = kernels::detail::packed_step<T>;
    static constexpr isize most_queries = 96;

    /// The queries that are taken at once: whole tiles, whose scores stay in the second-level cache.
    [[nodiscard]] static isize queries_at_once(isize tokens) noexcept {
        constexpr isize scores = isize{1} << 17, tiles = 32;
        return std::clamp<isize>(scores / tokens / tiles * tiles, tiles, most_queries);
    }

    struct queries_tag {};  // for thread_scratch
    struct scores_tag {};
    struct shares_tag {};

    [[nodiscard]] isize head_size() const noexcept { return channels_ / heads_; }
    [[nodiscard]] static isize depth_of(isize size) noexcept {
        return ddpm::detail::rounded_up(size, kernels::detail::packed_depth<T>);
    }
    [[nodiscard]] isize keys_length(isize tokens) const noexcept {
        return ddpm::detail::rounded_up(tokens, width) * depth_of(head_size());
    }
    [[nodiscard]] isize values_length(isize tokens) const noexcept {
        return ddpm::detail::rounded_up(head_size(), width) * depth_of(tokens);
    }

    template <class X>
    void forward_as(const stored_map<T>& qkv, const stored_map<T>& attended, T* packed) const {
        const isize tokens = qkv.pixels(), d = head_size(), parts = qkv.samples * heads_;
        const isize per_part = keys_length(tokens) + values_length(tokens), at_once = queries_at_once(tokens);
        const auto head_of = [&](isize part) { return qkv.row(part / heads_, 0) + part % heads_ * d; };
        const auto keys_of = [&](isize part) { return packed + part * per_part; };
        const auto attend_queries = [&](isize part, isize first, isize count) {
            T* const to = attended.row(part / heads_, 0) + part % heads_ * d;
            attend<X>(head_of(part), tokens, first, count, keys_of(part), to);
        };
        if (parts >= thread_count()) {  // a head's keys and values stay in the caches of a thread
            parallel_for(parts, 1, [&](isize begin, isize end) {
                for (isize part = begin; part < end; ++part) {
                    pack_keys(head_of(part), tokens, keys_of(part));
                    pack_values(head_of(part), tokens, keys_of(part) + keys_length(tokens));
                    for (isize first = 0; first < tokens; first += at_once) {
                        attend_queries(part, first, std::min(at_once, tokens - first));
                    }
                }
            });
            return;
        }
        parallel_for(2 * parts, 1, [&](isize begin, isize end) {
            for (isize task = begin; task < end; ++task) {
                const isize part = task / 2;
                task % 2 == 0 ? pack_keys(head_of(part), tokens, keys_of(part))
                              : pack_values(head_of(part), tokens, keys_of(part) + keys_length(tokens));
            }
        });
        // As many queries for every thread, and whole tiles of 16.
        const isize blocks = ddpm::detail::rounded_up(ddpm::detail::divided_up(tokens, at_once), thread_count());
        const isize each = ddpm::detail::rounded_up(ddpm::detail::divided_up(tokens, blocks), 16);
        parallel_for(parts * blocks, 1, [&](isize begin, isize end) {
            for (isize task = begin; task < end; ++task) {
                const isize first = task % blocks * each;
                if (first < tokens) {
                    attend_queries(task / blocks, first, std::min(each, tokens - first));
                }
            }
        });
    }

    void pack_keys(const T* head, isize tokens, T* keys) const {
        const isize d = head_size(), pixel = 3 * channels_, depth = depth_of(d);
        if (depth != d || tokens % width != 0) {
            std::fill_n(keys, keys_length(tokens), T{});
        }
        for (isize first = 0; first < tokens; first += width) {
            const isize count = std::min(width, tokens - first);
            for (isize i = 0; i < d; i += step) {
                T* const to = keys + first * depth + i * width;
                const T* const from = head + channels_ + first * pixel + i;
                if (i + step <= d) {
                    copy_steps<step>(count, from, pixel, to);
                } else {
                    copy_steps<1>(count, from, pixel, to);
                }
            }
        }
    }

    void pack_values(const T* head, isize tokens, T* values) const {
        const isize d = head_size(), pixel = 3 * channels_, depth = depth_of(tokens);
        if (depth != tokens || d % width != 0) {
            std::fill_n(values, values_length(tokens), T{});
        }
        for (isize token = 0; token < tokens; token += step) {
            for (isize output = 0; output < d; output += width) {
                const T* const from = head + 2 * channels_ + token * pixel + output;
                const isize count = std::min(width, d - output);
                T* const to = values + output * depth + token * width;
                if constexpr (step == 2) {
                    static constexpr T zeros[static_cast<std::size_t>(width)]{};
                    kernels::detail::interleave(count, from, token + 1 < tokens ? from + pixel : zeros, to);
                } else {
                    std::copy_n(from, count, to);
                }
            }
        }
    }

    /// Copies `Count` numbers of each token to a step of the packed keys.
    template <isize Count>
    static void copy_steps(isize tokens, const T* from, isize pixel, T* to) {
        for (isize token = 0; token < tokens; ++token) {
            std::memcpy(to + token * step, from + token * pixel, static_cast<std::size_t>(Count) * sizeof(T));
        }
    }

    template <class X>
    void attend(const T* head, isize tokens, isize first, isize count, const T* keys, T* to) const {
        const isize d = head_size(), depth = depth_of(d), pixel = 3 * channels_;
        const T* const values = keys + keys_length(tokens);
        constexpr isize rows = most_queries + kernels::detail::packed_beyond;
        X* const queries = staged_memory<queries_tag, X>(rows * depth);
        if (depth > d) {
            std::fill_n(queries, rows * depth, X{});
        }
        for (isize p = 0; p < count; ++p) {
            kernels::detail::convert(d, head + (first + p) * pixel, queries + p * depth);
        }
        const isize row = ddpm::detail::rounded_up(tokens, width);
        float* const scores = thread_scratch<scores_tag, float>(rows * row);
        const auto product = kernels::detail::packed_product_body<T>();
        const isize pixels = ddpm::detail::rounded_up(count, kernels::detail::packed_pixels), zero = 0;
        for (isize key = 0; key < tokens; key += width) {
            product({queries, depth, &zero, 1, depth, keys + key * depth, scores + key, row, pixels});
        }
        const isize sum_depth = depth_of(tokens);
        X* const shares = staged_memory<shares_tag, X>(rows * sum_depth);
        const float scale = 1 / std::sqrt(static_cast<float>(d));
        for (isize p = 0; p < count; ++p) {
            kernels::detail::find_shares<T>(tokens, scale, scores + p * row, shares + p * sum_depth);
            std::fill_n(shares + p * sum_depth + tokens, sum_depth - tokens, X{});
        }
        alignas(64) float sums[static_cast<std::size_t>(rows * width)];
        alignas(64) constexpr std::array<float, static_cast<std::size_t>(width)> no_bias{};
        const auto store = kernels::detail::store_block_body<T>();
        for (isize output = 0; output < d; output += width) {
            product({shares, sum_depth, &zero, 1, sum_depth, values + output * sum_depth, sums, width, pixels});
            store({sums, 1, 0, count, std::min(width, d - output), no_bias.data(), nullptr, 1,
                   to + first * channels_ + output, channels_, 0, nullptr});
        }
    }

    isize channels_ = 0, heads_ = 1;
};

}  // namespace ddpm::nn::detail
