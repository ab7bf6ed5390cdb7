// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace ddpm {

/// RePaint, for use with `inpaint`: the ancestral chain, which at every `jump_length`-th point goes back `jump_length`
/// steps by the forward process and denoises them again, `jump_count` − 1 times, so that the inpainted region fits the
/// known one. A denoising step is that of `ancestral`; a forward step from s to the noisier t is x_t = (α_t/α_s) x_s +
/// √(σ_t² − (α_t/α_s)² σ_s²) z.
/// @source Lugmayr et al. 2022, arXiv 2201.09865, algorithm 1 and appendix B
/// @accuracy factors of its steps within 1e-13 of those of ancestral and of the forward process
struct repaint {
    isize jump_length = 10;  ///< ≥ 1
    isize jump_count = 10;   ///< how often each section is denoised, ≥ 1; 1: the ancestral sampler
    reverse_variance variance = reverse_variance::fixed_small;

    /// The points of a grid of `steps` steps in the order of the run: 0, 1, …, with the jumps back.
    /// @throws value_error unless steps ≥ 0, jump_length ≥ 1 and jump_count ≥ 1
    [[nodiscard]] std::vector<isize> path(isize steps) const {
        if (steps < 0 || jump_length < 1 || jump_count < 1) {
            throw value_error("repaint", "steps, jump_length and jump_count", ">= 0, >= 1 and >= 1",
                              detail::text(steps, ", ", jump_length, ", ", jump_count));
        }
        std::vector<isize> jumps(static_cast<std::size_t>(steps) + 1, 0);
        for (isize k = jump_length; k < steps; k += jump_length) {
            jumps[static_cast<std::size_t>(k)] = jump_count - 1;
        }
        std::vector<isize> visited{0};
        for (isize k = 0; k < steps;) {
            visited.push_back(++k);
            isize& left = jumps[static_cast<std::size_t>(k)];
            if (left > 0) {
                --left;
                for (const isize top = k - jump_length; k > top;) {
                    visited.push_back(--k);
                }
            }
        }
        return visited;
    }

    /// @throws value_error unless jump_length ≥ 1, jump_count ≥ 1 and the noise falls over the grid
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_falling_noise("repaint", grid);
        sampling_plan out(grid);
        const std::vector<isize> visited = path(grid.steps());
        isize step = 0;
        for (std::size_t i = 0; i + 1 < visited.size(); ++i) {
            const grid_point& from = grid[visited[i]];
            const grid_point& to = grid[visited[i + 1]];
            if (visited[i + 1] > visited[i]) {
                detail::add_reverse_step(out, step++, from, to, variance);
            } else {
                const auto [scale, noise] = transition_between(from.level, to.level);
                out.renoise(from.level, to.level, scale, std::sqrt(noise));
            }
        }
        return out;
    }
};

}  // namespace ddpm
