// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "kernel_calls.hpp"

#include <ddpm/kernels/detail/softmax.hpp>

namespace ddpm::test {

void visit_sum_kernels(const kernel_visitor& visit) {
    constexpr isize size = call_size;
    const batch<float> x = normal_batch(call_rows, call_columns);
    batch<float> out(call_rows, call_columns);

    visit({"softmax", [&] { kernels::detail::softmax<float>(size, 0.1f, x.data(), out.data()); }});
}

}  // namespace ddpm::test
