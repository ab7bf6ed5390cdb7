// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/adaptive_run.hpp>
#include <ddpm/sampler/detail/adaptive_state.hpp>
#include <ddpm/sampler/run.hpp>

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

namespace ddpm {

/// The gains of the step-size controller.
struct step_control {
    double proportional = 0;
    double integral = 1;
    double differential = 0;
    double safety = 0.81;  ///< a step is accepted if the factor for the next step size is at least this
};

/// DPM-Solver-12 and DPM-Solver-23 with adaptive step size: each step is computed with order 1 and 2, or 2 and 3, and
/// accepted if the difference is small. Each sample has its own step sizes, so that it does not depend on the other
/// samples. With p = order, x_j at λ_t + j h/p with its level (α_j, σ_j), and ε̂_j the estimate there, a step is
///     x_1 = (α_1/α_t) x_t − σ_1 (e^{h/p} − 1) ε̂,
///     order 2: low  x_s = (α_s/α_t) x_t − σ_s (e^h − 1) ε̂,
///              high x_s = (α_s/α_t) x_t − σ_s (e^h − 1) ε̂_1,
///     order 3: x_2 = (α_2/α_t) x_t − σ_2 (e^{2h/3} − 1) ε̂ − 2 σ_2 ((e^{2h/3} − 1)/(2h/3) − 1) (ε̂_1 − ε̂),
///              low  x_s = (α_s/α_t) x_t − σ_s (e^h − 1) (ε̂ + 3/2 (ε̂_1 − ε̂)),
///              high x_s = (α_s/α_t) x_t − σ_s (e^h − 1) ε̂ − 3/2 σ_s ((e^h − 1)/h − 1) (ε̂_2 − ε̂).
/// With the error E = 10⁻⁸ + the root mean square of (low − high)/max(absolute, relative · max(|low|, |x_t|)), and E'
/// and E'' those of the last two accepted steps (of the first E), the next h is h · f with f = 1 + atan(E^{−(P+I+D)/p}
/// E'^{(P+2D)/p} E''^{−D/p} − 1), and the step is accepted if f ≥ safety. The next step starts from the high x_s.
/// @source Lu et al. 2022, arXiv 2206.00927, appendix C ("DPM-Solver-12, -23"); control: Söderlind 2003, as in
/// k-diffusion (sample_dpm_adaptive)
/// @accuracy samples of Gaussian data within 10 times the tolerances, for equal ones from 1e-6 to 1e-2
struct adaptive_dpm_solver {
    isize order = 3;  ///< the higher of the two orders, 2 or 3
    double relative_tolerance = 0.05;
    double absolute_tolerance = 0.0078;
    double first_step = 0.05;  ///< in λ = ln(α/σ)
    step_control control{};
    /// Accepted and rejected steps, after which a sample is abandoned, as is one that is not finite.
    isize most_steps = 10000;
};

/// The result of an adaptive run.
template <Scalar S>
struct adaptive_result {
    batch<S> x;                     ///< D × N
    isize evaluations = 0;          ///< of the network, on the whole batch
    std::vector<isize> accepted{};  ///< steps, per sample
    std::vector<isize> rejected{};
    bool finished = true;  ///< false if the run was stopped, or a sample was abandoned at the λ that it had reached
    bool stopped = false;  ///< whether the callback stopped the run: x is then the estimate of x_0
};

namespace detail {

/// A run of the solver from λ = `from` to λ = `to`.
template <Scalar S, class Session>
[[nodiscard]] adaptive_run<S, Session> adaptive_run_of(const adaptive_dpm_solver& solver,
                                                       const std::function<grid_point(double)>& point_at, double from,
                                                       double to, Session& session, prediction kind, batch<S> x) {
    const step_control& c = solver.control;
    const step_controller control({c.proportional, c.integral, c.differential}, c.safety, solver.first_step,
                                  solver.order);
    return {adaptive_state(solver.order, control, from),
            to,
            {solver.absolute_tolerance, solver.relative_tolerance},
            solver.most_steps,
            point_at,
            session,
            kind,
            std::move(x)};
}

}  // namespace detail

/// Denoises samples from λ = `from` to λ = `to` with adaptive steps. `point_at` returns the level and the network's
/// time at a λ. The callback is called at the first evaluation of each attempted step, with the time of the sample with
/// the lowest λ; its `steps` is most_steps.
/// @shape x D × N
/// @throws value_error unless order is 2 or 3, the tolerances, the first step and most_steps are positive, the
/// control's numbers finite, and from < to
/// @accuracy see adaptive_dpm_solver
template <Scalar S, class P>
[[nodiscard]] adaptive_result<S> denoise_from(const adaptive_dpm_solver& solver,
                                              const std::function<grid_point(double)>& point_at, double from, double to,
                                              P&& predictor, batch<S> x, const step_callback<S>& on_step = {}) {
    static_cast<void>(detail::signatures<S, P>{});
    if (solver.order != 2 && solver.order != 3) {
        throw value_error("adaptive_dpm_solver", "order", "2 or 3", solver.order);
    }
    if (!(solver.relative_tolerance > 0 && solver.absolute_tolerance > 0 && solver.first_step > 0 &&
          solver.most_steps > 0)) {
        throw value_error("adaptive_dpm_solver", "tolerances, first_step and most_steps", "> 0", "not so");
    }
    const step_control& control = solver.control;
    if (!std::isfinite(control.proportional + control.integral + control.differential + control.safety)) {
        throw value_error("adaptive_dpm_solver", "gains and safety of the control", "finite", "not so");
    }
    if (!(from < to)) {
        throw value_error("adaptive_dpm_solver", "lambda at the end", detail::text("> ", from), to);
    }
    decltype(auto) session = session_of(predictor, x.cols());
    auto run = detail::adaptive_run_of<S>(solver, point_at, from, to, session, prediction_of(predictor), std::move(x));
    while (!run.done() && run.step(on_step)) {
    }
    adaptive_result<S> result{.x = {}, .evaluations = run.evaluations(), .stopped = run.stopped()};
    for (const detail::adaptive_state& s : run.states()) {
        result.accepted.push_back(s.accepted);
        result.rejected.push_back(s.rejected);
        result.finished = result.finished && s.lambda >= to && !run.stopped();
    }
    result.x = std::move(run).take();
    return result;
}

}  // namespace ddpm
