// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace ddpm::nn::detail {

/// A dense layer for inference whose weights are packed, between batches of floats.
template <class T>
class packed_dense {
public:
    packed_dense() = default;

    explicit packed_dense(const dense<float>& of) : weights_(of.outputs(), 1, of.inputs()) {
        for (isize o = 0; o < of.outputs(); ++o) {
            for (isize i = 0; i < of.inputs(); ++i) {
                weights_.set(o, 0, i, of.weight[i * of.outputs() + o]);
            }
            weights_.add_bias(o, of.bias[o]);
        }
    }

    [[nodiscard]] const packed_weights<T>& weights() const noexcept { return weights_; }

    /// y = W x + b, or with `add` y + W x + b.
    /// @shape x inputs × N; y outputs × N, which must not be x
    /// @determinism the bits of a sample depend on that sample only, on one instruction set
    void forward(batch_view<const float> x, batch_view<float> y, bool add = false) const {
        if constexpr (std::is_same_v<T, bfloat16>) {
            if (kernels::takes_pairs()) {
                forward_as<bfloat16>(x, y, add);
                return;
            }
        }
        forward_as<float>(x, y, add);
    }

private:
    struct staged_tag {};  // for thread_scratch

    static constexpr isize width = kernels::detail::packed_outputs, most_samples = 96;

    template <class X>
    void forward_as(batch_view<const float> x, batch_view<float> y, bool add) const {
        const isize depth = weights_.depth(), panels = weights_.panels();
        const isize blocks = ddpm::detail::divided_up(x.columns(), most_samples);
        // A task has some panels of a block; small products are one task.
        const isize work = std::min(most_samples, x.columns()) * depth * width;
        const isize each = std::clamp<isize>(kernels::product_task / std::max<isize>(1, work), 1, panels);
        const isize shares = ddpm::detail::divided_up(panels, each);
        const auto product = kernels::detail::packed_product_body<T>();
        const auto store = kernels::detail::store_block_body<float>();
        parallel_for(blocks * shares, 1, [&](isize begin, isize end) {
            for (isize task = begin; task < end; ++task) {
                const isize first = task / shares * most_samples, share = task % shares;
                const isize count = std::min(most_samples, x.columns() - first);
                const X* const staged = stage<X>(x.middle(first, count));
                compute(staged, share * each, std::min(panels, (share + 1) * each), y.middle(first, count), add,
                        product, store);
            }
        });
    }

    template <class X>
    [[nodiscard]] const X* stage(batch_view<const float> x) const {
        constexpr isize read_beyond = 16;
        constexpr auto per_float = static_cast<isize>(sizeof(float) / sizeof(X));
        const isize depth = weights_.depth();
        X* const staged = reinterpret_cast<X*>(thread_scratch<staged_tag, float>(
            ddpm::detail::divided_up((x.columns() + read_beyond) * depth, per_float)));
        for (isize n = 0; n < x.columns(); ++n) {
            X* const to = staged + n * depth;
            if constexpr (std::is_same_v<T, bfloat16> && std::is_same_v<X, float>) {
                kernels::round_to_bfloat16(x.rows(), x.column(n), to);
            } else {
                kernels::convert(x.rows(), x.column(n), to);
            }
            std::fill_n(to + x.rows(), depth - x.rows(), X{});
        }
        return staged;
    }

    template <class X, class Product, class Store>
    void compute(const X* staged, isize first_panel, isize last_panel, batch_view<float> y, bool add, Product product,
                 Store store) const {
        alignas(64) float sums[static_cast<std::size_t>((most_samples + 16) * width)];
        const isize depth = weights_.depth(), segment = 0;
        const isize samples = ddpm::detail::rounded_up(y.columns(), kernels::detail::packed_pixels);
        for (isize panel = first_panel; panel < last_panel; ++panel) {
            const isize output = panel * width;
            product({staged, depth, &segment, 1, depth, weights_.panel(panel), sums, width, samples});
            float* const to = y.data() + output;
            store({sums, y.columns(), std::min(width, y.rows() - output), weights_.bias() + output, add ? to : nullptr,
                   y.stride(), 1, to, y.stride(), nullptr});
        }
    }

    packed_weights<T> weights_;
};

}  // namespace ddpm::nn::detail
