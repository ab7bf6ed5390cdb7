// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/philox_normal.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/q_sample.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(q_sample)

namespace ddpm::kernels::detail {

/// out(:, n) = signal · x(:, n) + sigma · ε(:, n) with {signal, sigma} = level_of(n) and the ε that philox_normal
/// generates at that address; it is stored only if `eps` is not empty.
/// @shape x and out D × N, eps D × N or empty; out may be x
/// @determinism the bits of philox_normal and of linear_combination, on every instruction set
/// @complexity one pass over memory
template <Scalar S, class LevelOf>
void q_sample(const normal_address& at, batch_view<const S> x, const LevelOf& level_of, batch_view<S> eps,
              batch_view<S> out) {
    const auto body = DDPM_DISPATCH(q_sample<S>);
    for_each_tile(x.rows(), x.columns(), [&](isize n, isize count, isize first, isize last) {
        std::array<noise_level<S>, 64> levels;
        for (const isize end = n + count; n < end;) {
            const isize columns = std::min<isize>(end - n, static_cast<isize>(levels.size()));
            for (isize i = 0; i < columns; ++i) {
                levels[static_cast<std::size_t>(i)] = level_of(n + i);
            }
            body(at.later(n), levels.data(), columns, first, last - first, {x.column(n) + first, x.stride()},
                 {eps.size() == 0 ? nullptr : eps.column(n) + first, eps.stride()},
                 {out.column(n) + first, out.stride()});
            n += columns;
        }
    });
}

}  // namespace ddpm::kernels::detail
