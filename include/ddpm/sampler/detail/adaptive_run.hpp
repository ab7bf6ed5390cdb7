// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/scaled_error.hpp>
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
            make_eps(n, x_, 0, of(eps_, n));
            move_to(n, r, {0, 0}, of(eps_, n), of(u_, n));
        });
        evaluate(u_, r);
        if (solver_.order == 2) {
            for_each_sample([&](index n) {
                const batch_view<S> eps = aside<0>(), low = aside<1>(), high = aside<2>();
                make_eps(n, u_, r, eps);
                move_to(n, 1, {0, 0}, eps, low);
                move_to(n, 1, {1 / (2 * r), 0}, eps, high);
                decide(n, low, high);
            });
            return;
        }
        for_each_sample([&](index n) {
            const batch_view<S> eps = aside<0>();
            make_eps(n, u_, r, eps);
            move_to(n, 1, {1 / (2 * r), 0}, eps, of(low_, n));
            move_to(n, 2 * r, {0, 2}, eps, of(u_, n));
        });
        evaluate(u_, 2 * r);
        for_each_sample([&](index n) {
            const batch_view<S> eps = aside<0>(), high = aside<2>();
            make_eps(n, u_, 2 * r, eps);
            move_to(n, 1, {0, 1 / (2 * r)}, eps, high);
            decide(n, of(low_, n), high);
        });
    }

    template <class Body>
    void for_each_sample(const Body& body) {
        kernels::for_each_column(x_.rows(), x_.cols(), body);
    }

    [[nodiscard]] static batch_view<S> of(batch<S>& all, index n) { return batch_view<S>(all).middle(n, 1); }

    template <int Number>
    struct aside_tag {};  // for thread_scratch

    /// Room for a sample, which nobody needs after it.
    template <int Number>
    [[nodiscard]] batch_view<S> aside() const {
        return {thread_scratch<aside_tag<Number>, S>(x_.rows()), x_.rows(), 1};
    }

    /// Lets the network predict at `from`, which lies the fraction `part` of each step beyond x.
    void evaluate(const batch<S>& from, double part) {
        for (index n = 0; n < x_.cols(); ++n) {
            times_[static_cast<std::size_t>(n)] = point(n, part).t;
        }
        session_(batch_view<const S>(from), std::span<const double>(times_), model_output<S>{prediction_, {}});
    }

    /// ε̂ of sample n as it was predicted there.
    void make_eps(index n, batch<S>& from, double part, batch_view<S> out) {
        const affine c = conversion(kind_, prediction::epsilon, point(n, part).level);
        kernels::linear_combination<S>(
            {batch_view<const S>(of(from, n)), batch_view<const S>(of(prediction_, n))},
            [&](index) { return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)}; }, out);
    }

    [[nodiscard]] grid_point point(index n, double part) const { return point_at_(at(n).lambda + part * at(n).h); }

    /// How much of ε̂_later − ε̂ a stage adds: of (e^{rh} − 1), and of (e^{rh} − 1)/(rh) − 1.
    struct correction {
        double first;
        double second;
    };

    /// out = (α_s/α) x − σ_s (e^{rh} − 1) ε̂ − σ_s (…)(ε̂_later − ε̂), at λ_s = λ + r h, for sample n.
    /// @source Lu et al. 2022, arXiv 2206.00927, algorithms 4 and 5
    void move_to(index n, double r, const correction& c, batch_view<const S> later, batch_view<S> out) {
        const double h = r * at(n).h;
        const marginal<double> from = point(n, 0).level, to = point(n, r).level;
        const double grown = std::expm1(h);
        const double bend = h == 0 ? 0 : grown / h - 1;
        const double difference = -to.sigma * (c.first * grown + c.second * bend);
        kernels::linear_combination<S>(
            {batch_view<const S>(of(x_, n)), batch_view<const S>(of(eps_, n)), later},
            [&](index) {
                return std::array{static_cast<S>(to.signal / from.signal), static_cast<S>(-to.sigma * grown - difference),
                                  static_cast<S>(difference)};
            },
            out);
    }

    /// Takes sample n's step if its two ends agree, and chooses the next.
    void decide(index n, batch_view<const S> low, batch_view<const S> high) {
        way& w = ways_[static_cast<std::size_t>(n)];
        if (w.h == 0) {
            return;
        }
        const batch_view<S> x = of(x_, n);
        const kernels::error_tolerance tolerance{solver_.absolute_tolerance, solver_.relative_tolerance};
        const double sum = kernels::sum_over_blocks(x.rows(), 1, [&](index, index first, index last) {
            return kernels::scaled_error(last - first, low.data() + first, high.data() + first, x.data() + first, tolerance);
        });
        if (w.control.accepts(std::sqrt(sum / static_cast<double>(x.rows())))) {
            const bool is_last = w.lambda + w.h >= end_;
            w.lambda = is_last ? end_ : w.lambda + w.h;
            std::copy_n(high.data(), high.rows(), x.data());
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
