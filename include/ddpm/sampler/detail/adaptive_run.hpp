// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/scaled_error.hpp>
#include <ddpm/kernels/stage.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/sampler/adaptive_options.hpp>
#include <ddpm/sampler/detail/step_controller.hpp>
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
          u_(x_.rows(), x_.cols()),
          prediction_(u_),
          eps_(u_),
          low_(x_.rows(), solver.order == 2 ? 0 : x_.cols()),
          times_(static_cast<std::size_t>(x_.cols())),
          ways_(times_.size(), way(from, step_controller(solver.control, solver.first_step, solver.order))) {}

    [[nodiscard]] adaptive_result<S> run() && {
        index evaluations = 0;
        while (std::any_of(ways_.begin(), ways_.end(), [&](const way& w) { return is_under_way(w); })) {
            step();
            evaluations += solver_.order;
        }
        adaptive_result<S> result{std::move(x_), evaluations};
        for (const way& w : ways_) {
            result.accepted.push_back(w.accepted);
            result.rejected.push_back(w.rejected);
            result.finished = result.finished && w.lambda >= end_;
        }
        return result;
    }

private:
    struct way {
        way(double lambda_, const step_controller& control_) : lambda(lambda_), control(control_) {}
        double lambda;
        step_controller control;
        double h = 0;  // of the step that is tried
        index accepted = 0;
        index rejected = 0;
    };

    [[nodiscard]] bool is_under_way(const way& w) const {
        return w.lambda < end_ && w.accepted + w.rejected < solver_.most_steps;
    }

    [[nodiscard]] const way& at(index n) const { return ways_[static_cast<std::size_t>(n)]; }

    void step() {
        for (way& w : ways_) {
            w.h = is_under_way(w) ? std::min(w.control.step(), end_ - w.lambda) : 0;
        }
        const double r = solver_.order == 2 ? 0.5 : 1.0 / 3;
        evaluate(x_, 0);
        for_each_sample([&](index n) {
            const factors f = factors_of(n, r, {0, 0});
            const kernels::stage_term<S> to_u[] = {{stage_source::column, f.x, of(x_, n)}, {stage_source::eps, f.eps}};
            combine(n, x_, 0, of(eps_, n), {{of(u_, n), to_u, 2, false}});
        });
        evaluate(u_, r);
        if (solver_.order == 2) {
            for_each_sample([&](index n) {
                S* const low = aside<0>();
                S* const high = aside<1>();
                const auto to_low = terms(n, 1, {0, 0}), to_high = terms(n, 1, {1 / (2 * r), 0});
                combine(n, u_, r, nullptr, {{low, to_low.data(), 3, false}, {high, to_high.data(), 3, false}});
                decide(n, low, high);
            });
            return;
        }
        for_each_sample([&](index n) {
            const auto to_low = terms(n, 1, {1 / (2 * r), 0}), to_u = terms(n, 2 * r, {0, 2});
            combine(n, u_, r, nullptr, {{of(low_, n), to_low.data(), 3, false}, {of(u_, n), to_u.data(), 3, true}});
        });
        evaluate(u_, 2 * r);
        for_each_sample([&](index n) {
            S* const high = aside<1>();
            const auto to_high = terms(n, 1, {0, 1 / (2 * r)});
            combine(n, u_, 2 * r, nullptr, {{high, to_high.data(), 3, false}});
            decide(n, of(low_, n), high);
        });
    }

    using stage_source = kernels::stage_source;

    template <class Body>
    void for_each_sample(const Body& body) {
        kernels::for_each_column(x_.rows(), x_.cols(), body);
    }

    [[nodiscard]] static S* of(batch<S>& all, index n) { return all.col(n).data(); }

    template <int Number>
    struct aside_tag {};  // for thread_scratch

    /// Room for a sample, which nobody needs after it.
    template <int Number>
    [[nodiscard]] S* aside() const {
        return thread_scratch<aside_tag<Number>, S>(x_.rows());
    }

    /// Lets the network predict at `from`, which lies the fraction `part` of each step beyond x.
    void evaluate(const batch<S>& from, double part) {
        for (index n = 0; n < x_.cols(); ++n) {
            times_[static_cast<std::size_t>(n)] = point(n, part).t;
        }
        session_(batch_view<const S>(from), std::span<const double>(times_), model_output<S>{prediction_, {}});
    }

    /// Makes ε̂ of sample n from what was predicted at `from`, and the sums, in one pass.
    void combine(index n, batch<S>& from, double part, S* kept_eps, std::initializer_list<kernels::stage_sum<S>> sums) {
        const affine c = conversion(kind_, prediction::epsilon, point(n, part).level);
        const kernels::stage_work<S> work{
            .estimate = {.eps_xt = static_cast<S>(c.xt), .eps_value = static_cast<S>(c.value)},
            .xt = of(from, n),
            .p = of(prediction_, n),
            .kept_eps = kept_eps,
            .sums = sums.begin(),
            .count = static_cast<index>(sums.size())};
        kernels::for_each_block(x_.rows(), 1, [&](index, index first, index last) {
            kernels::run_stage(work, {}, 1, first, last - first, first);
        });
    }

    [[nodiscard]] grid_point point(index n, double part) const { return point_at_(at(n).lambda + part * at(n).h); }

    /// How much of ε̂_later − ε̂ a stage adds: of (e^{rh} − 1), and of (e^{rh} − 1)/(rh) − 1.
    struct correction {
        double first;
        double second;
    };

    /// Of x, ε̂ and ε̂_later in (α_s/α) x − σ_s (e^{rh} − 1) ε̂ − σ_s (…)(ε̂_later − ε̂), at λ_s = λ + r h.
    /// @source Lu et al. 2022, arXiv 2206.00927, algorithms 4 and 5
    struct factors {
        S x, eps, later;
    };

    [[nodiscard]] factors factors_of(index n, double r, const correction& c) const {
        const double h = r * at(n).h;
        const marginal<double> from = point(n, 0).level, to = point(n, r).level;
        const double grown = std::expm1(h);
        const double bend = h == 0 ? 0 : grown / h - 1;
        const double difference = -to.sigma * (c.first * grown + c.second * bend);
        return {static_cast<S>(to.signal / from.signal), static_cast<S>(-to.sigma * grown - difference),
                static_cast<S>(difference)};
    }

    /// Where ε̂_later is what was just predicted.
    [[nodiscard]] std::array<kernels::stage_term<S>, 3> terms(index n, double r, const correction& c) {
        const factors f = factors_of(n, r, c);
        return {{{stage_source::column, f.x, of(x_, n)},
                 {stage_source::column, f.eps, of(eps_, n)},
                 {stage_source::eps, f.later}}};
    }

    /// Takes sample n's step if its two ends agree, and chooses the next.
    void decide(index n, const S* low, const S* high) {
        way& w = ways_[static_cast<std::size_t>(n)];
        if (w.h == 0) {
            return;
        }
        S* const x = of(x_, n);
        const kernels::error_tolerance tolerance{solver_.absolute_tolerance, solver_.relative_tolerance};
        const double sum = kernels::sum_over_blocks(x_.rows(), 1, [&](index, index first, index last) {
            return kernels::scaled_error(last - first, low + first, high + first, x + first, tolerance);
        });
        if (w.control.accepts(std::sqrt(sum / static_cast<double>(x_.rows())))) {
            const bool is_last = w.lambda + w.h >= end_;
            w.lambda = is_last ? end_ : w.lambda + w.h;
            std::copy_n(high, x_.rows(), x);
            ++w.accepted;
        } else {
            ++w.rejected;
        }
    }

    const adaptive_dpm_solver& solver_;
    Session& session_;
    prediction kind_;
    const std::function<grid_point(double)>& point_at_;
    double end_;
    batch<S> x_;
    batch<S> u_;           // between x and the end of the step
    batch<S> prediction_;  // of the network
    batch<S> eps_;         // ε̂ at the beginning
    batch<S> low_;         // the worse end of the step, where it is known before the better
    std::vector<double> times_;
    std::vector<way> ways_;
};

}  // namespace ddpm::detail
