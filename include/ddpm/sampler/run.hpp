// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// What a callback sees of one step, before the step is taken.
template <Scalar S>
struct sample_step {
    index step;              ///< 0 … steps − 1
    index steps;
    index t;                 ///< 0-based timestep of xt
    batch_view<const S> xt;  ///< D × N
    batch_view<const S> x0;  ///< the estimate of x_0, D × N
};

/// Called at each step; returning false stops the run.
template <Scalar S>
using step_callback = std::function<bool(const sample_step<S>&)>;

/// The state of one sampling run: the samples on their way, the predictor's session and all scratch. It refers to its
/// plan, predictor and noise, which must outlive it.
/// @determinism sample n depends on its own x and noise only, not on its neighbours, if the predictor keeps samples
/// apart
template <Scalar S, class P, NoiseSource Noise>
    requires PredictorLike<P, S>
class sampling_run {
public:
    /// Starts from the samples x, which the run then owns; column n is sample `first_sample` + n for the noise.
    /// Step k of the run draws the noise of step `first_step` + k + 1; step 0 is left to the initial noise.
    sampling_run(const one_step_plan& plan, P& predictor, Noise& noise, batch<S> x, const denoise_options& options = {},
                 index first_sample = 0, index first_step = 0)
        : plan_(plan),
          kind_(prediction_of(predictor)),
          session_(detail::session_of(predictor, x.cols())),
          noise_(noise),
          options_(options),
          first_sample_(first_sample),
          first_step_(first_step),
          x_(std::move(x)),
          x0_(x_.rows(), x_.cols()),
          next_(x_.rows(), x_.cols()),
          z_(makes_noise_on_the_fly ? 0 : x_.rows(), makes_noise_on_the_fly ? 0 : x_.cols()),
          times_(static_cast<std::size_t>(x_.cols())) {}

    [[nodiscard]] bool done() const noexcept { return k_ == plan_.steps(); }

    /// Takes one step; does nothing when done. Allocates nothing, if the predictor and the noise do not.
    /// @returns false if the callback stopped the run: x() is then the estimate of x_0
    bool step(const step_callback<S>& on_step = {}) {
        if (done()) {
            return true;
        }
        const update_step& current = plan_[k_];
        std::fill(times_.begin(), times_.end(), static_cast<double>(current.t));
        session_(batch_view<const S>(x_), std::span<const double>(times_), model_output<S>{next_, {}});
        const auto step = reverse_coefficients_of<S>(current, kind_, options_);
        const batch_view<S> x0 = on_step ? batch_view<S>(x0_) : batch_view<S>();
        kernels::reverse_step<S>(step, x_, next_, noise_of(step), x0, next_);
        if (on_step && !on_step({k_, plan_.steps(), current.t, x_, x0_})) {
            x_.swap(x0_);
            k_ = plan_.steps();
            return false;
        }
        x_.swap(next_);
        ++k_;
        return true;
    }

    /// The samples as they are now, D × N.
    [[nodiscard]] const batch<S>& x() const& noexcept { return x_; }
    [[nodiscard]] batch<S> x() && { return std::move(x_); }

private:
    static constexpr bool makes_noise_on_the_fly = std::same_as<std::remove_const_t<Noise>, philox_noise>;

    /// The noise of the current step: where it begins, if the kernel makes it, else the noise itself.
    [[nodiscard]] auto noise_of([[maybe_unused]] const kernels::reverse_coefficients<S>& step) {
        const index noise_step = first_step_ + k_ + 1;
        if constexpr (makes_noise_on_the_fly) {
            return noise_.address(x_.rows(), x_.cols(), noise_step, first_sample_);
        } else {
            if (step.sigma != 0) {
                noise_.normal(batch_view<S>(z_), noise_step, first_sample_);
            }
            return batch_view<const S>(z_);
        }
    }

    const one_step_plan& plan_;
    prediction kind_;
    decltype(detail::session_of(std::declval<P&>(), index{})) session_;
    Noise& noise_;
    denoise_options options_;
    index first_sample_;
    index first_step_;
    index k_ = 0;
    batch<S> x_;
    batch<S> x0_;    // written if there is a callback
    batch<S> next_;  // the prediction, then the next x
    batch<S> z_;     // empty if the noise is made on the fly
    std::vector<double> times_;
};

}  // namespace ddpm
