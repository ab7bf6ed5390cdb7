// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/sum_of_squares.hpp>
#include <ddpm/schedule/concept.hpp>

#include <cmath>
#include <cstddef>
#include <span>

namespace ddpm {

/// KL(q(x_t|x_0) ‖ N(0, I)) of each sample, summed over its elements; at t = T − 1, L_T of the variational bound.
/// @shape x0 D × N; values N
/// @units nats per sample; t is 0-based
/// @throws shape_error unless there is one value per sample; value_error unless 0 ≤ t < T
/// @accuracy no cancellation for small ᾱ_t; computed in double, from ᾱ_t at most D + 4 roundings (2⁻⁵³) of ½ ᾱ_t Σ x_0²,
/// and 6 of ½ D |ln(1 − ᾱ_t)|
/// @determinism the same bits for every thread count; a sample's value does not depend on the other samples
/// @source Ho et al. 2020, arXiv 2006.11239, equation 5
template <NoiseSchedule Schedule, BatchLike X>
void prior_kl(const Schedule& schedule, const X& x0, isize t, std::span<double> values) {
    using S = scalar_of<X>;
    require_timestep("prior_kl", schedule, t);
    const detail::readable data(x0);
    const batch_view<const S> x = data.view();
    if (static_cast<isize>(values.size()) != x.columns()) {
        throw shape_error("prior_kl", "one value per sample", x.columns(), values.size());
    }
    const double alpha_bar = static_cast<double>(schedule.alpha_bar(t));
    // The part that does not depend on x_0 is ½ (−ᾱ − ln(1 − ᾱ)) per element.
    const double constant = static_cast<double>(x.rows()) * (-alpha_bar - std::log1p(-alpha_bar));
    parallel_for(x.columns(), kernels::columns_per_task(x.rows()), [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            values[static_cast<std::size_t>(n)] =
                0.5 * (alpha_bar * kernels::sum_of_squares<S>(x.rows(), x.column(n)) + constant);
        }
    });
}

/// As above for t = T − 1, returned.
template <NoiseSchedule Schedule, BatchLike X>
[[nodiscard]] per_sample_values<double> prior_kl(const Schedule& schedule, const X& x0) {
    const detail::readable data(x0);
    per_sample_values<double> values(data.view().columns());
    prior_kl(schedule, data.view(), static_cast<isize>(schedule.steps()) - 1,
             std::span<double>(values.data(), static_cast<std::size_t>(values.size())));
    return values;
}

}  // namespace ddpm
