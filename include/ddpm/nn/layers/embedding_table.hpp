// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace ddpm::nn {

/// A learned vector for each of `count` ids (classes or timesteps), as torch's Embedding.
template <Scalar S>
struct embedding_table {
    using scalar = S;

    tensor<S> weight;  ///< (count, size), torch's order: each vector is contiguous

    embedding_table() noexcept = default;

    /// All zeros.
    embedding_table(isize count, isize size) : weight({count, size}) {}

    [[nodiscard]] isize count() const noexcept { return weight.shape()[0]; }
    [[nodiscard]] isize size() const noexcept { return weight.shape()[1]; }

    /// out(:, n) = weight(ids[n], :).
    /// @shape ids N, each 0 … count − 1; out size × N
    /// @throws shape_error if the shapes do not fit; value_error for an id out of range
    /// @accuracy exact
    void forward(std::span<const isize> ids, batch_view<S> out) const {
        require_valid("embedding_table::forward", "output", ids, out);
        for (isize n = 0; n < out.columns(); ++n) {
            std::copy_n(weight.data() + ids[static_cast<std::size_t>(n)] * size(), size(), out.column(n));
        }
    }

    /// d.weight(ids[n], :) += dout(:, n), over the samples in order.
    /// @shape ids N, each 0 … count − 1; dout size × N; d of this table's sizes
    /// @throws shape_error if the shapes do not fit; value_error for an id out of range
    /// @accuracy sums in S
    void backward(std::span<const isize> ids, batch_view<const S> dout, embedding_table& d) const {
        require_valid("embedding_table::backward", "gradient of the output", ids, dout);
        detail::require_gradient("embedding_table::backward", weight.shape(), d.weight.shape());
        for (isize n = 0; n < dout.columns(); ++n) {
            S* const sum = d.weight.data() + ids[static_cast<std::size_t>(n)] * size();
            kernels::linear_combination(size(), {S{1}, S{1}}, {sum, dout.column(n)}, sum);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("weight", self.weight);
    }

private:
    template <class T>
    void require_valid(std::string_view where, std::string_view what, std::span<const isize> ids,
                       const batch_view<T>& vectors) const {
        detail::require_batch(where, what, vectors, size(), static_cast<isize>(ids.size()));
        for (const isize id : ids) {
            if (id < 0 || id >= count()) {
                throw value_error(where, "id", ddpm::detail::text("in [0, ", count(), ")"), id);
            }
        }
    }
};

}  // namespace ddpm::nn
