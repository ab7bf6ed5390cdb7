// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/parameters.hpp>

#include <algorithm>
#include <concepts>
#include <span>
#include <type_traits>

namespace ddpm::nn {

/// Calls f(index in torch's order, index in memory) for each element of a tensor, in parallel.
template <class F>
    requires std::invocable<const F&, isize, isize>
void for_each_place(const tensor_shape& shape, tensor_order order, const F& f) {
    constexpr isize grain = 16384;
    if (order == tensor_order::last_fastest || shape.size() == 0) {
        parallel_for(shape.size(), grain, [&](isize first, isize last) {
            for (isize place = first; place < last; ++place) {
                f(place, place);
            }
        });
        return;
    }
    const isize outputs = shape[0];
    const isize inputs = shape.dimensions() > 1 ? shape[1] : 1;
    const isize row = shape.size() / outputs;  // what torch's order keeps together
    const isize positions = row / inputs;
    // A tile of outputs and inputs, so that whole cache lines are read and written.
    constexpr isize tile_outputs = 16;
    const isize tile_inputs = std::max<isize>(1, 64 / positions);
    parallel_for((outputs - 1) / tile_outputs + 1, std::max<isize>(1, grain / (tile_outputs * row)),
                 [&](isize first_tile, isize last_tile) {
                     for (isize tile = first_tile; tile < last_tile; ++tile) {
                         const isize first = tile * tile_outputs, last = std::min(first + tile_outputs, outputs);
                         for (isize begin = 0; begin < inputs; begin += tile_inputs) {
                             const isize end = std::min(begin + tile_inputs, inputs);
                             for (isize position = 0; position < positions; ++position) {
                                 for (isize input = begin; input < end; ++input) {
                                     const isize torch = input * positions + position;
                                     const isize memory = (position * inputs + input) * outputs;
                                     for (isize output = first; output < last; ++output) {
                                         f(output * row + torch, memory + output);
                                     }
                                 }
                             }
                         }
                     }
                 });
}

/// Copies a parameter's values to `out` in torch's order.
/// @throws shape_error if the sizes differ
/// @accuracy exact
template <class T>
void to_torch_order(const parameter<T>& from, std::span<std::remove_const_t<T>> out) {
    detail::require<shape_error>(out.size() == from.values.size(), "to_torch_order", "size", {from.values.size()},
                                 {out.size()});
    for_each_place(from.shape, from.order, [to = out.data(), values = from.values.data()](isize torch, isize memory) {
        to[torch] = values[memory];
    });
}

/// Copies values in torch's order to a parameter.
/// @throws shape_error if the sizes differ
/// @accuracy exact
template <Scalar S>
void from_torch_order(std::span<const S> numbers, const parameter<S>& to) {
    detail::require<shape_error>(numbers.size() == to.values.size(), "from_torch_order", "size", {to.values.size()},
                                 {numbers.size()});
    for_each_place(to.shape, to.order, [values = to.values.data(), from = numbers.data()](isize torch, isize memory) {
        values[memory] = from[torch];
    });
}

/// Copies values in torch's order to a tensor.
/// @throws shape_error if the sizes differ
/// @accuracy exact
template <Scalar S>
void from_torch_order(std::span<const S> numbers, tensor<S>& to) {
    from_torch_order<S>(numbers, parameter<S>{{}, to.shape(), to.values(), to.order()});
}

}  // namespace ddpm::nn
