// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/measurement.hpp>
#include <ddpm/grid/noise_path.hpp>
#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/likelihood/detail/dormand_prince.hpp>
#include <ddpm/likelihood/jacobian_trace.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/differentiable.hpp>

#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// Options of ode_likelihood.
struct ode_likelihood_options {
    trace_options trace{};     ///< how the divergence of the flow is computed
    double tolerance = 1e-5;   ///< of a step's error, absolute and relative, in x and in ln p per dimension
    double first_step = 0.05;  ///< length in ln(σ/α)
    isize most_steps = 10000;  ///< accepted and rejected, after which a sample is abandoned, as one that is not finite
    /// ln p of each column at the highest noise level, D × N → 1 × N; if empty, that of N(0, (α² + σ²) I).
    std::function<per_sample_values<double>(const batch<double>&)> prior{};
    measurement_callback progress{};  ///< called for each step; if it stops, unfinished samples are abandoned
};

/// The likelihoods, and statistics of their computation.
struct ode_likelihood_result {
    per_sample_values<double> log_density;     ///< nats per sample; NaN for an abandoned sample
    per_sample_values<double> standard_error;  ///< from the variance over probes; 0 for the exact trace, ∞ for one
                                               ///< probe
    batch<double> noise;                       ///< D × N, the samples at the highest noise level
    std::vector<isize> steps{};                ///< accepted and rejected, per sample
    isize evaluations = 0;                     ///< of the network, on the whole batch
    bool finished = true;                      ///< false if a sample was abandoned
};

namespace detail {

/// The probability flow of z = x / √(α² + σ²) in w = ln(σ/α), the same for every process: with a = α / √(α² + σ²) and
/// s = σ / √(α² + σ²), dz/dw = a s v̂. A column holds z, then for each trace estimate the integral of the divergence
/// per dimension, by which ln p decreases.
template <Scalar S, class Session>
class probability_flow {
public:
    probability_flow(const noise_path& path, Session& session, prediction kind, const trace_options& trace,
                     isize dimension, isize samples)
        : path_(path),
          session_(session),
          kind_(kind),
          x_(dimension, samples),
          predicted_(dimension, samples),
          trace_(trace, dimension, samples),
          traces_(trace_.estimates(), samples),
          times_(static_cast<std::size_t>(samples)) {}

    [[nodiscard]] isize estimates() const noexcept { return trace_.estimates(); }

    void operator()(std::span<const double> w, const batch<double>& state, batch<double>& slope) {
        const isize dimension = x_.rows();
        for (std::size_t n = 0; n < times_.size(); ++n) {
            const grid_point point = path_(std::exp(w[n]));
            times_[n] = point.t;
            const double c = length(point.level);
            const double* const z = column_of(state, n);
            S* const x = column_of(x_, n);
            for (isize i = 0; i < dimension; ++i) {
                x[i] = static_cast<S>(c * z[i]);
            }
        }
        session_(batch_view<const S>(x_), std::span<const double>(times_), model_output<S>{predicted_, {}});
        trace_(session_, batch_view<const S>(x_), std::span<const double>(times_), batch_view<double>(traces_));
        for (std::size_t n = 0; n < times_.size(); ++n) {
            const noise_level<double> level = path_(std::exp(w[n])).level;
            const double c = length(level), speed = level.signal * level.sigma / (c * c);
            const affine v = conversion(kind_, prediction::v, level);
            const double* const z = column_of(state, n);
            const double* const trace = column_of(traces_, n);
            const S* const p = column_of(predicted_, n);
            double* const to = column_of(slope, n);
            for (isize i = 0; i < dimension; ++i) {
                to[i] = speed * (v.xt * c * z[i] + v.value * static_cast<double>(p[i]));
            }
            for (isize i = 0; i < estimates(); ++i) {
                to[dimension + i] = speed * c * (v.xt + v.value * trace[i] / static_cast<double>(dimension));
            }
        }
    }

    [[nodiscard]] static double length(const noise_level<double>& level) {
        return std::hypot(level.signal, level.sigma);
    }

private:
    template <class Batch>
    [[nodiscard]] static auto column_of(Batch& x, std::size_t n) {
        return x.data() + static_cast<isize>(n) * x.rows();
    }

    const noise_path& path_;
    Session& session_;
    prediction kind_;
    batch<S> x_;
    batch<S> predicted_;
    jacobian_trace<S> trace_;
    batch<double> traces_;
    std::vector<double> times_;
};

/// ln N(z; 0, I) of the first `dimension` rows of each column.
inline per_sample_values<double> standard_log_density(const batch<double>& z, isize dimension) {
    const double constant = static_cast<double>(dimension) * std::log(2 * std::numbers::pi);
    per_sample_values<double> result(z.cols());
    for (isize n = 0; n < z.cols(); ++n) {
        const double* const column = &z(0, n);
        result(n) = -(std::inner_product(column, column + dimension, column, 0.0) + constant) / 2;
    }
    return result;
}

}  // namespace detail

/// The log-likelihood of data under a model by its probability-flow ODE, from the range's lowest σ/α to the highest,
/// where a prior gives the density. It is the density of x_0 plus noise of the lowest level. The step size is adapted
/// for each sample. Everything but the network is computed in double. Use the exact trace for data of few dimensions,
/// an estimate for images. Split large data sets with trace.first_sample: the memory is about 12 · D · N doubles.
///
/// Discrete data, such as pixels, have no density: use x_0 + width · (u − ½) with uniform noise u, and convert the
/// result with discretized_bits_per_dimension; in the mean that is an upper bound of the bits of the discrete data.
/// @shape x0 D × N
/// @units σ/α; log_density in nats, per sample
/// @throws shape_error if D is 0, or the prior returns another number of values; value_error unless range, tolerance,
/// first_step and most_steps are positive and lowest < highest; as jacobian_trace and noise_path
/// @accuracy the error of a step, estimated by the difference of the orders 5 and 4, is below the tolerance. With the
/// oracle of a mixture in double and its own prior, the error of ln p per dimension is below 30 tolerances, for those
/// from 1e-10 to 1e-4. An estimate of the trace adds the error that standard_error tells
/// @determinism the bits of a sample do not depend on the other samples if those of the predictor do not
/// @source Song et al. 2020, arXiv 2011.13456, section 4.3 and appendix D.2
template <BatchLike X, class P>
    requires DifferentiableLike<P, scalar_of<X>>
[[nodiscard]] ode_likelihood_result ode_likelihood(const noise_path& path, const sigma_range& range, P&& predictor,
                                                   const X& x0, const ode_likelihood_options& options = {}) {
    using S = scalar_of<X>;
    const detail::readable data(x0);
    const isize dimension = data.view().rows(), samples = data.view().columns();
    if (dimension == 0) {
        throw shape_error("ode_likelihood", "dimension", ">= 1", dimension);
    }
    if (!(range.lowest > 0 && range.lowest < range.highest && std::isfinite(range.highest))) {
        throw value_error("ode_likelihood", "range of sigma/alpha", "0 < lowest < highest < infinity",
                          detail::text(range.lowest, " ... ", range.highest));
    }
    if (!(options.tolerance > 0 && options.first_step > 0 && options.most_steps > 0)) {
        throw value_error("ode_likelihood", "tolerance, first_step and most_steps", "> 0", "not so");
    }
    decltype(auto) session = session_of(predictor, samples);
    detail::probability_flow<S, std::remove_reference_t<decltype(session)>> flow(
        path, session, prediction_of(predictor), options.trace, dimension, samples);

    // z = a x_0: x_0 is taken as x/α.
    const double cleanest = 1 / std::hypot(1.0, range.lowest), noisiest = std::log(range.highest);
    batch<double> state = batch<double>::Zero(dimension + flow.estimates(), samples);
    for (isize n = 0; n < samples; ++n) {
        for (isize i = 0; i < dimension; ++i) {
            state(i, n) = cleanest * static_cast<double>(data.view()(i, n));
        }
    }
    detail::dormand_prince solver(
        {.tolerance = options.tolerance, .first_step = options.first_step, .most_steps = options.most_steps},
        std::move(state), std::log(range.lowest));
    // The progress of a sample is the integrated fraction of its interval, or 1 if it was abandoned.
    detail::measurement work(options.progress, static_cast<double>(samples));
    const auto report_progress = [&] {
        double done = 0;
        for (isize n = 0; work.is_watched() && n < samples; ++n) {
            const double length = noisiest - std::log(range.lowest);
            done += solver.is_active(n) ? 1 - (noisiest - solver.u(n)) / length : 1;
        }
        return work.reach(done);
    };
    solver.integrate(noisiest, flow, report_progress);

    const double scale = decltype(flow)::length(path(range.highest).level), d = static_cast<double>(dimension);
    ode_likelihood_result result{{}, per_sample_values<double>::Zero(samples), batch<double>(dimension, samples)};
    for (isize n = 0; n < samples; ++n) {
        for (isize i = 0; i < dimension; ++i) {
            result.noise(i, n) = scale * solver.y()(i, n);
        }
    }
    result.log_density =
        options.prior ? options.prior(result.noise) : detail::standard_log_density(solver.y(), dimension);
    if (result.log_density.cols() != samples) {
        throw shape_error("ode_likelihood", "values of the prior", samples, result.log_density.cols());
    }
    for (isize n = 0; n < samples; ++n) {
        const std::span<const double> divergences(&solver.y()(dimension, n),
                                                  static_cast<std::size_t>(flow.estimates()));
        const double k = static_cast<double>(flow.estimates());
        const double mean = d * std::accumulate(divergences.begin(), divergences.end(), 0.0) / k;
        if (options.prior) {
            result.log_density(n) += d * std::log(scale);
        }
        result.log_density(n) += mean + d * std::log(cleanest);
        if (options.trace.method != trace_method::exact) {
            double squares = 0;
            for (const double divergence : divergences) {
                squares += (d * divergence - mean) * (d * divergence - mean);
            }
            result.standard_error(n) =
                k < 2 ? std::numeric_limits<double>::infinity() : std::sqrt(squares / (k * (k - 1)));
        }
        if (solver.u(n) < noisiest) {
            result.log_density(n) = std::numeric_limits<double>::quiet_NaN();
            result.finished = false;
        }
        result.steps.push_back(solver.accepted(n) + solver.rejected(n));
    }
    result.evaluations = solver.evaluations();
    return result;
}

/// The bits per dimension of discrete data with spacing `width` in every dimension, from the density of the data plus
/// uniform noise: −log₂(p · width^D) / D. For pixels 0 … 255 scaled to [−1, 1] the width is 2/255.
/// @units log_density in nats, of a whole sample; the result in bits per dimension
/// @throws value_error unless dimension ≥ 1 and width > 0
/// @accuracy at most 4 roundings (2⁻⁵³) of |log_density|/(D ln 2), and 3 of |log₂ width|
/// @source Theis et al. 2015, arXiv 1511.01844, section 3.1
[[nodiscard]] inline double discretized_bits_per_dimension(double log_density, isize dimension, double width) {
    if (!(dimension >= 1 && width > 0)) {
        throw value_error("discretized_bits_per_dimension", "dimension and width", ">= 1 and > 0",
                          detail::text(dimension, ", ", width));
    }
    return -log_density / (static_cast<double>(dimension) * std::numbers::ln2) - std::log2(width);
}

}  // namespace ddpm
