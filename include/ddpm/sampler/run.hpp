// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/core/assert.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>
// IWYU pragma: end_exports
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/sampler/detail/plan_executor.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// What a callback receives at the first network evaluation of a step, before x changes.
template <Scalar S>
struct sample_step {
    isize step;  ///< 0 … steps − 1
    isize steps;
    double t;                ///< the time passed to the network; for a discrete schedule the 0-based timestep
    batch_view<const S> xt;  ///< D × N
    batch_view<const S> x0;  ///< the estimate of x_0, D × N
};

/// Called once per step. If it returns false, the run stops, and its result is the current estimate of x_0. Whether a
/// run was stopped is reported by `run_watch` and by sampling_run::stopped().
template <Scalar S>
using step_callback = std::function<bool(const sample_step<S>&)>;

namespace detail {

/// Checks the signatures of a predictor and a noise source, so that the compiler's first error names the expected one.
template <class S, class P, class Noise = philox_noise>
struct signatures : noise_members<std::remove_reference_t<Noise>, S> {
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

/// A noise source whose normals have addresses (a counter each), so that a kernel can compute them where they are used.
template <class Noise>
concept AddressedNoise = std::same_as<std::remove_const_t<Noise>, philox_noise>;

/// The base of a noise source of the library that modifies its draws: it has a member change(batch_view<S> out, isize
/// draw, batch_view<const S> head), which receives the number of the draw in the plan, and the variance head of the
/// evaluation before the draw, empty if the plan does not use the head.
struct changes_draws {};

}  // namespace detail

/// The state of one sampling run: the samples, the predictor's session and all scratch memory. Plan, predictor and
/// noise are held by reference and must outlive it.
/// @determinism sample n depends on its own x and noise only, if the predictor's output for a sample does not depend on
/// the other samples
/// @accuracy a step's sums within 32 ε of values near 1, an estimate of ε recomputed from the limited x_0 within 64 ε
template <Scalar S, class P, NoiseSource<S> Noise>
    requires PredictorLike<P, S>
class sampling_run {
public:
    /// Starts from the samples x, which the run then owns. Column n uses the noise of sample `first_sample` + n; draw d
    /// of the plan uses the noise of step `first_step` + d + 1, since step 0 is the initial noise.
    /// @shape x D × N
    /// @throws value_error as require_valid of the options; if the plan refers to an evaluation or a draw that it does
    /// not contain; if samples or steps are outside the noise source's range of addresses
    sampling_run(const sampling_plan& plan, P& predictor, Noise& noise, batch<S> x, const denoise_options& options = {},
                 isize first_sample = 0, isize first_step = 0);

    /// Whether all evaluations are done, or the callback stopped the run.
    [[nodiscard]] bool done() const noexcept { return next_ == static_cast<isize>(plan_.stages().size()); }

    /// Whether the callback stopped the run: x() is then its last estimate of x_0, not the end of the plan.
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

    /// Does one evaluation and the assignments after it; nothing if done. Allocates nothing unless the predictor or the
    /// noise source does.
    /// @returns false if the callback, which is called at the first evaluation of a step, stopped the run: x() is then
    /// the estimate of x_0
    /// @throws value_error where x_0 or ε does not follow from the prediction, or if the plan uses the variance head and
    /// the predictor did not write it; what the predictor, the noise or the callback throw
    bool advance(const step_callback<S>& on_step = {});

    /// Does all evaluations of one step; nothing if done.
    /// @returns as advance()
    /// @throws as advance()
    bool step(const step_callback<S>& on_step = {});

    /// The next evaluation. Only if not done().
    [[nodiscard]] const stage& next() const {
        DDPM_ASSERT(!done());
        return plan_.stages()[static_cast<std::size_t>(next_)];
    }

    /// The current samples, D × N. May be modified between steps, to impose known elements or for guidance.
    // NOLINTNEXTLINE(bugprone-exception-escape): views of matrices do not throw
    [[nodiscard]] batch_view<S> x() noexcept { return executor_.memory().x(); }

    /// The plan's second state, D × N; empty if the plan does not use it.
    [[nodiscard]] batch_view<S> base() noexcept { return executor_.memory().base(); }

    /// Moves the samples out at the end.
    /// @shape returns D × N
    [[nodiscard]] batch<S> take() && { return std::move(executor_).take(); }

private:
    /// The address of the normals of draw 0, if they have one.
    [[nodiscard]] std::optional<kernels::normal_address> first_address(isize rows, isize columns) const {
        if constexpr (detail::AddressedNoise<Noise>) {
            const isize draws = static_cast<isize>(plan_.draws().size());
            if (draws == 0) {
                return kernels::normal_address{};
            }
            static_cast<void>(
                noise_.address(rows, columns, first_step_ + draws, first_sample_));  // checks the last one
            return noise_.address(rows, columns, first_step_ + 1, first_sample_);
        } else {
            return std::nullopt;
        }
    }

    /// The executor, which takes x after its sizes were read for the address.
    [[nodiscard]] detail::plan_executor<S> made_executor(const sampling_plan& plan, batch<S>& x,
                                                         bool thresholds) const {
        const std::optional<kernels::normal_address> address = first_address(x.rows(), x.cols());
        return detail::plan_executor<S>(plan, std::move(x), thresholds, address);
    }

    void assign(const std::vector<assignment>& assignments, isize i) {
        if constexpr (!detail::AddressedNoise<Noise>) {
            draw_noise(i);
        }
        executor_.assign(assignments, i);
    }

    /// Draws the noise that the assignments after evaluation i are the first to use.
    void draw_noise(isize i) {
        detail::run_memory<S>& memory = executor_.memory();
        for (; drawn_ < static_cast<isize>(plan_.draws().size()) && memory.draw_stage(drawn_) <= i; ++drawn_) {
            if (S* const at = memory.slot(quantity::noise, drawn_); at != nullptr) {
                const batch_view<S> out(at, memory.x().rows(), memory.x().cols());
                if constexpr (NoisePath<Noise, S>) {
                    const noise_draw& draw = plan_.draws()[static_cast<std::size_t>(drawn_)];
                    noise_.normal_between(out, draw.from, draw.to, first_sample_);
                } else {
                    noise_.normal(out, first_step_ + drawn_ + 1, first_sample_);
                }
                if constexpr (std::derived_from<Noise, detail::changes_draws>) {
                    noise_.change(out, drawn_, batch_view<const S>(memory.head()));
                }
            }
        }
    }

    const sampling_plan& plan_;
    prediction kind_;
    decltype(session_of(std::declval<P&>(), isize{})) session_;
    denoise_options options_;
    Noise& noise_;
    isize first_sample_;
    isize first_step_;
    detail::plan_executor<S> executor_;
    std::vector<double> times_;
    isize next_ = 0;
    isize drawn_ = 0;
    bool stopped_ = false;
};

template <Scalar S, class P, NoiseSource<S> Noise>
    requires PredictorLike<P, S>
sampling_run<S, P, Noise>::sampling_run(const sampling_plan& plan, P& predictor, Noise& noise, batch<S> x,
                                        const denoise_options& options, isize first_sample, isize first_step)
    : plan_(plan),
      kind_(prediction_of(predictor)),
      session_(session_of(predictor, x.cols())),
      options_(options),
      noise_(noise),
      first_sample_(first_sample),
      first_step_(first_step),
      executor_(made_executor(plan, x, options.threshold.has_value())),
      times_(static_cast<std::size_t>(executor_.memory().x().cols())) {
    static_cast<void>(detail::signatures<S, P, Noise>{});
    require_valid(options);
    assign(plan.before(), -1);
}

template <Scalar S, class P, NoiseSource<S> Noise>
    requires PredictorLike<P, S>
bool sampling_run<S, P, Noise>::advance(const step_callback<S>& on_step) {
    if (done()) {
        return true;
    }
    const stage& now = next();
    std::fill(times_.begin(), times_.end(), now.t);
    session_(batch_view<const S>(executor_.memory().x()), std::span<const double>(times_), executor_.next_output());
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

template <Scalar S, class P, NoiseSource<S> Noise>
    requires PredictorLike<P, S>
bool sampling_run<S, P, Noise>::step(const step_callback<S>& on_step) {
    const isize step = done() ? 0 : next().step;
    while (!done() && next().step == step) {
        if (!advance(on_step)) {
            return false;
        }
    }
    return true;
}

}  // namespace ddpm
