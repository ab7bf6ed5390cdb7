// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/kernels/detail/gaussian_kl.hpp>
#include <ddpm/kernels/detail/inner_product.hpp>
#include <ddpm/kernels/detail/quantile.hpp>
#include <ddpm/kernels/detail/robust_error.hpp>
#include <ddpm/kernels/detail/softmax.hpp>
#include <ddpm/kernels/detail/squared_error.hpp>
#include <ddpm/kernels/row_sums.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>
#include <ddpm/loss/decoder.hpp>

#include <array>

namespace ddpm::test {

void visit_sum_kernels(const kernel_visitor& visit) {
    constexpr isize size = call_size;
    const batch<float> x = normal_batch(call_rows, call_columns), y = normal_batch(call_rows, call_columns, 1),
                       z = normal_batch(call_rows, call_columns, 2), weight = z.square();
    batch<float> out(call_rows, call_columns);
    double sum = 0;

    visit({"sum_of_squares", [&] { sum += kernels::sum_of_squares(size, x.data()); }});
    visit({"inner_product", [&] { sum += kernels::detail::inner_product(size, x.data(), y.data()); }});
    batch<float> sums = batch<float>::Zero(call_rows, 1);
    visit({"row_sums", [&] { kernels::add_row_sums<float>(x, sums.data()); }});

    visit({"squared_error", [&] {
               sum += kernels::detail::squared_error(size, x.data(), 0.5f, y.data(), 0.25f, z.data(), 2.0f, out.data());
           }});
    visit({"weighted_squared_error", [&] {
               sum += kernels::detail::squared_error(size, x.data(), 0.5f, y.data(), 0.25f, z.data(), 2.0f, out.data(),
                                                     weight.data());
           }});
    visit({"huber_error", [&] {
               sum += kernels::detail::robust_error(kernels::detail::penalty::huber, size, x.data(), 0.5f, y.data(),
                                                    0.25f, z.data(), 1.0f, 1.0f, 2.0f, out.data());
           }});
    std::array<float, call_columns> of_column{};
    visit({"gaussian_kl", [&] { kernels::detail::gaussian_kl<float>(x, y, out, z, of_column.data()); }});

    const any_decoder decoder = discretized_decoder{};
    const batch<float> image = x.leftCols(2).max(-1.0f).min(1.0f), mean = image + 0.1f * y.leftCols(2),
                       log_scale = 0.25f * z.leftCols(2) - 2.0f;
    std::array<double, 2> nats{};
    visit({"discretized_decoder", [&] { log_likelihood(decoder, image, mean, log_scale, nats); }});

    kernels::detail::softmax_normalizer<float> normalizer{};
    visit({"softmax", [&] { normalizer = kernels::detail::softmax<float>(size, 0.1f, x.data(), out.data()); }});
    visit({"softmax_again",
           [&] { kernels::detail::softmax_again<float>(size, 0.1f, x.data(), normalizer, out.data()); }});
    visit({"softmax_backward",
           [&] { kernels::detail::softmax_backward<float>(size, 0.1f, x.data(), y.data(), out.data()); }});

    visit({"dynamic_threshold", [&] { kernels::detail::absolute_quantiles<float>(x, 0.995, out, of_column.data()); }});
}

}  // namespace ddpm::test
