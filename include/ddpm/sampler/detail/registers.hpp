// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/kernels/stage.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/sampler/detail/addressed_noise.hpp>
#include <ddpm/sampler/detail/fused_step.hpp>
#include <ddpm/sampler/detail/run_memory.hpp>
#include <ddpm/sampler/detail/stage_sums.hpp>
#include <ddpm/sampler/plan.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// What computes with a plan's quantities: memory is passed over once per evaluation, however many assignments follow it.
template <Scalar S, class Noise>
class run_registers {
public:
    run_registers(const sampling_plan& plan, Noise& noise, batch<S> x, bool thresholds, isize first_sample,
                  isize first_step)
        : plan_(plan),
          memory_(plan, noise, std::move(x), first_sample, first_step),
          x0_(memory_.x().rows(), memory_.x().cols()),
          sums_(plan),
          limits_(thresholds ? static_cast<std::size_t>(x0_.cols()) : 0) {}

    [[nodiscard]] batch_view<S> x() noexcept { return memory_.x(); }
    [[nodiscard]] batch_view<S> base() noexcept { return memory_.base(); }
    [[nodiscard]] model_output<S> output() noexcept { return {memory_.prediction(), memory_.head()}; }
    [[nodiscard]] batch<S> take() && { return std::move(memory_.x()); }

    /// Says how the estimates follow from the prediction that was just written.
    void take_prediction(const kernels::denoise_coefficients<S>& estimate,
                         const std::optional<dynamic_threshold>& threshold) {
        estimate_ = estimate;
        if (threshold && memory_.x().size() > 0) {
            kernels::linear_combination<S>(
                {batch_view<const S>(memory_.x()), batch_view<const S>(memory_.prediction())},
                [&](isize) { return std::array{estimate.x0_xt, estimate.x0_value}; }, x0_);
            threshold_limits<S>(*threshold, x0_, limits_);
        }
    }

    /// The estimate of x_0, D × N.
    [[nodiscard]] batch_view<const S> estimate_x0() {
        run({.estimate = estimate_,
             .xt = memory_.x().data(),
             .p = memory_.prediction().data(),
             .kept_x0 = x0_.data()},
            nullptr);
        return x0_;
    }

    void stop_at_x0() { memory_.x().swap(x0_); }

    /// Makes the assignments of stage i, with the estimates of evaluation i; i = −1: those before the first.
    void assign(const std::vector<assignment>& assignments, isize i) {
        memory_.draw_noise(i);
        if (i >= 0 && assign_fused(assignments, i)) {
            return;
        }
        const std::span<const kernels::stage_sum<S>> sums = sums_.make(assignments, i, memory_);
        kernels::stage_work<S> work{.sums = sums.data(),
                                    .count = static_cast<isize>(sums.size()),
                                    .stream = kernels::detail::should_stream(batch_view<S>(memory_.x()))};
        if (i >= 0) {
            work.estimate = estimate_;
            work.xt = memory_.x().data();
            work.p = memory_.prediction().data();
            work.kept_x0 = memory_.slot(quantity::x0, i);
            work.kept_eps = memory_.slot(quantity::eps, i);
        }
        run(work, reads(assignments, quantity::spread_noise) ? &*plan_.stages()[static_cast<std::size_t>(i)].variance
                                                             : nullptr);
    }

private:
    /// Makes the assignments of a one-step sampler, by a kernel that knows no others.
    /// @returns false if they are not of that kind
    bool assign_fused(const std::vector<assignment>& assignments, isize i) {
        if (!limits_.empty() || memory_.slot(quantity::x0, i) != nullptr || memory_.slot(quantity::eps, i) != nullptr) {
            return false;
        }
        const std::optional<fused_step<S>> step = fused_step_of(assignments, i, estimate_);
        if (!step) {
            return false;
        }
        batch<S>& x = memory_.x();
        if constexpr (AddressedNoise<Noise>) {
            kernels::reverse_step<S>(step->coefficients, x, memory_.prediction(),
                                     memory_.normals(step->draw.value_or(0)), {}, x);
        } else {
            const batch_view<const S> z =
                step->draw ? batch_view<const S>(memory_.slot(quantity::noise, *step->draw), x.rows(), x.cols())
                           : batch_view<const S>();
            kernels::reverse_step<S>(step->coefficients, x, memory_.prediction(), z, {}, x);
        }
        return true;
    }

    /// Does a stage's work. Where it spreads noise, the head becomes the deviation first.
    void run(const kernels::stage_work<S>& work, const head_variance* variance) {
        kernels::for_each_tile(memory_.x().rows(), memory_.x().cols(), [&](isize n, isize count, isize row, isize end) {
            const isize first = n * memory_.x().rows() + row, size = end - row;
            if (variance != nullptr) {
                make_deviation(*variance, memory_.head().data() + first, count * size);
            }
            if (limits_.empty()) {
                kernels::run_stage(work, memory_.normals(0).later(n), count, row, size, first);
                return;
            }
            for (isize k = 0; k < count; ++k) {  // each sample has its own limit, which then becomes 1
                const S limit = limits_[static_cast<std::size_t>(n + k)];
                kernels::stage_work<S> own = work;
                own.estimate.x0_xt /= limit;
                own.estimate.x0_value /= limit;
                own.estimate.limit = 1;
                kernels::run_stage(own, memory_.normals(0).later(n + k), 1, row, size, first + k * size);
            }
        });
    }

    static void make_deviation(const head_variance& variance, S* head, isize size) {
        for (isize i = 0; i < size; ++i) {
            head[i] = static_cast<S>(variance.log_variance(static_cast<double>(head[i])) / 2);
        }
        kernels::exp(size, head, head);
    }

    const sampling_plan& plan_;
    run_memory<S, Noise> memory_;
    kernels::denoise_coefficients<S> estimate_{};
    batch<S> x0_;  // scratch of thresholds, and what a callback sees
    stage_sums<S, Noise> sums_;
    std::vector<S> limits_;  // of each sample's x_0, with dynamic thresholding
};

}  // namespace ddpm::detail
