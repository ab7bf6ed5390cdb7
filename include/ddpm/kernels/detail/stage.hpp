// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/kernels/reverse_step.hpp>

#include <algorithm>

namespace ddpm::kernels::detail {

/// The array that a term of a stage reads.
enum class stage_source {
    column,   ///< an array
    x0,       ///< the stage's x̂_0
    eps,      ///< the stage's ε̂
    normals,  ///< standard normals, generated and not stored
};

/// A term factor · array · spread.
template <Scalar S>
struct stage_term {
    stage_source of;
    S factor;
    const S* column = nullptr;
    isize draw = 0;             ///< for normals: added to the step of the address of the stage
    const S* spread = nullptr;  ///< null: 1
};

/// target ← Σ terms. The target must not be kept_x0 or kept_eps.
template <Scalar S>
struct stage_sum {
    S* target;
    const stage_term<S>* terms;
    isize count;
    bool is_read;  ///< the stage reads the target too
};

/// Everything between two evaluations of a network: the estimates x̂_0 and ε̂ from x_t and the prediction p, then the
/// sums, in order: each reads the arrays as the earlier ones left them.
template <Scalar S>
struct stage_work {
    denoise_coefficients<S> estimate{};
    const S* xt = nullptr;
    const S* p = nullptr;  ///< null: there are no estimates
    S* kept_x0 = nullptr;  ///< null: not kept
    S* kept_eps = nullptr;
    const stage_sum<S>* sums = nullptr;
    isize count = 0;
    bool stream = false;  ///< targets that are not read are written with streaming stores
};

/// Size of the buffer for normals, in elements, and the largest number of terms that share it: each needs a block of
/// 64.
inline constexpr isize stage_scratch = 1024;
inline constexpr isize most_stage_normals = stage_scratch / 64;

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/stage.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(run_stage)

namespace ddpm::kernels::detail {

/// Does the work for elements row … row + size − 1 of `columns` samples, which are stored one after the other in all
/// arrays from element `first` on; `row` is a multiple of 64. The normals are those of philox_normal at the address z.
/// NaN stays NaN. If work.stream, element `first` of every array must be aligned to 16 bytes.
/// @determinism the same bits on every instruction set: products first, then sums from left to right
/// @complexity one pass over memory
template <Scalar S>
void run_stage(const stage_work<S>& work, const normal_address& z, isize columns, isize row, isize size, isize first) {
    isize draws = 0;
    for (isize s = 0; s < work.count; ++s) {
        const stage_sum<S>& sum = work.sums[s];
        draws += std::count_if(sum.terms, sum.terms + sum.count,
                               [](const stage_term<S>& t) { return t.of == stage_source::normals; });
    }
    const auto body = DDPM_DISPATCH(run_stage<S>);
    if (draws > 0) {
        body(work, z, draws, columns, row, size, first);
    } else {
        body(work, z, 0, 1, 0, columns * size, first);
    }
}

}  // namespace ddpm::kernels::detail
