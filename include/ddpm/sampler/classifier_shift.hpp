// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/classifier_guidance.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/run.hpp>

#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// Classifier guidance of a chain that draws noise: the mean of each step is shifted by scale · Σ · ∇ ln p(y|x_t), where
/// Σ is the variance of the step's noise. For a sampler without noise, guide its predictor instead: see
/// predictor/classifier_guidance.hpp.
/// @shape x and the result D × N
/// @source Dhariwal and Nichol 2021, arXiv 2105.05233, algorithm 1
template <Scalar S, class P, class Gradient, NoiseSource Noise>
    requires PredictorLike<P, S> && LogGradient<Gradient, S>
[[nodiscard]] batch<S> denoise_with_gradient(const sampling_plan& plan, P&& predictor, Gradient&& gradient, double scale,
                                             batch<S> x, Noise&& noise, const denoise_options& options = {},
                                             index first_sample = 0) {
    batch<S> slope(x.rows(), x.cols());
    std::vector<double> times(static_cast<std::size_t>(x.cols()));
    sampling_run<S, std::remove_reference_t<P>, std::remove_reference_t<Noise>> run(plan, predictor, noise, std::move(x),
                                                                                    options, first_sample);
    while (!run.done()) {
        const stage& now = run.next();
        double variance = 0;
        for (const assignment& a : now.then) {
            for (const term& t : a.terms) {
                variance += t.of == quantity::noise ? t.factor * t.factor : 0;
            }
        }
        times.assign(times.size(), now.t);
        gradient(batch_view<const S>(run.x()), std::span<const double>(times), batch_view<S>(slope));
        run.step();
        run.x().array() += static_cast<S>(scale * variance) * slope;
    }
    return std::move(run).take();
}

}  // namespace ddpm
