// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/predictor/classifier_guidance.hpp>
#include <ddpm/sampler/detail/step_noise.hpp>
#include <ddpm/sampler/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

namespace detail {

/// A noise source that replaces each draw z of another one by z + scale · deviation · slope. Since the plan multiplies
/// the draw by the deviation, this shifts the mean of the step by scale · Σ · slope.
template <Scalar S, class Noise>
class shifted_noise : public changes_draws {
public:
    shifted_noise(const sampling_plan& plan, Noise& noise, double scale, const batch<S>& slope)
        : steps_(step_noise_of(plan)), noise_(noise), scale_(scale), slope_(slope) {}

    /// Whether any step of the plan has noise.
    [[nodiscard]] bool any() const {
        return std::any_of(steps_.begin(), steps_.end(), [](const step_noise& n) { return n.deviation != 0; });
    }

    void normal(batch_view<S> out, isize step, isize first_sample) { noise_.normal(out, step, first_sample); }

    void normal_between(batch_view<S> out, double from, double to, isize first_sample)
        requires NoisePath<Noise, S>
    {
        noise_.normal_between(out, from, to, first_sample);
    }

    /// Shifts a draw by the current slope.
    void change(batch_view<S> z, isize draw, batch_view<const S> head) const {
        const auto& [deviation, variance] = steps_[static_cast<std::size_t>(draw)];
        const double factor = scale_ * deviation;
        if (factor == 0) {
            return;
        }
        if (variance == nullptr) {
            z.array() += static_cast<S>(factor) * slope_;
            return;
        }
        z.array() += slope_ * head.array().unaryExpr([&, by = variance](S h) {
            return static_cast<S>(factor * std::exp(by->log_variance(static_cast<double>(h)) / 2));
        });
    }

private:
    std::vector<step_noise> steps_;
    Noise& noise_;
    double scale_;
    const batch<S>& slope_;
};

}  // namespace detail

/// Classifier guidance of a stochastic sampler: shifts the mean of each step by scale · Σ · ∇ ln p(y|x_t), with x_t at
/// the start of the step and Σ the variance of its noise (from the variance head, if the plan uses it). A step without
/// noise, such as the last one of `ancestral`, is not shifted. For samplers without noise in their steps (ddim with η =
/// 0, solvers of the ordinary differential equation, also with churn) use `classifier_guided` instead.
/// @param gradient a LogGradient, or a type with a const member session(samples) which returns one
/// @shape x and the result D × N
/// @throws value_error if no step of the plan has noise, or |scale| > 10⁶
/// @source Dhariwal and Nichol 2021, arXiv 2105.05233, algorithm 1
/// @accuracy the shift within 1e-14 of values near 1 in double
template <Scalar S, class P, class Gradient, class Noise>
[[nodiscard]] batch<S> denoise_with_gradient(const sampling_plan& plan, P&& predictor, Gradient&& gradient,
                                             double scale, batch<S> x, Noise&& noise,
                                             const denoise_options& options = {}, const step_callback<S>& on_step = {},
                                             isize first_sample = 0) {
    static_cast<void>(detail::signatures<S, P, Noise>{});
    static_assert(GradientLike<Gradient, S>,
                  "ddpm: wanted is a gradient that is called as "
                  "gradient(batch_view<const S> xt, std::span<const double> t, batch_view<S> out), or that has a const "
                  "member session(samples) which returns one");
    require_guidance_scale("denoise_with_gradient", scale);
    using shifted = detail::shifted_noise<S, std::remove_reference_t<Noise>>;
    batch<S> slope(x.rows(), x.cols());
    shifted with_shift(plan, noise, scale, slope);
    if (!with_shift.any()) {
        throw value_error("denoise_with_gradient", "noise of the sampler's steps",
                          "some, whose mean the gradient shifts", "none");
    }
    decltype(auto) slope_at = gradient_session_of(gradient, x.cols());
    std::vector<double> times(static_cast<std::size_t>(x.cols()));
    sampling_run<S, std::remove_reference_t<P>, shifted> run(plan, predictor, with_shift, std::move(x), options,
                                                             first_sample);
    while (!run.done()) {
        times.assign(times.size(), run.next().t);
        slope_at(batch_view<const S>(run.x()), std::span<const double>(times), batch_view<S>(slope));
        run.step(on_step);
    }
    return std::move(run).take();
}

}  // namespace ddpm
