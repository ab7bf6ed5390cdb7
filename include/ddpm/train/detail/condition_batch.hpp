// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/detail/map_channels.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/train/training_data.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ddpm::detail {

/// The conditions of a micro-batch, after dropout. With self-conditioning the last channels of the maps hold the
/// network's estimate of x_0.
template <Scalar S>
class condition_batch {
public:
    /// `takes` is the network's; the last `estimated` channels of the maps are for the estimate, not from the data.
    condition_batch(const condition_shape& takes, const sample_shape& sample, isize estimated, isize micro_batch,
                    std::uint64_t seed)
        : from_data_(estimated == 0 ? takes : without_estimate(takes, estimated)),
          sample_(sample),
          estimated_(estimated),
          label_noise_(seed, noise_stream::timestep),
          noise_(seed, noise_stream::condition),
          labels_(takes.classes == 0 ? 0 : static_cast<std::size_t>(micro_batch)),
          vectors_(takes.vector, micro_batch),
          maps_(takes.map_channels * sample.height * sample.width, micro_batch) {}

    /// @throws shape_error or value_error unless the data's condition is what the network takes, and each form that is
    /// dropped has a null value
    void require_valid(std::string_view where, const condition<S>& given, const condition_dropout& dropout,
                       isize samples) const {
        require_condition(where, from_data_, given, sample_, samples);
        const auto named = [](std::span<const double> null) { return static_cast<isize>(null.size()); };
        const auto learned = [&](condition_form form) { return has_form(from_data_.learned, form); };
        require_form(where, "label", dropout.label, !given.labels.empty(), dropout.null_label ? 1 : 0,
                     from_data_.classes == 0 ? 0 : 1, learned(condition_form::label));
        require_form(where, "vector", dropout.vector, given.vectors.size() != 0, named(dropout.null_vector),
                     from_data_.vector, learned(condition_form::vector));
        require_form(where, "map", dropout.map, given.maps.size() != 0, named(dropout.null_map),
                     from_data_.map_channels, learned(condition_form::map));
        require_form(where, "sequence", dropout.sequence, given.sequences.size() != 0, 0, 0,
                     learned(condition_form::sequence));
        if (dropout.null_label && !(*dropout.null_label >= 0 && *dropout.null_label < from_data_.classes)) {
            throw value_error(where, "null_label", text("in [0, ", from_data_.classes, ")"), *dropout.null_label);
        }
    }

    /// Prepares for a micro-batch of `count` samples of this data.
    void begin(const condition<S>& given, const condition_dropout& dropout, isize count) {
        const bool learns = (dropout.label > 0 && !dropout.null_label) ||
                            (dropout.vector > 0 && dropout.null_vector.empty()) ||
                            (dropout.map > 0 && dropout.null_map.empty()) || dropout.sequence > 0;
        absent_.resize(learns || !given.absent.empty() ? static_cast<std::size_t>(count) : 0);
        lengths_.resize(given.lengths.empty() ? 0 : static_cast<std::size_t>(count));
        if (sequences_.rows() != given.sequences.rows() || sequences_.cols() < count) {
            sequences_.resize(given.sequences.rows(), count);
        }
        given_ = given;
        count_ = count;
    }

    /// Copies the condition of sample `from` of the data to sample n of the micro-batch, sample `number` of the step.
    void draw(isize from, isize n, isize number, isize step, const condition_dropout& dropout) {
        const auto at = static_cast<std::size_t>(n), of = static_cast<std::size_t>(from);
        const auto dropped = [&](const philox_noise& noise, isize element, double rate) {
            return rate > 0 && static_cast<double>(noise.bits(number, step, element)) * 0x1p-32 < rate;
        };
        if (!absent_.empty()) {
            absent_[at] = given_.absent.empty() ? condition_forms{0} : given_.absent[of];
        }
        if (!given_.labels.empty()) {
            labels_[at] = given_.labels[of];
            const bool drops = dropped(label_noise_, 1, dropout.label);
            if (drops && dropout.null_label) {
                labels_[at] = *dropout.null_label;
            } else if (drops) {
                set_absent(condition_form::label, at);
            }
        }
        if (given_.vectors.size() != 0) {
            std::copy_n(given_.vectors.column(from), from_data_.vector, vectors_.col(n).data());
            if (dropped(noise_, 0, dropout.vector)) {
                show_null(condition_form::vector, dropout.null_vector, at, 0, 1, vectors_.col(n).data());
            }
        }
        if (from_data_.map_channels != 0 && given_.maps.size() != 0) {
            S* const to = maps_.col(n).data();
            place_channels(sample_, given_.maps.column(from), from_data_.map_channels, to, 0, maps_channels());
            if (dropped(noise_, 1, dropout.map)) {
                show_null(condition_form::map, dropout.null_map, at, maps_channels() - from_data_.map_channels,
                          sample_.height * sample_.width, to);
            }
        }
        if (given_.sequences.size() != 0) {
            std::copy_n(given_.sequences.column(from), sequences_.rows(), sequences_.col(n).data());
            if (dropped(noise_, 3, dropout.sequence)) {
                set_absent(condition_form::sequence, at);
            }
        }
        if (!lengths_.empty()) {
            lengths_[at] = given_.lengths[of];
        }
    }

    /// Writes the estimate of x_0 to the maps; zeros if x0 is empty.
    /// @shape x0 D × count, or empty
    void estimate(batch_view<const S> x0) {
        for (isize n = 0; n < count_; ++n) {
            place_channels<S>(sample_, x0.size() == 0 ? nullptr : x0.column(n), estimated_, maps_.col(n).data(),
                              from_data_.map_channels, maps_channels());
        }
    }

    /// The conditions of the micro-batch.
    [[nodiscard]] condition<S> view() const {
        const auto count = static_cast<std::size_t>(count_);
        const auto columns = [&](const batch<S>& of) { return batch_view<const S>(of).middle(0, count_); };
        condition<S> drawn;
        if (!given_.labels.empty()) {
            drawn.labels = std::span(labels_).first(count);
        }
        if (given_.vectors.size() != 0) {
            drawn.vectors = columns(vectors_);
        }
        if (given_.maps.size() != 0 || estimated_ != 0) {
            drawn.maps = columns(maps_);
        }
        if (given_.sequences.size() != 0) {
            drawn.sequences = columns(sequences_);
        }
        drawn.lengths = lengths_;
        drawn.absent = absent_;
        return drawn;
    }

private:
    [[nodiscard]] isize maps_channels() const noexcept { return from_data_.map_channels + estimated_; }

    void set_absent(condition_form form, std::size_t n) {
        absent_[n] = static_cast<condition_forms>(absent_[n] | static_cast<condition_forms>(form));
    }

    /// Writes the null values `repeats` times, each time skipping `skipped` elements after them; without null values
    /// marks the form as absent.
    void show_null(condition_form form, std::span<const double> null, std::size_t n, isize skipped, isize repeats,
                   S* to) {
        if (null.empty()) {
            set_absent(form, n);
            return;
        }
        for (isize k = 0; k < repeats; ++k) {
            to = std::transform(null.begin(), null.end(), to, [](double value) { return static_cast<S>(value); }) +
                 skipped;
        }
    }

    /// @throws value_error unless the rate is in [0, 1], and 0 if the data does not have the form or there is no null
    /// value; shape_error unless a given null value has the right size
    static void require_form(std::string_view where, std::string_view form, double rate, bool is_given, isize named,
                             isize size, bool is_learned) {
        require(rate >= 0 && rate <= 1, where, text("dropout of the ", form), {"in [0, 1]"}, {rate});
        require(rate == 0 || is_given, where, text("dropout of the ", form, ", a form that the data does not have"),
                {0}, {rate});
        require(rate == 0 || named != 0 || is_learned, where, text("null_", form),
                {"what dropout shows instead, since the network has learned none"}, {"none"});
        require<shape_error>(named == 0 || named == size, where, text("null_", form), {size}, {named});
    }

    condition_shape from_data_;  // the part of the condition that the data gives
    sample_shape sample_;
    isize estimated_;
    philox_noise label_noise_, noise_;
    condition<S> given_;
    isize count_ = 0;
    std::vector<isize> labels_, lengths_;
    std::vector<condition_forms> absent_;
    batch<S> vectors_, maps_, sequences_;
};

DDPM_CLASS_INSTANCE(class condition_batch<float>)

}  // namespace ddpm::detail
