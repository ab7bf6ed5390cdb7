// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>
// IWYU pragma: end_exports
#include <ddpm/sampler/detail/plan_executor.hpp>
#include <ddpm/sampler/detail/plan_noise.hpp>

#include <algorithm>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// What a callback sees of one step, before the step is taken.
template <Scalar S>
struct sample_step {
    isize step;  ///< 0 … steps − 1
    isize steps;
    double t;                ///< the model's time of xt: of a discrete schedule the 0-based timestep
    batch_view<const S> xt;  ///< D × N
    batch_view<const S> x0;  ///< the estimate of x_0, D × N
};

/// Called at each step; returning false stops the run, which then gives its estimate of x_0. Its owner knows that it did; so
/// does a `run_watch`, and sampling_run::stopped().
template <Scalar S>
using step_callback = std::function<bool(const sample_step<S>&)>;

namespace detail {

/// What a run is made of has the signatures that it needs; the first error of the compiler names the one that is wanted.
template <class S, class P, class Noise = philox_noise>
struct signatures {
    static_assert(
        PredictorLike<P, S>,
        "ddpm: wanted is a predictor that is called as "
        "predictor(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out), or that has a "
        "const member session(samples) which returns one; S is float unless the predictor names its `scalar` or a "
        "call asks for another, as sample<double>(...) does");
    static_assert(
        NoiseSource<Noise, S>,
        "ddpm: wanted is a noise source with a member normal(batch_view<S> out, isize step, isize first_sample), "
        "or in its place a callback that is called as bool(const sample_step<S>& step)");
};

}  // namespace detail

/// The state of one sampling run: the samples on their way, the predictor's session and all scratch. It refers to its
/// plan, predictor and noise, which must outlive it.
/// @determinism sample n depends on its own x and noise only, not on its neighbours, if the predictor keeps samples
/// apart
template <Scalar S, class P, NoiseSource<S> Noise>
    requires PredictorLike<P, S>
class sampling_run {
public:
    /// Starts from the samples x, which the run then owns; column n is sample `first_sample` + n for the noise.
    /// Draw d of the plan is the noise of step `first_step` + d + 1; step 0 is left to the initial noise.
    /// @throws value_error as require_valid of the options, or if the plan refers to what it has not made, or its normals
    /// have no address
    sampling_run(const sampling_plan& plan, P& predictor, Noise& noise, batch<S> x, const denoise_options& options = {},
                 isize first_sample = 0, isize first_step = 0)
        : plan_(plan),
          kind_(prediction_of(predictor)),
          session_(detail::session_of(predictor, x.cols())),
          options_(options),
          noise_(plan, noise, x.rows(), x.cols(), first_sample, first_step),
          executor_(plan, std::move(x), options.threshold.has_value(), noise_.first_address()),
          times_(static_cast<std::size_t>(executor_.memory().x().cols())) {
        require_valid(options);
        assign(plan.before(), -1);
    }

    /// Whether all evaluations are made, or the callback stopped the run.
    [[nodiscard]] bool done() const noexcept { return next_ == static_cast<isize>(plan_.stages().size()); }

    /// Whether the callback stopped the run: x() is then its last estimate of x_0, not the end of the plan.
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

    /// Makes one evaluation and computes what follows it; does nothing when done. Allocates nothing, if the predictor and
    /// the noise do not.
    /// @returns false if the callback, which is called at the first evaluation of a step, stopped the run: x() is then the
    /// estimate of x_0
    bool advance(const step_callback<S>& on_step = {}) {
        if (done()) {
            return true;
        }
        const stage& now = plan_.stages()[static_cast<std::size_t>(next_)];
        std::fill(times_.begin(), times_.end(), now.t);
        session_(batch_view<const S>(executor_.memory().x()), std::span<const double>(times_), executor_.output());
        executor_.take_prediction(denoise_coefficients_of<S>(kind_, now.level, options_), options_.threshold);
        const bool begins_step = next_ == 0 || plan_.stages()[static_cast<std::size_t>(next_ - 1)].step != now.step;
        if (on_step && begins_step) {
            const batch_view<const S> x0 = executor_.estimate_x0();
            if (!on_step({now.step, plan_.steps(), now.t, executor_.memory().x(), x0})) {
                executor_.stop_at_x0();
                next_ = static_cast<isize>(plan_.stages().size());
                stopped_ = true;
                return false;
            }
        }
        assign(now.then, next_);
        ++next_;
        return true;
    }

    /// Takes one step, all its evaluations; does nothing when done.
    /// @returns as advance()
    bool step(const step_callback<S>& on_step = {}) {
        if (done()) {
            return true;
        }
        const isize step = plan_.stages()[static_cast<std::size_t>(next_)].step;
        while (!done() && plan_.stages()[static_cast<std::size_t>(next_)].step == step) {
            if (!advance(on_step)) {
                return false;
            }
        }
        return true;
    }

    /// The evaluation that comes next; not when done.
    [[nodiscard]] const stage& next() const { return plan_.stages()[static_cast<std::size_t>(next_)]; }

    /// The samples as they are now, D × N. They may be changed between steps: to impose known parts, or for guidance.
    [[nodiscard]] batch_view<S> x() noexcept { return executor_.memory().x(); }

    /// The plan's second state, D × N; empty if the plan uses none.
    [[nodiscard]] batch_view<S> base() noexcept { return executor_.memory().base(); }

    /// Moves the samples out at the end.
    [[nodiscard]] batch<S> take() && { return std::move(executor_).take(); }

private:
    void assign(const std::vector<assignment>& assignments, isize i) {
        noise_.draw(executor_.memory(), i);
        executor_.assign(assignments, i);
    }

    const sampling_plan& plan_;
    prediction kind_;
    decltype(detail::session_of(std::declval<P&>(), isize{})) session_;
    denoise_options options_;
    detail::plan_noise<S, Noise> noise_;
    detail::plan_executor<S> executor_;
    std::vector<double> times_;
    isize next_ = 0;
    bool stopped_ = false;
};

}  // namespace ddpm
