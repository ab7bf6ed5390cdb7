// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <string_view>

namespace ddpm::nn::detail {

using ddpm::detail::require;

[[noreturn, gnu::noinline]] inline void refuse_batch(std::string_view where, std::string_view what, isize rows,
                                                     isize columns, isize got_rows, isize got_columns) {
    throw shape_error(where, what, ddpm::detail::text(rows, " x ", columns),
                      ddpm::detail::text(got_rows, " x ", got_columns));
}

/// @throws shape_error unless the batch is rows × columns
template <class T>
void require_batch(std::string_view where, std::string_view what, const batch_view<T>& batch, isize rows,
                   isize columns) {
    if (batch.rows() != rows || batch.columns() != columns) {
        refuse_batch(where, what, rows, columns, batch.rows(), batch.columns());
    }
}

}  // namespace ddpm::nn::detail
