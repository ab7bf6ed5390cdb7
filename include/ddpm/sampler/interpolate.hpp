// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/image_to_image.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/sample.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace ddpm {

/// Spherical linear interpolation from a (weight 0) to b (weight 1), per sample, which preserves the norm of noise;
/// linear if a and b are parallel.
/// @shape a, b and the result D × N
/// @throws shape_error if the shapes differ
/// @source Shoemake 1985, doi 10.1145/325334.325242; for latents: Song et al. 2020, arXiv 2010.02502, appendix D.5
/// @accuracy weights and sum in double: within 8 ε, of values near 1; 1e-6 for parallel vectors
template <BatchLike A, BatchLike B>
[[nodiscard]] batch<scalar_of<A>> slerp(const A& a, const B& b, double weight) {
    using S = scalar_of<A>;
    const detail::readable from(a);
    const detail::readable to(b);
    detail::require_same_shape("slerp", "b has the shape of a", from.view(), to.view());
    if (weight == 0 || weight == 1) {  // the other may be NaN
        return weight == 0 ? from.view().array() : to.view().array();
    }
    batch<S> out(from.view().rows(), from.view().columns());
    for (isize n = 0; n < out.cols(); ++n) {
        const auto u = from.view().array().col(n).template cast<double>();
        const auto v = to.view().array().col(n).template cast<double>();
        const double lengths = std::sqrt(u.square().sum() * v.square().sum());
        const double cosine = lengths > 0 ? std::clamp((u * v).sum() / lengths, -1.0, 1.0) : 1;
        const double angle = std::acos(cosine), sine = std::sin(angle);
        const bool parallel = sine < 1e-6;
        const double weight_a = parallel ? 1 - weight : std::sin((1 - weight) * angle) / sine;
        const double weight_b = parallel ? weight : std::sin(weight * angle) / sine;
        out.col(n) = (weight_a * u + weight_b * v).template cast<S>();
    }
    return out;
}

/// Interpolates between two batches: noises both with the same noise to the first level of grid_for_strength, mixes
/// them as (1 − weight) · a + weight · b, and denoises the result.
/// @shape a, b and the result D × N
/// @throws shape_error if the shapes differ; value_error unless the weight is finite, and as grid_for_strength and the
/// sampler
/// @source Ho et al. 2020, arXiv 2006.11239, section 4.2 ("Interpolation")
/// @accuracy as image_to_image of the mixed batch; in double 1e-13
template <Sampler Solver, BatchLike A, BatchLike B, class P, class Noise>
[[nodiscard]] batch<scalar_of<A>> interpolate(const Solver& sampler, const time_grid& grid, P&& predictor, const A& a,
                                              const B& b, double weight, double strength, Noise&& noise,
                                              const denoise_options& options = {},
                                              const step_callback<scalar_of<A>>& on_step = {}, isize first_sample = 0) {
    using S = scalar_of<A>;
    static_cast<void>(detail::signatures<S, P, Noise>{});
    const detail::readable from(a);
    const detail::readable to(b);
    detail::require_same_shape("interpolate", "b has the shape of a", from.view(), to.view());
    if (!std::isfinite(weight)) {
        throw value_error("interpolate", "weight", "finite", weight);
    }
    batch<S> mixed(from.view().rows(), from.view().columns());  // before the noise, which gives the same result
    kernels::linear_combination<S>(
        {from.view(), to.view()},
        [&](isize) {
            return std::array{static_cast<S>(1 - weight), static_cast<S>(weight)};
        },
        mixed);
    return image_to_image(sampler, grid, predictor, mixed, strength, noise, options, on_step, first_sample);
}

}  // namespace ddpm
