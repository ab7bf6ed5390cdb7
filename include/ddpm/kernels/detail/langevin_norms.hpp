// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/detail/wide.hpp>
#include <ddpm/kernels/philox_normal.hpp>

namespace ddpm::kernels::detail {

/// The score xt · x_t + value · p, where a network predicted p.
template <Scalar S>
struct score_coefficients {
    S xt;
    S value;
};

/// ‖z‖² and ‖score‖², from which the step size of Langevin dynamics is computed.
struct langevin_norms {
    double noise;
    double score;

    langevin_norms& operator+=(const langevin_norms& other) noexcept {
        noise += other.noise;
        score += other.score;
        return *this;
    }
};

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/langevin_norms.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(measure_langevin)
DDPM_KERNEL_INSTANCES(draw_and_measure_langevin)

namespace ddpm::kernels::detail {

/// The squared norms over `size` elements, given z. Of each 64 elements, the squares of those with equal index modulo
/// 16 are added in S; these are added in double to sixteen partial sums, which are then added in order.
/// @determinism the same bits on every instruction set
/// @complexity one pass over memory; the score is not kept
template <Scalar S>
[[nodiscard]] langevin_norms measure_langevin(isize size, const score_coefficients<S>& score, const S* xt, const S* p,
                                              const S* z) {
    return DDPM_DISPATCH(measure_langevin<S>)(size, score, xt, p, z);
}

/// The same for elements first … first + size − 1 of a sample, with the z that philox_normal generates at that address,
/// which is written to z; `first` is a multiple of 64, and the pointers point to that element.
template <Scalar S>
[[nodiscard]] langevin_norms draw_and_measure_langevin(const normal_address& at, isize first, isize size,
                                                       const score_coefficients<S>& score, const S* xt, const S* p,
                                                       S* z) {
    return DDPM_DISPATCH(draw_and_measure_langevin<S>)(at, first, size, score, xt, p, z);
}

}  // namespace ddpm::kernels::detail
