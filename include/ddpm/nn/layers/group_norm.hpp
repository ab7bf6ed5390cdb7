// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/group_norm.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string_view>

namespace ddpm::nn {

/// Group normalization: each group of channels of a sample is normalized over its channels and all pixels. A learned
/// scale and shift per channel follow, then optionally a scale and shift per sample, and an activation.
/// @source Wu and He 2018, arXiv 1803.08494; the scale and shift of a sample: Dhariwal and Nichol 2021, arXiv
///     2105.05233, section 3
template <Scalar S>
struct group_norm : weight_and_bias {
    using scalar = S;

    tensor<S> weight;  ///< (channels)
    tensor<S> bias;    ///< (channels)
    isize groups = 0;
    double eps = 1e-5;

    group_norm() noexcept = default;

    /// Scale one, shift zero.
    /// @throws value_error unless the groups divide the channels, and eps ≥ 0
    group_norm(isize channels, isize groups_, double eps_)
        : weight({channels}), bias({channels}), groups(groups_), eps(eps_) {
        detail::require(groups >= 1 && channels % groups == 0, "group_norm", "the groups do not divide the channels",
                        {"a divisor of ", channels}, {groups});
        detail::require(eps >= 0, "group_norm", "eps", {">= 0"}, {eps});
        std::fill(weight.values().begin(), weight.values().end(), S{1});
    }

    [[nodiscard]] isize channels() const noexcept { return weight.size(); }

    /// y = f((z · weight + bias) · (1 + scale) + shift) with z = (x − mean) / √(variance + eps); the variance of a
    /// group of n elements is divided by n.
    /// @shape x, y channels × height × width × N, y may be x; scale_shift 2·channels × N, the scales above the shifts,
    /// or empty; moments 2 × groups·N: mean and 1/√(variance + eps) of each group, sample by sample
    /// @throws shape_error if the shapes do not fit
    /// @accuracy the moments are computed in double and then rounded. With the unit roundoff u of S and without f the
    /// error is at most u · (4 · (|x| + |mean|) · |a| + |y|), with a the factor of x in y, if bias and shift are 0
    /// @determinism the bits of a sample depend on that sample only
    void forward(feature_map<const S> x, activation f, batch_view<const S> scale_shift, feature_map<S> y,
                 batch_view<S> moments) const {
        require("group_norm::forward", x, scale_shift, moments);
        detail::require_map("group_norm::forward", "output", y, channels(), x.height, x.width, x.samples);
        for_each_part(x, [&](isize n, isize first, isize last) {
            find_moments(x, n, first, last, moments);
            for_each_chunk(first, last, [&](isize c, isize count) {
                std::array<S, chunk> a, b;
                find_factors(moments, scale_shift, n, c, count, a.data(), b.data());
                kernels::detail::scale_shift<S>(part_of(x, n, c, count), a.data(), b.data(), f,
                                                part_of(y, n, c, count));
            });
        });
    }

    /// x as it is read for forward's y, which takes no memory then. Overwrites moments and factors; the result refers to
    /// the factors.
    /// @shape as forward; factors 2·channels × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy the bits of forward's y
    [[nodiscard]] normalized_map<S> normalized(feature_map<const S> x, activation f, batch_view<const S> scale_shift,
                                               batch_view<S> moments, batch_view<S> factors) const {
        require("group_norm::normalized", x, scale_shift, moments);
        detail::require_batch("group_norm::normalized", "factors", factors, 2 * channels(), x.samples);
        for_each_part(x, [&](isize n, isize first, isize last) {
            find_moments(x, n, first, last, moments);
            S* const a = factors.column(n);
            find_factors(moments, scale_shift, n, first, last - first, a + first, a + channels() + first);
        });
        return {x, factors.data(), f};
    }

    /// With y = f(u), du = dy · f'(u), g = du · weight · (1 + scale), σ = √(variance + eps), and means over a group:
    ///     dx = (g − mean(g) − z · mean(g z)) / σ.
    /// For each channel d.weight += Σ du z (1 + scale) and d.bias += Σ du (1 + scale) over the pixels and, in order, the
    /// samples. For each channel and sample d_scale_shift is overwritten with Σ du (z · weight + bias) for the scale and
    /// Σ du for the shift, over the pixels.
    /// dy is overwritten: with du, unless it is dx.
    /// @shape x, dy, dx as forward's x and y, dx may be dy or x; moments as forward left them; scale_shift as forward's;
    ///     d_scale_shift like it, or empty; d of this layer's sizes
    /// @throws shape_error if the shapes do not fit
    /// @determinism the same bits for every thread count
    /// @accuracy for values near 1 within 4e-6 in float and 1e-13 in double of torch's; in double 1e-6 of central
    /// differences
    void backward(feature_map<const S> x, batch_view<const S> moments, activation f, batch_view<const S> scale_shift,
                  feature_map<S> dy, feature_map<S> dx, batch_view<S> d_scale_shift, group_norm& d) const {
        constexpr std::string_view where = "group_norm::backward";
        require(where, x, scale_shift, moments);
        detail::require_map(where, "gradient of the output", dy, channels(), x.height, x.width, x.samples);
        detail::require_map(where, "gradient of the input", dx, channels(), x.height, x.width, x.samples);
        if (d_scale_shift.data() != nullptr) {
            detail::require_batch(where, "gradient of scale and shift", d_scale_shift, 2 * channels(), x.samples);
        }
        detail::require_gradient(where, weight.shape(), d.weight.shape());
        detail::require_gradient(where, bias.shape(), d.bias.shape());
        // For each sample and channel Σ du and Σ du·z, where y = f(u).
        double* const sums = thread_scratch<sums_tag, double>(2 * channels() * x.samples);
        for_each_part(x, [&](isize n, isize first, isize last) {
            double* const sum = sums + 2 * channels() * n;
            double* const product = sum + channels();
            for_each_chunk(first, last, [&](isize c, isize count) {
                std::array<S, chunk> a, b;
                find_factors(moments, scale_shift, n, c, count, a.data(), b.data());
                const batch_view<S> du = part_of(dy, n, c, count);
                kernels::detail::scale_shift_sums<S>(part_of(x, n, c, count), a.data(), b.data(), f, du, sum + c,
                                                     product + c);
                for (isize i = c; i < c + count; ++i) {
                    const S* const moment = moments.column(n * groups + i / group_size());
                    product[i] =
                        (product[i] - static_cast<double>(moment[0]) * sum[i]) * static_cast<double>(moment[1]);
                }
            });
            for_each_chunk(first, last, [&](isize c, isize count) {
                std::array<S, chunk> p, q, r;
                find_gradient_factors(x.pixels(), moments, scale_shift, sum, product, n, c, count, p.data(), q.data(),
                                      r.data());
                kernels::detail::channel_combination<S>(part_of(dy, n, c, count), part_of(x, n, c, count), p.data(),
                                                        q.data(), r.data(), part_of(dx, n, c, count));
            });
        });
        for (isize c = 0; c < channels(); ++c) {
            double d_weight = 0, d_bias = 0;
            for (isize n = 0; n < x.samples; ++n) {
                const double sum = sums[2 * channels() * n + c];
                const double product = sums[2 * channels() * n + channels() + c];
                const double gain = gain_of(scale_shift, n, c);
                d_weight += gain * product;
                d_bias += gain * sum;
                if (d_scale_shift.data() != nullptr) {
                    d_scale_shift(c, n) =
                        static_cast<S>(static_cast<double>(weight[c]) * product + static_cast<double>(bias[c]) * sum);
                    d_scale_shift(channels() + c, n) = static_cast<S>(sum);
                }
            }
            d.weight[c] += static_cast<S>(d_weight);
            d.bias[c] += static_cast<S>(d_bias);
        }
    }

private:
    struct sums_tag {};  // for thread_scratch: what backward sums up

    /// The number of channels whose factors a task computes at a time.
    static constexpr isize chunk = 256;

    [[nodiscard]] isize group_size() const noexcept { return channels() / groups; }

    void require(std::string_view where, const feature_map<const S>& x, const batch_view<const S>& scale_shift,
                 const batch_view<const S>& moments) const {
        detail::require_map(where, "input", x, channels(), x.height, x.width, x.samples);
        detail::require_batch(where, "moments", moments, 2, groups * x.samples);
        if (scale_shift.data() != nullptr) {
            detail::require_batch(where, "scale and shift", scale_shift, 2 * channels(), x.samples);
        }
    }

    template <class T>
    [[nodiscard]] static isize offset(const feature_map<T>& map, isize n, isize c) {
        return n * map.channels * map.pixels() + c;
    }

    /// Channels c … c + count − 1 of sample n, one pixel per column.
    template <class T>
    [[nodiscard]] static batch_view<T> part_of(const feature_map<T>& map, isize n, isize c, isize count) {
        return {map.data + offset(map, n, c), count, map.pixels(), map.channels};
    }

    /// Calls body(n, first, last) in parallel for channels first … last − 1 of sample n, whole groups. With fewer
    /// samples than threads a sample is divided, at cache lines; this does not change the bits.
    template <class Body>
    void for_each_part(const feature_map<const S>& x, const Body& body) const {
        if (x.size() == 0) {  // NOLINT(readability-container-size-empty): a map of no samples may have memory
            return;
        }
        constexpr isize line = 64 / static_cast<isize>(sizeof(S));
        const isize wanted = (thread_count() - 1) / x.samples + 1;
        const isize unit = line / std::gcd(line, group_size());
        const isize per_part = ((groups - 1) / wanted / unit + 1) * unit;
        const isize parts = ddpm::detail::divided_up(groups, per_part);
        const isize elements = std::min(per_part, groups) * group_size() * x.pixels();
        parallel_for(x.samples * parts, kernels::columns_per_task(elements), [&](isize begin, isize end) {
            for (isize task = begin; task < end; ++task) {
                const isize first = task % parts * per_part;
                body(task / parts, first * group_size(), std::min(groups, first + per_part) * group_size());
            }
        });
    }

    template <class Body>
    static void for_each_chunk(isize first, isize last, const Body& body) {
        for (; first < last; first += chunk) {
            body(first, std::min(chunk, last - first));
        }
    }

    /// Combines the moments of the channels of each group, one after another (Chan et al. 1983).
    void find_moments(const feature_map<const S>& x, isize n, isize first, isize last, batch_view<S> moments) const {
        const auto pixels = static_cast<double>(x.pixels());
        double mean = 0, squares = 0;
        for_each_chunk(first, last, [&](isize c, isize count) {
            std::array<double, chunk> means, channel_squares;
            kernels::detail::channel_moments<S>(part_of(x, n, c, count), means.data(), channel_squares.data());
            for (isize i = 0; i < count; ++i) {
                const isize before = (c + i) % group_size();
                const double share = 1 / static_cast<double>(before + 1);
                const double difference = means[static_cast<std::size_t>(i)] - mean;
                if (before == 0) {
                    mean = means[static_cast<std::size_t>(i)];
                    squares = channel_squares[static_cast<std::size_t>(i)];
                } else {
                    mean += difference * share;
                    squares += channel_squares[static_cast<std::size_t>(i)] +
                               difference * difference * pixels * static_cast<double>(before) * share;
                }
                if (before + 1 == group_size()) {
                    S* const moment = moments.column(n * groups + (c + i) / group_size());
                    moment[0] = static_cast<S>(mean);
                    moment[1] = static_cast<S>(1 / std::sqrt(squares * share / pixels + eps));
                }
            }
        });
    }

    [[nodiscard]] double gain_of(const batch_view<const S>& scale_shift, isize n, isize c) const {
        return scale_shift.data() == nullptr ? 1 : 1 + static_cast<double>(scale_shift(c, n));
    }

    /// The coefficients of u = a·x + b, which is everything except f. b compensates for the rounding of a at the mean.
    void find_factors(const batch_view<const S>& moments, const batch_view<const S>& scale_shift, isize n, isize first,
                      isize count, S* a, S* b) const {
        for (isize i = 0; i < count; ++i) {
            const isize c = first + i;
            const S* const moment = moments.column(n * groups + c / group_size());
            const double gain = gain_of(scale_shift, n, c);
            const double factor = static_cast<double>(moment[1]) * static_cast<double>(weight[c]) * gain;
            const double shift =
                static_cast<double>(bias[c]) * gain +
                (scale_shift.data() == nullptr ? 0 : static_cast<double>(scale_shift(channels() + c, n)));
            a[i] = static_cast<S>(factor);
            b[i] = static_cast<S>(shift - static_cast<double>(moment[0]) * static_cast<double>(a[i]));
        }
    }

    /// With g = du · weight · (1 + scale): dx = (g − mean(g) − z · mean(g·z)) / σ as p·du + q·x + r.
    void find_gradient_factors(isize pixels, const batch_view<const S>& moments, const batch_view<const S>& scale_shift,
                               const double* sum, const double* product, isize n, isize first, isize count, S* p, S* q,
                               S* r) const {
        const double inverse_size = 1 / static_cast<double>(group_size() * pixels);
        double mean = 0, mean_product = 0;
        for (isize i = 0; i < count; ++i) {
            const isize c = first + i, group = c / group_size();
            if (i == 0 || c % group_size() == 0) {
                mean = mean_product = 0;
                for (isize k = group * group_size(); k < (group + 1) * group_size(); ++k) {
                    const double factor = static_cast<double>(weight[k]) * gain_of(scale_shift, n, k);
                    mean += factor * sum[k];
                    mean_product += factor * product[k];
                }
                mean *= inverse_size;
                mean_product *= inverse_size;
            }
            const S* const moment = moments.column(n * groups + group);
            const double center = static_cast<double>(moment[0]), inverse = static_cast<double>(moment[1]);
            p[i] = static_cast<S>(static_cast<double>(weight[c]) * gain_of(scale_shift, n, c) * inverse);
            q[i] = static_cast<S>(-inverse * inverse * mean_product);
            r[i] = static_cast<S>(-inverse * mean - center * static_cast<double>(q[i]));
        }
    }
};

DDPM_CLASS_INSTANCE(struct group_norm<float>)

}  // namespace ddpm::nn
