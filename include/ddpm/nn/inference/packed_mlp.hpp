// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/inference/detail/packed_dense.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/layer_norm.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/networks/mlp.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace ddpm::nn {

/// An MLP for inference, as packed_unet is for a U-Net: its dense layers own packed weights of T, float or bfloat16.
/// The sums of residual blocks, normalizations, the embedding of time and conditions and what time_to_output adds are
/// float.
template <class T>
class packed_mlp : public network_base {
public:
    using scalar = typename detail::packed_scalar<T>::type;
    using workspace = typename mlp<scalar>::workspace;

    /// Packs copies of the network's weights; the network is not used afterwards.
    explicit packed_mlp(const mlp<scalar>& net)
        : rest_(net), input_(net.input_), norm_(net.norm_), output_(net.output_) {
        for (const mlp_block<scalar>& each : net.blocks_) {
            blocks_.push_back(
                {each.norm, detail::packed_dense<T>(each.linear_1), detail::packed_dense<T>(each.linear_2)});
        }
        rest_.input_ = rest_.output_ = {};
        rest_.blocks_ = {};
    }

    [[nodiscard]] const mlp_options& options() const noexcept { return rest_.options(); }
    [[nodiscard]] sample_shape shape() const noexcept { return rest_.shape(); }
    [[nodiscard]] bool has_variance_head() const noexcept { return rest_.has_variance_head(); }
    [[nodiscard]] condition_shape takes() const noexcept { return rest_.takes(); }

    /// The bytes of the packed weights.
    [[nodiscard]] std::size_t packed_bytes() const noexcept {
        std::size_t bytes = input_.weights().bytes() + output_.weights().bytes();
        for (const block& each : blocks_) {
            bytes += each.linear_1.weights().bytes() + each.linear_2.weights().bytes();
        }
        return bytes;
    }

    /// Memory for up to `samples` samples: such batches allocate nothing.
    /// @throws shape_error if `samples` is negative
    [[nodiscard]] workspace make_workspace(isize samples, pass) const {
        return rest_.make_workspace(samples, pass::forward);
    }

    /// Shapes, errors and determinism as mlp::forward.
    /// @accuracy within 5e-6 of the largest output of the mlp; with T = bfloat16 0.05
    void forward(const network_input<scalar>& in, batch_view<scalar> out, workspace& w) const {
        constexpr std::string_view where = "packed_mlp::forward";
        ddpm::detail::require_input(where, in, shape(), takes());
        detail::require_batch(where, "output", out, rest_.outputs(), in.samples());
        const isize n = in.samples(), hidden = options().hidden;
        w.begin(n);
        mlp_activations<scalar>& a = w.activations;
        arena<scalar>& memory = w.memory;
        const batch_view<scalar> h = memory.columns(hidden, n), summed = memory.columns(hidden, n);
        a.normed = memory.columns(hidden, n);
        a.moments = memory.columns(2, n);
        const isize times = rest_.embed(in, w);
        a.joined = {};
        if (options().map_channels != 0) {
            a.joined = rest_.maps_.forward(in.xt, in.condition, memory);
        }
        const batch_view<scalar> time = memory.columns(hidden, times);
        activate<activation::silu, scalar>(a.embedded, time);
        input_.forward(a.joined.empty() ? in.xt : a.joined.images(), h);
        for (const block& each : blocks_) {
            each.norm.forward(h, a.normed, a.moments);
            detail::copy_columns<scalar>(time, summed);
            each.linear_1.forward(a.normed, summed, true);
            activate<activation::silu, scalar>(summed, summed);
            each.linear_2.forward(summed, h, true);
        }
        norm_.forward(h, a.normed, a.moments);
        activate<activation::silu, scalar>(a.normed, a.normed);
        if (rest_.time_output_) {
            rest_.time_output_->forward(a.projected, out.middle(0, times));
            if (times < n) {
                detail::copy_columns<scalar>(out.middle(0, 1), out.middle(1, n - 1));
            }
        }
        output_.forward(a.normed, out, rest_.time_output_.has_value());
    }

private:
    struct block {
        layer_norm<scalar> norm;
        detail::packed_dense<T> linear_1, linear_2;
    };

    mlp<scalar> rest_;  // without the layers below
    detail::packed_dense<T> input_;
    std::vector<block> blocks_;
    layer_norm<scalar> norm_;
    detail::packed_dense<T> output_;
};

}  // namespace ddpm::nn
