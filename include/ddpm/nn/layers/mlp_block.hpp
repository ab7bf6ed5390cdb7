// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/layer_norm.hpp>
#include <ddpm/nn/memory/arena.hpp>

namespace ddpm::nn {

/// A residual block of the MLP denoiser: out = h + linear_2(silu(linear_1(norm(h)) + e)), where e is the embedded time.
template <Scalar S>
struct mlp_block {
    using scalar = S;

    layer_norm<S> norm;
    dense<S> linear_1;
    dense<S> linear_2;

    mlp_block() noexcept = default;

    /// The norm has scale one and shift zero; all other parameters are 0.
    /// @param size D, the elements of h
    explicit mlp_block(isize size) : norm(size), linear_1(size, size), linear_2(size, size) {}

    [[nodiscard]] isize size() const noexcept { return norm.size(); }

    /// The activations for backward; one column per sample.
    struct activations {
        batch_view<S> normed;   ///< D × N
        batch_view<S> moments;  ///< 2 × N
        batch_view<S> summed;   ///< D × N: linear_1's output plus e
        batch_view<S> active;   ///< D × N: its silu
    };

    /// Memory for the activations of n samples.
    [[nodiscard]] activations take(isize n, arena<S>& memory) const {
        return {memory.columns(size(), n), memory.columns(2, n), memory.columns(size(), n), memory.columns(size(), n)};
    }

    /// out = h + linear_2(silu(u)) with u = linear_1(norm(h)) + e.
    /// @shape h and out D × N, out may be h; e D × N, or D × 1 for all samples
    /// @throws shape_error if the shapes do not fit
    /// @accuracy see mlp::forward
    void forward(batch_view<const S> h, batch_view<const S> e, const activations& a, batch_view<S> out) const {
        detail::require_batch("mlp_block::forward", "embedded time", e, size(), e.columns() == 1 ? 1 : h.columns());
        norm.forward(h, a.normed, a.moments);
        detail::copy_columns<S>(e, a.summed);
        linear_1.forward_add(a.normed, a.summed);
        activate<activation::silu, S>(a.summed, a.active);
        detail::copy_columns<S>(h, out);
        linear_2.forward_add(a.active, out);
    }

    /// With Lᵀ(g) the gradient of the input of a layer L whose output has the gradient g: du = silu'(u) ·
    /// linear_2ᵀ(dout), de += du, dh = dout + normᵀ(linear_1ᵀ(du)). Each layer adds the gradient of its parameters to
    /// d.
    /// @shape h, dout, de and dh D × N, dh must not be dout; a as forward left it; d of this block's sizes
    /// @throws shape_error if the shapes do not fit
    /// @accuracy in double within 1e-6 of central differences
    void backward(batch_view<const S> h, const activations& a, batch_view<const S> dout, batch_view<S> de,
                  batch_view<S> dh, mlp_block& d, arena<S>& memory) const {
        const auto scope = memory.scope();
        const batch_view<S> dsummed = memory.columns(a.summed.rows(), a.summed.columns());
        linear_2.backward(a.active, dout, dsummed, d.linear_2);
        activate_backward<activation::silu, S>(a.summed, dsummed, dsummed);
        detail::add<S>(dsummed, de);
        linear_1.backward(a.normed, dsummed, dh, d.linear_1);
        norm.backward(h, a.moments, dh, dh, d.norm);
        detail::add<S>(dout, dh);
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("norm", self.norm);
        visitor("linear_1", self.linear_1);
        visitor("linear_2", self.linear_2);
    }
};

DDPM_CLASS_INSTANCE(struct mlp_block<float>)

}  // namespace ddpm::nn
