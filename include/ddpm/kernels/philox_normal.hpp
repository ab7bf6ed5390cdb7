// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/normal_constants.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#include <cstdint>

namespace ddpm::kernels {

/// Where noise begins: the Philox key and three of the four counter words; the first word counts the elements of a
/// sample.
struct normal_address {
    std::uint64_t seed = 0;
    std::uint32_t stream = 0;
    std::uint32_t step = 0;
    std::uint32_t sample = 0;

    /// The address of the sample n later.
    [[nodiscard]] normal_address later(isize n) const noexcept {
        return {seed, stream, step, sample + static_cast<std::uint32_t>(n)};
    }
};

}  // namespace ddpm::kernels

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/normal.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/philox_normal.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(philox_normal)

namespace ddpm::kernels {

/// Standard normals: elements first … first + count − 1 of `columns` samples from at.sample on, one sample after the
/// other; first is a multiple of 64.
/// @determinism as below
/// @accuracy as below
template <Scalar S>
void philox_normal(const normal_address& at, isize columns, isize first, isize count, S* out) {
    DDPM_DISPATCH(philox_normal<S>)(at, out, count, columns, first, count);
}

/// Standard normals: column n of `out` is sample at.sample + n; doubles are widened floats.
/// @shape out D × N
/// @determinism the bits of random/philox.hpp and random/normal_transform.hpp, on every instruction set
/// @accuracy as box_muller of random/normal_transform.hpp, in double too
template <Scalar S>
void philox_normal(const normal_address& at, batch_view<S> out) {
    const auto body = DDPM_DISPATCH(philox_normal<S>);
    static_assert(block_elements % 64 == 0);
    for_each_tile(out.rows(), out.columns(), [&](isize n, isize count, isize first, isize last) {
        body(at.later(n), out.column(n) + first, out.stride(), count, first, last - first);
    });
}

}  // namespace ddpm::kernels
