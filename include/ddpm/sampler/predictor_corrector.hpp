// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>
#include <ddpm/schedule/time_grid.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// How samples are drawn by turns of a Langevin corrector and a reverse diffusion predictor.
struct predictor_corrector {
    index corrections = 1;      ///< Langevin steps before each predictor step, ≥ 0
    double signal_to_noise = 0.15;  ///< r: a correction's step is 2 (r ‖z‖/‖score‖)²
    bool batch_norms = false;   ///< the norms are the batch's means, as in diffusers, instead of each sample's own
    bool noise_at_end = false;  ///< the last step draws noise, as in diffusers
};

namespace detail {

/// One run of predictor_corrector.
template <Scalar S, class Session, class Noise>
class corrected_run {
public:
    corrected_run(const predictor_corrector& options, Session& session, prediction kind, Noise& noise, batch<S> x,
                  index first_sample)
        : options_(options),
          session_(session),
          kind_(kind),
          noise_(noise),
          first_sample_(first_sample),
          x_(std::move(x)),
          score_(x_.rows(), x_.cols()),
          z_(x_.rows(), x_.cols()),
          times_(static_cast<std::size_t>(x_.cols())),
          steps_(times_.size()) {}

    [[nodiscard]] batch<S> run(const time_grid& grid) && {
        for (index k = 0; k < grid.steps(); ++k) {
            for (index i = 0; i < options_.corrections; ++i) {
                correct(grid[k]);
            }
            predict(grid[k], grid[k + 1].level);
        }
        return std::move(x_);
    }

private:
    /// The score at x.
    void evaluate(const grid_point& at) {
        std::fill(times_.begin(), times_.end(), at.t);
        session_(batch_view<const S>(x_), std::span<const double>(times_), model_output<S>{score_, {}});
        const affine c = conversion(kind_, prediction::score, at.level);
        kernels::linear_combination<S>({batch_view<const S>(x_), batch_view<const S>(score_)},
                                       [&](index) { return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)}; },
                                       score_);
    }

    void draw() { noise_.normal(batch_view<S>(z_), ++draws_, first_sample_); }

    /// x ← x + h · score + √(2h) z, a step of Langevin dynamics at a level.
    void correct(const grid_point& at) {
        evaluate(at);
        draw();
        set_langevin_steps();
        combine([&](index n) {
            const double h = steps_[static_cast<std::size_t>(n)];
            return std::array{S{1}, static_cast<S>(h), static_cast<S>(std::sqrt(2 * h))};
        });
    }

    void set_langevin_steps() {
        std::vector<double>& ratio = steps_;
        double mean_noise = 0, mean_score = 0;
        for (index n = 0; n < x_.cols(); ++n) {
            const double of_noise = std::sqrt(kernels::sum_of_squares<S>(x_.rows(), z_.col(n).data()));
            const double of_score = std::sqrt(kernels::sum_of_squares<S>(x_.rows(), score_.col(n).data()));
            mean_noise += of_noise;
            mean_score += of_score;
            ratio[static_cast<std::size_t>(n)] = of_noise / of_score;
        }
        for (double& step : ratio) {
            const double r = options_.signal_to_noise * (options_.batch_norms ? mean_noise / mean_score : step);
            step = 2 * r * r;
        }
    }

    /// x ← (x + v · score)/a + √v z for the transition x_t = a x_s + √v z.
    void predict(const grid_point& at, const marginal<double>& to) {
        evaluate(at);
        const transition<double> step = transition_between(to, at.level);
        const bool draws = to.sigma > 0 || options_.noise_at_end;
        if (draws) {
            draw();
        }
        const double deviation = draws ? std::sqrt(step.variance) : 0;
        combine([&](index) {
            return std::array{static_cast<S>(1 / step.scale), static_cast<S>(step.variance / step.scale),
                              static_cast<S>(deviation)};
        });
    }

    template <class FactorsOf>
    void combine(const FactorsOf& factors_of) {
        kernels::linear_combination<S>({batch_view<const S>(x_), batch_view<const S>(score_), batch_view<const S>(z_)},
                                       factors_of, x_);
    }

    const predictor_corrector& options_;
    Session& session_;
    prediction kind_;
    Noise& noise_;
    index first_sample_;
    index draws_ = 0;
    batch<S> x_;
    batch<S> score_;
    batch<S> z_;
    std::vector<double> times_;
    std::vector<double> steps_;  // of the correction, one per sample
};

}  // namespace detail

/// Denoises samples over a grid by a Langevin corrector at each level and a reverse diffusion step to the next.
/// @shape x, the samples at the grid's first level, and the result D × N
/// @throws value_error unless corrections ≥ 0 and signal_to_noise > 0, or where the score does not follow from the prediction
/// @determinism as sample(), unless `batch_norms` ties samples to their neighbours
/// @source Song et al. 2020, arXiv 2011.13456, algorithms 2 and 4 (variance exploding), 3 and 5 (preserving, whose
/// corrector has another step there)
template <Scalar S, class P, NoiseSource Noise>
    requires PredictorLike<P, S>
[[nodiscard]] batch<S> denoise_from(const predictor_corrector& sampler, const time_grid& grid, P&& predictor, batch<S> x,
                                    Noise&& noise, index first_sample = 0) {
    if (sampler.corrections < 0 || !(sampler.signal_to_noise > 0)) {
        throw value_error("predictor_corrector", "corrections and signal_to_noise", ">= 0, > 0",
                          detail::text(sampler.corrections, ", ", sampler.signal_to_noise));
    }
    decltype(auto) session = detail::session_of(predictor, x.cols());
    return detail::corrected_run<S, std::remove_reference_t<decltype(session)>, std::remove_reference_t<Noise>>(
               sampler, session, prediction_of(predictor), noise, std::move(x), first_sample)
        .run(grid);
}

}  // namespace ddpm
