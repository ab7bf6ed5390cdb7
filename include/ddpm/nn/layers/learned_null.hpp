// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace ddpm::nn {

namespace detail {

/// The forms of condition with a learned null value, for vectors and maps of these sizes.
[[nodiscard]] constexpr condition_forms learned_forms(bool learned, isize vector, isize map_channels) noexcept {
    const auto bit = [&](condition_form form, isize size) {
        return learned && size != 0 ? static_cast<unsigned>(form) : 0u;
    };
    return static_cast<condition_forms>(bit(condition_form::vector, vector) | bit(condition_form::map, map_channels));
}

}  // namespace detail

/// The learned null value of a form of condition, which replaces it in samples where it is absent: one value per
/// element of a vector, or per channel of maps, the same at all pixels. Initially 0. With size 0 nothing is replaced.
template <Scalar S>
struct learned_null {
    using scalar = S;

    tensor<S> value;  ///< (size)

    learned_null() noexcept = default;

    /// For a form with `size` elements or channels.
    /// @throws shape_error if the size is negative
    explicit learned_null(isize size) : value(size == 0 ? tensor_shape{} : tensor_shape{size}) {}

    /// shown(i, n) = value(i mod size) where the form is absent (in all samples if `given` is empty), given(i, n) where it
    /// is not. The result is `given` itself or from memory.
    /// @shape given D × N or empty; the result D × N, D a multiple of the size; absent N or empty
    /// @throws shape_error if the shapes do not fit
    /// @accuracy exact
    [[nodiscard]] batch_view<const S> forward(batch_view<const S> given, std::span<const condition_forms> absent,
                                              condition_form form, isize rows, isize samples, arena<S>& memory) const {
        require_form("learned_null::forward", given, absent, rows, samples);
        if (value.size() == 0 || (given.size() != 0 && absent.empty())) {
            return given;
        }
        const batch_view<S> shown = memory.columns(rows, samples);
        for (isize n = 0; n < samples; ++n) {
            if (is_absent(given, absent, form, n)) {
                for (isize i = 0; i < rows; i += value.size()) {
                    std::copy_n(value.data(), value.size(), shown.column(n) + i);
                }
            } else {
                std::copy_n(given.column(n), rows, shown.column(n));
            }
        }
        return shown;
    }

    /// Whether backward needs the gradient of forward's result.
    [[nodiscard]] bool learns() const noexcept { return value.size() != 0; }

    /// d.value(i mod size) += dshown(i, n) for all i and, in order, all n where the form is absent.
    /// @shape as forward, with dshown D × N; d of this layer's size
    /// @throws shape_error if the shapes do not fit
    /// @accuracy sums in S, in double within 1e-12
    void backward(batch_view<const S> given, std::span<const condition_forms> absent, condition_form form,
                  batch_view<const S> dshown, learned_null& d) const {
        detail::require_gradient("learned_null::backward", value.shape(), d.value.shape());
        if (!learns()) {
            return;
        }
        require_form("learned_null::backward", given, absent, dshown.rows(), dshown.columns());
        for (isize n = 0; n < dshown.columns(); ++n) {
            if (is_absent(given, absent, form, n)) {
                for (isize i = 0; i < dshown.rows(); ++i) {
                    d.value[i % value.size()] += dshown(i, n);
                }
            }
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        if (self.value.size() != 0) {
            visitor("value", self.value);
        }
    }

private:
    void require_form(std::string_view where, batch_view<const S> given, std::span<const condition_forms> absent,
                      isize rows, isize samples) const {
        detail::require<shape_error>(value.size() == 0 || rows % value.size() == 0, where, "elements of the form",
                                     {"a multiple of ", value.size()}, {rows});
        if (given.size() != 0) {
            detail::require_batch(where, "form of the condition", given, rows, samples);
        }
        const auto told = static_cast<isize>(absent.size());
        detail::require<shape_error>(told == 0 || told == samples, where, "absent forms, one value per sample",
                                     {samples}, {told});
    }

    [[nodiscard]] static bool is_absent(batch_view<const S> given, std::span<const condition_forms> absent,
                                        condition_form form, isize n) {
        return given.size() == 0 || (!absent.empty() && has_form(absent[static_cast<std::size_t>(n)], form));
    }
};

}  // namespace ddpm::nn
