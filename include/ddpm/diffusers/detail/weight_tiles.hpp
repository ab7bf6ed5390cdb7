// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/core/detail/half.hpp>
#include <ddpm/core/detail/staging_memory.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/weight_files.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/parameters.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::diffusers::detail {

/// The number of outputs of a tile: a cache line of floats.
inline constexpr isize tile_outputs = 16;

/// A part of a parameter for loading: the numbers of some outputs and some inputs. A parameter in torch's order counts
/// as one output with all numbers as inputs.
template <Scalar S>
struct weight_tile {
    const nn::parameter<S>* to;
    stored_tensor from;
    isize first_output, outputs;
    isize first_input, inputs;
    isize all_outputs, all_inputs, positions;  ///< of the parameter

    /// How many numbers come before the tile's first in the stored tensor, and from an output to the next there.
    [[nodiscard]] isize begin() const noexcept { return first_output * row() + first_input * positions; }
    [[nodiscard]] isize row() const noexcept { return all_inputs * positions; }

    /// Where the tile lies if the file lies in memory, otherwise a null pointer.
    [[nodiscard]] const std::byte* in_memory() const {
        const std::byte* const tensor = from.file->bytes_in_memory(*from.name);
        return tensor == nullptr ? nullptr : tensor + static_cast<std::size_t>(begin()) * number_bytes();
    }

    [[nodiscard]] std::size_t number_bytes() const noexcept { return io::bits(from.info->type) / 8; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return static_cast<std::size_t>(outputs * inputs * positions) * number_bytes();
    }
};

/// Divides a parameter into tiles of whole cache lines that fit the second-level cache.
template <Scalar S>
void append_tiles(std::vector<weight_tile<S>>& tiles, const nn::parameter<S>& to, const stored_tensor& from) {
    constexpr isize most_numbers = isize{1} << 16;
    const isize size = to.shape.size();
    if (size == 0) {
        return;
    }
    const bool as_stored = to.order == nn::tensor_order::last_fastest;
    const isize all_outputs = as_stored ? 1 : to.shape[0];
    const isize all_inputs = as_stored ? size : to.shape.dimensions() > 1 ? to.shape[1] : 1;
    const isize positions = size / (all_outputs * all_inputs);
    const isize outputs = std::min(all_outputs, tile_outputs);
    const isize inputs = std::clamp<isize>(most_numbers / (outputs * positions), 1, all_inputs);
    for (isize o = 0; o < all_outputs; o += outputs) {
        for (isize i = 0; i < all_inputs; i += inputs) {
            tiles.push_back({&to, from, o, std::min(outputs, all_outputs - o), i, std::min(inputs, all_inputs - i),
                             all_outputs, all_inputs, positions});
        }
    }
}

/// Reads the tile's numbers from the file, output after output.
template <Scalar S>
void read_tile(const weight_tile<S>& tile, std::span<std::byte> buffer) {
    const auto read = [&](isize first, std::span<std::byte> out) {
        tile.from.file->read_bytes(*tile.from.name, static_cast<std::uint64_t>(first) * tile.number_bytes(), out);
    };
    if (tile.inputs == tile.all_inputs) {
        read(tile.begin(), buffer.first(tile.bytes()));
        return;
    }
    const std::size_t part = tile.bytes() / static_cast<std::size_t>(tile.outputs);
    for (isize output = 0; output < tile.outputs; ++output) {
        read(tile.begin() + output * tile.row(), buffer.subspan(static_cast<std::size_t>(output) * part, part));
    }
}

/// Converts a tile's numbers and writes them to the parameter. An output's numbers come `row` after those of the one
/// before.
template <class Stored, Scalar S, class Convert>
void store_tile(const weight_tile<S>& tile, const std::byte* from, isize row, const Convert& convert) {
    S* const to = tile.to->values.data() + tile.first_output;
    const auto number = [&](isize at) {
        return convert(ddpm::detail::load_little<Stored>(from + static_cast<std::size_t>(at) * sizeof(Stored)));
    };
    if (tile.all_outputs == 1 && tile.positions == 1) {  // the same order in memory and file
        S* const out = to + tile.first_input;
        for (isize i = 0; i < tile.inputs; ++i) {
            out[i] = number(i);
        }
        return;
    }
    // Unrolled for whole tiles, which is a third faster.
    const auto store_outputs = [&]<std::size_t... Output>(S* out, isize at, std::index_sequence<Output...>) {
        ((out[Output] = number(static_cast<isize>(Output) * row + at)), ...);
    };
    // Inputs in groups, so that the cache lines read for one position are still in the first-level cache for the next.
    const isize group = std::max<isize>(1, 64 / tile.positions);
    for (isize begin = 0; begin < tile.inputs; begin += group) {
        const isize end = std::min(begin + group, tile.inputs);
        for (isize position = 0; position < tile.positions; ++position) {
            for (isize input = begin; input < end; ++input) {
                S* const out = to + (position * tile.all_inputs + tile.first_input + input) * tile.all_outputs;
                const isize at = input * tile.positions + position;
                if (tile.outputs == tile_outputs) {
                    store_outputs(out, at, std::make_index_sequence<static_cast<std::size_t>(tile_outputs)>{});
                } else {
                    for (isize output = 0; output < tile.outputs; ++output) {
                        out[output] = number(output * row + at);
                    }
                }
            }
        }
    }
}

/// Calls f.template operator()<Stored>(convert) for the stored type. `convert` is a function object, not a function, so
/// that it is inlined.
template <Scalar S, class F>
void with_conversion(io::dtype type, const F& f) {
    using half = std::uint16_t;
    switch (type) {
        case io::dtype::f64:
            return f.template operator()<double>([](double x) { return static_cast<S>(x); });
        case io::dtype::f16:
            return f.template operator()<half>([](half x) { return S{ddpm::detail::float_of_f16(x)}; });
        case io::dtype::bf16:
            return f.template operator()<half>([](half x) { return S{to_float(bfloat16{x})}; });
        default:
            return f.template operator()<float>([](float x) { return static_cast<S>(x); });
    }
}

/// @throws io_error that names the tensor if one of the tile's numbers, converted, is NaN or infinite
template <Scalar S>
void require_finite(const weight_tile<S>& tile, const std::byte* from, isize row) {
    with_conversion<S>(tile.from.info->type, [&]<class Stored>(const auto& convert) {
        for (isize output = 0; output < tile.outputs; ++output) {
            for (isize i = 0; i < tile.inputs * tile.positions; ++i) {
                const auto at = static_cast<std::size_t>(output * row + i) * sizeof(Stored);
                if (const S number = convert(ddpm::detail::load_little<Stored>(from + at)); !std::isfinite(number)) {
                    throw io_error(tile.from.file->path(), *tile.from.name, "finite values", number);
                }
            }
        }
    });
}

/// Reads all tiles in parallel, then writes them to their parameters in parallel. Parameters change only after all
/// reads have succeeded. Tiles that lie in memory are written from there.
/// @throws io_error if reading fails, or if a number is not finite and reject_nonfinite is set
template <Scalar S>
void load_tiles(const std::vector<weight_tile<S>>& tiles, bool reject_nonfinite) {
    std::vector<std::size_t> begin{0};
    std::vector<const std::byte*> stored;
    for (const weight_tile<S>& tile : tiles) {
        stored.push_back(tile.in_memory());
        begin.push_back(begin.back() + (stored.back() == nullptr ? tile.bytes() : 0));
    }
    const ddpm::detail::staging_memory memory(begin.back());
    const auto for_each_tile = [&](const auto& f) {
        constexpr isize grain = 16;
        parallel_for(static_cast<isize>(tiles.size()), grain, [&](isize first, isize last) {
            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
                const weight_tile<S>& tile = tiles[i];
                if (stored[i] != nullptr) {
                    f(tile, nullptr, stored[i], tile.row());
                } else {
                    f(tile, memory.data() + begin[i], memory.data() + begin[i], tile.inputs * tile.positions);
                }
            }
        });
    };
    for_each_tile([&](const weight_tile<S>& tile, std::byte* buffer, const std::byte* bytes, isize row) {
        if (buffer != nullptr) {
            read_tile(tile, {buffer, tile.bytes()});
        }
        if (reject_nonfinite) {
            require_finite(tile, bytes, row);
        }
    });
    for_each_tile([](const weight_tile<S>& tile, std::byte*, const std::byte* bytes, isize row) {
        with_conversion<S>(tile.from.info->type,
                           [&]<class Stored>(const auto& convert) { store_tile<Stored>(tile, bytes, row, convert); });
    });
}

}  // namespace ddpm::diffusers::detail
