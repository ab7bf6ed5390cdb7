// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/likelihood/bound_options.hpp>
#include <ddpm/likelihood/bound_result.hpp>
#include <ddpm/likelihood/detail/bound_run.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/concept.hpp>

#include <type_traits>
#include <utility>

namespace ddpm {

/// A source of data in parts: a callable without arguments that returns a batch, which is valid until the next call and
/// empty at the end.
template <class F>
concept BatchSource = requires(F& next) {
    { next() } -> BatchLike;
};

/// A data set: one batch, or parts from a BatchSource.
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

/// Computes the variational bound of −ln p(x_0) over a data set: L_T = KL(q(x_T|x_0) ‖ N(0, I)), plus
/// KL(q(x_s|x_t, x_0) ‖ p(x_s|x_t)) of the steps of the chain, plus the decoder's L_0 = −ln p(x_0|x_1). Each sample
/// gets new noise at each timestep: source.normal(…, t, options.first_sample + n) for sample n at t. Each batch has a
/// session of the predictor of its own, which is called from the noisiest timestep to the least noisy one.
/// @shape data D × N, or parts of D rows
/// @units nats per dimension, averaged over the data; result.bits() in bits. With gaussian_decoder, of the data as
/// given
/// @param predictor predicts any kind that determines x̂_0; writes a variance head if options.variance uses it
/// @throws value_error unless there is a sample, for options outside their domain, for data outside [−1, 1] with the
/// discretized decoder, where the prediction does not determine x̂_0 (ε at ᾱ_t = 0), and if options.variance uses a
/// variance head that the predictor does not write; shape_error if parts of the data have different dimensions; what the
/// predictor, the data and the noise throw
/// @accuracy terms are computed and summed in double, from x_t as q_sample gives it and the predictions in S: L_T as
/// prior_kl, L_0 as log_likelihood of the decoder, means as mean_estimate. Of OpenAI's code within 1e-7 of 1 + the bits
/// per dimension, in float 1e-5
/// @determinism with addressed noise the same bits for every thread count, batch size and division of the data into
/// parts, if the predictor's outputs do not depend on the other samples of a batch
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

/// As above with the default noise: the Philox stream `evaluation` of options.seed.
template <NoiseSchedule Schedule, class P, DataSet Data,
          Scalar S = typename detail::scalar_of_data<std::remove_reference_t<Data>>::type>
    requires PredictorLike<P, S>
[[nodiscard]] bound_result variational_bound(const Schedule& schedule, P&& predictor, Data&& data,
                                             const bound_options& options = {}) {
    return variational_bound(schedule, predictor, data, options, philox_noise(options.seed, noise_stream::evaluation));
}

}  // namespace ddpm
