// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/kernels/detail/attention_row.hpp>
#include <ddpm/kernels/detail/group_norm.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/read_pixels.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/kernels/matrix_product.hpp>

#include <array>

namespace ddpm::test {

namespace {

void visit_products(const kernel_visitor& visit) {
    const batch<float> a = normal_batch(128, 128), b = normal_batch(128, 128, 1);
    batch<float> c(128, 128);
    visit({"matrix_product", [&] {
               kernels::matrix_product<float>(kernels::matrix_of(batch_view<const float>(a)),
                                              kernels::matrix_of(batch_view<const float>(b)), c);
           }});
}

void visit_attention(const kernel_visitor& visit) {
    batch<float> scores = normal_batch(call_rows, 1), shares(call_rows, 1);
    visit(
        {"attention_row", [&] { kernels::detail::find_shares<float>(call_rows, 0.1f, scores.data(), shares.data()); }});
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
}

}  // namespace

void visit_network_kernels(const kernel_visitor& visit) {
    visit_products(visit);
    visit_attention(visit);
    visit_norms(visit);
    visit_packed_pieces(visit);
}

}  // namespace ddpm::test
