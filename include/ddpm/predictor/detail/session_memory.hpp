// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/predictor/concept.hpp>

#include <optional>
#include <string_view>
#include <tuple>

namespace ddpm::detail {

/// A batch that a session keeps, with the scalar type of its samples. It is allocated with the session if the predictor
/// has a shape, otherwise at the first call.
class session_memory {
public:
    session_memory() = default;

    template <class P>
    session_memory(const P& predictor, isize samples) {
        if (const std::optional<sample_shape> shape = shape_of(predictor)) {
            static_cast<void>(scratch<predictor_scalar<P>>(shape->size(), samples));
        }
    }

    /// A D × N batch with unspecified content.
    template <Scalar S>
    [[nodiscard]] batch<S>& scratch(isize rows, isize columns) {
        batch<S>& memory = std::get<batch<S>>(batches_);
        memory.resize(rows, columns);  // allocates only if the size changes
        return memory;
    }

    /// The D × N batch as the last call left it; zeros at the first call.
    /// @throws shape_error if the shape differs from that of the first call
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
