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

/// @throws shape_error unless the batch is rows × columns
template <class T>
void require_batch(std::string_view where, std::string_view what, const batch_view<T>& batch, isize rows,
                   isize columns) {
    if (batch.rows() != rows || batch.columns() != columns) {
        require<shape_error>(false, where, what, {rows, " x ", columns}, {batch.rows(), " x ", batch.columns()});
    }
}

}  // namespace ddpm::nn::detail
