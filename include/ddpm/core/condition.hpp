// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ddpm {

/// The forms that a condition can have, one bit each.
enum class condition_form : std::uint8_t { label = 1, vector = 2, map = 4, sequence = 8 };

/// A set of forms: the sum of their bits.
using condition_forms = std::uint8_t;

/// Whether `form` is in the set.
[[nodiscard]] constexpr bool has_form(condition_forms forms, condition_form form) noexcept {
    return (forms & static_cast<condition_forms>(form)) != 0;
}

/// The condition of a batch: what a network is given of each sample besides x_t and t. Any combination of a class
/// label, a vector, maps (extra channels at each pixel or position) and a sequence of items. The memory is not owned.
template <Scalar S>
struct condition {
    std::span<const isize> labels{};   ///< N: the class of each sample
    batch_view<const S> vectors{};     ///< E × N
    batch_view<const S> maps{};        ///< C · height · width × N, channels fastest
    batch_view<const S> sequences{};   ///< E · L × N: L items of E elements, one after another
    std::span<const isize> lengths{};  ///< N: how many of the L items each sample has; empty: all L
    /// N: the forms that are absent for each sample, in place of which the network uses a learned value; empty: none
    std::span<const condition_forms> absent{};

    /// Whether nothing is given: no form of condition, and no list of absent forms.
    [[nodiscard]] bool empty() const noexcept {
        return labels.empty() && vectors.size() == 0 && maps.size() == 0 && sequences.size() == 0 && absent.empty();
    }

    /// The condition of samples first … first + count − 1.
    [[nodiscard]] condition middle(isize first, isize count) const {
        return {part(labels, first, count),    part(vectors, first, count), part(maps, first, count),
                part(sequences, first, count), part(lengths, first, count), part(absent, first, count)};
    }

private:
    template <class T>
    static std::span<T> part(std::span<T> of, isize first, isize count) {
        return of.empty() ? of : of.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    }
    static batch_view<const S> part(batch_view<const S> of, isize first, isize count) {
        return of.size() == 0 ? of : of.middle(first, count);
    }
};

/// The forms of condition that a network takes, and their sizes. 0 means that it does not take the form; the others are
/// required, unless they are in `learned`.
struct condition_shape {
    isize classes = 0;            ///< a label is one of 0 … classes − 1
    isize vector = 0;             ///< E, the elements of a vector
    isize map_channels = 0;       ///< C, the channels of the maps at each pixel
    isize sequence = 0;           ///< E, the elements of an item of a sequence
    condition_forms learned = 0;  ///< forms that may be absent: the network has a learned value for each of them

    friend bool operator==(const condition_shape&, const condition_shape&) noexcept = default;
};

namespace detail {

/// @throws shape_error unless `values` is size × samples; it may be empty where the network does not take the form or
/// has a learned value for it
template <class T>
void require_form(std::string_view where, std::string_view form, isize size, bool is_learned,
                  const batch_view<T>& values, isize samples) {
    if (values.size() == 0 && (size == 0 || is_learned || samples == 0)) {
        return;
    }
    if (values.rows() != size || values.columns() != samples) {
        throw shape_error(where, text("condition, ", form), text(size, " x ", samples),
                          text(values.rows(), " x ", values.columns()));
    }
}

/// @throws shape_error unless the condition has the forms and sizes that the network takes, for each of `samples`
/// samples; value_error for a label or length out of range, or an absent form without a learned value
template <Scalar S>
void require_condition(std::string_view where, const condition_shape& takes, const condition<S>& given,
                       const sample_shape& sample, isize samples) {
    const auto learned = [&](condition_form form) { return has_form(takes.learned, form); };
    const isize labels = takes.classes == 0 || (given.labels.empty() && learned(condition_form::label)) ? 0 : samples;
    if (static_cast<isize>(given.labels.size()) != labels) {
        throw shape_error(where,
                          takes.classes == 0 ? "labels, of which the network takes none" : "one label per sample",
                          labels, given.labels.size());
    }
    for (const isize label : given.labels) {
        if (label < 0 || label >= takes.classes) {
            throw value_error(where, "label", text("in [0, ", takes.classes, ")"), label);
        }
    }
    require_form(where, "vectors", takes.vector, learned(condition_form::vector), given.vectors, samples);
    require_form(where, "maps", takes.map_channels * sample.height * sample.width, learned(condition_form::map),
                 given.maps, samples);
    const isize items = takes.sequence == 0 ? 0 : given.sequences.rows() / takes.sequence;
    require_form(where, "sequences", takes.sequence * items, learned(condition_form::sequence), given.sequences,
                 samples);
    if (!given.lengths.empty() &&
        (given.sequences.size() == 0 || static_cast<isize>(given.lengths.size()) != samples)) {
        throw shape_error(where, "lengths, one for each sequence", given.sequences.columns(), given.lengths.size());
    }
    for (const isize length : given.lengths) {
        if (length < 0 || length > items) {
            throw value_error(where, "length of a sequence", text("in [0, ", items, "]"), length);
        }
    }
    if (!given.absent.empty() && static_cast<isize>(given.absent.size()) != samples) {
        throw shape_error(where, "absent forms, one value per sample", samples, given.absent.size());
    }
    for (const condition_forms forms : given.absent) {
        if ((forms & ~takes.learned) != 0) {
            throw value_error(where, "absent forms of a condition", "those that the network has learned a value for",
                              static_cast<int>(forms));
        }
    }
}

}  // namespace detail

}  // namespace ddpm
