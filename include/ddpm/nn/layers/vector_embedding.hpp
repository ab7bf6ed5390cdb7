// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/layers/embedding_mlp.hpp>
#include <ddpm/nn/layers/learned_null.hpp>
#include <ddpm/nn/memory/arena.hpp>

namespace ddpm::nn {

/// A vector that a network is told, as a part of what its blocks see of the time: embedded += mlp(vector).
template <Scalar S>
struct vector_embedding {
    using scalar = S;

    embedding_mlp<S> mlp;
    learned_null<S> null;

    /// With `learns_null` a vector may be absent.
    vector_embedding(isize inputs, isize outputs, bool learns_null)
        : mlp(inputs, outputs), null(learns_null ? inputs : 0) {}

    /// What backward needs of a forward pass.
    struct activations {
        batch_view<const S> shown;
        typename embedding_mlp<S>::activations mlp;
    };

    /// @shape embedded outputs × N, added to
    /// @throws shape_error if the shapes do not fit
    void forward(const condition<S>& given, activations& a, batch_view<S> embedded, arena<S>& memory) const {
        a.shown = null.forward(given.vectors, given.absent, condition_form::vector, mlp.linear_1.inputs(),
                               embedded.columns(), memory);
        const batch_view<S> out = memory.columns(embedded.rows(), embedded.columns());
        mlp.forward(a.shown, a.mlp, out, memory);
        detail::add<S>(out, embedded);
    }

    /// d is added to.
    /// @shape dembedded outputs × N
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
