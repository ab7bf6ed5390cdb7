// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/langevin_norms.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/sampler/run.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// The predictor–corrector sampler of score models: at each level `corrections` Langevin steps, then a reverse
/// diffusion step to the next, with the score s(x) = ∇ ln p(x) of the network:
///     corrector: x_t ← x_t + η s(x_t) + √(2η) z  with  η = 2 (r ‖z‖/‖s(x_t)‖)²,
///     predictor: x_s = (x_t + v s(x_t))/a + √v z  with  a = α_t/α_s, v = σ_t² − a² σ_s²,
/// which for variance-exploding processes (α = 1) is x_s = x_t + (σ_t² − σ_s²) s(x_t) + √(σ_t² − σ_s²) z. A step to σ_s
/// = 0 draws noise only with noise_at_end. The norms are those of each sample, with batch_norms the means over all
/// samples. A NoisePath makes the z of the predictor steps by normal_between, and those of the Langevin steps, which
/// stay at one level, by normal().
/// @source Song et al. 2020, arXiv 2011.13456, algorithms 2 and 4 (variance exploding), 3 and 5 (preserving, with
/// another step size of the corrector)
/// @accuracy a step within 1e-11 of values near 1 in double. Σ|x| at the end of diffusers' test loops within a relative
/// 1e-5
struct predictor_corrector {
    isize corrections = 1;          ///< Langevin steps before each predictor step, ≥ 0
    double signal_to_noise = 0.15;  ///< r
    bool batch_norms = false;       ///< uses the means of the norms over the batch, as diffusers does
    bool noise_at_end = false;      ///< the last step draws noise, as in diffusers
};

namespace detail {

/// One run of predictor_corrector. One pass over memory per evaluation, unless batch_norms is set or the noise source
/// is sequential.
template <Scalar S, class Session, class Noise>
class predictor_corrector_run {
public:
    predictor_corrector_run(const predictor_corrector& options, Session& session, prediction kind, Noise& noise,
                            batch<S> x, isize first_sample)
        : options_(options),
          session_(session),
          kind_(kind),
          noise_(noise),
          first_sample_(first_sample),
          x_(std::move(x)),
          prediction_(x_.rows(), x_.cols()),
          z_(x_.rows(), one_by_one() ? 0 : x_.cols()),
          times_(static_cast<std::size_t>(x_.cols())),
          norms_(options.batch_norms ? times_.size() : 0) {}

    /// Takes step k of `steps`.
    /// @returns false if the callback stopped the run: the samples are then the estimates of x_0
    bool step(const grid_point& from, const grid_point& to, isize k = 0, isize steps = 1,
              const step_callback<S>& on_step = {}) {
        evaluate(from);
        if (on_step) {
            x0_.resize(x_.rows(), x_.cols());
            const affine c = conversion(kind_, prediction::x0, from.level);
            kernels::linear_combination<S>(
                {batch_view<const S>(x_), batch_view<const S>(prediction_)},
                [&](isize) {
                    return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)};
                },
                x0_);
            if (!on_step({k, steps, from.t, x_, x0_})) {
                x_.swap(x0_);
                return false;
            }
        }
        for (isize i = 0; i < options_.corrections; ++i) {
            correct(from);
            evaluate(from);
        }
        predict(from, to.level);
        return true;
    }

    [[nodiscard]] batch<S> samples() && { return std::move(x_); }

private:
    struct noise_tag {};  // for thread_scratch

    /// Whether each sample is processed independently, with its noise computed where it is used.
    [[nodiscard]] bool one_by_one() const { return AddressedNoise<Noise> && !options_.batch_norms; }

    void evaluate(const grid_point& at) {
        std::fill(times_.begin(), times_.end(), at.t);
        session_(batch_view<const S>(x_), std::span<const double>(times_), model_output<S>{prediction_, {}});
    }

    void draw() { noise_.normal(batch_view<S>(z_), draws_, first_sample_); }

    /// Draws the noise of a predictor step: on a path, its increment between the levels.
    void draw_between(const noise_level<double>& from, const noise_level<double>& to) {
        if constexpr (NoisePath<Noise, S>) {
            noise_.normal_between(batch_view<S>(z_), noise_ratio(from), noise_ratio(to), first_sample_);
        } else {
            draw();
        }
    }

    /// A step of Langevin dynamics with the prediction at x: x ← x + h · score + √(2h) z with h = 2 (r ‖z‖/‖score‖)².
    void correct(const grid_point& at) {
        ++draws_;
        if (!one_by_one()) {
            draw();
        }
        const affine c = conversion(kind_, prediction::score, at.level);
        const kernels::detail::score_coefficients<S> score{static_cast<S>(c.xt), static_cast<S>(c.value)};
        kernels::for_each_column(x_.rows(), x_.cols(), [&](isize n) {
            const batch_view<S> z = one_by_one() ? batch_view<S>(thread_scratch<noise_tag, S>(x_.rows()), x_.rows(), 1)
                                                 : batch_view<S>(z_).middle(n, 1);
            const kernels::detail::langevin_norms norms = measure(score, n, z.data());
            if (options_.batch_norms) {
                norms_[static_cast<std::size_t>(n)] = norms;
            } else {
                take_langevin_step(score, n, std::sqrt(norms.noise) / std::sqrt(norms.score), z);
            }
        });
        if (options_.batch_norms) {
            double noise = 0, length = 0;
            for (const kernels::detail::langevin_norms& norms : norms_) {
                noise += std::sqrt(norms.noise);
                length += std::sqrt(norms.score);
            }
            kernels::for_each_column(x_.rows(), x_.cols(), [&](isize n) {
                take_langevin_step(score, n, noise / length, batch_view<const S>(z_).middle(n, 1));
            });
        }
    }

    /// The norms of sample n; draws its z first if one_by_one().
    kernels::detail::langevin_norms measure(const kernels::detail::score_coefficients<S>& score, isize n, S* z) {
        const S *const x = x_.col(n).data(), *const p = prediction_.col(n).data();
        return kernels::sum_over_blocks(x_.rows(), 1, [&](isize, isize first, isize last) {
            if constexpr (AddressedNoise<Noise>) {
                if (one_by_one()) {
                    return kernels::detail::draw_and_measure_langevin<S>(
                        noise_.address(x_.rows(), x_.cols(), draws_, first_sample_ + n), first, last - first, score,
                        x + first, p + first, z + first);
                }
            }
            return kernels::detail::measure_langevin<S>(last - first, score, x + first, p + first, z + first);
        });
    }

    void take_langevin_step(const kernels::detail::score_coefficients<S>& score, isize n, double ratio,
                            batch_view<const S> z) {
        const double r = options_.signal_to_noise * ratio, h = 2 * r * r;
        const batch_view<S> x = batch_view<S>(x_).middle(n, 1);
        kernels::linear_combination<S>(
            {batch_view<const S>(x), batch_view<const S>(prediction_).middle(n, 1), z},
            [&](isize) {
                return std::array{static_cast<S>(1 + h * static_cast<double>(score.xt)),
                                  static_cast<S>(h * static_cast<double>(score.value)),
                                  static_cast<S>(std::sqrt(2 * h))};
            },
            x);
    }

    /// The predictor step with the prediction at x: x ← (x + v · score)/a + √v z for the transition x_t = a x_s + √v z.
    void predict(const grid_point& at, const noise_level<double>& to) {
        const transition<double> step = transition_between(to, at.level);
        const bool draws = to.sigma > 0 || options_.noise_at_end;
        const affine c = conversion(kind_, prediction::score, at.level);
        const kernels::reverse_coefficients<S> coefficients{
            .estimate = {.eps_xt = static_cast<S>(c.xt), .eps_value = static_cast<S>(c.value)},  // the score as ε̂
            .xt = static_cast<S>(1 / step.scale),
            .eps = static_cast<S>(step.variance / step.scale),
            .sigma = static_cast<S>(draws ? std::sqrt(std::max(0.0, step.variance)) : 0)};
        draws_ += draws ? 1 : 0;
        if constexpr (AddressedNoise<Noise>) {
            kernels::reverse_step<S>(coefficients, x_, prediction_,
                                     noise_.address(x_.rows(), x_.cols(), draws_, first_sample_), {}, x_);
        } else {
            if (draws) {
                draw_between(at.level, to);
            }
            kernels::reverse_step<S>(coefficients, x_, prediction_, batch_view<const S>(z_), {}, x_);
        }
    }

    const predictor_corrector& options_;
    Session& session_;
    prediction kind_;
    Noise& noise_;
    isize first_sample_;
    isize draws_ = 0;
    batch<S> x_;
    batch<S> prediction_;
    batch<S> x0_;  // the estimate for the callback
    batch<S> z_;   // empty if samples go one by one
    std::vector<double> times_;
    std::vector<kernels::detail::langevin_norms> norms_;  // empty unless they are the batch's
};

}  // namespace detail

/// Denoises samples over a grid by a Langevin corrector at each level and a reverse diffusion step to the next.
/// @shape x, the samples at the grid's first level, and the result D × N; if the callback, which is called at the first
/// evaluation of each step, stopped the run, the estimate of x_0 then
/// @throws value_error unless corrections ≥ 0 and 0 < signal_to_noise ≤ 10⁶, on a grid of rising noise, or where the
/// score, or x_0 for the callback, does not follow from the prediction
/// @determinism as sample(); with `batch_norms` a sample depends on the others
/// @accuracy see predictor_corrector
template <Scalar S, class P, class Noise>
[[nodiscard]] batch<S> denoise_from(const predictor_corrector& sampler, const time_grid& grid, P&& predictor,
                                    batch<S> x, Noise&& noise, const step_callback<S>& on_step = {},
                                    isize first_sample = 0) {
    static_cast<void>(detail::signatures<S, P, Noise>{});
    if (sampler.corrections < 0 || !(sampler.signal_to_noise > 0 && sampler.signal_to_noise <= 1e6)) {
        throw value_error("predictor_corrector", "corrections and signal_to_noise", ">= 0, > 0 and <= 1e6",
                          detail::text(sampler.corrections, ", ", sampler.signal_to_noise));
    }
    detail::require_falling_noise("predictor_corrector", grid);
    decltype(auto) session = session_of(predictor, x.cols());
    detail::predictor_corrector_run<S, std::remove_reference_t<decltype(session)>, std::remove_reference_t<Noise>> run(
        sampler, session, prediction_of(predictor), noise, std::move(x), first_sample);
    for (isize k = 0; k < grid.steps() && run.step(grid[k], grid[k + 1], k, grid.steps(), on_step); ++k) {
    }
    return std::move(run).samples();
}

}  // namespace ddpm
