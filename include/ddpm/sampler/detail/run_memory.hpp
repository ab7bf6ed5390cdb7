// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/sampler/plan.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// The slot number of an estimate that no later stage uses.
inline constexpr isize no_slot = -1;

/// Assigns memory slots, each a D × N batch, to the estimates of earlier evaluations, and to draws unless their normals
/// have addresses. A slot is reused after the last stage that uses its content.
class plan_storage {
public:
    /// @throws value_error if the plan uses an evaluation or a draw before it is made, or a variance that is not set
    plan_storage(const sampling_plan& plan, bool stores_draws)
        : x0_(plan.stages().size()), eps_(plan.stages().size()), noise_(plan.draws().size()) {
        add_uses(plan.before(), -1, false);
        for (std::size_t i = 0; i < x0_.size(); ++i) {
            add_uses(plan.stages()[i].then, static_cast<isize>(i), plan.stages()[i].variance.has_value());
        }
        for (isize i = -1; i < static_cast<isize>(x0_.size()); ++i) {
            for (usage& draw : noise_) {
                if (stores_draws && draw.first == i) {
                    draw.slot = take_slot(i, draw.last);
                }
            }
            for (const quantity of : {quantity::x0, quantity::eps}) {
                if (i >= 0 && usage_of(of, i).last > i) {
                    usage_of(of, i).slot = take_slot(i, usage_of(of, i).last);
                }
            }
        }
    }

    /// The number of slots.
    [[nodiscard]] isize slots() const noexcept { return static_cast<isize>(last_use_.size()); }

    /// Whether the plan uses `base`, and the variance head.
    [[nodiscard]] bool uses_base() const noexcept { return uses_base_; }
    [[nodiscard]] bool uses_head() const noexcept { return uses_head_; }

    /// The slot of an estimate or a draw; no_slot if it is not stored.
    [[nodiscard]] isize slot_of(quantity of, isize number) { return usage_of(of, number).slot; }

    /// The first stage whose assignments use a draw; −1: those before the first evaluation.
    [[nodiscard]] isize draw_stage(isize draw) const { return noise_[static_cast<std::size_t>(draw)].first; }

private:
    static constexpr isize never = -2;

    /// The slot of an estimate or a draw, and the first and last stage that use it.
    struct usage {
        isize slot = no_slot;
        isize first = never;
        isize last = never;
    };

    [[nodiscard]] usage& usage_of(quantity of, isize number) {
        return (of == quantity::x0 ? x0_ : of == quantity::eps ? eps_ : noise_)[static_cast<std::size_t>(number)];
    }

    void add_uses(const std::vector<assignment>& assignments, isize i, bool has_variance) {
        for (const assignment& a : assignments) {
            uses_base_ = uses_base_ || a.target == quantity::base;
            for (const term& t : a.terms) {
                add_use(t, i, has_variance);
            }
        }
    }

    void add_use(const term& t, isize i, bool has_variance) {
        if (t.of == quantity::x || t.of == quantity::base) {
            uses_base_ = uses_base_ || t.of == quantity::base;
            return;
        }
        if (t.of == quantity::spread_noise && !has_variance) {
            throw value_error("sampling_plan", "spread_noise", "a stage with a variance", "none");
        }
        uses_head_ = uses_head_ || t.of == quantity::spread_noise;
        const bool is_draw = t.of == quantity::noise || t.of == quantity::spread_noise;
        const isize made = is_draw ? static_cast<isize>(noise_.size()) : i + 1;
        if (t.number < 0 || t.number >= made) {
            throw value_error("sampling_plan", is_draw ? "number of a draw" : "number of an evaluation",
                              text("0 <= number < ", made), t.number);
        }
        usage& used = usage_of(t.of, t.number);
        used.first = used.first == never ? i : used.first;
        used.last = i;
    }

    /// A slot whose content is not used at stage i or later, or a new one; now used up to stage `last`.
    isize take_slot(isize i, isize last) {
        std::size_t slot = 0;
        while (slot < last_use_.size() && last_use_[slot] >= i) {
            ++slot;
        }
        if (slot == last_use_.size()) {
            last_use_.push_back(last);
        }
        last_use_[slot] = last;
        return static_cast<isize>(slot);
    }

    std::vector<usage> x0_, eps_, noise_;
    std::vector<isize> last_use_;  // of each slot
    bool uses_base_ = false;
    bool uses_head_ = false;
};

/// The memory of a run: the states x and base, the network's output, and the slots.
template <Scalar S>
class run_memory {
public:
    run_memory(const sampling_plan& plan, batch<S> x, bool stores_draws);

    [[nodiscard]] batch<S>& x() noexcept { return x_; }
    // NOLINTNEXTLINE(bugprone-exception-escape): a view of the size of a matrix does not throw
    [[nodiscard]] batch_view<S> base() noexcept {
        return base_.empty() ? batch_view<S>() : batch_view<S>(base_.data(), x_.rows(), x_.cols());
    }
    [[nodiscard]] batch<S>& head() noexcept { return head_; }
    [[nodiscard]] batch<S>& prediction() noexcept { return prediction_; }

    /// The memory of an estimate or a draw; null if it is not stored.
    [[nodiscard]] S* slot(quantity of, isize number) {
        const isize at = storage_.slot_of(of, number);
        return at == no_slot ? nullptr : slots_[static_cast<std::size_t>(at)].data();
    }

    /// As plan_storage::draw_stage.
    [[nodiscard]] isize draw_stage(isize draw) const { return storage_.draw_stage(draw); }

private:
    using memory = std::vector<S, aligned_allocator<S>>;  // aligned for streaming stores

    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(x_.size()); }

    plan_storage storage_;
    batch<S> x_;
    memory base_;    // empty if the plan has none
    batch<S> head_;  // empty if the plan reads none
    batch<S> prediction_;
    std::vector<memory> slots_;
};

template <Scalar S>
run_memory<S>::run_memory(const sampling_plan& plan, batch<S> x, bool stores_draws)
    : storage_(plan, stores_draws),
      x_(std::move(x)),
      prediction_(x_.rows(), x_.cols()),
      slots_(static_cast<std::size_t>(storage_.slots())) {
    if (storage_.uses_base()) {
        base_.resize(size());
    }
    if (storage_.uses_head()) {
        head_.resize(x_.rows(), x_.cols());
    }
    for (memory& slot : slots_) {
        slot.resize(size());
    }
}

DDPM_CLASS_INSTANCE(class run_memory<float>)

}  // namespace ddpm::detail
