// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

// The configuration of diffusers' tests of its σ-space schedulers: 1100 linear β in single precision, ten steps over
// evenly spaced float times, levels {1, σ}, and samples that are scaled anew before every evaluation.

#include <ddpm/grid/sigma_grid.hpp>
#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/golden_loop.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ddpm::test {

struct sigma_golden {
    sigma_table table{noise_schedule<float32_tables>{linear_beta{}, 1100}};

    [[nodiscard]] time_grid linspace() const {
        std::vector<double> times;
        for (int k = 9; k >= 0; --k) {
            times.push_back(static_cast<double>(static_cast<float>(k * (1099.0 / 9))));
        }
        return fractional_grid(table, times, {.exploding = true});
    }

    [[nodiscard]] time_grid karras() const {
        return sigma_grid(table, karras_sigmas(10, table.range()), {.exploding = true});
    }

    /// A published sum or mean is reached within its tolerance, or the number of six digits, whichever is more.
    void check(const sampling_plan& plan, double sum, golden_loop_options options = {}) const {
        options.overwrite_scaled = true;
        options.scale = table.range().highest;
        // torch's normals of double precision are others than those of single precision, which the loops drew.
        check_sum(plan.draws().empty() ? golden_loop(plan, options).sum : golden_loop<float>(plan, options).sum, sum,
                  1e-2);
    }

    static void check_sum(double found, double expected, double tolerance) {
        INFO(found << ", expected " << expected);
        CHECK(std::abs(found - expected) <= std::max(tolerance, 1e-6 * expected));
    }
};

}  // namespace ddpm::test
