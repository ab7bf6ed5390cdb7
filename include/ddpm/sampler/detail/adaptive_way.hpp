// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/kernels/embedded_step.hpp>
#include <ddpm/sampler/adaptive_options.hpp>
#include <ddpm/sampler/detail/step_controller.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <functional>

namespace ddpm::detail {

/// How much of ε̂_later − ε̂ a stage adds: of (e^{rh} − 1), and of (e^{rh} − 1)/(rh) − 1.
struct adaptive_correction {
    double first;
    double second;
};

/// Where a sample of an adaptive run is, and the step that it tries, whose stages and end lie evenly.
class adaptive_way {
public:
    adaptive_way(const adaptive_dpm_solver& solver, double lambda_)
        : lambda(lambda_), control(solver.control, solver.first_step, solver.order), order_(solver.order) {}

    /// Tries a step of length h in λ; 0: none.
    void try_step(double h, const std::function<grid_point(double)>& point_at) {
        h_ = h;
        for (isize j = accepted + rejected == 0 ? 0 : 1; j <= order_; ++j) {  // it knows where it is from its second step on
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
