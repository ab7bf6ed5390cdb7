// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/softmax.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/inference/detail/staged_memory.hpp>
#include <ddpm/nn/inference/detail/stored_map.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace ddpm::nn::detail {

/// The attention of inference: softmax(q kᵀ / √d) v for each head, from a map whose channels are q, k and v of all
/// heads. Keys and values of a head are packed as weights are; queries are taken 96 at a time, with their scores in
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
    static constexpr isize width = kernels::detail::packed_outputs;
    static constexpr isize block = pixel_blocks::most_pixels;

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
        const isize per_part = keys_length(tokens) + values_length(tokens);
        parallel_for(parts, 1, [&](isize begin, isize end) {
            for (isize part = begin; part < end; ++part) {
                const T* const head = qkv.row(part / heads_, 0) + part % heads_ * d;
                pack(head, tokens, packed + part * per_part);
            }
        });
        const isize blocks = ddpm::detail::divided_up(tokens, block);
        parallel_for(parts * blocks, 1, [&](isize begin, isize end) {
            for (isize task = begin; task < end; ++task) {
                const isize part = task / blocks, first = task % blocks * block;
                const T* const head = qkv.row(part / heads_, 0) + part % heads_ * d;
                T* const to = attended.row(part / heads_, 0) + part % heads_ * d;
                attend<X>(head, tokens, first, std::min(block, tokens - first), packed + part * per_part, to);
            }
        });
    }

    /// Packs the keys, then the values, of one head.
    void pack(const T* head, isize tokens, T* keys) const {
        const isize d = head_size(), pixel = 3 * channels_;
        T* const values = keys + keys_length(tokens);
        std::fill_n(keys, keys_length(tokens) + values_length(tokens), T{});
        for (isize token = 0; token < tokens; ++token) {
            const T* const key = head + token * pixel + channels_;
            const T* const value = key + channels_;
            for (isize i = 0; i < d; ++i) {
                keys[packed_weights<T>::place_of(token, i, depth_of(d))] = key[i];
                values[packed_weights<T>::place_of(i, token, depth_of(tokens))] = value[i];
            }
        }
    }

    template <class X>
    void attend(const T* head, isize tokens, isize first, isize count, const T* keys, T* to) const {
        const isize d = head_size(), depth = depth_of(d), pixel = 3 * channels_;
        const T* const values = keys + keys_length(tokens);
        constexpr isize rows = block + kernels::detail::packed_beyond;
        X* const queries = staged_memory<queries_tag, X>(rows * depth);
        if (depth > d) {
            std::fill_n(queries, rows * depth, X{});
        }
        for (isize p = 0; p < count; ++p) {
            kernels::convert(d, head + (first + p) * pixel, queries + p * depth);
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
            kernels::softmax<float>(tokens, scale, scores + p * row, scores + p * row);
            kernels::convert_as<T>(tokens, scores + p * row, shares + p * sum_depth);
            std::fill_n(shares + p * sum_depth + tokens, sum_depth - tokens, X{});
        }
        alignas(64) float sums[static_cast<std::size_t>(rows * width)];
        alignas(64) constexpr std::array<float, static_cast<std::size_t>(width)> no_bias{};
        const auto store = kernels::detail::store_block_body<T>();
        for (isize output = 0; output < d; output += width) {
            product({shares, sum_depth, &zero, 1, sum_depth, values + output * sum_depth, sums, width, pixels});
            store({sums, count, std::min(width, d - output), no_bias.data(), nullptr, 0, 1,
                   to + first * channels_ + output, channels_, nullptr});
        }
    }

    isize channels_ = 0, heads_ = 1;
};

}  // namespace ddpm::nn::detail
