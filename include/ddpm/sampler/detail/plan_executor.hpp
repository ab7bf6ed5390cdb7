// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/instances.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/stage.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/predictor/variance_head.hpp>
#include <ddpm/sampler/detail/run_memory.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace ddpm::detail {

[[nodiscard]] inline bool reads(const std::vector<assignment>& assignments, quantity of) {
    for (const assignment& a : assignments) {
        if (std::any_of(a.terms.begin(), a.terms.end(), [of](const term& t) { return t.of == of; })) {
            return true;
        }
    }
    return false;
}

/// The arguments of kernels::reverse_step, which computes the update of a one-step sampler in one pass.
template <Scalar S>
struct fused_step {
    kernels::reverse_coefficients<S> coefficients;
    std::optional<isize> draw{};
};

/// The assignments after evaluation i as a fused step. Empty unless they are a single assignment to x, with terms in x,
/// the estimates of evaluation i, and at most one draw.
template <Scalar S>
[[nodiscard]] std::optional<fused_step<S>> fused_step_of(const std::vector<assignment>& assignments, isize i,
                                                         const kernels::denoise_coefficients<S>& estimate) {
    if (assignments.size() != 1 || assignments[0].target != quantity::x) {
        return std::nullopt;
    }
    fused_step<S> step{.coefficients = {.estimate = estimate}};
    for (const term& t : assignments[0].terms) {
        const bool is_old = (t.of == quantity::x0 || t.of == quantity::eps) && t.number != i;
        const bool is_second_draw = t.of == quantity::noise && step.draw;
        if (is_old || is_second_draw || t.of == quantity::base || t.of == quantity::spread_noise) {
            return std::nullopt;
        }
        if (t.of == quantity::noise) {
            step.draw = t.number;
        }
        auto& c = step.coefficients;
        S& factor = t.of == quantity::x ? c.xt : t.of == quantity::x0 ? c.x0 : t.of == quantity::eps ? c.eps : c.sigma;
        factor += static_cast<S>(t.factor);
    }
    return step;
}

/// Executes the assignments of a plan: one pass over memory per evaluation, however many assignments follow it.
/// Allocates only in its constructor.
template <Scalar S>
class plan_executor {
public:
    /// @param normals the address of the normals of draw 0, which kernels then compute where they are used; if empty,
    /// draws are stored in the memory
    plan_executor(const sampling_plan& plan, batch<S> x, bool thresholds,
                  const std::optional<kernels::normal_address>& normals);

    [[nodiscard]] run_memory<S>& memory() noexcept { return memory_; }
    /// The memory for the next prediction. A variance head is cleared.
    [[nodiscard]] model_output<S> next_output() {
        clear_head(batch_view<S>(memory_.head()));
        return {memory_.prediction(), memory_.head()};
    }
    [[nodiscard]] batch<S> take() && { return std::move(memory_.x()); }

    /// Sets the coefficients of the estimates, and computes the limits of dynamic thresholding. Called after each
    /// prediction.
    /// @throws value_error if the plan uses the variance head and the predictor did not write all of it
    void take_prediction(const kernels::denoise_coefficients<S>& estimate,
                         const std::optional<dynamic_threshold>& threshold);

    /// The estimate of x_0, D × N.
    [[nodiscard]] batch_view<const S> estimate_x0();

    void stop_at_x0() { memory_.x().swap(x0_); }

    /// Executes the assignments of stage i, with the estimates of evaluation i; i = −1: those before the first
    /// evaluation.
    void assign(const std::vector<assignment>& assignments, isize i);

private:
    /// Allocates for the terms and sums of a stage.
    void reserve(const std::vector<assignment>& assignments) {
        std::size_t terms = 0;
        for (const assignment& a : assignments) {
            terms += a.terms.size();
        }
        terms_.resize(std::max(terms_.size(), terms));
        sums_.resize(std::max(sums_.size(), assignments.size()));
    }

    [[nodiscard]] kernels::detail::stage_work<S> estimate_work() {
        return {
            .estimate = estimate_, .xt = memory_.x().data(), .p = memory_.prediction().data(), .kept_x0 = x0_.data()};
    }

    /// Where the memory of x or of the base begins.
    [[nodiscard]] S* state(quantity of) noexcept {
        return of == quantity::x ? memory_.x().data() : memory_.base().data();
    }

    /// The address of a draw's normals, if they have one.
    [[nodiscard]] kernels::normal_address normals(isize draw) const noexcept {
        kernels::normal_address z = normals_.value_or(kernels::normal_address{});
        z.step += static_cast<std::uint32_t>(draw);
        return z;
    }

    /// Executes the assignments by kernels::reverse_step.
    /// @returns false if they do not have the form of a fused step
    bool assign_fused(const std::vector<assignment>& assignments, isize i) {
        if (!limits_.empty() || memory_.slot(quantity::x0, i) != nullptr || memory_.slot(quantity::eps, i) != nullptr) {
            return false;
        }
        const std::optional<fused_step<S>> step = fused_step_of(assignments, i, estimate_);
        if (!step) {
            return false;
        }
        const batch_view<S> x(memory_.x());
        if (normals_) {
            kernels::reverse_step<S>(step->coefficients, x, memory_.prediction(), normals(step->draw.value_or(0)), {},
                                     x);
        } else {
            const batch_view<const S> z =
                step->draw ? batch_view<const S>(memory_.slot(quantity::noise, *step->draw), x.rows(), x.columns())
                           : batch_view<const S>();
            kernels::reverse_step<S>(step->coefficients, x, memory_.prediction(), z, {}, x);
        }
        return true;
    }

    /// Adds the assignments of stage i to the kernel's arguments.
    void add_sums(kernels::detail::stage_work<S>& work, const std::vector<assignment>& assignments, isize i) {
        kernels::detail::stage_term<S>* next = terms_.data();
        kernels::detail::stage_sum<S>* sum = sums_.data();
        for (const assignment& a : assignments) {
            const kernels::detail::stage_term<S>* const first = next;
            for (const term& t : a.terms) {
                if (t.factor != 0) {
                    *next++ = kernel_term(t, i);
                }
            }
            const bool is_read = a.target == quantity::x || reads(assignments, a.target);
            *sum++ = {state(a.target), first, static_cast<isize>(next - first), is_read};
        }
        work.sums = sums_.data();
        work.count = static_cast<isize>(assignments.size());
    }

    /// The kernel's form of a term of stage i.
    [[nodiscard]] kernels::detail::stage_term<S> kernel_term(const term& t, isize i) {
        using kernels::detail::stage_source;
        const S factor = static_cast<S>(t.factor);
        if (t.of == quantity::x || t.of == quantity::base) {
            return {stage_source::column, factor, state(t.of)};
        }
        if (t.of == quantity::noise || t.of == quantity::spread_noise) {
            const S* const deviation = t.of == quantity::noise ? nullptr : memory_.head().data();
            if (normals_) {
                return {stage_source::normals, factor, nullptr, t.number, deviation};
            }
            return {stage_source::column, factor, memory_.slot(quantity::noise, t.number), 0, deviation};
        }
        if (t.number == i) {
            return {t.of == quantity::x0 ? stage_source::x0 : stage_source::eps, factor};
        }
        return {stage_source::column, factor, memory_.slot(t.of, t.number)};
    }

    /// Runs the kernel. With a variance, first converts the head to standard deviations in place. With `limited`, each
    /// sample's x_0 is clamped to its own limit and divided by it (dynamic thresholding).
    void run(const kernels::detail::stage_work<S>& work, const head_variance* variance, bool limited) {
        kernels::for_each_tile(memory_.x().rows(), memory_.x().cols(), [&](isize n, isize count, isize row, isize end) {
            const isize first = n * memory_.x().rows() + row, size = end - row;
            if (variance != nullptr) {
                make_deviation(*variance, memory_.head().data() + first, count * size);
            }
            if (!limited) {
                kernels::detail::run_stage(work, normals(0).later(n), count, row, size, first);
                return;
            }
            for (isize k = 0; k < count; ++k) {  // x_0 / limit, clamped to 1
                const S limit = limits_[static_cast<std::size_t>(n + k)];
                kernels::detail::stage_work<S> own = work;
                own.estimate.x0_xt /= limit;
                own.estimate.x0_value /= limit;
                own.estimate.limit = 1;
                kernels::detail::run_stage(own, normals(0).later(n + k), 1, row, size, first + k * size);
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
    run_memory<S> memory_;
    std::optional<kernels::normal_address> normals_;
    kernels::denoise_coefficients<S> estimate_{};
    batch<S> x0_;                                        // the estimate for the callback, and scratch of thresholds
    std::vector<kernels::detail::stage_term<S>> terms_;  // of the stage that is executed
    std::vector<kernels::detail::stage_sum<S>> sums_;
    std::vector<S> limits_;  // of each sample's x_0, with dynamic thresholding
};

template <Scalar S>
plan_executor<S>::plan_executor(const sampling_plan& plan, batch<S> x, bool thresholds,
                                const std::optional<kernels::normal_address>& normals)
    : plan_(plan),
      memory_(plan, std::move(x), !normals),
      normals_(normals),
      x0_(memory_.x().rows(), memory_.x().cols()),
      limits_(thresholds ? static_cast<std::size_t>(x0_.cols()) : 0) {
    reserve(plan.before());
    for (const stage& evaluation : plan.stages()) {
        reserve(evaluation.then);
    }
}

template <Scalar S>
void plan_executor<S>::take_prediction(const kernels::denoise_coefficients<S>& estimate,
                                       const std::optional<dynamic_threshold>& threshold) {
    require_written_head("sample", batch_view<S>(memory_.head()), memory_.prediction());
    estimate_ = estimate;
    if (threshold && memory_.x().size() > 0) {
        run(estimate_work(), nullptr, false);
        threshold_limits<S>(*threshold, x0_, limits_);
    }
}

template <Scalar S>
batch_view<const S> plan_executor<S>::estimate_x0() {
    run(estimate_work(), nullptr, !limits_.empty());
    return x0_;
}

template <Scalar S>
void plan_executor<S>::assign(const std::vector<assignment>& assignments, isize i) {
    if (i >= 0 && assign_fused(assignments, i)) {
        return;
    }
    kernels::detail::stage_work<S> work{.stream = kernels::detail::should_stream(batch_view<S>(memory_.x()))};
    if (i >= 0) {
        work.estimate = estimate_;
        work.xt = memory_.x().data();
        work.p = memory_.prediction().data();
        work.kept_x0 = memory_.slot(quantity::x0, i);
        work.kept_eps = memory_.slot(quantity::eps, i);
    }
    add_sums(work, assignments, i);
    run(work,
        reads(assignments, quantity::spread_noise) ? &*plan_.stages()[static_cast<std::size_t>(i)].variance : nullptr,
        i >= 0 && !limits_.empty());  // there is no estimate before the first evaluation
}

DDPM_CLASS_INSTANCE(class plan_executor<float>)

}  // namespace ddpm::detail
