// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/attention_row.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/bfloat16_product.hpp>
#include <ddpm/kernels/detail/group_norm.hpp>
#include <ddpm/kernels/detail/layer_norm.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/read_pixels.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/kernels/matrix_product.hpp>

#include <array>
#include <cstddef>
#include <vector>

namespace ddpm::test {

namespace {

[[nodiscard]] std::vector<bfloat16> rounded_to_bfloat16(const batch<float>& x) {
    std::vector<bfloat16> out(static_cast<std::size_t>(x.size()));
    kernels::detail::convert(x.size(), x.data(), out.data());
    return out;
}

void visit_products(const kernel_visitor& visit) {
    const batch<float> a = normal_batch(128, 128), b = normal_batch(128, 128, 1);
    batch<float> c(128, 128);
    visit({"matrix_product", [&] {
               kernels::matrix_product<float>(kernels::matrix_of(batch_view<const float>(a)),
                                              kernels::matrix_of(batch_view<const float>(b)), c);
           }});
    const batch<double> wide_a = normal_batch<double>(64, 64), wide_b = normal_batch<double>(64, 64, 1);
    batch<double> wide_c(64, 64);
    visit({"matrix_product_of_doubles", [&] {
               kernels::matrix_product<double>(kernels::matrix_of(batch_view<const double>(wide_a)),
                                               kernels::matrix_of(batch_view<const double>(wide_b)), wide_c);
           }});
    const batch<float> small_a = normal_batch(64, 64), small_b = normal_batch(64, 64, 1);
    batch<float> small_c(64, 64);
    visit({"bfloat16_product", [&] {
               kernels::detail::bfloat16_product(kernels::matrix_of(batch_view<const float>(small_a)),
                                                 kernels::matrix_of(batch_view<const float>(small_b)), small_c);
           }});
}

void visit_attention(const kernel_visitor& visit) {
    batch<float> scores = normal_batch(call_rows, 1), shares(call_rows, 1);
    visit(
        {"attention_row", [&] { kernels::detail::find_shares<float>(call_rows, 0.1f, scores.data(), shares.data()); }});
    batch<float> row = normal_batch(call_size, 1);
    const std::vector<bfloat16> even = rounded_to_bfloat16(row), odd = rounded_to_bfloat16(row);
    std::vector<bfloat16> narrow_shares(even.size()), pairs(2 * even.size());
    visit({"attention_row_in_bfloat16",
           [&] { kernels::detail::find_shares<bfloat16>(call_size, 0.1f, row.data(), narrow_shares.data()); }});
    visit({"interleave", [&] { kernels::detail::interleave(call_size, even.data(), odd.data(), pairs.data()); }});
}

void visit_norms(const kernel_visitor& visit) {
    constexpr isize channels = call_channels;
    const batch<float> map = normal_batch(channels, call_pixels), factors = normal_batch(channels, 3, 1);
    batch<float> result(channels, call_pixels), dy = normal_batch(channels, call_pixels, 2);
    const batch_view<const float> image(map);
    const batch_view<float> out_image(result), d_image(dy);
    const float* const factor = factors.data();
    std::array<double, channels> mean{}, squares{};
    visit({"group_norm", [&] {
               kernels::detail::channel_moments(image, mean.data(), squares.data());
               kernels::detail::scale_shift(image, factor, factor + channels, kernels::activation::silu, out_image);
           }});
    visit({"group_norm_backward", [&] {
               kernels::detail::scale_shift_sums(image, factor, factor + channels, kernels::activation::silu, d_image,
                                                 mean.data(), squares.data());
               kernels::detail::channel_combination<float>(d_image, image, factor, factor + channels,
                                                           factor + 2 * channels, out_image);
           }});

    const batch<float> x = normal_batch(call_rows, call_columns), d = normal_batch(call_rows, call_columns, 1),
                       weight = normal_batch(call_rows, 2, 2);
    batch<float> y(call_rows, call_columns), dx(call_rows, call_columns), moments = normal_batch(2, call_columns, 3),
                                                                          dweight = batch<float>::Zero(call_rows, 2);
    visit({"layer_norm",
           [&] { kernels::detail::layer_norm<float>(x, weight.data(), weight.data() + call_rows, 1e-5, y, moments); }});
    visit({"layer_norm_backward", [&] {
               kernels::detail::layer_norm_backward<float>(x, weight.data(), moments, d, dx, dweight.data(),
                                                           dweight.data() + call_rows);
           }});
}

/// The pieces of a convolution with packed weights.
void visit_packed_pieces(const kernel_visitor& visit) {
    constexpr isize pixels = call_pixels, channels = call_channels, panel = kernels::detail::packed_outputs;
    const batch<float> map = normal_batch(channels, 4 * pixels), weights = normal_batch(channels, 3 * panel, 1),
                       factors = normal_batch(channels, 2, 2);
    batch<float> result(channels, 4 * pixels), moments(panel, 2);
    const float* const factor = factors.data();
    const isize segments[]{0, channels, 2 * channels};
    visit({"packed_product", [&] {
               kernels::detail::packed_product_body<float>()(
                   {map.data(), channels, segments, 3, channels, weights.data(), result.data(), panel, pixels});
           }});
    visit({"read_pixels", [&] {
               kernels::detail::read_pixels<float, float>(
                   {map.data(), channels, pixels, channels, factor, factor + channels, result.data(), 0, channels, 0,
                    channels, 1},
                   kernels::activation::silu);
           }});
    visit({"store_block", [&] {
               kernels::detail::store_block_body<float>()({map.data(), 4, pixels, pixels, panel, factor, nullptr, 1,
                                                           result.data(), panel, pixels * panel, moments.data()});
           }});

    // Weights and maps of bfloat16.
    const std::vector<bfloat16> narrow_weights = rounded_to_bfloat16(weights), narrow_map = rounded_to_bfloat16(map);
    std::vector<bfloat16> narrow_result(narrow_map.size());
    visit({"packed_product_in_bfloat16", [&] {
               kernels::detail::packed_product_body<bfloat16>()(
                   {map.data(), channels, segments, 3, channels, narrow_weights.data(), result.data(), panel, pixels});
           }});
    visit({"read_pixels_of_bfloat16", [&] {
               kernels::detail::read_pixels<bfloat16, float>(
                   {narrow_map.data(), channels, pixels, channels, factor, factor + channels, result.data(), 0,
                    channels, 0, channels, 1},
                   kernels::activation::silu);
           }});
    visit({"copy_pixels_of_bfloat16", [&] {
               kernels::detail::read_pixels<bfloat16, float>(
                   {narrow_map.data(), channels, 4 * pixels, channels, nullptr, nullptr, result.data(), 0, channels, 0,
                    channels, 1},
                   kernels::activation::none);
           }});
    visit({"store_block_of_bfloat16", [&] {
               kernels::detail::store_block_body<bfloat16>()({map.data(), 4, pixels, pixels, panel, factor,
                                                              narrow_map.data(), 1, narrow_result.data(), panel,
                                                              pixels * panel, moments.data()});
           }});
}

}  // namespace

void visit_network_kernels(const kernel_visitor& visit) {
    visit_products(visit);
    visit_attention(visit);
    visit_norms(visit);
    visit_packed_pieces(visit);
}

}  // namespace ddpm::test
