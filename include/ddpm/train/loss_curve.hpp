// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/train/monotone_curve.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace ddpm {

/// The bins of a loss_curve, and how fast they forget.
struct loss_curve_options {
    double first = -13.3;  ///< the least γ of the range
    double last = 5;       ///< the largest γ of the range
    isize bins = 100;      ///< number of bins, of equal width
    double decay = 0.99;   ///< of a bin's moving average, per recorded loss
};

/// The loss of a network during training as a function of γ: a moving average in each of `bins` equal bins of the
/// range, interpolated linearly between the bins' centres. Bins without a loss yet are skipped.
class loss_curve {
public:
    /// @throws value_error unless first < last, both finite, bins ≥ 1 and 0 ≤ decay < 1
    explicit loss_curve(const loss_curve_options& options = {}) : options_(options) {
        detail::require(options.first < options.last && std::isfinite(options.last - options.first) &&
                            options.bins >= 1 && options.decay >= 0 && options.decay < 1,
                        "loss_curve", "options", {"first < last, both finite, bins >= 1, 0 <= decay < 1"},
                        {options.first, ", ", options.last, ", ", options.bins, ", ", options.decay});
        bins_.resize(static_cast<std::size_t>(options.bins));
    }

    /// Records a loss at γ. A γ outside the range counts for the nearest bin; a loss that is not finite is ignored.
    /// @accuracy a bin's average at most 6 / (1 − decay) + 2 roundings (2⁻⁵³) of its largest |loss|
    void record(double gamma, double loss) {
        if (std::isnan(gamma) || !std::isfinite(loss)) {
            return;
        }
        bin& b = bins_[static_cast<std::size_t>(std::clamp<double>(std::floor((gamma - options_.first) / width()), 0,
                                                                   static_cast<double>(options_.bins - 1)))];
        b.sum = options_.decay * b.sum + (1 - options_.decay) * loss;
        b.weight = options_.decay * b.weight + (1 - options_.decay);
    }

    /// The loss at γ, and its derivative; NaN at NaN.
    /// @accuracy the loss: at most 6 / (1 − decay) + 10 bins + 20 roundings (2⁻⁵³) of the largest |loss|. Its derivative,
    /// except next to the middle of a bin, where it jumps: 12 / (1 − decay) + 16 of the largest |loss| by the bins' width
    /// @throws value_error if no loss was recorded
    [[nodiscard]] curve_point operator()(double gamma) const {
        if (std::isnan(gamma)) {
            return {gamma, gamma};
        }
        const double place = (gamma - options_.first) / width() - 0.5;  // 0 in the middle of the first bin
        // The nearest bins with losses, above the place and not above it.
        isize above =
            static_cast<isize>(std::clamp<double>(std::floor(place) + 1, 0, static_cast<double>(options_.bins)));
        isize below = above - 1;
        while (above < options_.bins && !has_losses(above)) {
            ++above;
        }
        while (below >= 0 && !has_losses(below)) {
            --below;
        }
        detail::require(above < options_.bins || below >= 0, "loss_curve", "losses", {">= 1"}, {0});
        if (above == options_.bins || below < 0) {
            return {average(below < 0 ? above : below), 0};
        }
        const double low = average(below), slope = (average(above) - low) / static_cast<double>(above - below);
        return {low + slope * (place - static_cast<double>(below)), slope / width()};
    }

private:
    struct bin {
        double sum = 0, weight = 0;
    };

    [[nodiscard]] bool has_losses(isize k) const noexcept { return bins_[static_cast<std::size_t>(k)].weight > 0; }

    [[nodiscard]] double average(isize k) const noexcept {
        const bin& b = bins_[static_cast<std::size_t>(k)];
        return b.sum / b.weight;
    }

    [[nodiscard]] double width() const noexcept {
        return (options_.last - options_.first) / static_cast<double>(options_.bins);
    }

    loss_curve_options options_;
    std::vector<bin> bins_;
};

}  // namespace ddpm
