// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/embedded_step.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/stage.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/sampler/adaptive_options.hpp>
#include <ddpm/sampler/detail/adaptive_memory.hpp>
#include <ddpm/sampler/detail/adaptive_way.hpp>
#include <ddpm/sampler/run.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// The samples on their way, each at a λ of its own. Memory is passed over once per evaluation.
template <Scalar S, class Session>
class adaptive_run {
public:
    adaptive_run(const adaptive_dpm_solver& solver, Session& session, prediction kind,
                 const std::function<grid_point(double)>& point_at, double from, double to, batch<S> x)
        : solver_(solver),
          session_(session),
          kind_(kind),
          point_at_(point_at),
          end_(to),
          memory_(std::move(x), solver.order),
          times_(static_cast<std::size_t>(memory_.samples())),
          ways_(times_.size(), adaptive_way(solver, from)) {}

    [[nodiscard]] bool done() const {
        return std::none_of(ways_.begin(), ways_.end(), [&](const adaptive_way& w) { return is_under_way(w); });
    }

    /// Every sample that is under way tries a step.
    /// @returns false if the callback stopped the run: the samples are then the estimates of x_0
    bool step(const step_callback<S>& on_step = {}) {
        for (adaptive_way& w : ways_) {
            w.try_step(is_under_way(w) ? std::min(w.control.step(), end_ - w.lambda) : 0, point_at_);
        }
        const double bend = static_cast<double>(solver_.order) / 2;
        evaluate(memory_.x(0), 0);
        if (on_step && !show(on_step)) {
            stopped_ = true;
            return false;
        }
        for_each_sample([&](isize n) {
            const auto f = at(n).template factors<S>(1, {0, 0});
            const kernels::stage_term<S> to_u[] = {{stage_source::column, f.x, memory_.x(n)}, {stage_source::eps, f.eps}};
            memory_.combine(n, memory_.x(n), to_eps(n, 0), memory_.eps(n), {{memory_.u(n), to_u, 2, false}});
        });
        evaluate(memory_.u(0), 1);
        if (solver_.order == 2) {
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

    [[nodiscard]] adaptive_result<S> result() && {
        adaptive_result<S> ended{stopped_ ? std::move(x0_) : std::move(memory_).take(), evaluations_};
        ended.stopped = stopped_;
        for (const adaptive_way& w : ways_) {
            ended.accepted.push_back(w.accepted);
            ended.rejected.push_back(w.rejected);
            ended.finished = ended.finished && w.lambda >= end_ && !stopped_;
        }
        return ended;
    }

private:
    using stage_source = kernels::stage_source;

    /// Shows the callback the samples, their estimates of x_0 from what was predicted at them, and the time of the one that is
    /// furthest behind.
    [[nodiscard]] bool show(const step_callback<S>& on_step) {
        const batch_view<const S> x = memory_.all(memory_.x(0)), p = memory_.all(memory_.prediction(0));
        x0_.resize(x.rows(), x.columns());
        kernels::linear_combination<S>({x, p}, [&](isize n) {
            const affine c = conversion(kind_, prediction::x0, at(n).point(0).level);
            return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)};
        }, x0_);
        const auto behind = std::min_element(ways_.begin(), ways_.end(), [](const adaptive_way& a, const adaptive_way& b) {
            return a.lambda < b.lambda;
        });
        return on_step({shown_++, solver_.most_steps, behind == ways_.end() ? 0 : behind->point(0).t, x, x0_});
    }

    /// Not one whose step leads nowhere, as it becomes where values are not finite.
    [[nodiscard]] bool is_under_way(const adaptive_way& w) const {
        return w.lambda < end_ && w.lambda + w.control.step() > w.lambda &&
               w.accepted + w.rejected < solver_.most_steps;
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
        const kernels::embedded_step<S> step{
            .from = static_cast<S>(c.xt),
            .value = static_cast<S>(c.value),
            .low = w.template factors<S>(solver_.order, {0, 0}),
            .high = w.template factors<S>(solver_.order, of_high),
            .tolerance = {solver_.absolute_tolerance, solver_.relative_tolerance}};
        memory_.try_step(n, step, [&](double error) { return w.decide(error, end_); });
    }

    const adaptive_dpm_solver& solver_;
    Session& session_;
    prediction kind_;
    const std::function<grid_point(double)>& point_at_;
    double end_;
    isize evaluations_ = 0;
    isize shown_ = 0;
    bool stopped_ = false;
    batch<S> x0_;  // what a callback sees
    adaptive_memory<S> memory_;
    std::vector<double> times_;
    std::vector<adaptive_way> ways_;
};

}  // namespace ddpm::detail
