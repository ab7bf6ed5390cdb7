// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/sampler/adaptive_options.hpp>
#include <ddpm/sampler/detail/adaptive_run.hpp>
#include <ddpm/sampler/detail/signatures.hpp>
#include <ddpm/sampler/run.hpp>

#include <cmath>
#include <functional>
#include <type_traits>
#include <utility>

namespace ddpm {

/// Denoises samples from λ = `from` to λ = `to` with steps of their own. `point_at` gives the level and the model's time
/// at any λ between.
/// The callback is called at the first evaluation of each step that is tried: of at most `most_steps`, with the time of the
/// sample that is furthest behind.
/// @shape x D × N
/// @throws value_error unless order is 2 or 3, the tolerances, the first step and most_steps are positive, the control's
/// numbers finite, and from < to
/// @source Lu et al. 2022, arXiv 2206.00927, appendix C ("DPM-Solver-12, -23"); control: Söderlind 2003, as in k-diffusion
template <Scalar S, class P>
[[nodiscard]] adaptive_result<S> denoise_from(const adaptive_dpm_solver& solver,
                                              const std::function<grid_point(double)>& point_at, double from, double to,
                                              P&& predictor, batch<S> x, const step_callback<S>& on_step = {}) {
    static_cast<void>(detail::signatures<S, P>{});
    if (solver.order != 2 && solver.order != 3) {
        throw value_error("adaptive_dpm_solver", "order", "2 or 3", solver.order);
    }
    if (!(solver.relative_tolerance > 0 && solver.absolute_tolerance > 0 && solver.first_step > 0 && solver.most_steps > 0)) {
        throw value_error("adaptive_dpm_solver", "tolerances, first_step and most_steps", "> 0", "not so");
    }
    const step_control& control = solver.control;
    if (!std::isfinite(control.proportional + control.integral + control.differential + control.safety)) {
        throw value_error("adaptive_dpm_solver", "gains and safety of the control", "finite", "not so");
    }
    if (!(from < to)) {
        throw value_error("adaptive_dpm_solver", "lambda at the end", detail::text("> ", from), to);
    }
    decltype(auto) session = detail::session_of(predictor, x.cols());
    detail::adaptive_run<S, std::remove_reference_t<decltype(session)>> run(solver, session, prediction_of(predictor),
                                                                            point_at, from, to, std::move(x));
    while (!run.done() && run.step(on_step)) {
    }
    return std::move(run).result();
}

}  // namespace ddpm
