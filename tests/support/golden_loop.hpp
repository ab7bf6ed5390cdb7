// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

// The full loops of diffusers' own scheduler tests (tests/schedulers/): deterministic inputs of shape (4, 3, 8, 8), the
// model x · t / (t + 1), and the sum and mean of |x| at the end.

#include <ddpm/predictor/predicts.hpp>
#include <ddpm/random/torch_noise.hpp>
#include <ddpm/sampler/run.hpp>

#include "support/predictors.hpp"

#include <cmath>
#include <cstdint>

namespace ddpm::test {

/// Element e of sample b, in torch's order within a sample: x = (B e + b) / size; the noise counts down instead.
template <Scalar S>
batch<S> deterministic(bool noise, isize rows = 192, isize columns = 4) {
    batch<S> x(rows, columns);
    for (isize b = 0; b < columns; ++b) {
        for (isize e = 0; e < rows; ++e) {
            const isize i = columns * e + b;
            x(e, b) = static_cast<S>(noise ? x.size() - 1 - i : i) / static_cast<S>(x.size());
        }
    }
    return x;
}

/// The noise of a float32 PyTorch program, in any type: torch draws other doubles than floats.
struct float_torch_noise {
    torch_noise source;

    template <Scalar S>
    void normal(batch_view<S> out, isize, isize) {
        batch<float> drawn(out.rows(), out.columns());
        source.normal(batch_view<float>(drawn));
        out.array() = drawn.cast<S>();
    }
};

struct golden_sums {
    double sum;
    double mean;
};

struct golden_loop_options {
    prediction kind = prediction::epsilon;
    denoise_options denoise{};
    double scale = 1;         ///< of the initial sample
    bool with_noise = false;  ///< the run begins at α x + σ n, of the grid's first point
    bool overwrite_scaled =
        false;  ///< before each evaluation x ← x/√(σ² + 1), as the tests of σ-space schedulers do; for levels {1, σ}
    std::uint64_t seed = 0;  ///< of torch_noise
    isize rows = 192;
    isize columns = 4;
};

/// The sums of |x| at the end of a run of the plan, computed in S.
template <Scalar S = double>
golden_sums golden_loop(const sampling_plan& plan, const golden_loop_options& options = {}) {
    const noise_level<double>& first = plan.grid()[0].level;
    batch<S> x = deterministic<S>(false, options.rows, options.columns) * static_cast<S>(options.scale);
    if (options.with_noise) {
        x = static_cast<S>(first.signal) * x +
            static_cast<S>(first.sigma) * deterministic<S>(true, options.rows, options.columns);
    }
    float_torch_noise noise{torch_noise(options.seed)};
    auto model = predicts(golden_model<S>, options.kind);
    sampling_run<S, decltype(model), float_torch_noise> run(plan, model, noise, std::move(x), options.denoise);
    while (!run.done()) {
        if (options.overwrite_scaled) {
            const double sigma = run.next().level.sigma;
            run.x().array() /= static_cast<S>(std::sqrt(sigma * sigma + 1));
        }
        run.advance();
    }
    const double sum = std::move(run).take().template cast<double>().abs().sum();
    return {sum, sum / static_cast<double>(options.rows * options.columns)};
}

}  // namespace ddpm::test
