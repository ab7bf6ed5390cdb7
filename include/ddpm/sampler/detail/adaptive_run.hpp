// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/embedded_step.hpp>
#include <ddpm/kernels/detail/stage.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/sampler/detail/adaptive_state.hpp>
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

/// The arrays of an adaptive run, and the operations on single samples.
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

    /// The D × N array that begins at `first`.
    // NOLINTNEXTLINE(bugprone-exception-escape): a view of a matrix's size does not throw
    [[nodiscard]] batch_view<S> all(S* first) noexcept { return {first, x_.rows(), x_.cols()}; }

    /// Sample n of x, of the intermediate state u, of the prediction, of ε̂ at x, and of the step's result of lower
    /// order (null for order 2, where it is not stored).
    [[nodiscard]] S* x(isize n) noexcept { return x_.data() + n * x_.rows(); }
    [[nodiscard]] S* u(isize n) noexcept { return u_.data() + n * x_.rows(); }
    [[nodiscard]] S* prediction(isize n) noexcept { return prediction_.data() + n * x_.rows(); }
    [[nodiscard]] S* eps(isize n) noexcept { return eps_.data() + n * x_.rows(); }
    [[nodiscard]] S* low(isize n) noexcept { return low_.empty() ? nullptr : low_.data() + n * x_.rows(); }

    /// Computes ε̂ of sample n from the prediction at `from`, and the sums, in one pass.
    void combine(isize n, const S* from, const affine& to_eps, S* kept_eps,
                 std::initializer_list<kernels::detail::stage_sum<S>> sums) {
        const kernels::detail::stage_work<S> work{
            .estimate = {.eps_xt = static_cast<S>(to_eps.xt), .eps_value = static_cast<S>(to_eps.value)},
            .xt = from,
            .p = prediction(n),
            .kept_eps = kept_eps,
            .sums = sums.begin(),
            .count = static_cast<isize>(sums.size()),
            .stream = stream_};
        kernels::for_each_block(x_.rows(), 1, [&](isize, isize first, isize last) {
            kernels::detail::run_stage(work, {}, 1, first, last - first, first);
        });
    }

    /// Moves sample n to the end of the step, and back if accepts(root mean square of its error) is false.
    template <class Accepts>
    void try_step(isize n, const kernels::detail::embedded_step<S>& step, const Accepts& accepts) {
        S* const old = thread_scratch<old_tag, S>(x_.rows());
        const double sum = kernels::sum_over_blocks(x_.rows(), 1, [&](isize, isize first, isize last) {
            return kernels::detail::take_embedded_step<S>(last - first, step, x(n) + first, eps(n) + first,
                                                          u(n) + first, prediction(n) + first,
                                                          low_.empty() ? nullptr : low(n) + first, old + first);
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

/// An adaptive run; each sample has its own λ. One pass over memory per evaluation.
template <Scalar S, class Session>
class adaptive_run {
public:
    /// All samples begin in the state `start` and go to λ = `end`.
    adaptive_run(const adaptive_state& start, double end, const kernels::detail::error_tolerance& tolerance,
                 isize most_steps, const std::function<grid_point(double)>& point_at, Session& session, prediction kind,
                 batch<S> x)
        : order_(start.order()),
          end_(end),
          tolerance_(tolerance),
          most_steps_(most_steps),
          point_at_(point_at),
          session_(session),
          kind_(kind),
          memory_(std::move(x), order_),
          times_(static_cast<std::size_t>(memory_.samples())),
          states_(times_.size(), start) {}

    [[nodiscard]] bool done() const {
        return std::none_of(states_.begin(), states_.end(), [this](const adaptive_state& s) { return is_active(s); });
    }

    /// Every active sample attempts a step.
    /// @returns false if the callback stopped the run: the samples are then the estimates of x_0
    bool step(const step_callback<S>& on_step = {}) {
        for (adaptive_state& s : states_) {
            s.set_step(is_active(s) ? std::min(s.control.step(), end_ - s.lambda) : 0, point_at_);
        }
        const double half_order = static_cast<double>(order_) / 2;
        evaluate(memory_.x(0), 0);
        if (on_step && !call(on_step)) {
            stopped_ = true;
            return false;
        }
        for_each_sample([&](isize n) {
            const auto f = at(n).template factors<S>(1, {0, 0});
            const kernels::detail::stage_term<S> to_u[] = {{stage_source::column, f.x, memory_.x(n)},
                                                           {stage_source::eps, f.eps}};
            memory_.combine(n, memory_.x(n), to_eps(n, 0), memory_.eps(n), {{memory_.u(n), to_u, 2, false}});
        });
        evaluate(memory_.u(0), 1);
        if (order_ == 2) {
            for_each_sample([&](isize n) { finish(n, 1, {half_order, 0}); });
            return true;
        }
        for_each_sample([&](isize n) {
            const auto to_low = terms(n, 3, {half_order, 0}), to_u = terms(n, 2, {0, 2});
            memory_.combine(n, memory_.u(n), to_eps(n, 1), nullptr,
                            {{memory_.low(n), to_low.data(), 3, false}, {memory_.u(n), to_u.data(), 3, true}});
        });
        evaluate(memory_.u(0), 2);
        for_each_sample([&](isize n) { finish(n, 2, {0, half_order}); });
        return true;
    }

    /// Whether the callback stopped the run.
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

    /// The number of evaluations of the network, each on the whole batch.
    [[nodiscard]] isize evaluations() const noexcept { return evaluations_; }

    /// The state of each sample.
    [[nodiscard]] const std::vector<adaptive_state>& states() const noexcept { return states_; }

    /// The samples, or if the callback stopped the run their estimates of x_0.
    [[nodiscard]] batch<S> take() && { return stopped_ ? std::move(x0_) : std::move(memory_).take(); }

private:
    using stage_source = kernels::detail::stage_source;

    /// Calls the callback with the samples, their estimates of x_0, and the time of the sample with the lowest λ.
    [[nodiscard]] bool call(const step_callback<S>& on_step) {
        const batch_view<const S> x = memory_.all(memory_.x(0)), p = memory_.all(memory_.prediction(0));
        x0_.resize(x.rows(), x.columns());
        kernels::linear_combination<S>(
            {x, p},
            [&](isize n) {
                const affine c = conversion(kind_, prediction::x0, at(n).point(0).level);
                return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)};
            },
            x0_);
        const auto lowest = std::min_element(states_.begin(), states_.end(),
                                             [](const auto& a, const auto& b) { return a.lambda < b.lambda; });
        return on_step({called_++, most_steps_, lowest == states_.end() ? 0 : lowest->point(0).t, x, x0_});
    }

    /// Whether a sample has not reached the end, and its step still changes λ (it shrinks if values are not finite).
    [[nodiscard]] bool is_active(const adaptive_state& s) const {
        return s.lambda < end_ && s.lambda + s.control.step() > s.lambda && s.accepted + s.rejected < most_steps_;
    }

    [[nodiscard]] const adaptive_state& at(isize n) const { return states_[static_cast<std::size_t>(n)]; }

    /// The conversion of the prediction at stage j to ε̂ for sample n.
    [[nodiscard]] affine to_eps(isize n, isize j) const {
        return conversion(kind_, prediction::epsilon, at(n).point(j).level);
    }

    template <class Body>
    void for_each_sample(const Body& body) {
        kernels::for_each_column(memory_.rows(), memory_.samples(), body);
    }

    /// Evaluates the network at `from`, the states of stage j.
    void evaluate(S* from, isize j) {
        for (isize n = 0; n < memory_.samples(); ++n) {
            times_[static_cast<std::size_t>(n)] = at(n).point(j).t;
        }
        session_(batch_view<const S>(memory_.all(from)), std::span<const double>(times_),
                 model_output<S>{memory_.all(memory_.prediction(0)), {}});
        ++evaluations_;
    }

    /// The terms of stage j; ε̂_later is from the last prediction.
    [[nodiscard]] std::array<kernels::detail::stage_term<S>, 3> terms(isize n, isize j, const adaptive_correction& c) {
        const auto f = at(n).template factors<S>(j, c);
        return {{{stage_source::column, f.x, memory_.x(n)},
                 {stage_source::column, f.eps, memory_.eps(n)},
                 {stage_source::eps, f.later}}};
    }

    /// Computes both results of sample n's step from the prediction at stage j, and accepts or rejects the step.
    void finish(isize n, isize j, const adaptive_correction& of_high) {
        adaptive_state& s = states_[static_cast<std::size_t>(n)];
        if (s.h() == 0) {
            return;
        }
        const affine c = to_eps(n, j);
        const kernels::detail::embedded_step<S> step{.from = static_cast<S>(c.xt),
                                                     .value = static_cast<S>(c.value),
                                                     .low = s.template factors<S>(order_, {0, 0}),
                                                     .high = s.template factors<S>(order_, of_high),
                                                     .tolerance = tolerance_};
        memory_.try_step(n, step, [&](double error) { return s.finish_step(error, end_); });
    }

    isize order_;
    double end_;
    kernels::detail::error_tolerance tolerance_;
    isize most_steps_;
    const std::function<grid_point(double)>& point_at_;
    Session& session_;
    prediction kind_;
    isize evaluations_ = 0;
    isize called_ = 0;
    bool stopped_ = false;
    batch<S> x0_;  // the estimate for the callback
    adaptive_memory<S> memory_;
    std::vector<double> times_;
    std::vector<adaptive_state> states_;
};

}  // namespace ddpm::detail
