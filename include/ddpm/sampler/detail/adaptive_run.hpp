// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
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
#include <span>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// The samples on their way, each at a λ of its own.
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
          eps_{u_, u_, u_},
          low_(u_),
          high_(u_),
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
        evaluate(x_, 0, eps_[0]);
        move_to(r, {0, 0}, eps_[0], u_);
        evaluate(u_, r, eps_[1]);
        if (solver_.order == 2) {
            move_to(1, {0, 0}, eps_[0], low_);
            move_to(1, {1 / (2 * r), 0}, eps_[1], high_);
        } else {
            move_to(1, {1 / (2 * r), 0}, eps_[1], low_);
            move_to(2 * r, {0, 2}, eps_[1], u_);
            evaluate(u_, 2 * r, eps_[2]);
            move_to(1, {0, 1 / (2 * r)}, eps_[2], high_);
        }
        for (index n = 0; n < x_.cols(); ++n) {
            decide(n);
        }
    }

    /// ε̂ of `from`, which lies the fraction `part` of its step beyond x.
    void evaluate(const batch<S>& from, double part, batch<S>& out) {
        for (index n = 0; n < x_.cols(); ++n) {
            times_[static_cast<std::size_t>(n)] = point(n, part).t;
        }
        session_(batch_view<const S>(from), std::span<const double>(times_), model_output<S>{out, {}});
        kernels::linear_combination<S>({batch_view<const S>(from), batch_view<const S>(out)},
                                       [&](index n) {
                                           const affine c = conversion(kind_, prediction::epsilon, point(n, part).level);
                                           return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)};
                                       },
                                       out);
    }

    [[nodiscard]] grid_point point(index n, double part) const { return point_at_(at(n).lambda + part * at(n).h); }

    /// How much of ε̂_later − ε̂ a stage adds: of (e^{rh} − 1), and of (e^{rh} − 1)/(rh) − 1.
    struct correction {
        double first;
        double second;
    };

    /// out = (α_s/α) x − σ_s (e^{rh} − 1) ε̂ − σ_s (…)(ε̂_later − ε̂), at λ_s = λ + r h.
    /// @source Lu et al. 2022, arXiv 2206.00927, algorithms 4 and 5
    void move_to(double r, const correction& c, const batch<S>& later, batch<S>& out) {
        kernels::linear_combination<S>(
            {batch_view<const S>(x_), batch_view<const S>(eps_[0]), batch_view<const S>(later)},
            [&](index n) {
                const double h = r * at(n).h;
                const marginal<double> from = point(n, 0).level, to = point(n, r).level;
                const double grown = std::expm1(h);
                const double bend = h == 0 ? 0 : grown / h - 1;
                const double difference = -to.sigma * (c.first * grown + c.second * bend);
                return std::array{static_cast<S>(to.signal / from.signal),
                                  static_cast<S>(-to.sigma * grown - difference), static_cast<S>(difference)};
            },
            out);
    }

    /// Takes sample n's step if its two ends agree, and chooses the next.
    void decide(index n) {
        way& w = ways_[static_cast<std::size_t>(n)];
        if (w.h == 0) {
            return;
        }
        double sum = 0;
        for (index i = 0; i < x_.rows(); ++i) {
            const double low = static_cast<double>(low_(i, n)), high = static_cast<double>(high_(i, n));
            const double size = std::max(std::abs(low), std::abs(static_cast<double>(x_(i, n))));
            const double tolerance = std::max(solver_.absolute_tolerance, solver_.relative_tolerance * size);
            sum += (low - high) * (low - high) / (tolerance * tolerance);
        }
        if (w.control.accepts(std::sqrt(sum / static_cast<double>(x_.rows())))) {
            const bool is_last = w.lambda + w.h >= end_;
            w.lambda = is_last ? end_ : w.lambda + w.h;
            x_.col(n) = high_.col(n);
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
    batch<S> u_;          // between x and the end of the step
    batch<S> eps_[3];     // ε̂ at the beginning and at the stages
    batch<S> low_, high_;
    std::vector<double> times_;
    std::vector<way> ways_;
};

}  // namespace ddpm::detail
