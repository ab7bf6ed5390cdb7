// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/embedded_step.hpp>
#include <ddpm/kernels/stage.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/sampler/adaptive_options.hpp>
#include <ddpm/sampler/detail/adaptive_way.hpp>
#include <ddpm/schedule/time_grid.hpp>

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
          x_(std::move(x)),
          u_(static_cast<std::size_t>(x_.size())),
          prediction_(u_.size()),
          eps_(u_.size()),
          low_(solver.order == 2 ? 0 : u_.size()),
          stream_(kernels::detail::should_stream(batch_view<S>(x_))),
          times_(static_cast<std::size_t>(x_.cols())),
          ways_(times_.size(), adaptive_way(solver, from)) {}

    [[nodiscard]] bool done() const {
        return std::none_of(ways_.begin(), ways_.end(), [&](const adaptive_way& w) { return is_under_way(w); });
    }

    /// Every sample that is under way tries a step.
    void step() {
        for (adaptive_way& w : ways_) {
            w.try_step(is_under_way(w) ? std::min(w.control.step(), end_ - w.lambda) : 0, point_at_);
        }
        const double bend = static_cast<double>(solver_.order) / 2;
        evaluate(x_.data(), 0);
        for_each_sample([&](index n) {
            const auto f = at(n).template factors<S>(1, {0, 0});
            const kernels::stage_term<S> to_u[] = {{stage_source::column, f.x, of(x_.data(), n)}, {stage_source::eps, f.eps}};
            combine(n, x_.data(), 0, of(eps_.data(), n), {{of(u_.data(), n), to_u, 2, false}});
        });
        evaluate(u_.data(), 1);
        if (solver_.order == 2) {
            for_each_sample([&](index n) { finish(n, 1, {bend, 0}); });
            return;
        }
        for_each_sample([&](index n) {
            const auto to_low = terms(n, 3, {bend, 0}), to_u = terms(n, 2, {0, 2});
            combine(n, u_.data(), 1, nullptr,
                    {{of(low_.data(), n), to_low.data(), 3, false}, {of(u_.data(), n), to_u.data(), 3, true}});
        });
        evaluate(u_.data(), 2);
        for_each_sample([&](index n) { finish(n, 2, {0, bend}); });
    }

    [[nodiscard]] adaptive_result<S> result() && {
        adaptive_result<S> ended{std::move(x_), evaluations_};
        for (const adaptive_way& w : ways_) {
            ended.accepted.push_back(w.accepted);
            ended.rejected.push_back(w.rejected);
            ended.finished = ended.finished && w.lambda >= end_;
        }
        return ended;
    }

private:
    using memory = std::vector<S, aligned_allocator<S>>;  // D × N, as x

    [[nodiscard]] bool is_under_way(const adaptive_way& w) const {
        return w.lambda < end_ && w.accepted + w.rejected < solver_.most_steps;
    }

    [[nodiscard]] const adaptive_way& at(index n) const { return ways_[static_cast<std::size_t>(n)]; }

    using stage_source = kernels::stage_source;

    template <class Body>
    void for_each_sample(const Body& body) {
        kernels::for_each_column(x_.rows(), x_.cols(), body);
    }

    [[nodiscard]] S* of(S* all, index n) const { return all + n * x_.rows(); }

    /// Lets the network predict at `from`, where stage j lies.
    void evaluate(const S* from, index j) {
        for (index n = 0; n < x_.cols(); ++n) {
            times_[static_cast<std::size_t>(n)] = at(n).point(j).t;
        }
        session_(batch_view<const S>(from, x_.rows(), x_.cols()), std::span<const double>(times_),
                 model_output<S>{{prediction_.data(), x_.rows(), x_.cols()}, {}});
        ++evaluations_;
    }

    /// Makes ε̂ of sample n from what was predicted at `from`, where stage j lies, and the sums, in one pass.
    void combine(index n, S* from, index j, S* kept_eps, std::initializer_list<kernels::stage_sum<S>> sums) {
        const affine c = conversion(kind_, prediction::epsilon, at(n).point(j).level);
        const kernels::stage_work<S> work{
            .estimate = {.eps_xt = static_cast<S>(c.xt), .eps_value = static_cast<S>(c.value)},
            .xt = of(from, n),
            .p = of(prediction_.data(), n),
            .kept_eps = kept_eps,
            .sums = sums.begin(),
            .count = static_cast<index>(sums.size()),
            .stream = stream_};
        kernels::for_each_block(x_.rows(), 1, [&](index, index first, index last) {
            kernels::run_stage(work, {}, 1, first, last - first, first);
        });
    }

    /// Where ε̂_later is what was just predicted.
    [[nodiscard]] std::array<kernels::stage_term<S>, 3> terms(index n, index j, const adaptive_correction& c) {
        const auto f = at(n).template factors<S>(j, c);
        return {{{stage_source::column, f.x, of(x_.data(), n)},
                 {stage_source::column, f.eps, of(eps_.data(), n)},
                 {stage_source::eps, f.later}}};
    }

    struct old_tag {};  // for thread_scratch: where a sample was before a step

    /// Takes sample n's step, which was predicted at u, where stage j lies, back unless its two ends agree, and chooses the
    /// next.
    void finish(index n, index j, const adaptive_correction& of_high) {
        adaptive_way& w = ways_[static_cast<std::size_t>(n)];
        if (w.h() == 0) {
            return;
        }
        const affine c = conversion(kind_, prediction::epsilon, w.point(j).level);
        const kernels::embedded_step<S> step{
            .from = static_cast<S>(c.xt),
            .value = static_cast<S>(c.value),
            .low = w.template factors<S>(solver_.order, {0, 0}),
            .high = w.template factors<S>(solver_.order, of_high),
            .tolerance = {solver_.absolute_tolerance, solver_.relative_tolerance}};
        S* const x = of(x_.data(), n);
        S* const old = thread_scratch<old_tag, S>(x_.rows());
        const S* const low = low_.empty() ? nullptr : of(low_.data(), n);
        const double sum = kernels::sum_over_blocks(x_.rows(), 1, [&](index, index first, index last) {
            return kernels::take_embedded_step<S>(
                last - first, step, x + first, of(eps_.data(), n) + first, of(u_.data(), n) + first,
                of(prediction_.data(), n) + first, low == nullptr ? nullptr : low + first, old + first);
        });
        if (w.control.accepts(std::sqrt(sum / static_cast<double>(x_.rows())))) {
            w.accept(end_);
        } else {
            std::copy_n(old, x_.rows(), x);
            ++w.rejected;
        }
    }

    const adaptive_dpm_solver& solver_;
    Session& session_;
    prediction kind_;
    const std::function<grid_point(double)>& point_at_;
    double end_;
    index evaluations_ = 0;
    batch<S> x_;
    memory u_;           // between x and the end of the step
    memory prediction_;  // of the network
    memory eps_;         // ε̂ at the beginning
    memory low_;         // the worse end of the step, where it is known before the better
    bool stream_;
    std::vector<double> times_;
    std::vector<adaptive_way> ways_;
};

}  // namespace ddpm::detail
