// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/detail/adam.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/move_towards.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/linear_combination.hpp>

#include <cstddef>
#include <vector>

namespace ddpm::test {

void visit_elementwise_kernels(const kernel_visitor& visit) {
    constexpr isize size = call_size;
    const batch<float> x = normal_batch(call_rows, call_columns), y = normal_batch(call_rows, call_columns, 1);
    batch<float> out(call_rows, call_columns), p = x, m = x, v = x.square();

    const batch<float> positive = x.square();
    visit({"exp", [&] { kernels::exp(size, x.data(), out.data()); }});
    visit({"log", [&] { kernels::log(size, positive.data(), out.data()); }});
    visit({"sin", [&] { kernels::sin(size, x.data(), out.data()); }});
    visit({"cos", [&] { kernels::cos(size, x.data(), out.data()); }});
    visit({"tanh", [&] { kernels::tanh(size, x.data(), out.data()); }});
    visit({"sigmoid", [&] { kernels::sigmoid(size, x.data(), out.data()); }});
    visit({"rsqrt", [&] { kernels::rsqrt(size, positive.data(), out.data()); }});
    batch<float> cosine(call_rows, call_columns);
    visit({"sincos", [&] { kernels::sincos(size, x.data(), out.data(), cosine.data()); }});

    using enum kernels::activation;
    visit({"silu", [&] { kernels::activate<silu>(size, x.data(), out.data()); }});
    visit({"mish", [&] { kernels::activate<mish>(size, x.data(), out.data()); }});
    visit({"gelu", [&] { kernels::activate<gelu>(size, x.data(), out.data()); }});
    visit({"silu_backward", [&] { kernels::activate_backward<silu>(size, x.data(), y.data(), out.data()); }});
    visit({"mish_backward", [&] { kernels::activate_backward<mish>(size, x.data(), y.data(), out.data()); }});
    visit({"gelu_backward", [&] { kernels::activate_backward<gelu>(size, x.data(), y.data(), out.data()); }});

    visit({"linear_combination", [&] {
               kernels::linear_combination(size, {0.5f, 0.25f}, {x.data(), y.data()}, out.data());
           }});
    visit({"linear_combination_of_four", [&] {
               kernels::linear_combination(size, {0.5f, 0.25f, 2.0f, -1.0f},
                                           {x.data(), y.data(), positive.data(), cosine.data()}, out.data());
           }});

    const kernels::detail::adam_coefficients usual_adam{1, 1, 0, 0.9, 0.999, 1, 1e-3, 1e-8};
    visit({"adam", [&] { kernels::detail::adam(size, p.data(), x.data(), m.data(), v.data(), usual_adam); }});
    visit({"moving_average", [&] { kernels::detail::move_towards(size, 1e-3f, x.data(), p.data()); }});

    std::vector<bfloat16> narrow(static_cast<std::size_t>(size));
    visit({"to_bfloat16", [&] { kernels::detail::convert(size, x.data(), narrow.data()); }});
    visit({"from_bfloat16", [&] { kernels::detail::convert(size, narrow.data(), out.data()); }});
}

}  // namespace ddpm::test
