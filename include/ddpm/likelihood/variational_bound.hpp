// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/likelihood/bound_options.hpp>
#include <ddpm/likelihood/bound_result.hpp>
#include <ddpm/likelihood/detail/bound_run.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/concept.hpp>

#include <type_traits>
#include <utility>

namespace ddpm {

/// What yields a data set part by part: a callable without arguments that returns a batch, which stays valid until the
/// next call, and at the end an empty one.
template <class F>
concept BatchSource = requires(F& next) {
    { next() } -> BatchLike;
};

/// A data set, as one batch or part by part.
template <class X>
concept DataSet = BatchLike<X> || BatchSource<X>;

namespace detail {

template <class X>
struct scalar_of_data {
    using type = scalar_of<std::remove_cvref_t<decltype(std::declval<X&>()())>>;
};
template <BatchLike X>
struct scalar_of_data<X> {
    using type = scalar_of<X>;
};

}  // namespace detail

/// Measures the variational bound of −ln p(x_0) over a data set: L_T, which the noise leaves, + Σ KL(q(x_s|x_t, x_0) ‖
/// p(x_s|x_t)) over the steps of the chain + L_0 = −ln p(x_0|x_1) of the decoder. Each sample is noised anew for each
/// timestep. The noise of sample n at t is source.normal(…, t, options.first_sample + n).
/// @shape data D × N, or parts of D rows
/// @units nats per dimension in the mean over the data; result.bits() in bits. A density (gaussian_decoder) is that of
/// the data as given
/// @param predictor predicts anything that gives x̂_0; what a predictor does not write of its variance head is NaN
/// @throws value_error unless there is a sample, for options outside their domain, or data outside [−1, 1] for the
/// discretized decoder, or where the prediction gives no x̂_0
/// (ε at ᾱ_t = 0); shape_error if parts of the data have different dimensions; what the predictor, the data and the
/// noise throw
/// @accuracy terms are computed and summed in double
/// @determinism with addressed noise the same bits for every thread count, batch size and division of the data into
/// parts, if the predictor keeps samples apart
/// @complexity one prediction per sample and timestep; memory for one batch and for the chain
/// @source Ho et al. 2020, arXiv 2006.11239, equation 5; Nichol and Dhariwal 2021, arXiv 2102.09672, the authors' code
template <NoiseSchedule Schedule, class P, DataSet Data, class Noise,
          Scalar S = typename detail::scalar_of_data<std::remove_reference_t<Data>>::type>
    requires PredictorLike<P, S> && NoiseSource<std::remove_reference_t<Noise>, S>
[[nodiscard]] bound_result variational_bound(const Schedule& schedule, P&& predictor, Data&& data,
                                             const bound_options& options, Noise&& noise) {
    using bound_run = detail::bound_run<S, Schedule, std::remove_reference_t<P>, std::remove_reference_t<Noise>>;
    if constexpr (BatchLike<std::remove_cvref_t<Data>>) {
        const detail::readable all(data);
        bound_run run(schedule, predictor, options, noise, all.view().columns());
        run.add(all.view());
        return run.result();
    } else {
        bound_run run(schedule, predictor, options, noise, 0);
        while (!run.is_stopped()) {
            auto&& part = data();
            const detail::readable memory(part);
            if (memory.view().size() == 0) {
                break;
            }
            run.add(memory.view());
        }
        return run.result();
    }
}

/// The same with the default noise: the Philox stream `evaluation` of options.seed.
template <NoiseSchedule Schedule, class P, DataSet Data,
          Scalar S = typename detail::scalar_of_data<std::remove_reference_t<Data>>::type>
    requires PredictorLike<P, S>
[[nodiscard]] bound_result variational_bound(const Schedule& schedule, P&& predictor, Data&& data,
                                             const bound_options& options = {}) {
    return variational_bound(schedule, predictor, data, options, philox_noise(options.seed, noise_stream::evaluation));
}

}  // namespace ddpm
