// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/memory/arena.hpp>

namespace ddpm::nn {

/// Two dense layers with a silu between them: linear_2(silu(linear_1(x))).
template <Scalar S>
struct embedding_mlp {
    using scalar = S;

    dense<S> linear_1, linear_2;

    embedding_mlp(isize inputs, isize outputs) : linear_1(inputs, outputs), linear_2(outputs, outputs) {}

    /// What backward needs of a forward pass.
    struct activations {
        batch_view<S> hidden, active;
    };

    /// @shape x inputs × N; out outputs × N
    /// @throws shape_error if the shapes do not fit
    void forward(batch_view<const S> x, activations& a, batch_view<S> out, arena<S>& memory) const {
        a.hidden = memory.columns(linear_1.outputs(), x.columns());
        a.active = memory.columns(linear_1.outputs(), x.columns());
        linear_1.forward(x, a.hidden);
        activate<activation::silu, S>(a.hidden, a.active);
        linear_2.forward(a.active, out);
    }

    /// dx is overwritten, or empty where nobody needs it; d is added to.
    /// @shape as forward
    /// @throws shape_error if the shapes do not fit
    void backward(batch_view<const S> x, const activations& a, batch_view<const S> dout, batch_view<S> dx,
                  embedding_mlp& d, arena<S>& memory) const {
        const auto scope = memory.scope();
        const batch_view<S> dhidden = memory.columns(a.hidden.rows(), a.hidden.columns());
        linear_2.backward(a.active, dout, dhidden, d.linear_2);
        activate_backward<activation::silu, S>(a.hidden, dhidden, dhidden);
        linear_1.backward(x, dhidden, dx, d.linear_1);
    }

    template <class Start>
    void start(Start& initializer) {
        initializer.layer(linear_1);
        initializer.layer(linear_2);
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("linear_1", self.linear_1);
        visitor("linear_2", self.linear_2);
    }
};

DDPM_CLASS_INSTANCE(struct embedding_mlp<float>)

}  // namespace ddpm::nn
