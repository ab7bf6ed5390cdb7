// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/product_problem.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#include <string_view>
#include <type_traits>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/product_panels.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/product_tile.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/matrix_product.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(product)

namespace ddpm::kernels {

/// A matrix in memory of the caller: element (i, j) is data[i·row_stride + j·column_stride].
template <Scalar S>
struct matrix_ref {
    const S* data = nullptr;
    isize rows = 0;
    isize columns = 0;
    isize row_stride = 1;
    isize column_stride = 0;

    /// The transposed matrix, columns × rows, in the same memory.
    [[nodiscard]] matrix_ref transposed() const { return {data, columns, rows, column_stride, row_stride}; }
};

/// The D × N matrix of a batch.
/// @shape x and the result D × N
/// @accuracy exact
template <class T>
[[nodiscard]] matrix_ref<std::remove_const_t<T>> matrix_of(const batch_view<T>& x) {
    return {x.data(), x.rows(), x.columns(), 1, x.stride()};
}

/// The initial value of the sums of a product: 0, row_bias[i] for row i, or the present value of the result.
template <Scalar S>
struct product_start {
    const S* row_bias = nullptr;
    bool accumulate = false;
};

namespace detail {

/// The problem of c = start + a·b.
/// @throws shape_error if the shapes do not fit; value_error if both a row_bias and accumulate are given
template <Scalar S>
[[nodiscard]] product_problem<S> problem_of(const matrix_ref<S>& a, const matrix_ref<S>& b, const batch_view<S>& c,
                                            const product_start<S>& start) {
    constexpr std::string_view where = "matrix_product";
    if (a.columns != b.rows) {
        throw shape_error(where, "the columns of a are not the rows of b", a.columns, b.rows);
    }
    if (c.rows() != a.rows || c.columns() != b.columns) {
        throw shape_error(where, "the result does not fit", ddpm::detail::text(a.rows, " x ", b.columns),
                          ddpm::detail::text(c.rows(), " x ", c.columns()));
    }
    if (start.row_bias != nullptr && start.accumulate) {
        throw value_error(where, "a sum has one start", "row_bias or accumulate", "both");
    }
    product_problem<S> problem;
    problem.a = {a.data, a.row_stride, a.column_stride};
    problem.b = {b.data, b.row_stride, b.column_stride};
    problem.c = c.data();
    problem.c_row = 1;
    problem.c_column = c.stride();
    problem.rows = c.rows();
    problem.columns = c.columns();
    problem.depth = a.columns;
    problem.bias = start.row_bias;
    problem.bias_row = 1;
    problem.accumulate = start.accumulate;
    return problem;
}

}  // namespace detail

/// c = start + a·b. c must not overlap a or b.
/// @shape a m × k, b k × n, c m × n, row_bias m; k = 0 gives the start
/// @throws shape_error if they do not fit; value_error if both a row_bias and accumulate are given
/// @determinism c(i,j) = start + Σ_k a(i,k)·b(k,j) in chains of 192 multiply-adds with k ascending, fused if the
///     instruction set has that. The first chain starts at the row_bias, or 0, the others at 0, and the chains are
///     added in order; with `accumulate` all start at 0 and are added to c. So k may be split into parts of whole
///     chains without a change of bits. On one instruction set the bits depend only on row i of a and column j of b,
///     not on other rows and columns, the strides or the thread count
/// @accuracy to first order in the unit roundoff u, 2⁻²⁴ for float and 2⁻⁵³ for double, the error is at most
///     u · (k / 192 + 194) · (|start| + Σ_k |a(i,k)·b(k,j)|): it grows with k / 192, not with k
/// @complexity 2·m·n·k operations; large products run in parallel. Each thread keeps a buffer of at most 1 MB, which
///     grows when needed; nothing else is allocated
template <Scalar S>
void matrix_product(matrix_ref<std::type_identity_t<S>> a, matrix_ref<std::type_identity_t<S>> b, batch_view<S> c,
                    const product_start<std::type_identity_t<S>>& start = {}) {
    const detail::product_problem<S> problem = detail::problem_of<S>(a, b, c, start);
    const auto body = DDPM_DISPATCH(product<S>);
    if (problem.rows < 16 && problem.columns > problem.rows) {
        detail::run_product(problem.transposed(), body);
    } else {
        detail::run_product(problem, body);
    }
}

}  // namespace ddpm::kernels
