// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::detail {

struct dormand_prince_options {
    double tolerance = 1e-6;  ///< of a step's error in each number y, relative to 1 + |y|
    double first_step = 0.05;
    double growth = 10;        ///< largest ratio of a step to the previous one; 1 and an infinite tolerance give equal
                               ///< steps
    isize most_steps = 10000;  ///< accepted and rejected, after which a column is abandoned
};

/// Solves dy/du = f(u, y) for every column of y, with an adaptive step size per column, by the Runge–Kutta method of
/// order 5 with an embedded error estimate of order 4 and a proportional-integral controller. A column is abandoned
/// after most_steps, or when its step is too small to change u, for example if f or y is not finite.
/// @source Dormand and Prince 1980, doi 10.1016/0771-050X(80)90013-3; control: Hairer and Wanner, Solving Ordinary
/// Differential Equations II, section IV.2
class dormand_prince {
public:
    /// @param y the values at u = `from`
    dormand_prince(const dormand_prince_options& options, batch<double> y, double from)
        : options_(options), y_(std::move(y)), stage_(y_), times_(static_cast<std::size_t>(y_.cols())) {
        slopes_.fill(y_);
        columns_.assign(times_.size(), column_state{from, options.first_step});
    }

    /// Integrates to u = `to`, which must be above u. f(u, y, dy) writes dy for all columns, column n at time u[n].
    /// Abandoned columns do not change. Calls on_step() after each attempted step, and stops if it returns false.
    template <class F>
    void integrate(double to, F&& f, const std::function<bool()>& on_step = {}) {
        evaluate(y_, 0, slopes_[0], f);
        while (choose_steps(to)) {
            for (std::size_t s = 1; s < stages; ++s) {
                form_stage(s);
                evaluate(stage_, nodes[s], slopes_[s], f);
            }
            for (isize n = 0; n < y_.cols(); ++n) {
                finish_step(n, to);
            }
            if (on_step && !on_step()) {
                return;
            }
        }
    }

    [[nodiscard]] const batch<double>& y() const noexcept { return y_; }

    /// The time that column n has reached.
    [[nodiscard]] double u(isize n) const noexcept { return at(n).u; }

    /// Whether column n took part in the last attempted step.
    [[nodiscard]] bool is_active(isize n) const noexcept { return at(n).active; }

    /// The numbers of accepted and rejected steps of column n.
    [[nodiscard]] isize accepted(isize n) const noexcept { return at(n).accepted; }
    [[nodiscard]] isize rejected(isize n) const noexcept { return at(n).rejected; }

    /// The number of evaluations of f, each on all columns.
    [[nodiscard]] isize evaluations() const noexcept { return evaluations_; }

private:
    static constexpr std::size_t stages = 7;
    static constexpr std::array<double, stages> nodes{0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
    static constexpr double weights[stages - 1][stages - 1] = {
        {1.0 / 5},
        {3.0 / 40, 9.0 / 40},
        {44.0 / 45, -56.0 / 15, 32.0 / 9},
        {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
        {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
        {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};  // the last stage is the step's end
    static constexpr std::array<double, stages> errors{71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                                       -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

    struct column_state {
        double u;
        double next;      // the step size that the controller has chosen
        double step = 0;  // the size of the attempted step; 0 if there is none
        bool active = false;
        double last_error = 1e-4;
        bool was_rejected = false;
        isize accepted = 0;
        isize rejected = 0;
    };

    [[nodiscard]] const column_state& at(isize n) const { return columns_[static_cast<std::size_t>(n)]; }

    /// Chooses the steps to attempt; returns whether there are any.
    bool choose_steps(double to) {
        bool any = false;
        for (column_state& c : columns_) {
            const bool reaches_end = c.u + 1.01 * c.next >= to;  // avoids a tiny last step
            c.step = reaches_end ? to - c.u : c.next;
            c.active = c.u < to && c.u + c.step > c.u && c.accepted + c.rejected < options_.most_steps;
            c.step = c.active ? c.step : 0;
            any = any || c.active;
        }
        return any;
    }

    /// Computes y + step · Σ_{j<s} weight_sj · slope_j of every column.
    void form_stage(std::size_t s) {
        for (isize n = 0; n < y_.cols(); ++n) {
            std::copy_n(&y_(0, n), y_.rows(), &stage_(0, n));
            for (std::size_t j = 0; j < s; ++j) {
                const double factor = at(n).step * weights[s - 1][j];
                for (isize i = 0; i < y_.rows(); ++i) {
                    stage_(i, n) += factor * slopes_[j](i, n);
                }
            }
        }
    }

    template <class F>
    void evaluate(const batch<double>& y, double node, batch<double>& slopes, F& f) {
        for (std::size_t n = 0; n < times_.size(); ++n) {
            times_[n] = columns_[n].u + node * columns_[n].step;
        }
        f(std::span<const double>(times_), y, slopes);
        ++evaluations_;
    }

    /// Accepts or rejects the step of column n, and chooses the size of the next.
    void finish_step(isize n, double to) {
        column_state& c = columns_[static_cast<std::size_t>(n)];
        if (!c.active) {
            return;
        }
        double sum = 0;
        for (isize i = 0; i < y_.rows(); ++i) {
            double difference = 0;
            for (std::size_t s = 0; s < stages; ++s) {
                difference += errors[s] * slopes_[s](i, n);
            }
            const double size = 1 + std::max(std::abs(y_(i, n)), std::abs(stage_(i, n)));
            const double scaled = c.step * difference / (options_.tolerance * size);
            sum += scaled * scaled;
        }
        const double error = std::sqrt(sum / static_cast<double>(y_.rows()));
        constexpr double integral = 0.04, proportional = 0.2 - 0.75 * integral, safety = 0.9, most_shrink = 5;
        const double shrink = std::pow(error, proportional) / safety;
        if (!(error <= 1)) {  // or NaN, for which std::min returns most_shrink
            c.next = c.step / std::min(most_shrink, shrink);
            c.was_rejected = true;
            ++c.rejected;
            return;
        }
        const double controlled = shrink / std::pow(c.last_error, integral);
        const double growth = c.was_rejected ? 1 : options_.growth;
        const double next = c.step / std::clamp(controlled, 1 / growth, most_shrink);
        const bool is_last = c.step == to - c.u;
        c.next = is_last ? std::max(c.next, next) : next;
        c.u = is_last ? to : c.u + c.step;
        c.last_error = std::max(error, 1e-4);
        c.was_rejected = false;
        ++c.accepted;
        std::copy_n(&stage_(0, n), y_.rows(), &y_(0, n));
        std::copy_n(&slopes_[stages - 1](0, n), y_.rows(), &slopes_[0](0, n));
    }

    dormand_prince_options options_;
    batch<double> y_;
    batch<double> stage_;  // after the last stage the end of the step
    std::array<batch<double>, stages> slopes_;
    std::vector<double> times_;
    std::vector<column_state> columns_;
    isize evaluations_ = 0;
};

}  // namespace ddpm::detail
