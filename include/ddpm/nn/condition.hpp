// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>

#include <span>

namespace ddpm::nn {

/// What a network is told of each sample beside its time: nothing, a class, or a vector.
template <Scalar S>
struct condition {
    std::span<const isize> labels{};  ///< N
    batch_view<const S> vectors{};    ///< E × N

    [[nodiscard]] bool empty() const noexcept { return labels.empty() && vectors.size() == 0; }

    /// That of the samples first … first + count − 1.
    [[nodiscard]] condition middle(isize first, isize count) const {
        condition part;
        if (!labels.empty()) {
            part.labels = labels.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
        }
        if (vectors.size() > 0) {
            part.vectors = vectors.middle(first, count);
        }
        return part;
    }
};

/// Whether a network is told a condition: forward(x, t, condition, out, w), and backward likewise.
template <class Net>
inline constexpr bool takes_condition =
    requires(const Net& net, batch_view<const typename Net::scalar> x, std::span<const double> t,
             const condition<typename Net::scalar>& given, batch_view<typename Net::scalar> out,
             typename Net::workspace& w) { net.forward(x, t, given, out, w); };

}  // namespace ddpm::nn
