// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/loss/detail/decoder_chunk.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <variant>

namespace ddpm {

/// How Φ, the cumulative distribution function of the standard normal, is computed.
enum class normal_cdf {
    tanh,   ///< ½ (1 + tanh √(2/π) (x + 0.044715 x³)), as in published likelihoods; error up to 2e-4
    exact,  ///< by erfc
};

/// p(x_0|x_1) of data with equally spaced levels in [−1, 1]: the probability of the level's bin under
/// N(mean, e^(2 log_scale)); the first and the last bin extend to infinity.
/// @source Ho et al. 2020, arXiv 2006.11239, equation 13; tanh and the lower limit: Nichol and Dhariwal 2021, arXiv
/// 2102.09672, the authors' code
struct discretized_decoder {
    isize levels = 256;  ///< ≥ 2
    normal_cdf cdf = normal_cdf::tanh;
    double smallest_probability = 1e-12;  ///< lower limit, without gradient there; 0: no limit
};

/// p(x_0|x_1) of continuous data: the density of N(mean, e^(2 log_scale)).
struct gaussian_decoder {};

/// Either decoder.
using any_decoder = std::variant<discretized_decoder, gaussian_decoder>;

/// @throws value_error unless levels ≥ 2 and 0 ≤ smallest_probability < 1
inline void require_valid(std::string_view where, const any_decoder& decoder) {
    if (const auto* discretized = std::get_if<discretized_decoder>(&decoder)) {
        if (discretized->levels < 2) {
            throw value_error(where, "levels of the decoder", ">= 2", discretized->levels);
        }
        if (!(discretized->smallest_probability >= 0 && discretized->smallest_probability < 1)) {
            throw value_error(where, "smallest probability of the decoder", "in [0, 1)",
                              discretized->smallest_probability);
        }
    }
}

/// Refuses data of a discretized decoder outside [−1, 1] by more than half a bin or 0.01, except elements of weight 0.
/// @shape x0 D × N; element_weight D × N or empty
/// @throws value_error if a value is outside, such as an unscaled pixel 0 … 255; shape_error if the shapes differ
template <BatchLike X>
void require_in_range(std::string_view where, const any_decoder& decoder, const X& x0,
                      batch_view<const scalar_of<X>> element_weight = {}) {
    const auto* const discretized = std::get_if<discretized_decoder>(&decoder);
    if (discretized == nullptr) {
        return;
    }
    using S = scalar_of<X>;
    const detail::readable data(x0);
    const batch_view<const S> x = data.view();
    if (element_weight.size() != 0) {
        detail::require_same_shape(where, "element_weight has the shape of the data", x, element_weight);
    }
    const S limit = static_cast<S>(1 + std::min(0.01, 1 / static_cast<double>(discretized->levels - 1)));
    const auto is_outside = [limit](S value) { return value < -limit || value > limit; };
    for (isize n = 0; n < x.columns(); ++n) {
        const S* const column = x.column(n);
        const S* const weight = element_weight.size() == 0 ? nullptr : element_weight.column(n);
        bool any = false;
        for (isize i = 0; i < x.rows(); ++i) {
            any |= is_outside(column[i]);
        }
        for (isize i = 0; any && i < x.rows(); ++i) {
            if (is_outside(column[i]) && (weight == nullptr || weight[i] != 0)) {
                throw value_error(where, detail::text("data for the discretized decoder, sample ", n),
                                  "in [-1, 1]: pixels 0 ... 255 are x / 127.5 - 1", column[i]);
            }
        }
    }
}

/// The limit to which x̂_0 is clamped: 1 for a discretized decoder with clip_denoised, otherwise infinite.
[[nodiscard]] inline double x0_limit(bool clip_denoised, const any_decoder& decoder) {
    return clip_denoised && std::holds_alternative<discretized_decoder>(decoder)
               ? 1
               : std::numeric_limits<double>::infinity();
}

namespace detail {

/// Computes the chunk's values and derivatives.
inline void decode(const any_decoder& decoder, decoder_chunk& chunk) {
    if (const auto* discretized = std::get_if<discretized_decoder>(&decoder)) {
        const double half_bin = 1 / static_cast<double>(discretized->levels - 1);
        if (discretized->cdf == normal_cdf::tanh) {
            decode_by_tanh(half_bin, discretized->smallest_probability, chunk);
        } else {
            decode_by_erfc(half_bin, discretized->smallest_probability, chunk);
        }
    } else {
        decode_gaussian(chunk);
    }
}

}  // namespace detail

/// The logarithm of a decoder's probability or density, and its derivatives.
struct decoder_value {
    double log_likelihood;
    double d_mean;
    double d_log_scale;
};

/// The log-likelihood of one element.
/// @units nats; log_scale is the logarithm of a standard deviation
/// @throws value_error as require_valid and require_in_range
/// @accuracy tanh: at most 16 roundings (2⁻⁵³) of 1 + |value|, also in the tails; exact: 16 of that times 1 +
/// e^log_scale · levels, as a difference of two Φ, and beyond 38 standard deviations erfc underflows: without a lower
/// limit the value is −∞; Gaussian: 4 of 1 + |log_scale| + ((x0 − mean) e^(−log_scale))²
[[nodiscard]] inline decoder_value log_likelihood(const any_decoder& decoder, double x0, double mean,
                                                  double log_scale) {
    require_valid("log_likelihood", decoder);
    require_in_range("log_likelihood", decoder, batch_view<const double>(&x0, 1, 1));
    detail::decoder_chunk chunk;
    chunk.count = 1;
    chunk.x0[0] = x0;
    chunk.mean[0] = mean;
    chunk.log_scale[0] = log_scale;
    detail::decode(decoder, chunk);
    return {chunk.value[0], chunk.d_mean[0], chunk.d_log_scale[0]};
}

/// The log-likelihood of each sample, summed over its elements, and optionally its derivatives.
/// @shape x0 and mean D × N; log_scale D × N, or 1 × N for one value per sample; values N; d_mean as mean or empty,
/// d_log_scale as log_scale or empty
/// @units nats per sample
/// @throws shape_error if the shapes do not fit; value_error as require_valid and require_in_range
/// @accuracy computed and summed in double, whatever the scalar type
/// @determinism the same bits for every thread count; a sample's value does not depend on the others
template <BatchLike X, BatchLike M, BatchLike V>
void log_likelihood(const any_decoder& decoder, const X& x0, const M& mean, const V& log_scale,
                    std::span<double> values, batch_view<scalar_of<X>> d_mean = {},
                    batch_view<scalar_of<X>> d_log_scale = {}) {
    using S = scalar_of<X>;
    require_valid("log_likelihood", decoder);
    const detail::readable data(x0);
    const detail::readable means(mean);
    const detail::readable log_scales(log_scale);
    const batch_view<const S> x = data.view(), m = means.view(), v = log_scales.view();
    detail::require_same_shape("log_likelihood", "mean has the shape of x0", x, m);
    if (v.columns() != x.columns() || (v.rows() != x.rows() && v.rows() != 1)) {
        throw shape_error("log_likelihood", "log_scale", detail::text(x.rows(), " or 1 x ", x.columns()),
                          detail::text(v.rows(), " x ", v.columns()));
    }
    if (static_cast<isize>(values.size()) != x.columns()) {
        throw shape_error("log_likelihood", "one value per sample", x.columns(), values.size());
    }
    if (d_mean.size() != 0) {
        detail::require_same_shape("log_likelihood", "d_mean has the shape of mean", m, d_mean);
    }
    if (d_log_scale.size() != 0) {
        detail::require_same_shape("log_likelihood", "d_log_scale has the shape of log_scale", v, d_log_scale);
    }
    require_in_range("log_likelihood", decoder, x);
    const bool shared = v.rows() == 1;
    parallel_for(x.columns(), kernels::columns_per_task(x.rows(), 4), [&](isize begin, isize end) {
        detail::decoder_chunk chunk;
        for (isize n = begin; n < end; ++n) {
            double sum = 0, slope = 0;
            for (isize first = 0; first < x.rows(); first += chunk.size) {
                chunk.count = std::min(chunk.size, x.rows() - first);
                for (isize i = 0; i < chunk.count; ++i) {
                    chunk.x0[i] = static_cast<double>(x(first + i, n));
                    chunk.mean[i] = static_cast<double>(m(first + i, n));
                    chunk.log_scale[i] = static_cast<double>(v(shared ? 0 : first + i, n));
                }
                detail::decode(decoder, chunk);
                for (isize i = 0; i < chunk.count; ++i) {
                    sum += chunk.value[i];
                    slope += chunk.d_log_scale[i];
                    if (d_mean.size() != 0) {
                        d_mean(first + i, n) = static_cast<S>(chunk.d_mean[i]);
                    }
                    if (d_log_scale.size() != 0 && !shared) {
                        d_log_scale(first + i, n) = static_cast<S>(chunk.d_log_scale[i]);
                    }
                }
            }
            if (d_log_scale.size() != 0 && shared) {
                d_log_scale(0, n) = static_cast<S>(slope);
            }
            values[static_cast<std::size_t>(n)] = sum;
        }
    });
}

}  // namespace ddpm
