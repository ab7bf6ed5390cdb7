// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <optional>
#include <string_view>
#include <vector>

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

/// @throws shape_error unless the gradient of a parameter has its shape
inline void require_gradient(std::string_view where, const tensor_shape& parameter, const tensor_shape& gradient) {
    if (gradient != parameter) {
        throw shape_error(where, "gradient of a parameter", parameter.text(), gradient.text());
    }
}

/// @throws shape_error unless a network's gradient has an optional layer exactly if the network has it
template <class L>
void require_gradient(std::string_view where, std::string_view what, const std::optional<L>& layer,
                      const std::optional<L>& gradient) {
    require<shape_error>(gradient.has_value() == layer.has_value(), where, what,
                         {layer ? "a gradient with it" : "a gradient without it"},
                         {gradient ? "one with" : "one without"});
}

/// @throws shape_error unless a network's gradient has as many layers of a kind as the network
template <class L>
void require_gradient(std::string_view where, std::string_view what, const std::vector<L>& layers,
                      const std::vector<L>& gradient) {
    require<shape_error>(gradient.size() == layers.size(), where, what, {"a gradient with ", layers.size()},
                         {gradient.size()});
}

}  // namespace ddpm::nn::detail
