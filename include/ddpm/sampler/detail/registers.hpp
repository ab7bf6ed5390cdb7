// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/detail/storage.hpp>
#include <ddpm/sampler/detail/tile.hpp>
#include <ddpm/sampler/detail/tile_sum.hpp>
#include <ddpm/sampler/plan.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
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

/// A plan's quantities during a run, and what computes with them: in tiles that stay in the cache, so that memory is passed
/// over once per evaluation, however many assignments follow it.
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
        for_each_tile(x_.rows(), x_.cols(), [&](const tile& at) {
            S eps[tile_elements];
            estimate(at, x0_.data() + at.first, eps);
        });
        return x0_;
    }

    void stop_at_x0() { x_.swap(x0_); }

    /// Makes the assignments of stage i, with the estimates of evaluation i; i = −1: those before the first.
    void assign(const std::vector<assignment>& assignments, index i) {
        draw_noise(i);
        if (i >= 0 && assign_fused(assignments, i)) {
            return;
        }
        for_each_tile(x_.rows(), x_.cols(), [&](const tile& at) {
            S x0[tile_elements], eps[tile_elements];
            current now{i, x0, eps};
            if (i >= 0) {
                estimate(at, x0, eps);
                keep(quantity::x0, i, at, x0);
                keep(quantity::eps, i, at, eps);
                const auto& variance = plan_.stages()[static_cast<std::size_t>(i)].variance;
                now.variance = variance ? &*variance : nullptr;
            }
            for (const assignment& a : assignments) {
                combine(a, at, now);
            }
        });
    }

private:
    static constexpr bool is_addressed = std::same_as<std::remove_const_t<Noise>, philox_noise>;

    /// The estimates of the evaluation that was just made, of a tile's elements.
    struct current {
        index evaluation;
        const S* x0;
        const S* eps;
        const head_variance* variance = nullptr;
    };

    /// Where element `first` of a kept quantity lies.
    [[nodiscard]] std::optional<S*> slot(quantity of, index number, index first) {
        const index at = storage_.slot_of(of, number);
        return at == no_slot ? std::nullopt : std::optional<S*>(slots_[static_cast<std::size_t>(at)].data() + first);
    }

    /// Writes an estimate of a tile to its slot, if it has one: past the caches where the batch is larger than they are.
    void keep(quantity of, index i, const tile& at, const S* values) {
        if (const std::optional<S*> to = slot(of, i, at.first)) {
            const bool stream = kernels::detail::should_stream<S>(prediction_, batch_view<const S>());
            kernels::linear_combination(at.size(), {S{1}}, {values}, *to, stream);
        }
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

    void estimate(const tile& at, S* x0, S* eps) const {
        const S* const x = x_.data() + at.first;
        const S* const p = prediction_.data() + at.first;
        if (limits_.empty()) {
            kernels::denoise(at.size(), estimate_, x, p, x0, eps);
            return;
        }
        for (index n = 0; n < at.samples; ++n) {  // each sample has its own limit, which then becomes 1
            const index from = n * at.rows;
            const S limit = limits_[static_cast<std::size_t>(at.sample + n)];
            kernels::denoise_coefficients<S> c = estimate_;
            c.x0_xt /= limit;
            c.x0_value /= limit;
            c.limit = 1;
            kernels::denoise(at.rows, c, x + from, p + from, x0 + from, eps + from);
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
            const index step = first_step_ + draw.value_or(0) + 1;
            kernels::reverse_step<S>(c, x_, prediction_, noise_.address(x_.rows(), x_.cols(), step, first_sample_), {},
                                     x_);
        } else {
            const batch_view<const S> z =
                draw ? batch_view<const S>(slots_[static_cast<std::size_t>(storage_.slot_of(quantity::noise, *draw))])
                     : batch_view<const S>();
            kernels::reverse_step<S>(c, x_, prediction_, z, {}, x_);
        }
        return true;
    }

    /// The target of a tile.
    void combine(const assignment& a, const tile& at, const current& now) {
        tile_sum<S> sum(at.size());
        S z[tile_elements];
        bool has_noise = false;
        for (const term& t : a.terms) {
            if (t.factor == 0) {
                continue;
            }
            const bool is_noise = t.of == quantity::noise || t.of == quantity::spread_noise;
            if (is_noise && std::exchange(has_noise, true)) {
                sum.collect();  // the second noise takes the place of the first
            }
            sum.add(static_cast<S>(t.factor), column_of(t, at, now, z));
        }
        sum.write((a.target == quantity::x ? x_ : base_).data() + at.first);
    }

    /// A term's elements of a tile; noise that has to be made is made in z.
    [[nodiscard]] const S* column_of(const term& t, const tile& at, const current& now, S* z) {
        switch (t.of) {
            case quantity::x: return x_.data() + at.first;
            case quantity::base: return base_.data() + at.first;
            case quantity::x0:
            case quantity::eps:
                if (t.number == now.evaluation) {
                    return t.of == quantity::x0 ? now.x0 : now.eps;
                }
                break;
            case quantity::noise: return normals(t.number, at, z);
            case quantity::spread_noise: {
                const S* const normal = normals(t.number, at, z);
                const S* const head = head_.data() + at.first;
                for (index i = 0; i < at.size(); ++i) {
                    const double log_variance = now.variance->log_variance(static_cast<double>(head[i]));
                    z[i] = normal[i] * static_cast<S>(std::exp(log_variance / 2));
                }
                return z;
            }
        }
        return *slot(t.of, t.number, at.first);
    }

    /// The normals of a draw, made in z or kept.
    [[nodiscard]] const S* normals(index draw, const tile& at, [[maybe_unused]] S* z) {
        if constexpr (is_addressed) {
            const auto from = noise_.address(x_.rows(), x_.cols(), first_step_ + draw + 1, first_sample_);
            kernels::philox_normal(from.later(at.sample), at.samples, at.row, at.rows, z);
            return z;
        } else {
            return *slot(quantity::noise, draw, at.first);
        }
    }

    const sampling_plan& plan_;
    Noise& noise_;
    plan_storage storage_;
    index first_sample_;
    index first_step_;
    index drawn_ = 0;
    kernels::denoise_coefficients<S> estimate_{};
    batch<S> x_;
    batch<S> base_;        // empty if the plan has none
    batch<S> head_;        // empty if the plan reads none
    batch<S> prediction_;
    batch<S> x0_;          // scratch of thresholds, and what a callback sees
    std::vector<batch<S>> slots_;
    std::vector<S> limits_;  // of each sample's x_0, with dynamic thresholding
};

}  // namespace ddpm::detail
