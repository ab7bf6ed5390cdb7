// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/nn/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>

namespace ddpm::nn {

/// Calls f(place in torch's order, place in memory) for each number of a tensor, side by side.
template <class F>
void for_each_place(const tensor_shape& shape, tensor_order order, const F& f) {
    constexpr index grain = 16384;
    if (order == tensor_order::last_fastest || shape.size() == 0) {
        parallel_for(shape.size(), grain, [&](index first, index last) {
            for (index place = first; place < last; ++place) {
                f(place, place);
            }
        });
        return;
    }
    const index outputs = shape[0];
    const index inputs = shape.dimensions() > 1 ? shape[1] : 1;
    const index row = shape.size() / outputs;  // what torch's order keeps together
    const index positions = row / inputs;
    // A tile reads and writes whole cache lines: so many outputs, and all that belongs to so many inputs of theirs.
    constexpr index tile_outputs = 16;
    const index tile_inputs = std::max<index>(1, 64 / positions);
    parallel_for((outputs - 1) / tile_outputs + 1, std::max<index>(1, grain / (tile_outputs * row)),
                 [&](index first_tile, index last_tile) {
                     for (index tile = first_tile; tile < last_tile; ++tile) {
                         const index first = tile * tile_outputs, last = std::min(first + tile_outputs, outputs);
                         for (index begin = 0; begin < inputs; begin += tile_inputs) {
                             const index end = std::min(begin + tile_inputs, inputs);
                             for (index position = 0; position < positions; ++position) {
                                 for (index input = begin; input < end; ++input) {
                                     const index torch = input * positions + position;
                                     const index memory = (position * inputs + input) * outputs;
                                     for (index output = first; output < last; ++output) {
                                         f(output * row + torch, memory + output);
                                     }
                                 }
                             }
                         }
                     }
                 });
}

/// Copies a parameter's numbers into torch's order.
/// @throws shape_error if there are not as many places
template <class T>
void to_torch_order(const parameter<T>& from, std::span<std::remove_const_t<T>> out) {
    if (out.size() != from.values.size()) {
        throw shape_error("to_torch_order", "size", from.values.size(), out.size());
    }
    for_each_place(from.shape, from.order, [to = out.data(), values = from.values.data()](index torch, index memory) {
        to[torch] = values[memory];
    });
}

/// Gives a parameter numbers that stand in torch's order.
/// @throws shape_error if there are not as many
template <Scalar S>
void from_torch_order(std::span<const S> numbers, const parameter<S>& to) {
    if (numbers.size() != to.values.size()) {
        throw shape_error("from_torch_order", "size", to.values.size(), numbers.size());
    }
    for_each_place(to.shape, to.order, [values = to.values.data(), from = numbers.data()](index torch, index memory) {
        values[memory] = from[torch];
    });
}

}  // namespace ddpm::nn
