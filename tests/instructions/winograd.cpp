// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/winograd.hpp>

#include <cstddef>
#include <vector>

namespace ddpm::test {

namespace {

constexpr isize pixels = call_pixels, channels = call_channels, panel = kernels::detail::packed_outputs;

/// Transforms a row of tiles from rows of pixels that lie one after another.
template <class Problem>
void transform_tiles(isize tiles, const float* from, float* to) {
    Problem problem{};
    for (const float*& row : problem.rows) {
        row = from;
        from += (pixels + 2) * channels;
    }
    problem.pixel = problem.channels = problem.to_tile = channels;
    problem.tiles = tiles;
    problem.to = to;
    problem.to_place = tiles * channels;
    kernels::detail::transform(problem);
}

}  // namespace

void visit_winograd_kernels(const kernel_visitor& visit) {
    const batch<float> map = normal_batch(channels, 2048);
    batch<float> result(channels, 2048);
    constexpr isize tiles = pixels / 4;
    visit({"winograd_inputs",
           [&] { transform_tiles<kernels::detail::winograd_input<4>>(tiles, map.data(), result.data()); }});
    visit({"winograd_outputs", [&] {
               kernels::detail::transform(
                   kernels::detail::winograd_output<4>{map.data(), tiles * panel, tiles, result.data(), pixels, false});
           }});
    visit({"winograd_filters", [&] {
               kernels::detail::transform(kernels::detail::winograd_filter<4, float>{
                   {0.25f, 0.5f, 1}, map.data(), channels * panel, panel, channels, result.data(), channels * panel});
           }});
    visit({"winograd_gradients",
           [&] { transform_tiles<kernels::detail::winograd_gradient<4>>(tiles, map.data(), result.data()); }});
    visit({"winograd_filter_gradients", [&] {
               kernels::detail::transform(kernels::detail::winograd_filter_gradient<4>{
                   map.data(), channels * panel, channels * panel, result.data(), channels * panel});
           }});

    // Tiles of 2 × 2 outputs, and filters of bfloat16.
    constexpr isize small_tiles = pixels / 2;
    visit({"winograd_inputs_of_2",
           [&] { transform_tiles<kernels::detail::winograd_input<2>>(small_tiles, map.data(), result.data()); }});
    visit({"winograd_outputs_of_2", [&] {
               kernels::detail::transform(kernels::detail::winograd_output<2>{
                   map.data(), small_tiles * panel, small_tiles, result.data(), pixels, false});
           }});
    visit({"winograd_filters_of_2", [&] {
               kernels::detail::transform(kernels::detail::winograd_filter<2, float>{
                   {0.5f, 0.5f, 0.5f}, map.data(), channels * panel, panel, channels, result.data(), channels * panel});
           }});
    visit({"winograd_gradients_of_2",
           [&] { transform_tiles<kernels::detail::winograd_gradient<2>>(small_tiles, map.data(), result.data()); }});
    visit({"winograd_filter_gradients_of_2", [&] {
               kernels::detail::transform(kernels::detail::winograd_filter_gradient<2>{
                   map.data(), channels * panel, channels * panel, result.data(), channels * panel});
           }});
    std::vector<bfloat16> narrow(static_cast<std::size_t>(map.size()));
    kernels::detail::convert(map.size(), map.data(), narrow.data());
    visit(
        {"winograd_filters_of_bfloat16", [&] {
             kernels::detail::transform(kernels::detail::winograd_filter<4, bfloat16>{
                 {0.25f, 0.5f, 1}, narrow.data(), channels * panel, panel, channels, result.data(), channels * panel});
         }});
}

}  // namespace ddpm::test
