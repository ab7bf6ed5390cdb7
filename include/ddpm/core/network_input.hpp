// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ddpm {

/// The address of the random numbers that the dropout layers of a network draw for a batch.
struct dropout_masks {
    std::uint64_t seed = 0;
    isize step = 0;          ///< training step
    isize first_sample = 0;  ///< position of the batch's first sample in the step
};

/// The input of a network for a batch. The memory is not owned.
template <Scalar S>
struct network_input {
    batch_view<const S> xt;          ///< D × N
    std::span<const double> t;       ///< N: the times passed to the network; for a discrete schedule, 0-based timesteps
    ddpm::condition<S> condition{};  ///< of each sample
    std::optional<dropout_masks> dropout{};  ///< set in training; without it nothing is dropped

    [[nodiscard]] isize samples() const noexcept { return xt.columns(); }

    /// The input of samples first … first + count − 1.
    [[nodiscard]] network_input middle(isize first, isize count) const {
        network_input part{xt.middle(first, count),
                           t.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
                           condition.middle(first, count), dropout};
        if (part.dropout) {
            part.dropout->first_sample += first;
        }
        return part;
    }
};

namespace detail {

/// @throws shape_error unless x_t is D × N and there is one time per sample; shape_error, value_error as
/// require_condition
template <Scalar S>
void require_input(std::string_view where, const network_input<S>& in, const sample_shape& sample,
                   const condition_shape& takes) {
    if (in.xt.rows() != sample.size()) {
        throw shape_error(where, "elements of a sample", sample.size(), in.xt.rows());
    }
    if (static_cast<isize>(in.t.size()) != in.samples()) {
        throw shape_error(where, "one time per sample", in.samples(), in.t.size());
    }
    require_condition(where, takes, in.condition, sample, in.samples());
}

}  // namespace detail

}  // namespace ddpm
