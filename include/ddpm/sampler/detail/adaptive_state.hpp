// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/kernels/detail/embedded_step.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <functional>

namespace ddpm::detail {

/// Chooses the step size so that the errors of the steps stay near 1.
/// @source Söderlind 2003, doi 10.1145/641876.641877; with the limiter of Söderlind and Wang 2006
class step_controller {
public:
    /// @param gains proportional, integral and differential
    /// @param order the order of the error estimate
    step_controller(const std::array<double, 3>& gains, double safety, double first_step, isize order)
        : safety_(safety),
          step_(first_step),
          exponent_((gains[0] + gains[1] + gains[2]) / static_cast<double>(order)),
          last_exponent_(-(gains[0] + 2 * gains[2]) / static_cast<double>(order)),
          before_exponent_(gains[2] / static_cast<double>(order)) {}

    /// The size of the next step to try.
    [[nodiscard]] double step() const noexcept { return step_; }

    /// Whether a step with this error is accepted. Sets the size of the next step; to a fifth if the error is not
    /// finite.
    [[nodiscard]] bool accepts(double error) {
        if (!std::isfinite(error)) {
            step_ /= 5;
            return false;
        }
        const double inverse = 1 / (error + 1e-8);
        if (last_ == 0) {
            last_ = before_ = inverse;
        }
        const double growth =
            std::pow(inverse, exponent_) * std::pow(last_, last_exponent_) * std::pow(before_, before_exponent_);
        const double factor = 1 + std::atan(growth - 1);
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
    double exponent_, last_exponent_,
        before_exponent_;           // of the inverse errors of this and the last two accepted steps
    double last_ = 0, before_ = 0;  // the inverse errors of the last two accepted steps
};

/// The coefficient of ε̂_later − ε̂ in a stage is first · (e^{rh} − 1) + second · ((e^{rh} − 1)/(rh) − 1).
struct adaptive_correction {
    double first;
    double second;
};

/// The position of one sample of an adaptive run, and its attempted step of length h in λ. Stage j of p = order lies at
/// λ + j h/p; stage p is the end of the step.
class adaptive_state {
public:
    adaptive_state(isize order, const step_controller& control_, double lambda_)
        : lambda(lambda_), control(control_), order_(order) {}

    /// Sets the attempted step; h = 0: none.
    void set_step(double h, const std::function<grid_point(double)>& point_at) {
        h_ = h;
        const isize first = accepted + rejected == 0 ? 0 : 1;  // point 0 is known after the first attempt
        for (isize j = first; j <= order_; ++j) {
            points_[static_cast<std::size_t>(j)] = point_at(lambda + fraction(j) * h);
        }
    }

    /// Moves to the end of the step, at most to `end`, if the error is small enough, and sets the size of the next
    /// step.
    /// @returns whether the step was accepted
    bool finish_step(double error, double end) {
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

    /// The factors of x, ε̂ and ε̂_later in stage j, at λ_s = λ + r h:
    /// (α_s/α) x − σ_s (e^{rh} − 1) ε̂ − σ_s · coefficient(c) · (ε̂_later − ε̂).
    /// @source Lu et al. 2022, arXiv 2206.00927, algorithms 4 and 5
    template <Scalar S>
    [[nodiscard]] kernels::detail::step_end<S> factors(isize j, const adaptive_correction& c) const {
        const double h = fraction(j) * h_;
        const noise_level<double>&from = point(0).level, &to = point(j).level;
        const double growth = std::expm1(h);
        const double second = h == 0 ? 0 : growth / h - 1;
        const double difference = -to.sigma * (c.first * growth + c.second * second);
        return {static_cast<S>(to.signal / from.signal), static_cast<S>(-to.sigma * growth - difference),
                static_cast<S>(difference)};
    }

    double lambda;
    step_controller control;
    isize accepted = 0;
    isize rejected = 0;

private:
    [[nodiscard]] double fraction(isize j) const { return static_cast<double>(j) / static_cast<double>(order_); }

    isize order_;
    double h_ = 0;
    std::array<grid_point, 4> points_{};
};

}  // namespace ddpm::detail
