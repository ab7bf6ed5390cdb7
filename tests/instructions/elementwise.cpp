// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/detail/adam.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/linear_combination.hpp>

namespace ddpm::test {

void visit_elementwise_kernels(const kernel_visitor& visit) {
    constexpr isize size = call_size;
    const batch<float> x = normal_batch(call_rows, call_columns), y = normal_batch(call_rows, call_columns, 1);
    batch<float> out(call_rows, call_columns), p = x, m = x, v = x.square();

    visit({"exp", [&] { kernels::exp(size, x.data(), out.data()); }});
    visit({"silu", [&] { kernels::activate<kernels::activation::silu>(size, x.data(), out.data()); }});
    visit({"linear_combination", [&] {
               kernels::linear_combination(size, {0.5f, 0.25f}, {x.data(), y.data()}, out.data());
           }});
    const kernels::detail::adam_coefficients usual_adam{1, 1, 0, 0.9, 0.999, 1, 1e-3, 1e-8};
    visit({"adam", [&] { kernels::detail::adam(size, p.data(), x.data(), m.data(), v.data(), usual_adam); }});
}

}  // namespace ddpm::test
