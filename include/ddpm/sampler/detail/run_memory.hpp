// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// No slot: what is not needed beyond its own stage.
inline constexpr isize no_slot = -1;

/// Where a run keeps the estimates of old evaluations, and the draws of a noise source that cannot repeat them: in slots,
/// each a D × N batch, used again as soon as what it holds is no longer needed.
class plan_storage {
public:
    /// @throws value_error if the plan refers to an evaluation or a draw that is not made before, or to a variance that it
    /// does not say
    plan_storage(const sampling_plan& plan, bool keeps_draws)
        : x0_(plan.stages().size(), no_slot),
          eps_(plan.stages().size(), no_slot),
          noise_(plan.draws().size(), no_slot),
          draw_stage_(plan.draws().size(), never) {
        find_uses(plan);
        const isize stages = static_cast<isize>(plan.stages().size());
        for (isize i = -1; i < stages; ++i) {
            for (std::size_t d = 0; keeps_draws && d < noise_.size(); ++d) {
                if (draw_stage_[d] == i) {
                    noise_[d] = take_slot(i, last_noise_[d]);
                }
            }
            if (i >= 0) {
                const auto e = static_cast<std::size_t>(i);
                x0_[e] = last_x0_[e] > i ? take_slot(i, last_x0_[e]) : no_slot;
                eps_[e] = last_eps_[e] > i ? take_slot(i, last_eps_[e]) : no_slot;
            }
        }
    }

    /// How many slots there are.
    [[nodiscard]] isize slots() const noexcept { return static_cast<isize>(free_after_.size()); }

    /// Whether the plan uses `base`, and whether it reads the variance head.
    [[nodiscard]] bool uses_base() const noexcept { return uses_base_; }
    [[nodiscard]] bool uses_head() const noexcept { return uses_head_; }

    /// The slot of what a term refers to; no_slot for an estimate of the current evaluation that nothing refers to later.
    [[nodiscard]] isize slot_of(quantity of, isize number) const {
        const auto at = static_cast<std::size_t>(number);
        return of == quantity::x0 ? x0_[at] : of == quantity::eps ? eps_[at] : noise_[at];
    }

    /// The stage at whose assignments a draw is first needed; −1: before the first evaluation.
    [[nodiscard]] isize draw_stage(isize draw) const { return draw_stage_[static_cast<std::size_t>(draw)]; }

private:
    static constexpr isize never = -2;

    void find_uses(const sampling_plan& plan) {
        last_x0_.assign(x0_.size(), never);
        last_eps_.assign(eps_.size(), never);
        last_noise_.assign(noise_.size(), never);
        use_all(plan.before(), -1, false);
        for (std::size_t i = 0; i < plan.stages().size(); ++i) {
            use_all(plan.stages()[i].then, static_cast<isize>(i), plan.stages()[i].variance.has_value());
        }
    }

    void use_all(const std::vector<assignment>& assignments, isize i, bool has_variance) {
        for (const assignment& a : assignments) {
            uses_base_ = uses_base_ || a.target == quantity::base;
            for (const term& t : a.terms) {
                use(t, i, has_variance);
            }
        }
    }

    void use(const term& t, isize i, bool has_variance) {
        if (t.of == quantity::x || t.of == quantity::base) {
            uses_base_ = uses_base_ || t.of == quantity::base;
            return;
        }
        if (t.of == quantity::spread_noise && !has_variance) {
            throw value_error("sampling_plan", "spread_noise", "a stage that says its variance", "none");
        }
        uses_head_ = uses_head_ || t.of == quantity::spread_noise;
        const bool is_draw = t.of == quantity::noise || t.of == quantity::spread_noise;
        const isize made = is_draw ? static_cast<isize>(noise_.size()) : i + 1;
        if (t.number < 0 || t.number >= made) {
            throw value_error("sampling_plan", is_draw ? "number of a draw" : "number of an evaluation",
                              text("0 <= number < ", made), t.number);
        }
        const auto at = static_cast<std::size_t>(t.number);
        if (is_draw && draw_stage_[at] == never) {
            draw_stage_[at] = i;
        }
        (is_draw ? last_noise_ : t.of == quantity::x0 ? last_x0_ : last_eps_)[at] = i;
    }

    /// A slot that is not needed at stage i or later, or a new one, from now on needed up to stage `last`.
    isize take_slot(isize i, isize last) {
        std::size_t slot = 0;
        while (slot < free_after_.size() && free_after_[slot] >= i) {
            ++slot;
        }
        if (slot == free_after_.size()) {
            free_after_.push_back(last);
        }
        free_after_[slot] = last;
        return static_cast<isize>(slot);
    }

    std::vector<isize> x0_, eps_, noise_;  // slots
    std::vector<isize> draw_stage_;
    std::vector<isize> last_x0_, last_eps_, last_noise_;  // the last stage that refers to it
    std::vector<isize> free_after_;                       // of each slot, the last stage that needs it
    bool uses_base_ = false;
    bool uses_head_ = false;
};

/// What a plan's quantities are during a run: the states, the network's output, and the slots of what is kept.
template <Scalar S>
class run_memory {
public:
    run_memory(const sampling_plan& plan, batch<S> x, bool keeps_draws)
        : storage_(plan, keeps_draws),
          x_(std::move(x)),
          prediction_(x_.rows(), x_.cols()),
          slots_(static_cast<std::size_t>(storage_.slots())) {
        if (storage_.uses_base()) {
            base_.resize(size());
        }
        if (storage_.uses_head()) {  // what a predictor does not write is not taken for a variance
            head_.resize(x_.rows(), x_.cols());
            std::fill_n(head_.data(), head_.size(), std::numeric_limits<S>::quiet_NaN());
        }
        for (memory& slot : slots_) {
            slot.resize(size());
        }
    }

    [[nodiscard]] batch<S>& x() noexcept { return x_; }
    [[nodiscard]] batch_view<S> base() noexcept {
        return base_.empty() ? batch_view<S>() : batch_view<S>(base_.data(), x_.rows(), x_.cols());
    }
    [[nodiscard]] batch<S>& head() noexcept { return head_; }
    [[nodiscard]] batch<S>& prediction() noexcept { return prediction_; }

    /// Where an estimate or a draw is kept; null if it is not.
    [[nodiscard]] S* slot(quantity of, isize number) {
        const isize at = storage_.slot_of(of, number);
        return at == no_slot ? nullptr : slots_[static_cast<std::size_t>(at)].data();
    }

    /// The stage at whose assignments a draw is first needed; −1: before the first evaluation.
    [[nodiscard]] isize draw_stage(isize draw) const { return storage_.draw_stage(draw); }

private:
    using memory = std::vector<S, aligned_allocator<S>>;  // several of which a stage may write past the caches

    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(x_.size()); }

    plan_storage storage_;
    batch<S> x_;
    memory base_;    // empty if the plan has none
    batch<S> head_;  // empty if the plan reads none
    batch<S> prediction_;
    std::vector<memory> slots_;
};

DDPM_CLASS_INSTANCE(class run_memory<float>)

}  // namespace ddpm::detail
