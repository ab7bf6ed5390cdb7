// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/detail/rescale.hpp>
#include <ddpm/predictor/detail/session_memory.hpp>
#include <ddpm/predictor/guided_predictor.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace ddpm {

/// Options of adaptive projected guidance. The defaults are those of diffusers; the paper has parallel = 0,
/// momentum = −0.5, from_conditional = true, and a norm that depends on the model (2.5 for EDM2, 15 for SDXL).
struct projected_guidance_options {
    double scale = 7.5;   ///< 1 is the conditional predictor alone; scale, parallel and momentum within ±10⁶
    double parallel = 1;  ///< η: the factor of the difference's component along the conditional prediction
    double norm = 15;     ///< r: a larger difference is scaled down to this norm; 0: no limit
    double momentum = 0;  ///< β in sum ← difference + β · sum, the running sum; negative in the paper
    bool from_conditional = false;  ///< conditional + (scale − 1) · update; else unconditional + scale · update
    double rescale = 0;             ///< φ of guidance_options
    guidance_interval interval{};   ///< the times at which guidance acts; default: all
};

namespace detail {

/// Guides by the projected difference. Keeps the running sum of a run.
class projected_guidance {
public:
    explicit projected_guidance(const projected_guidance_options& options) : options_(options) {
        require_guidance("projected_guided", options.scale, options.rescale, options.interval.from,
                         options.interval.to);
        if (!(options.norm >= 0)) {
            throw value_error("projected_guided", "norm", ">= 0", options.norm);
        }
        require_guidance_factor("projected_guided", "parallel", options.parallel);
        require_guidance_factor("projected_guided", "momentum", options.momentum);
    }

    [[nodiscard]] bool guides(double t) const noexcept { return options_.scale != 1 && options_.interval.contains(t); }

    /// Allocates the same size as another memory.
    void reserve(const session_memory& like) { difference_ = like; }

    template <Scalar S>
    void operator()(std::span<const double> t, batch_view<const S> without, batch_view<S> predicted) {
        const isize rows = predicted.rows(), columns = predicted.columns();
        // Without momentum there is no state: the sum is computed anew in each call.
        batch<S>& sums = options_.momentum == 0 ? difference_.scratch<S>(rows, columns)
                                                : difference_.state<S>("projected_guided", rows, columns);
        for_each_guided(t, rows, *this, [&](isize n) {
            auto column = predicted.array().col(n);
            const auto other = without.array().col(n);
            auto sum = sums.middleCols(n, 1);
            if (options_.momentum == 0) {
                sum = column - other;
            } else {
                sum = column - other + static_cast<S>(options_.momentum) * sum;
            }
            const auto wide = sum.template cast<double>();
            const auto along = column.template cast<double>();
            const double norm = std::sqrt(wide.square().sum());
            const double shrink = options_.norm > 0 && norm > options_.norm ? options_.norm / norm : 1;
            // sum = projection · along + orthogonal part; the lower limit avoids a division by zero.
            const double projection = (wide * along).sum() / std::max(along.square().sum(), 1e-24);
            const double weight = options_.from_conditional ? options_.scale - 1 : options_.scale;
            const S of_sum = static_cast<S>(weight * shrink);
            const S of_column = static_cast<S>(weight * shrink * projection * (options_.parallel - 1));
            const double deviation = options_.rescale == 0 ? 0 : squared_deviation(column);
            if (weight == 0) {  // the update may be infinite
                column = other;
            } else if (options_.from_conditional) {
                column += of_sum * sum + of_column * column;
            } else {
                column = other + of_sum * sum + of_column * column;
            }
            if (options_.rescale != 0) {
                rescale_deviation(deviation, options_.rescale, column);
            }
        });
    }

private:
    projected_guidance_options options_;
    session_memory difference_;
};

}  // namespace detail

/// Adaptive projected guidance: guidance that weakens the component of the difference parallel to the conditional
/// prediction, which causes saturation, limits the norm of the difference, and has (negative) momentum across
/// evaluations. It works on the prediction itself, as in diffusers. The paper's form works on x_0: for it use
/// predictors of x0, or `converted` ones. Holds lvalues by reference, temporaries by value; the result is a predictor,
/// and each of its sessions starts with zero momentum.
/// @throws value_error if the two predict different kinds, the norm is negative, the interval is reversed, rescale is
/// not in [0, 1], or scale, parallel or momentum is beyond ±10⁶. With momentum, sessions throw shape_error if the shape
/// changes
/// @accuracy the sum, for momentum β: at most 3 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |difference| + |β · sum
/// before|. From that sum: with w = scale, or scale − 1 from_conditional, and p = Σ |sum · conditional| / Σ conditional²
/// over the elements, at most 4, and 3 D + 10 of double, of |what the update is added to| + |w| (|sum| + |(η − 1) p ·
/// conditional|) times the factor of the norm. Rescaling as in `guided`
/// @source Sadat et al. 2024, arXiv 2410.02416, algorithm 1
/// @complexity as guided; outside the interval the momentum is unchanged
template <AdaptablePredictor Conditional, AdaptablePredictor Unconditional>
[[nodiscard]] guided_predictor<Conditional, Unconditional, detail::projected_guidance> projected_guided(
    Conditional&& conditional, Unconditional&& unconditional, const projected_guidance_options& options = {}) {
    return {std::forward<Conditional>(conditional), std::forward<Unconditional>(unconditional),
            detail::projected_guidance(options)};
}

template <class Conditional, class Unconditional>
    requires(!AdaptablePredictor<Conditional> || !AdaptablePredictor<Unconditional>)
detail::adaptor_signatures<Conditional, Unconditional> projected_guided(Conditional&&, Unconditional&&,
                                                                        const projected_guidance_options& = {}) {
    return {};
}

}  // namespace ddpm
