// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/sample.hpp>

#include <array>
#include <cmath>

namespace ddpm {

/// x_0 noised to a level: signal · x_0 + sigma · z, with the normals of the source's `step`.
/// @shape x0 and the result D × N
/// @source Ho et al. 2020, arXiv 2006.11239, equation 4
/// @accuracy 1e-15 of values near 1 in double
template <BatchLike X, NoiseSource<scalar_of<X>> Noise>
[[nodiscard]] batch<scalar_of<X>> noised_to(const noise_level<double>& level, const X& x0, Noise& noise, isize step = 0,
                                            isize first_sample = 0) {
    using S = scalar_of<X>;
    const detail::readable clean_samples(x0);
    batch<S> x(clean_samples.view().rows(), clean_samples.view().columns());
    noise.normal(batch_view<S>(x), step, first_sample);
    kernels::linear_combination<S>(
        {clean_samples.view(), batch_view<const S>(x)},
        [&](isize) {
            return std::array{static_cast<S>(level.signal), static_cast<S>(level.sigma)};
        },
        x);
    return x;
}

/// The last ⌊strength · steps⌋ steps of a grid.
/// @throws value_error unless 0 ≤ strength ≤ 1 and there is at least one step
/// @accuracy exact
[[nodiscard]] inline time_grid grid_for_strength(const time_grid& grid, double strength) {
    if (!(strength >= 0 && strength <= 1)) {
        throw value_error("grid_for_strength", "strength", "0 <= strength <= 1", strength);
    }
    const isize steps = static_cast<isize>(std::floor(strength * static_cast<double>(grid.steps()) + 1e-9));
    if (steps == 0) {
        throw value_error("grid_for_strength", "strength", detail::text("a step, >= 1/", grid.steps()), strength);
    }
    return grid.from(grid.steps() - steps);
}

/// Image to image: noises the samples to the first level of grid_for_strength, and denoises them from there.
/// @shape x0 and the result D × N
/// @throws value_error as grid_for_strength and the sampler
/// @source Meng et al. 2021, SDEdit, arXiv 2108.01073
/// @accuracy as noised_to, then as the sampler
template <Sampler A, BatchLike X, class P, class Noise>
[[nodiscard]] batch<scalar_of<X>> image_to_image(const A& sampler, const time_grid& grid, P&& predictor, const X& x0,
                                                 double strength, Noise&& noise, const denoise_options& options = {},
                                                 const step_callback<scalar_of<X>>& on_step = {},
                                                 isize first_sample = 0) {
    static_cast<void>(detail::signatures<scalar_of<X>, P, Noise>{});
    const sampling_plan plan = sampler.plan(grid_for_strength(grid, strength));
    return denoise_from<scalar_of<X>>(plan, predictor, noised_to(plan.grid()[0].level, x0, noise, 0, first_sample),
                                      noise, options, on_step, first_sample);
}

}  // namespace ddpm
