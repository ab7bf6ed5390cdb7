// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/detail/checked.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace ddpm {

template <class T>
class batch_view;

namespace detail {

template <class T>
inline constexpr bool is_batch_view = false;
template <class T>
inline constexpr bool is_batch_view<batch_view<T>> = true;

template <class X>
concept EigenDense = std::derived_from<std::remove_cvref_t<X>, Eigen::DenseBase<std::remove_cvref_t<X>>>;

/// Eigen data with contiguous columns, or a single row: memory that a batch_view can address.
template <class X>
concept ColumnMemory =
    EigenDense<X> && (std::remove_cvref_t<X>::Flags & Eigen::DirectAccessBit) != 0 &&
    (!bool(std::remove_cvref_t<X>::IsRowMajor) || std::remove_cvref_t<X>::RowsAtCompileTime == 1) &&
    (std::remove_cvref_t<X>::RowsAtCompileTime == 1 || std::remove_cvref_t<X>::InnerStrideAtCompileTime == 1);

/// An Eigen object that is destroyed with its elements.
template <class X>
concept OwnsMemory = std::derived_from<std::remove_cvref_t<X>, Eigen::PlainObjectBase<std::remove_cvref_t<X>>>;

}  // namespace detail

/// A non-owning view of a batch: D × N, each column contiguous, columns `stride` elements apart. `batch_view<const S>`
/// only reads, `batch_view<S>` also writes. Column-major Eigen objects convert to it implicitly, without a copy.
template <class T>
class batch_view {
public:
    using scalar = std::remove_const_t<T>;
    static_assert(Scalar<scalar>);

    /// An empty view.
    batch_view() noexcept = default;

    /// @throws shape_error if a size is negative, the stride is shorter than a column, or their product is 2^63 or more
    batch_view(T* data, isize rows, isize columns, isize stride)
        : data_(data), rows_(rows), columns_(columns), stride_(stride) {
        if (rows < 0 || columns < 0) {
            throw shape_error("batch_view", "negative size", "rows, columns >= 0", detail::text(rows, " x ", columns));
        }
        if (columns > 1 && stride < rows) {
            throw shape_error("batch_view", "overlapping columns", detail::text("stride >= ", rows), stride);
        }
        if (isize elements = 0; columns > 1 && __builtin_mul_overflow(columns, stride, &elements)) {
            static_cast<void>(detail::element_count("batch_view", {columns, stride}));
        }
    }

    batch_view(T* data, isize rows, isize columns) : batch_view(data, rows, columns, rows) {}

    /// Converts a batch_view<S> to a batch_view<const S>.
    template <std::same_as<scalar> U>
        requires std::is_const_v<T>
    batch_view(const batch_view<U>& other) noexcept
        : data_(other.data()), rows_(other.rows()), columns_(other.columns()), stride_(other.stride()) {}

    /// Views an Eigen object for reading.
    template <detail::ColumnMemory X>
        requires std::is_const_v<T> && std::same_as<typename X::Scalar, scalar>
    batch_view(const X& x) : batch_view(x.derived().data(), x.rows(), x.cols(), column_stride(x.derived())) {}

    /// Views an Eigen object for writing: an lvalue, or a temporary block of one.
    template <class X>
        requires(!std::is_const_v<T>) && detail::ColumnMemory<X> && (!std::is_const_v<std::remove_reference_t<X>>) &&
                std::same_as<typename std::remove_cvref_t<X>::Scalar, scalar> && requires(X& x) {
                    { x.data() } -> std::convertible_to<T*>;
                }
    batch_view(X&& x) : batch_view(x.data(), x.rows(), x.cols(), column_stride(x)) {
        static_assert(
            std::is_lvalue_reference_v<X> || !detail::OwnsMemory<X>,
            "ddpm: wanted as an output is a batch that outlives the call; what is written to a temporary is lost");
    }

    [[nodiscard]] T* data() const noexcept { return data_; }
    [[nodiscard]] isize rows() const noexcept { return rows_; }
    [[nodiscard]] isize columns() const noexcept { return columns_; }
    [[nodiscard]] isize stride() const noexcept { return stride_; }
    [[nodiscard]] isize size() const noexcept { return rows_ * columns_; }

    /// Whether the columns follow one another without a gap.
    [[nodiscard]] bool contiguous() const noexcept { return stride_ == rows_ || columns_ <= 1; }

    /// The first element of sample n.
    [[nodiscard]] T* column(isize n) const noexcept {
        DDPM_ASSERT(n >= 0 && n < columns_);
        return data_ + n * stride_;
    }

    /// The samples first … first + count − 1.
    [[nodiscard]] batch_view middle(isize first, isize count) const {
        DDPM_ASSERT(first >= 0 && count >= 0 && first + count <= columns_);
        return batch_view(data_ + first * stride_, rows_, count, stride_);
    }

    /// The rows first … first + count − 1 of every sample.
    [[nodiscard]] batch_view middle_rows(isize first, isize count) const {
        DDPM_ASSERT(first >= 0 && count >= 0 && first + count <= rows_);
        return batch_view(data_ + first, count, columns_, stride_);
    }

    /// Element i of sample n, which must exist: DDPM_ASSERT checks it.
    [[nodiscard]] T& operator()(isize i, isize n) const noexcept {
        DDPM_ASSERT(i >= 0 && i < rows_);
        return column(n)[i];
    }

    /// The same memory as an Eigen array.
    [[nodiscard]] auto array() const {
        using array_type = std::conditional_t<std::is_const_v<T>, const batch<scalar>, batch<scalar>>;
        return Eigen::Map<array_type, Eigen::Unaligned, Eigen::OuterStride<>>(data_, rows_, columns_,
                                                                              Eigen::OuterStride<>(stride_));
    }

private:
    template <class X>
    static isize column_stride(const X& x) {
        // The samples are innerStride() apart if X is a row, outerStride() apart otherwise.
        return bool(X::IsRowMajor) || X::RowsAtCompileTime == 1 ? x.colStride() : x.outerStride();
    }

    T* data_ = nullptr;
    isize rows_ = 0;
    isize columns_ = 0;
    isize stride_ = 0;
};

/// What the library accepts as a batch: any dense Eigen expression of float or double, or a batch_view.
template <class X>
concept BatchLike = (detail::EigenDense<X> && Scalar<typename std::remove_cvref_t<X>::Scalar>) ||
                    detail::is_batch_view<std::remove_cvref_t<X>>;

namespace detail {

template <class X>
struct scalar_of_batch {
    using type = typename X::scalar;
};
template <EigenDense X>
struct scalar_of_batch<X> {
    using type = typename X::Scalar;
};

/// Readable memory of a batch: a view where the columns are contiguous, otherwise a copy.
template <BatchLike X>
class readable {
public:
    using scalar = typename scalar_of_batch<std::remove_cvref_t<X>>::type;

    explicit readable(const X& x) : copy_(copy_of(x)), view_(view_of(x)) {}
    readable(const readable&) = delete;
    readable& operator=(const readable&) = delete;

    [[nodiscard]] const batch_view<const scalar>& view() const noexcept { return view_; }

private:
    static constexpr bool viewable = ColumnMemory<X> || is_batch_view<X>;
    struct nothing {};

    static auto copy_of([[maybe_unused]] const X& x) {
        if constexpr (viewable) {
            return nothing{};
        } else {
            return batch<scalar>(x);
        }
    }

    batch_view<const scalar> view_of([[maybe_unused]] const X& x) const {
        if constexpr (viewable) {
            return x;
        } else {
            return copy_;
        }
    }

    std::conditional_t<viewable, nothing, batch<scalar>> copy_;
    batch_view<const scalar> view_;
};

/// @throws shape_error unless both have the same rows and columns
template <class A, class B>
void require_same_shape(std::string_view where, std::string_view what, const batch_view<A>& expected,
                        const batch_view<B>& got) {
    if (expected.rows() != got.rows() || expected.columns() != got.columns()) {
        throw shape_error(where, what, text(expected.rows(), " x ", expected.columns()),
                          text(got.rows(), " x ", got.columns()));
    }
}

}  // namespace detail

/// The scalar type of a batch: float or double.
template <BatchLike X>
using scalar_of = typename detail::scalar_of_batch<std::remove_cvref_t<X>>::type;

}  // namespace ddpm
