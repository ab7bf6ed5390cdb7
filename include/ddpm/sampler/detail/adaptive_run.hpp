// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/embedded_step.hpp>
#include <ddpm/kernels/detail/stage.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/sampler/detail/adaptive_way.hpp>
#include <ddpm/sampler/run.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// What samples that each go a way of their own are made of, and what is done with one of them.
template <Scalar S>
class adaptive_memory {
public:
    adaptive_memory(batch<S> x, isize order)
        : x_(std::move(x)),
          u_(static_cast<std::size_t>(x_.size())),
          prediction_(u_.size()),
          eps_(u_.size()),
          low_(order == 2 ? 0 : u_.size()),
          stream_(kernels::detail::should_stream(batch_view<S>(x_))) {}

    [[nodiscard]] isize rows() const noexcept { return x_.rows(); }
    [[nodiscard]] isize samples() const noexcept { return x_.cols(); }
    [[nodiscard]] batch<S> take() && { return std::move(x_); }

    /// All samples of that of which this is the first.
    [[nodiscard]] batch_view<S> all(S* first) noexcept { return {first, x_.rows(), x_.cols()}; }

    /// Sample n of x, of u, which lies between x and the end of a step, of the prediction, of ε̂ at x, and of the worse end of
    /// a step where that is known before the better, else null.
    [[nodiscard]] S* x(isize n) noexcept { return x_.data() + n * x_.rows(); }
    [[nodiscard]] S* u(isize n) noexcept { return u_.data() + n * x_.rows(); }
    [[nodiscard]] S* prediction(isize n) noexcept { return prediction_.data() + n * x_.rows(); }
    [[nodiscard]] S* eps(isize n) noexcept { return eps_.data() + n * x_.rows(); }
    [[nodiscard]] S* low(isize n) noexcept { return low_.empty() ? nullptr : low_.data() + n * x_.rows(); }

    /// Makes ε̂ of sample n from what was predicted at `from`, and the sums, in one pass.
    void combine(isize n, const S* from, const affine& to_eps, S* kept_eps,
                 std::initializer_list<kernels::stage_sum<S>> sums) {
        const kernels::stage_work<S> work{
            .estimate = {.eps_xt = static_cast<S>(to_eps.xt), .eps_value = static_cast<S>(to_eps.value)},
            .xt = from,
            .p = prediction(n),
            .kept_eps = kept_eps,
            .sums = sums.begin(),
            .count = static_cast<isize>(sums.size()),
            .stream = stream_};
        kernels::for_each_block(x_.rows(), 1, [&](isize, isize first, isize last) {
            kernels::run_stage(work, {}, 1, first, last - first, first);
        });
    }

    /// Moves sample n to the end of a step, and back unless accepts(root mean square of its error).
    template <class Accepts>
    void try_step(isize n, const kernels::embedded_step<S>& step, const Accepts& accepts) {
        S* const old = thread_scratch<old_tag, S>(x_.rows());
        const double sum = kernels::sum_over_blocks(x_.rows(), 1, [&](isize, isize first, isize last) {
            return kernels::take_embedded_step<S>(last - first, step, x(n) + first, eps(n) + first, u(n) + first,
                                                  prediction(n) + first, low_.empty() ? nullptr : low(n) + first,
                                                  old + first);
        });
        if (!accepts(std::sqrt(sum / static_cast<double>(x_.rows())))) {
            std::copy_n(old, x_.rows(), x(n));
        }
    }

private:
    using memory = std::vector<S, aligned_allocator<S>>;  // D × N, as x
    struct old_tag {};                                    // for thread_scratch

    batch<S> x_;
    memory u_;
    memory prediction_;
    memory eps_;
    memory low_;
    bool stream_;
};

/// The samples on their way, each at a λ of its own. Memory is passed over once per evaluation.
template <Scalar S, class Session>
class adaptive_run {
public:
    /// All samples begin as `start` does and go to λ = `end`.
    adaptive_run(const adaptive_way& start, double end, const kernels::error_tolerance& tolerance, isize most_steps,
                 const std::function<grid_point(double)>& point_at, Session& session, prediction kind, batch<S> x)
        : order_(start.order()),
          end_(end),
          tolerance_(tolerance),
          most_steps_(most_steps),
          point_at_(point_at),
          session_(session),
          kind_(kind),
          memory_(std::move(x), order_),
          times_(static_cast<std::size_t>(memory_.samples())),
          ways_(times_.size(), start) {}

    [[nodiscard]] bool done() const {
        for (const adaptive_way& w : ways_) {
            if (is_under_way(w)) {
                return false;
            }
        }
        return true;
    }

    /// Every sample that is under way tries a step.
    /// @returns false if the callback stopped the run: the samples are then the estimates of x_0
    bool step(const step_callback<S>& on_step = {}) {
        for (adaptive_way& w : ways_) {
            w.try_step(is_under_way(w) ? std::min(w.control.step(), end_ - w.lambda) : 0, point_at_);
        }
        const double bend = static_cast<double>(order_) / 2;
        evaluate(memory_.x(0), 0);
        if (on_step && !show(on_step)) {
            stopped_ = true;
            return false;
        }
        for_each_sample([&](isize n) {
            const auto f = at(n).template factors<S>(1, {0, 0});
            const kernels::stage_term<S> to_u[] = {{stage_source::column, f.x, memory_.x(n)},
                                                   {stage_source::eps, f.eps}};
            memory_.combine(n, memory_.x(n), to_eps(n, 0), memory_.eps(n), {{memory_.u(n), to_u, 2, false}});
        });
        evaluate(memory_.u(0), 1);
        if (order_ == 2) {
            for_each_sample([&](isize n) { finish(n, 1, {bend, 0}); });
            return true;
        }
        for_each_sample([&](isize n) {
            const auto to_low = terms(n, 3, {bend, 0}), to_u = terms(n, 2, {0, 2});
            memory_.combine(n, memory_.u(n), to_eps(n, 1), nullptr,
                            {{memory_.low(n), to_low.data(), 3, false}, {memory_.u(n), to_u.data(), 3, true}});
        });
        evaluate(memory_.u(0), 2);
        for_each_sample([&](isize n) { finish(n, 2, {0, bend}); });
        return true;
    }

    /// Whether the callback stopped the run.
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

    /// How often the network was evaluated.
    [[nodiscard]] isize evaluations() const noexcept { return evaluations_; }

    /// One for each sample.
    [[nodiscard]] const std::vector<adaptive_way>& ways() const noexcept { return ways_; }

    /// The samples, or where the callback stopped the run their estimates of x_0.
    [[nodiscard]] batch<S> take() && { return stopped_ ? std::move(x0_) : std::move(memory_).take(); }

private:
    using stage_source = kernels::stage_source;

    /// Shows the callback the samples, their estimates of x_0 from what was predicted at them, and the time of the one that is
    /// furthest behind.
    [[nodiscard]] bool show(const step_callback<S>& on_step) {
        const batch_view<const S> x = memory_.all(memory_.x(0)), p = memory_.all(memory_.prediction(0));
        x0_.resize(x.rows(), x.columns());
        kernels::linear_combination<S>(
            {x, p},
            [&](isize n) {
                const affine c = conversion(kind_, prediction::x0, at(n).point(0).level);
                return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)};
            },
            x0_);
        const adaptive_way* behind = ways_.data();
        for (const adaptive_way& w : ways_) {
            behind = w.lambda < behind->lambda ? &w : behind;
        }
        return on_step({shown_++, most_steps_, behind == nullptr ? 0 : behind->point(0).t, x, x0_});
    }

    /// Not one whose step leads nowhere, as it becomes where values are not finite.
    [[nodiscard]] bool is_under_way(const adaptive_way& w) const {
        return w.lambda < end_ && w.lambda + w.control.step() > w.lambda && w.accepted + w.rejected < most_steps_;
    }

    [[nodiscard]] const adaptive_way& at(isize n) const { return ways_[static_cast<std::size_t>(n)]; }

    /// How ε̂ of sample n follows from what is predicted at stage j.
    [[nodiscard]] affine to_eps(isize n, isize j) const {
        return conversion(kind_, prediction::epsilon, at(n).point(j).level);
    }

    template <class Body>
    void for_each_sample(const Body& body) {
        kernels::for_each_column(memory_.rows(), memory_.samples(), body);
    }

    /// Lets the network predict at `from`, where stage j lies.
    void evaluate(S* from, isize j) {
        for (isize n = 0; n < memory_.samples(); ++n) {
            times_[static_cast<std::size_t>(n)] = at(n).point(j).t;
        }
        session_(batch_view<const S>(memory_.all(from)), std::span<const double>(times_),
                 model_output<S>{memory_.all(memory_.prediction(0)), {}});
        ++evaluations_;
    }

    /// Where ε̂_later is what was just predicted.
    [[nodiscard]] std::array<kernels::stage_term<S>, 3> terms(isize n, isize j, const adaptive_correction& c) {
        const auto f = at(n).template factors<S>(j, c);
        return {{{stage_source::column, f.x, memory_.x(n)},
                 {stage_source::column, f.eps, memory_.eps(n)},
                 {stage_source::eps, f.later}}};
    }

    /// Takes sample n's step, which was predicted at u, where stage j lies, if its two ends agree, and chooses the next.
    void finish(isize n, isize j, const adaptive_correction& of_high) {
        adaptive_way& w = ways_[static_cast<std::size_t>(n)];
        if (w.h() == 0) {
            return;
        }
        const affine c = to_eps(n, j);
        const kernels::embedded_step<S> step{.from = static_cast<S>(c.xt),
                                             .value = static_cast<S>(c.value),
                                             .low = w.template factors<S>(order_, {0, 0}),
                                             .high = w.template factors<S>(order_, of_high),
                                             .tolerance = tolerance_};
        memory_.try_step(n, step, [&](double error) { return w.decide(error, end_); });
    }

    isize order_;
    double end_;
    kernels::error_tolerance tolerance_;
    isize most_steps_;
    const std::function<grid_point(double)>& point_at_;
    Session& session_;
    prediction kind_;
    isize evaluations_ = 0;
    isize shown_ = 0;
    bool stopped_ = false;
    batch<S> x0_;  // what a callback sees
    adaptive_memory<S> memory_;
    std::vector<double> times_;
    std::vector<adaptive_way> ways_;
};

}  // namespace ddpm::detail
