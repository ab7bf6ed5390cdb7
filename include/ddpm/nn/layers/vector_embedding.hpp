// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/learned_null.hpp>
#include <ddpm/nn/memory/arena.hpp>

namespace ddpm::nn {

/// linear_2(silu(linear_1(x))).
template <Scalar S>
struct embedding_mlp {
    using scalar = S;

    dense<S> linear_1, linear_2;

    /// All parameters 0. The hidden layer is as wide as the output.
    embedding_mlp(isize inputs, isize outputs) : linear_1(inputs, outputs), linear_2(outputs, outputs) {}

    /// What backward needs of a forward pass.
    struct activations {
        batch_view<S> hidden, active;
    };

    /// out = linear_2(silu(u)) with u = linear_1(x).
    /// @shape x inputs × N; out outputs × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as dense and activate
    void forward(batch_view<const S> x, activations& a, batch_view<S> out, arena<S>& memory) const {
        a.hidden = memory.columns(linear_1.outputs(), x.columns());
        a.active = memory.columns(linear_1.outputs(), x.columns());
        linear_1.forward(x, a.hidden);
        activate<activation::silu, S>(a.hidden, a.active);
        linear_2.forward(a.active, out);
    }

    /// With Lᵀ(g) the gradient of the input of a layer L whose output has the gradient g: du = silu'(u) ·
    /// linear_2ᵀ(dout), and dx = linear_1ᵀ(du), unless dx is empty. Both layers add the gradient of their parameters to
    /// d. Errors as forward.
    /// @shape x and dx inputs × N, dx may be empty; dout outputs × N; d of these layers' sizes
    /// @accuracy in double within 1e-8 of central differences
    void backward(batch_view<const S> x, const activations& a, batch_view<const S> dout, batch_view<S> dx,
                  embedding_mlp& d, arena<S>& memory) const {
        const auto scope = memory.scope();
        const batch_view<S> dhidden = memory.columns(a.hidden.rows(), a.hidden.columns());
        linear_2.backward(a.active, dout, dhidden, d.linear_2);
        activate_backward<activation::silu, S>(a.hidden, dhidden, dhidden);
        linear_1.backward(x, dhidden, dx, d.linear_1);
    }

    /// Initializes the parameters, linear_1 first.
    template <Initializer<S> Start>
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

/// The embedding of a vector condition, added to that of the time: embedded += mlp(vector).
template <Scalar S>
struct vector_embedding {
    using scalar = S;

    embedding_mlp<S> mlp;
    learned_null<S> null;

    /// With `learns_null` the vector may be absent.
    vector_embedding(isize inputs, isize outputs, bool learns_null)
        : mlp(inputs, outputs), null(learns_null ? inputs : 0) {}

    /// What backward needs of a forward pass.
    struct activations {
        batch_view<const S> shown;
        typename embedding_mlp<S>::activations mlp;
    };

    /// embedded += mlp(v) with v the vector, or the null value where it is absent.
    /// @shape given.vectors inputs × N, or empty; embedded outputs × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as mlp, and the rounding of the sum
    void forward(const condition<S>& given, activations& a, batch_view<S> embedded, arena<S>& memory) const {
        a.shown = null.forward(given.vectors, given.absent, condition_form::vector, mlp.linear_1.inputs(),
                               embedded.columns(), memory);
        const batch_view<S> out = memory.columns(embedded.rows(), embedded.columns());
        mlp.forward(a.shown, a.mlp, out, memory);
        detail::add<S>(out, embedded);
    }

    /// With dv the gradient of mlp's input for dembedded: d.null.value += Σ dv over the samples whose vector is absent; mlp
    /// adds the gradient of its parameters to d. The gradient of what embedded was before is dembedded itself.
    /// @shape dembedded outputs × N; d of this layer's sizes
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as mlp
    void backward(const condition<S>& given, const activations& a, batch_view<const S> dembedded, vector_embedding& d,
                  arena<S>& memory) const {
        const auto scope = memory.scope();
        const batch_view<S> dshown =
            null.learns() ? memory.columns(a.shown.rows(), a.shown.columns()) : batch_view<S>();
        mlp.backward(a.shown, a.mlp, dembedded, dshown, d.mlp, memory);
        if (null.learns()) {
            null.backward(given.vectors, given.absent, condition_form::vector, dshown, d.null);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("linear_1", self.mlp.linear_1);
        visitor("linear_2", self.mlp.linear_2);
        visitor("null", self.null);
    }
};

DDPM_CLASS_INSTANCE(struct vector_embedding<float>)

}  // namespace ddpm::nn
