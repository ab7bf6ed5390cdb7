// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/concept.hpp>

#include <optional>
#include <string_view>
#include <tuple>

namespace ddpm::detail {

/// A batch that a session keeps, of the arithmetic type of its samples. It is allocated when the session is made if the
/// predictor knows its shape, else at the first call.
class session_memory {
public:
    session_memory() = default;

    template <class P>
    session_memory(const P& predictor, isize samples) {
        if (const std::optional<sample_shape> shape = shape_of(predictor)) {
            static_cast<void>(scratch<predictor_scalar<P>>(shape->size(), samples));
        }
    }

    /// D × N, of any content.
    template <Scalar S>
    [[nodiscard]] batch<S>& scratch(isize rows, isize columns) {
        batch<S>& memory = std::get<batch<S>>(batches_);
        if (memory.rows() != rows || memory.cols() != columns) {
            memory.resize(rows, columns);
        }
        return memory;
    }

    /// D × N, as it was left at the last call; 0 at the first.
    /// @throws shape_error if the first call was for another shape
    template <Scalar S>
    [[nodiscard]] batch<S>& state(std::string_view where, isize rows, isize columns) {
        if (!begun_) {
            scratch<S>(rows, columns).setZero();
            begun_ = true;
        }
        batch<S>& memory = std::get<batch<S>>(batches_);
        if (memory.rows() != rows || memory.cols() != columns) {
            throw shape_error(where, "a run has one shape", text(memory.rows(), " x ", memory.cols()),
                              text(rows, " x ", columns));
        }
        return memory;
    }

private:
    std::tuple<batch<float>, batch<double>> batches_;
    bool begun_ = false;
};

}  // namespace ddpm::detail
