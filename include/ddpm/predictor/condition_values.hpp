// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace ddpm {

/// A condition that owns its values: one for each sample of a run, or a single one that is used for all samples.
/// @accuracy exact: values are copied
template <Scalar S>
class condition_values {
public:
    /// An empty condition.
    condition_values() = default;

    /// Copies the values.
    /// @throws shape_error unless all forms have the same number of samples
    // Not explicit: a condition converts to its values.
    condition_values(const condition<S>& given)
        : labels_(given.labels.begin(), given.labels.end()),
          lengths_(given.lengths.begin(), given.lengths.end()),
          absent_(given.absent.begin(), given.absent.end()),
          vectors_(copy_of(given.vectors)),
          maps_(copy_of(given.maps)),
          sequences_(copy_of(given.sequences)) {
        for (const isize count :
             {static_cast<isize>(labels_.size()), static_cast<isize>(lengths_.size()),
              static_cast<isize>(absent_.size()), vectors_.cols(), maps_.cols(), sequences_.cols()}) {
            if (count != 0 && samples_ != 0 && count != samples_) {
                throw shape_error("condition", "samples of all forms", samples_, count);
            }
            samples_ = std::max(samples_, count);
        }
        is_shared_ = samples_ == 1;
    }

    /// The number of samples: 1 if shared, 0 if empty.
    [[nodiscard]] isize samples() const noexcept { return is_shared_ ? 1 : samples_; }

    /// @throws shape_error or value_error unless this is a condition that a network with samples of that shape takes
    void require(std::string_view where, const condition_shape& takes, const sample_shape& sample) const {
        detail::require_condition(where, takes, view(), sample, samples_);
    }

    /// Allocates so that calls of `of` for up to `samples` samples do not allocate.
    void reserve(isize samples) {
        if (is_shared_ && samples > samples_) {
            repeat(samples);
        }
    }

    /// The condition of samples first … first + count − 1 of a run.
    /// @throws shape_error if there are fewer samples, unless the condition is shared or empty
    [[nodiscard]] condition<S> of(isize first, isize count) {
        if (samples_ == 0) {
            return {};
        }
        if (is_shared_) {
            reserve(count);
            return view().middle(0, count);
        }
        if (first + count > samples_) {
            throw shape_error("condition", "samples of the run", detail::text("<= ", samples_, ", as conditions"),
                              first + count);
        }
        return view().middle(first, count);
    }

private:
    static batch<S> copy_of(const batch_view<const S>& of) {
        return of.size() == 0 ? batch<S>() : batch<S>(of.array());
    }

    [[nodiscard]] condition<S> view() const { return {labels_, vectors_, maps_, sequences_, lengths_, absent_}; }

    void repeat(isize samples) {
        const auto repeat_list = [samples](auto& list) {
            if (!list.empty()) {
                list.resize(static_cast<std::size_t>(samples), list.front());
            }
        };
        const auto repeat_batch = [samples](batch<S>& values) {
            if (values.size() != 0) {
                values = batch<S>(values.col(0).replicate(1, samples));
            }
        };
        repeat_list(labels_);
        repeat_list(lengths_);
        repeat_list(absent_);
        repeat_batch(vectors_);
        repeat_batch(maps_);
        repeat_batch(sequences_);
        samples_ = samples;
    }

    std::vector<isize> labels_, lengths_;
    std::vector<condition_forms> absent_;
    batch<S> vectors_, maps_, sequences_;
    isize samples_ = 0;
    bool is_shared_ = false;
};

}  // namespace ddpm
