// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/detail/staged_memory.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace ddpm::nn::detail {

/// A dense layer for inference whose weights are packed, between batches of floats.
template <class T>
class packed_dense {
public:
    packed_dense() = default;

    explicit packed_dense(const dense<float>& of) : packed_dense(std::span(&of, 1)) {}

    /// Layers of the same input, of which there is at least one; their outputs are joined.
    explicit packed_dense(std::span<const dense<float>> layers) {
        isize outputs = 0;
        for (const dense<float>& layer : layers) {
            outputs += layer.outputs();
        }
        weights_ = packed_weights<T>(outputs, 1, layers.front().inputs());
        outputs = 0;
        for (const dense<float>& layer : layers) {
            weights_.set_dense(outputs, layer);
            outputs += layer.outputs();
        }
    }

    [[nodiscard]] const packed_weights<T>& weights() const noexcept { return weights_; }

    /// y = W x + b, or with `add` y + W x + b.
    /// @shape x inputs × N; y outputs × N, which must not be x
    /// @determinism the bits of a sample depend on that sample only, on one instruction set
    void forward(batch_view<const float> x, batch_view<float> y, bool add = false) const {
        with_product_input<T>([&]<class X>(X) { forward_as<X>(x, y, add); });
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
        const isize each = std::clamp<isize>(kernels::detail::product_task / std::max<isize>(1, work), 1, panels);
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
        const isize depth = weights_.depth();
        X* const staged = staged_memory<staged_tag, X>((x.columns() + kernels::detail::packed_beyond) * depth);
        for (isize n = 0; n < x.columns(); ++n) {
            X* const to = staged + n * depth;
            kernels::detail::convert_as<T>(x.rows(), x.column(n), to);
            std::fill_n(to + x.rows(), depth - x.rows(), X{});
        }
        return staged;
    }

    template <class X, class Product, class Store>
    void compute(const X* staged, isize first_panel, isize last_panel, batch_view<float> y, bool add, Product product,
                 Store store) const {
        alignas(64) float sums[static_cast<std::size_t>((most_samples + kernels::detail::packed_beyond) * width)];
        const isize depth = weights_.depth(), segment = 0;
        const isize samples = ddpm::detail::rounded_up(y.columns(), kernels::detail::packed_pixels);
        for (isize panel = first_panel; panel < last_panel; ++panel) {
            const isize output = panel * width;
            product({staged, depth, &segment, 1, depth, weights_.panel(panel), sums, width, samples});
            float* const to = y.data() + output;
            store({sums, 1, 0, y.columns(), std::min(width, y.rows() - output), weights_.bias() + output,
                   add ? to : nullptr, 1, to, y.stride(), 0, nullptr});
        }
    }

    packed_weights<T> weights_;
};

}  // namespace ddpm::nn::detail
