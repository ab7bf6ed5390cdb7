// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/exp.hpp>
#include <ddpm/kernels/detail/wide.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/gaussian_kl.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(gaussian_kl)

namespace ddpm::kernels::detail {

/// kl[n] = Σ KL(N(m1, e^lv1) ‖ N(m2, e^lv2)) over the elements of column n: ½ (e^d − 1 − d + (m1 − m2)² e^−lv2), d =
/// lv1 − lv2. NaN makes the sum NaN.
/// @shape m1 and m2 D × N; lv1 and lv2 D × N, or 1 × N for a variance shared by a sample's elements; kl N
/// @units nats
/// @accuracy a few units in the last place per element, also if the variances are nearly equal; sums are in double
/// @determinism the same bits for every thread count and on all instruction sets with a fused multiply-add
template <Scalar S>
void gaussian_kl(batch_view<const S> m1, batch_view<const S> lv1, batch_view<const S> m2, batch_view<const S> lv2,
                 S* kl) {
    const auto body = DDPM_DISPATCH(gaussian_kl<S>);
    const bool shared1 = lv1.rows() == 1, shared2 = lv2.rows() == 1;
    sum_columns(
        m1.rows(), m1.columns(),
        [&](isize n, isize first, isize last) {
            return body(last - first, m1.column(n) + first, lv1.column(n) + (shared1 ? 0 : first), shared1,
                        m2.column(n) + first, lv2.column(n) + (shared2 ? 0 : first), shared2);
        },
        [&](isize n, double sum) { kl[n] = static_cast<S>(sum); });
}

}  // namespace ddpm::kernels::detail
