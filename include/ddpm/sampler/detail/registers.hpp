// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/kernels/stage.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/detail/storage.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// A noise source that is a path in time: it has the increments of an interval, divided by the root of its length.
template <class Noise, class S>
concept NoisePath = requires(Noise& noise, batch_view<S> out, double from, double to, index first_sample) {
    noise.normal_between(out, from, to, first_sample);
};

/// A plan's quantities during a run, and what computes with them: memory is passed over once per evaluation, however many
/// assignments follow it.
template <Scalar S, class Noise>
class run_registers {
public:
    run_registers(const sampling_plan& plan, Noise& noise, batch<S> x, bool thresholds, index first_sample,
                  index first_step)
        : plan_(plan),
          noise_(noise),
          storage_(plan, !is_addressed),
          first_sample_(first_sample),
          first_step_(first_step),
          x_(std::move(x)),
          normals_(first_normals()),
          prediction_(x_.rows(), x_.cols()),
          x0_(x_.rows(), x_.cols()),
          slots_(static_cast<std::size_t>(storage_.slots())),
          limits_(thresholds ? static_cast<std::size_t>(x_.cols()) : 0) {
        if (storage_.uses_base()) {
            base_.resize(x_.rows(), x_.cols());
        }
        if (storage_.uses_head()) {  // what a predictor does not write is not taken for a variance
            head_ = batch<S>::Constant(x_.rows(), x_.cols(), std::numeric_limits<S>::quiet_NaN());
        }
        for (batch<S>& slot : slots_) {
            slot.resize(x_.rows(), x_.cols());
        }
        reserve(plan.before());
        for (const stage& evaluation : plan.stages()) {
            reserve(evaluation.then);
        }
    }

    [[nodiscard]] batch_view<S> x() noexcept { return x_; }
    [[nodiscard]] batch_view<S> base() noexcept { return base_; }
    [[nodiscard]] model_output<S> output() noexcept { return {prediction_, head_}; }
    [[nodiscard]] batch<S> take() && { return std::move(x_); }

    /// Says how the estimates follow from the prediction that was just written.
    void take_prediction(const kernels::denoise_coefficients<S>& estimate,
                         const std::optional<dynamic_threshold>& threshold) {
        estimate_ = estimate;
        if (threshold && x_.size() > 0) {
            kernels::linear_combination<S>({batch_view<const S>(x_), batch_view<const S>(prediction_)},
                                           [&](index) { return std::array{estimate.x0_xt, estimate.x0_value}; }, x0_);
            threshold_limits<S>(*threshold, x0_, limits_);
        }
    }

    /// The estimate of x_0, D × N.
    [[nodiscard]] batch_view<const S> estimate_x0() {
        run({.estimate = estimate_, .xt = x_.data(), .p = prediction_.data(), .kept_x0 = x0_.data()}, nullptr);
        return x0_;
    }

    void stop_at_x0() { x_.swap(x0_); }

    /// Makes the assignments of stage i, with the estimates of evaluation i; i = −1: those before the first.
    void assign(const std::vector<assignment>& assignments, index i) {
        draw_noise(i);
        if (i >= 0 && assign_fused(assignments, i)) {
            return;
        }
        terms_.clear();
        sums_.clear();
        for (const assignment& a : assignments) {
            const std::size_t first = terms_.size();
            for (const term& t : a.terms) {
                if (t.factor != 0) {
                    terms_.push_back(read(t, i));
                }
            }
            const bool is_read = a.target == quantity::x || reads(assignments, a.target);
            sums_.push_back({(a.target == quantity::x ? x_ : base_).data(), terms_.data() + first,
                             static_cast<index>(terms_.size() - first), is_read});
        }
        kernels::stage_work<S> work{.sums = sums_.data(),
                                    .count = static_cast<index>(sums_.size()),
                                    .stream = kernels::detail::should_stream(batch_view<S>(x_))};
        if (i >= 0) {
            work.estimate = estimate_;
            work.xt = x_.data();
            work.p = prediction_.data();
            work.kept_x0 = slot(quantity::x0, i);
            work.kept_eps = slot(quantity::eps, i);
        }
        run(work, reads(assignments, quantity::spread_noise) ? &*plan_.stages()[static_cast<std::size_t>(i)].variance
                                                             : nullptr);
    }

private:
    static constexpr bool is_addressed = std::same_as<std::remove_const_t<Noise>, philox_noise>;

    /// Where the plan's normals begin.
    /// @throws value_error unless all samples and steps have an address
    [[nodiscard]] kernels::normal_address first_normals() const {
        if constexpr (is_addressed) {
            if (const index draws = static_cast<index>(plan_.draws().size()); draws > 0) {
                static_cast<void>(noise_.address(x_.rows(), x_.cols(), first_step_ + draws, first_sample_));
                return noise_.address(x_.rows(), x_.cols(), first_step_ + 1, first_sample_);
            }
        }
        return {};
    }

    void reserve(const std::vector<assignment>& assignments) {
        std::size_t terms = 0;
        for (const assignment& a : assignments) {
            terms += a.terms.size();
        }
        terms_.reserve(std::max(terms_.capacity(), terms));
        sums_.reserve(std::max(sums_.capacity(), assignments.size()));
    }

    [[nodiscard]] static bool reads(const std::vector<assignment>& assignments, quantity of) {
        return std::any_of(assignments.begin(), assignments.end(), [of](const assignment& a) {
            return std::any_of(a.terms.begin(), a.terms.end(), [of](const term& t) { return t.of == of; });
        });
    }

    /// Where a quantity is kept; null if it is not.
    [[nodiscard]] S* slot(quantity of, index number) {
        const index at = storage_.slot_of(of, number);
        return at == no_slot ? nullptr : slots_[static_cast<std::size_t>(at)].data();
    }

    /// What a term of stage i reads.
    [[nodiscard]] kernels::stage_term<S> read(const term& t, index i) {
        using kernels::stage_source;
        const S factor = static_cast<S>(t.factor);
        switch (t.of) {
            case quantity::x: return {stage_source::column, factor, x_.data()};
            case quantity::base: return {stage_source::column, factor, base_.data()};
            case quantity::x0:
            case quantity::eps:
                if (t.number == i) {
                    return {t.of == quantity::x0 ? stage_source::x0 : stage_source::eps, factor};
                }
                break;
            case quantity::noise:
            case quantity::spread_noise: {
                const S* const spread = t.of == quantity::noise ? nullptr : head_.data();
                if constexpr (is_addressed) {
                    return {stage_source::normals, factor, nullptr, t.number, spread};
                } else {
                    return {stage_source::column, factor, slot(quantity::noise, t.number), 0, spread};
                }
            }
        }
        return {stage_source::column, factor, slot(t.of, t.number)};
    }

    void draw_noise(index i) {
        if constexpr (!is_addressed) {
            for (; drawn_ < static_cast<index>(plan_.draws().size()) && storage_.draw_stage(drawn_) <= i; ++drawn_) {
                if (const auto at = storage_.slot_of(quantity::noise, drawn_); at != no_slot) {
                    const batch_view<S> out(slots_[static_cast<std::size_t>(at)]);
                    if constexpr (NoisePath<Noise, S>) {
                        const auto [from, to] = plan_.draws()[static_cast<std::size_t>(drawn_)];
                        noise_.normal_between(out, from, to, first_sample_);
                    } else {
                        noise_.normal(out, first_step_ + drawn_ + 1, first_sample_);
                    }
                }
            }
        }
    }

    /// The one-step samplers: a single assignment to x from what its evaluation gave, by a kernel that keeps all of it in
    /// registers.
    /// @returns false if the assignments are not of that kind
    bool assign_fused(const std::vector<assignment>& assignments, index i) {
        if (assignments.size() != 1 || assignments[0].target != quantity::x || !limits_.empty() ||
            storage_.slot_of(quantity::x0, i) != no_slot || storage_.slot_of(quantity::eps, i) != no_slot) {
            return false;
        }
        kernels::reverse_coefficients<S> c{.estimate = estimate_};
        std::optional<index> draw;
        for (const term& t : assignments[0].terms) {
            const S factor = static_cast<S>(t.factor);
            switch (t.of) {
                case quantity::x: c.xt += factor; break;
                case quantity::x0: c.x0 += factor; break;
                case quantity::eps: c.eps += factor; break;
                case quantity::base:
                case quantity::spread_noise: return false;
                case quantity::noise:
                    if (draw) {
                        return false;
                    }
                    draw = t.number;
                    c.sigma = factor;
                    continue;
            }
            if (t.of != quantity::x && t.number != i) {
                return false;
            }
        }
        if constexpr (is_addressed) {
            kernels::normal_address z = normals_;
            z.step += static_cast<std::uint32_t>(draw.value_or(0));
            kernels::reverse_step<S>(c, x_, prediction_, z, {}, x_);
        } else {
            const batch_view<const S> z =
                draw ? batch_view<const S>(slots_[static_cast<std::size_t>(storage_.slot_of(quantity::noise, *draw))])
                     : batch_view<const S>();
            kernels::reverse_step<S>(c, x_, prediction_, z, {}, x_);
        }
        return true;
    }

    /// Does a stage's work. Where it spreads noise, the head becomes the deviation first.
    void run(const kernels::stage_work<S>& work, const head_variance* variance) {
        kernels::for_each_tile(x_.rows(), x_.cols(), [&](index n, index count, index row, index end) {
            const index first = n * x_.rows() + row, size = end - row;
            if (variance != nullptr) {
                make_deviation(*variance, head_.data() + first, count * size);
            }
            if (limits_.empty()) {
                kernels::run_stage(work, normals_.later(n), count, row, size, first);
                return;
            }
            for (index k = 0; k < count; ++k) {  // each sample has its own limit, which then becomes 1
                const S limit = limits_[static_cast<std::size_t>(n + k)];
                kernels::stage_work<S> own = work;
                own.estimate.x0_xt /= limit;
                own.estimate.x0_value /= limit;
                own.estimate.limit = 1;
                kernels::run_stage(own, normals_.later(n + k), 1, row, size, first + k * size);
            }
        });
    }

    static void make_deviation(const head_variance& variance, S* head, index size) {
        for (index i = 0; i < size; ++i) {
            head[i] = static_cast<S>(variance.log_variance(static_cast<double>(head[i])) / 2);
        }
        kernels::exp(size, head, head);
    }

    const sampling_plan& plan_;
    Noise& noise_;
    plan_storage storage_;
    index first_sample_;
    index first_step_;
    index drawn_ = 0;
    kernels::denoise_coefficients<S> estimate_{};
    batch<S> x_;
    kernels::normal_address normals_;
    batch<S> base_;        // empty if the plan has none
    batch<S> head_;        // empty if the plan reads none
    batch<S> prediction_;
    batch<S> x0_;          // scratch of thresholds, and what a callback sees
    std::vector<batch<S>> slots_;
    std::vector<kernels::stage_term<S>> terms_;  // of the assignments that are being made
    std::vector<kernels::stage_sum<S>> sums_;
    std::vector<S> limits_;  // of each sample's x_0, with dynamic thresholding
};

}  // namespace ddpm::detail
