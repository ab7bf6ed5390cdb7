// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/kernels/detail/embedded_step.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <functional>

namespace ddpm::detail {

/// Chooses steps so that their errors stay near 1.
/// @source Söderlind 2003, doi 10.1145/641876.641877; with the limiter of Söderlind and Wang 2006
class step_controller {
public:
    /// `gains`: proportional, integral and differential. `order`: of the error.
    step_controller(const std::array<double, 3>& gains, double safety, double first_step, isize order)
        : safety_(safety),
          step_(first_step),
          of_now_((gains[0] + gains[1] + gains[2]) / static_cast<double>(order)),
          of_last_(-(gains[0] + 2 * gains[2]) / static_cast<double>(order)),
          of_before_(gains[2] / static_cast<double>(order)) {}

    /// The step to try.
    [[nodiscard]] double step() const noexcept { return step_; }

    /// Says whether a step with this error is good enough, and chooses the next: a fifth where the error is not finite.
    [[nodiscard]] bool accepts(double error) {
        if (!std::isfinite(error)) {
            step_ /= 5;
            return false;
        }
        const double inverse = 1 / (error + 1e-8);
        if (last_ == 0) {
            last_ = before_ = inverse;
        }
        const double wish = std::pow(inverse, of_now_) * std::pow(last_, of_last_) * std::pow(before_, of_before_);
        const double factor = 1 + std::atan(wish - 1);
        const bool accepted = factor >= safety_;
        if (accepted) {
            before_ = last_;
            last_ = inverse;
        }
        step_ *= factor;
        return accepted;
    }

private:
    double safety_;
    double step_;
    double of_now_, of_last_, of_before_;  // exponents of the inverse errors
    double last_ = 0, before_ = 0;         // inverse errors of the accepted steps before
};

/// How much of ε̂_later − ε̂ a stage adds: of (e^{rh} − 1), and of (e^{rh} − 1)/(rh) − 1.
struct adaptive_correction {
    double first;
    double second;
};

/// Where a sample of an adaptive run is, and the step that it tries, whose stages and end lie evenly.
class adaptive_way {
public:
    adaptive_way(isize order, const step_controller& control_, double lambda_)
        : lambda(lambda_), control(control_), order_(order) {}

    /// Tries a step of length h in λ; 0: none.
    void try_step(double h, const std::function<grid_point(double)>& point_at) {
        h_ = h;
        for (isize j = accepted + rejected == 0 ? 0 : 1; j <= order_;
             ++j) {  // it knows where it is from its second step on
            points_[static_cast<std::size_t>(j)] = point_at(lambda + part(j) * h);
        }
    }

    /// Takes the step, if its error is small enough, up to `end`, which no way passes; chooses the next.
    /// @returns whether it was taken
    bool decide(double error, double end) {
        if (!control.accepts(error)) {
            ++rejected;
            return false;
        }
        lambda = lambda + h_ >= end ? end : lambda + h_;
        points_[0] = points_[static_cast<std::size_t>(order_)];
        ++accepted;
        return true;
    }

    [[nodiscard]] isize order() const noexcept { return order_; }
    [[nodiscard]] double h() const noexcept { return h_; }
    [[nodiscard]] const grid_point& point(isize j) const { return points_[static_cast<std::size_t>(j)]; }

    /// Those of (α_s/α) x − σ_s (e^{rh} − 1) ε̂ − σ_s (…)(ε̂_later − ε̂), where stage j lies, at λ_s = λ + r h.
    /// @source Lu et al. 2022, arXiv 2206.00927, algorithms 4 and 5
    template <Scalar S>
    [[nodiscard]] kernels::step_end<S> factors(isize j, const adaptive_correction& c) const {
        const double h = part(j) * h_;
        const noise_level<double>&from = point(0).level, &to = point(j).level;
        const double grown = std::expm1(h);
        const double bend = h == 0 ? 0 : grown / h - 1;
        const double difference = -to.sigma * (c.first * grown + c.second * bend);
        return {static_cast<S>(to.signal / from.signal), static_cast<S>(-to.sigma * grown - difference),
                static_cast<S>(difference)};
    }

    double lambda;
    step_controller control;
    isize accepted = 0;
    isize rejected = 0;

private:
    [[nodiscard]] double part(isize j) const { return static_cast<double>(j) / static_cast<double>(order_); }

    isize order_;
    double h_ = 0;
    std::array<grid_point, 4> points_{};
};

}  // namespace ddpm::detail
