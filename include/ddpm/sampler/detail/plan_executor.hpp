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
#include <ddpm/process/variance.hpp>
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
        for (const term& t : a.terms) {
            if (t.of == of) {
                return true;
            }
        }
    }
    return false;
}

/// What a one-step sampler does after an evaluation, as kernels::reverse_step takes it.
template <Scalar S>
struct fused_step {
    kernels::reverse_coefficients<S> coefficients;
    std::optional<isize> draw{};
};

/// The assignments after evaluation i, if they are a single one to x, from x, the estimates of that evaluation and at most
/// one draw.
template <Scalar S>
[[nodiscard]] std::optional<fused_step<S>> fused_step_of(const std::vector<assignment>& assignments, isize i,
                                                         const kernels::denoise_coefficients<S>& estimate) {
    if (assignments.size() != 1 || assignments[0].target != quantity::x) {
        return std::nullopt;
    }
    fused_step<S> step{.coefficients = {.estimate = estimate}};
    for (const term& t : assignments[0].terms) {
        const S factor = static_cast<S>(t.factor);
        if ((t.of == quantity::x0 || t.of == quantity::eps) && t.number != i) {
            return std::nullopt;
        }
        switch (t.of) {
            case quantity::x:
                step.coefficients.xt += factor;
                break;
            case quantity::x0:
                step.coefficients.x0 += factor;
                break;
            case quantity::eps:
                step.coefficients.eps += factor;
                break;
            case quantity::noise:
                if (step.draw) {
                    return std::nullopt;
                }
                step.draw = t.number;
                step.coefficients.sigma = factor;
                break;
            case quantity::base:
            case quantity::spread_noise:
                return std::nullopt;
        }
    }
    return step;
}

/// Computes what a plan assigns: memory is passed over once per evaluation, however many assignments follow it. Allocates
/// nothing once it is made.
template <Scalar S>
class plan_executor {
public:
    /// `normals`: where those of draw 0 begin, made where they are used; without a value draws are kept in the memory.
    plan_executor(const sampling_plan& plan, batch<S> x, bool thresholds,
                  const std::optional<kernels::normal_address>& normals)
        : plan_(plan),
          memory_(plan, std::move(x), !normals),
          normals_(normals),
          x0_(memory_.x().rows(), memory_.x().cols()),
          limits_(thresholds ? static_cast<std::size_t>(x0_.cols()) : 0) {
        make_room(plan.before());
        for (const stage& evaluation : plan.stages()) {
            make_room(evaluation.then);
        }
    }

    [[nodiscard]] run_memory<S>& memory() noexcept { return memory_; }
    [[nodiscard]] model_output<S> output() noexcept { return {memory_.prediction(), memory_.head()}; }
    [[nodiscard]] batch<S> take() && { return std::move(memory_.x()); }

    /// Says how the estimates follow from the prediction that was just written.
    void take_prediction(const kernels::denoise_coefficients<S>& estimate,
                         const std::optional<dynamic_threshold>& threshold) {
        estimate_ = estimate;
        if (threshold && memory_.x().size() > 0) {
            run(estimate_work(), nullptr, false);
            threshold_limits<S>(*threshold, x0_, limits_);
        }
    }

    /// The estimate of x_0, D × N.
    [[nodiscard]] batch_view<const S> estimate_x0() {
        run(estimate_work(), nullptr, !limits_.empty());
        return x0_;
    }

    void stop_at_x0() { memory_.x().swap(x0_); }

    /// Makes the assignments of stage i, with the estimates of evaluation i; i = −1: those before the first.
    void assign(const std::vector<assignment>& assignments, isize i) {
        if (i >= 0 && assign_fused(assignments, i)) {
            return;
        }
        kernels::stage_work<S> work{.stream = kernels::detail::should_stream(batch_view<S>(memory_.x()))};
        if (i >= 0) {
            work.estimate = estimate_;
            work.xt = memory_.x().data();
            work.p = memory_.prediction().data();
            work.kept_x0 = memory_.slot(quantity::x0, i);
            work.kept_eps = memory_.slot(quantity::eps, i);
        }
        add_sums(work, assignments, i);
        run(work,
            reads(assignments, quantity::spread_noise) ? &*plan_.stages()[static_cast<std::size_t>(i)].variance
                                                       : nullptr,
            !limits_.empty());
    }

private:
    /// Room for the terms and sums of a stage.
    void make_room(const std::vector<assignment>& assignments) {
        std::size_t terms = 0;
        for (const assignment& a : assignments) {
            terms += a.terms.size();
        }
        terms_.resize(std::max(terms_.size(), terms));
        sums_.resize(std::max(sums_.size(), assignments.size()));
    }

    [[nodiscard]] kernels::stage_work<S> estimate_work() {
        return {
            .estimate = estimate_, .xt = memory_.x().data(), .p = memory_.prediction().data(), .kept_x0 = x0_.data()};
    }

    /// Where the normals of a draw begin, if they have an address.
    [[nodiscard]] kernels::normal_address normals(isize draw) const noexcept {
        kernels::normal_address z = normals_.value_or(kernels::normal_address{});
        z.step += static_cast<std::uint32_t>(draw);
        return z;
    }

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

    /// Adds the assignments of stage i in the terms of its kernel.
    void add_sums(kernels::stage_work<S>& work, const std::vector<assignment>& assignments, isize i) {
        kernels::stage_term<S>* next = terms_.data();
        kernels::stage_sum<S>* sum = sums_.data();
        for (const assignment& a : assignments) {
            const kernels::stage_term<S>* const first = next;
            for (const term& t : a.terms) {
                if (t.factor != 0) {
                    *next++ = what_is_read(t, i);
                }
            }
            const bool is_read = a.target == quantity::x || reads(assignments, a.target);
            S* const target = a.target == quantity::x ? memory_.x().data() : memory_.base().data();
            *sum++ = {target, first, static_cast<isize>(next - first), is_read};
        }
        work.sums = sums_.data();
        work.count = static_cast<isize>(assignments.size());
    }

    /// What a term of stage i reads.
    [[nodiscard]] kernels::stage_term<S> what_is_read(const term& t, isize i) {
        using kernels::stage_source;
        const S factor = static_cast<S>(t.factor);
        switch (t.of) {
            case quantity::x:
                return {stage_source::column, factor, memory_.x().data()};
            case quantity::base:
                return {stage_source::column, factor, memory_.base().data()};
            case quantity::x0:
            case quantity::eps:
                if (t.number == i) {
                    return {t.of == quantity::x0 ? stage_source::x0 : stage_source::eps, factor};
                }
                break;
            case quantity::noise:
            case quantity::spread_noise: {
                const S* const spread = t.of == quantity::noise ? nullptr : memory_.head().data();
                if (normals_) {
                    return {stage_source::normals, factor, nullptr, t.number, spread};
                }
                return {stage_source::column, factor, memory_.slot(quantity::noise, t.number), 0, spread};
            }
        }
        return {stage_source::column, factor, memory_.slot(t.of, t.number)};
    }

    /// Does a stage's work. Where it spreads noise, the head becomes the deviation first. With `limited` each sample's x_0 is
    /// limited by its own threshold.
    void run(const kernels::stage_work<S>& work, const head_variance* variance, bool limited) {
        kernels::for_each_tile(memory_.x().rows(), memory_.x().cols(), [&](isize n, isize count, isize row, isize end) {
            const isize first = n * memory_.x().rows() + row, size = end - row;
            if (variance != nullptr) {
                make_deviation(*variance, memory_.head().data() + first, count * size);
            }
            if (!limited) {
                kernels::run_stage(work, normals(0).later(n), count, row, size, first);
                return;
            }
            for (isize k = 0; k < count; ++k) {  // x_0 is divided by the limit, which then becomes 1
                const S limit = limits_[static_cast<std::size_t>(n + k)];
                kernels::stage_work<S> own = work;
                own.estimate.x0_xt /= limit;
                own.estimate.x0_value /= limit;
                own.estimate.limit = 1;
                kernels::run_stage(own, normals(0).later(n + k), 1, row, size, first + k * size);
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
    batch<S> x0_;                                // scratch of thresholds, and what a callback sees
    std::vector<kernels::stage_term<S>> terms_;  // of the stage that is executed
    std::vector<kernels::stage_sum<S>> sums_;
    std::vector<S> limits_;  // of each sample's x_0, with dynamic thresholding
};

DDPM_CLASS_INSTANCE(class plan_executor<float>)

}  // namespace ddpm::detail
