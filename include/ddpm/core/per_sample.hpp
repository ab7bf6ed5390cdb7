// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

namespace ddpm {

namespace detail {

/// An Eigen vector whose elements may not be contiguous, such as a row of a column-major matrix.
template <class X>
concept SpacedVector = requires { requires X::InnerStrideAtCompileTime != 1; };

}  // namespace detail

/// One value for each sample of a batch, or one value for all. Converts implicitly from a value or from contiguous
/// values (span, vector, Eigen vector), which it does not own.
template <class T>
class per_sample {
public:
    /// The same value for all samples.
    per_sample(T shared) noexcept : shared_(shared) {}

    /// values[n] for sample n.
    template <class Values>
        requires(!detail::SpacedVector<Values>) && requires(const Values& v) {
            { v.data() } -> std::convertible_to<const T*>;
            { v.size() } -> std::convertible_to<isize>;
        }
    per_sample(const Values& values)
        : values_(values.data(), static_cast<std::size_t>(values.size())), is_shared_(false) {}

    [[nodiscard]] bool is_shared() const noexcept { return is_shared_; }

    /// The value of sample n.
    [[nodiscard]] T operator[](isize n) const noexcept {
        return is_shared_ ? shared_ : values_[static_cast<std::size_t>(n)];
    }

    /// @throws shape_error unless there is one value for each of `columns` samples
    void require_columns(std::string_view where, isize columns) const {
        if (!is_shared_ && static_cast<isize>(values_.size()) != columns) {
            throw shape_error(where, "one value per sample", columns, values_.size());
        }
    }

private:
    T shared_{};
    std::span<const T> values_{};
    bool is_shared_ = true;
};

}  // namespace ddpm
