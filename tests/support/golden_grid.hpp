// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

// The grids of diffusers' tests of DPM-Solver, UniPC, DEIS and SA-Solver, and the check of a sampler over them.

#include <ddpm/grid/sigma_grid.hpp>
#include <ddpm/grid/timesteps.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/golden_loop.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

inline noise_schedule<float32_tables> golden_schedule(isize total = 1000) { return {linear_beta{}, total}; }

/// `steps` timesteps of diffusers' linspace for solvers.
inline time_grid golden_grid(isize steps = 10, grid_end end = grid_end::least_noise, isize total = 1000) {
    return make_grid(golden_schedule(total), solver_timesteps(total, steps, timestep_spacing::linspace), end);
}

/// use_karras_sigmas.
inline time_grid golden_karras_grid(isize total = 1000) {
    const sigma_table table(golden_schedule(total));
    return sigma_grid(table, karras_sigmas(10, table.range()), {.end = grid_end::least_noise, .whole_timesteps = true});
}

/// Checks the sum of |x| at the end of a run, within a relative error.
template <Scalar S = double>
void check_sum(const sampling_plan& plan, double sum, double relative = 1e-5, const golden_loop_options& options = {}) {
    const double got = golden_loop<S>(plan, options).sum;
    INFO("sum " << got << " for " << sum << ", mean " << got / static_cast<double>(options.rows * options.columns));
    CHECK(std::abs(got - sum) <= relative * sum);
}

/// Checks the mean of |x|: the one that diffusers' test publishes, within 1e-3, and the exact one of the same tables.
template <Scalar S = double>
void check_mean(const sampling_plan& plan, double published, double exact, const golden_loop_options& options = {}) {
    const double got = golden_loop<S>(plan, options).mean;
    INFO("mean " << got << " for " << published << " and " << exact);
    CHECK(std::abs(got - published) < 1e-3);
    CHECK(std::abs(got - exact) <= 2e-6 * exact);
}

}  // namespace ddpm::test
