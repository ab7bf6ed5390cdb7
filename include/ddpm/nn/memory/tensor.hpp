// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/detail/shape_text.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace ddpm::nn {

/// The sizes of up to four dimensions, in torch's order: the last one varies fastest in memory.
class tensor_shape {
public:
    static constexpr std::size_t most_dimensions = 4;

    tensor_shape() noexcept = default;

    /// @throws shape_error if there are more than four sizes, one is negative, or their product is more than memory can
    /// hold
    [[gnu::noinline]] tensor_shape(std::initializer_list<isize> sizes) : dimensions_(sizes.size()) {
        if (sizes.size() > most_dimensions) {
            throw shape_error("tensor_shape", "dimensions", "<= 4", sizes.size());
        }
        isize largest = isize{1} << 48;
        for (const isize size : sizes) {
            if (size < 0 || size > largest) {
                throw shape_error("tensor_shape", "size of a dimension", ddpm::detail::text("0 ... ", largest), size);
            }
            largest /= std::max<isize>(1, size);
        }
        std::copy(sizes.begin(), sizes.end(), sizes_.begin());
    }

    [[nodiscard]] std::size_t dimensions() const noexcept { return dimensions_; }
    /// The size of a dimension, counted from 0.
    [[nodiscard]] isize operator[](std::size_t dimension) const noexcept { return sizes_[dimension]; }
    [[nodiscard]] const isize* begin() const noexcept { return sizes_.data(); }
    [[nodiscard]] const isize* end() const noexcept { return sizes_.data() + dimensions_; }

    /// The number of elements; 0 without dimensions.
    [[nodiscard]] isize size() const noexcept {
        isize product = dimensions_ == 0 ? 0 : 1;
        for (const isize size : *this) {
            product *= size;
        }
        return product;
    }

    friend bool operator==(const tensor_shape&, const tensor_shape&) noexcept = default;

    /// As error texts write it: [3, 4].
    [[nodiscard]] std::string text() const { return ddpm::detail::shape_text(std::span(begin(), dimensions_)); }

private:
    std::array<isize, most_dimensions> sizes_{};
    std::size_t dimensions_ = 0;
};

/// The order of a tensor's elements in memory.
enum class tensor_order {
    last_fastest,  ///< torch's: the last dimension varies fastest
    first_fastest  ///< weights (outputs, inputs, height, width): outputs fastest, then inputs, width, height, as products read them
};

/// A contiguous, aligned array with a shape, such as a layer's parameters. Copies are deep.
template <Scalar S>
class tensor {
public:
    using scalar = S;

    /// Empty.
    tensor() noexcept = default;

    /// Zeros.
    [[gnu::noinline]] explicit tensor(const tensor_shape& shape, tensor_order order = tensor_order::last_fastest)
        : shape_(shape), order_(order), values_(static_cast<std::size_t>(shape.size())) {}

    [[gnu::noinline]] tensor(const tensor&) = default;
    tensor(tensor&&) noexcept = default;
    [[gnu::noinline]] tensor& operator=(const tensor&) = default;
    tensor& operator=(tensor&&) noexcept = default;

    [[nodiscard]] const tensor_shape& shape() const noexcept { return shape_; }
    [[nodiscard]] tensor_order order() const noexcept { return order_; }
    [[nodiscard]] isize size() const noexcept { return static_cast<isize>(values_.size()); }
    /// The elements, in the order `order` in memory.
    [[nodiscard]] S* data() noexcept { return values_.data(); }
    [[nodiscard]] const S* data() const noexcept { return values_.data(); }
    /// The elements, in the order `order` in memory.
    [[nodiscard]] std::span<S> values() noexcept { return values_; }
    [[nodiscard]] std::span<const S> values() const noexcept { return values_; }
    /// Element i in memory.
    [[nodiscard]] S& operator[](isize i) noexcept { return values_[static_cast<std::size_t>(i)]; }
    [[nodiscard]] const S& operator[](isize i) const noexcept { return values_[static_cast<std::size_t>(i)]; }

    /// The first `columns` samples of an (N, D) tensor as a batch, D × columns: the same memory.
    [[nodiscard]] batch_view<S> columns(isize columns) { return {data(), shape_[1], columns}; }
    [[nodiscard]] batch_view<const S> columns(isize columns) const { return {data(), shape_[1], columns}; }

private:
    tensor_shape shape_;
    tensor_order order_ = tensor_order::last_fastest;
    std::vector<S, aligned_allocator<S>> values_;
};

DDPM_CLASS_INSTANCE(class tensor<float>)

/// The base of layers whose parameters are `weight` and `bias`.
struct weight_and_bias {
    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("weight", self.weight);
        visitor("bias", self.bias);
    }
};

}  // namespace ddpm::nn
