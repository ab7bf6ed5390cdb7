// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/predictor/detail/rescale.hpp>
#include <ddpm/predictor/guided_predictor.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace ddpm {

/// Options of classifier-free guidance. The default scale is that of diffusers.
struct guidance_options {
    double scale = 7.5;            ///< 1 is the conditional predictor alone, 0 the unconditional one; within ±10⁶
    double rescale = 0;            ///< φ in [0, 1]: moves the standard deviation to the conditional one's
    guidance_interval interval{};  ///< the times at which guidance acts; default: all
};

namespace detail {

/// predicted ← without + scale · (predicted − without), then rescaled by φ to its former standard deviation.
class linear_guidance {
public:
    explicit linear_guidance(const guidance_options& options) : options_(options) {
        require_guidance("guided", options.scale, options.rescale, options.interval.from, options.interval.to);
    }

    [[nodiscard]] bool guides(double t) const noexcept { return options_.scale != 1 && options_.interval.contains(t); }

    template <Scalar S>
    void operator()(std::span<const double> t, batch_view<const S> without, batch_view<S> predicted) const {
        const S scale = static_cast<S>(options_.scale);
        if (options_.rescale == 0) {
            const auto factors_of = [&](isize n) {
                const S weight = guides(t[static_cast<std::size_t>(n)]) ? scale : S{1};
                return std::array{weight, S{1} - weight};
            };
            kernels::linear_combination<S>({batch_view<const S>(predicted), without}, factors_of, predicted);
            return;
        }
        for_each_guided(t, predicted.rows(), *this, [&](isize n) {
            auto column = predicted.array().col(n);
            const double deviation = squared_deviation(column);
            if (scale == 0) {
                column = without.array().col(n);
            } else {
                column = scale * column + (S{1} - scale) * without.array().col(n);
            }
            rescale_deviation(deviation, options_.rescale, column);
        });
    }

private:
    guidance_options options_;
};

}  // namespace detail

/// Classifier-free guidance: unconditional + scale · (conditional − unconditional), for two predictors of the same
/// kind, then rescaled as in diffusers. Both work on the prediction itself, of whatever kind. Holds lvalues by
/// reference, temporaries by value; the result is a predictor. A prediction with weight 0 may be infinite or NaN: the
/// conditional one at scale 0, the unconditional one outside the interval.
/// @throws value_error if the two predict different kinds, |scale| > 10⁶, rescale is not in [0, 1], or the interval is
/// reversed
/// @accuracy at most 4 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |scale| (|conditional| + |unconditional|) +
/// |unconditional|. Rescaling multiplies that by a factor, with D + 10 roundings of double of 1 + it, and rounds twice
/// @source Ho and Salimans 2022, arXiv 2207.12598, equation 6 (scale = 1 + w); rescaling: Lin et al. 2023, arXiv
/// 2305.08891, section 3.4
/// @complexity evaluates both predictors, but only the conditional one if scale is 1 or all t are outside the interval
template <AdaptablePredictor Conditional, AdaptablePredictor Unconditional>
[[nodiscard]] guided_predictor<Conditional, Unconditional, detail::linear_guidance> guided(
    Conditional&& conditional, Unconditional&& unconditional, const guidance_options& options) {
    return {std::forward<Conditional>(conditional), std::forward<Unconditional>(unconditional),
            detail::linear_guidance(options)};
}

/// As above with a scale only.
template <AdaptablePredictor Conditional, AdaptablePredictor Unconditional>
[[nodiscard]] guided_predictor<Conditional, Unconditional, detail::linear_guidance> guided(
    Conditional&& conditional, Unconditional&& unconditional, double scale) {
    return guided(std::forward<Conditional>(conditional), std::forward<Unconditional>(unconditional),
                  guidance_options{.scale = scale});
}

template <class Conditional, class Unconditional, class Options = guidance_options>
    requires(!AdaptablePredictor<Conditional> || !AdaptablePredictor<Unconditional>)
detail::adaptor_signatures<Conditional, Unconditional> guided(Conditional&&, Unconditional&&, const Options&) {
    return {};
}

/// Autoguidance: guides a network by a worse version of itself (smaller or less trained) with the same condition: weak
/// + scale · (net − weak). This reduces the errors that both make without reducing variety.
/// @throws as guided
/// @accuracy as guided
/// @source Karras et al. 2024, arXiv 2406.02507, equation 3
template <AdaptablePredictor Net, AdaptablePredictor Weak>
[[nodiscard]] auto autoguided(Net&& net, Weak&& weak, const guidance_options& options) {
    return guided(std::forward<Net>(net), std::forward<Weak>(weak), options);
}

/// As above with a scale only: 1 is the network alone; the paper uses 1.2 to 3.
template <AdaptablePredictor Net, AdaptablePredictor Weak>
[[nodiscard]] auto autoguided(Net&& net, Weak&& weak, double scale) {
    return guided(std::forward<Net>(net), std::forward<Weak>(weak), scale);
}

template <class Net, class Weak, class Options = guidance_options>
    requires(!AdaptablePredictor<Net> || !AdaptablePredictor<Weak>)
detail::adaptor_signatures<Net, Weak> autoguided(Net&&, Weak&&, const Options&) {
    return {};
}

}  // namespace ddpm
