// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/layers/learned_null.hpp>
#include <ddpm/nn/layers/map_input.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/networks/unet_embedding.hpp>
#include <ddpm/nn/networks/unet_options.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace ddpm::nn::detail {

/// What a U-Net has whether it is trained or only runs: its options, what is joined with the samples, and the embedding.
template <Scalar S>
class unet_base : public network_base {
public:
    [[nodiscard]] const unet_options& options() const noexcept { return options_; }

    /// The shape of a sample: the input channels without those of the maps.
    [[nodiscard]] sample_shape shape() const noexcept {
        return {options_.height, options_.width, options_.in_channels - options_.map_channels};
    }

    /// True if the output has twice the sample's channels.
    [[nodiscard]] bool has_variance_head() const noexcept { return options_.out_channels == 2 * shape().channels; }

    [[nodiscard]] condition_shape takes() const noexcept {
        return {.classes = embedding_.classes(),
                .vector = embedding_.vector(),
                .map_channels = options_.map_channels,
                .learned = learned_forms(options_.learned_null, options_.vector, options_.map_channels)};
    }

    /// Enough samples for efficient matrix products; more would only take more memory.
    [[nodiscard]] isize samples_at_once() const noexcept {
        return std::max<isize>(1, 4096 / (options_.height * options_.width));
    }

protected:
    /// @throws value_error for options outside their domain
    explicit unet_base(const unet_options& options)
        : options_((require_valid(options), options)),
          maps_(shape(), options.map_channels, options.learned_null),
          embedding_(options) {}

    /// The samples joined with the maps, and with center_input 2x − 1 of that: the input of the first convolution.
    /// `joined` is x_t with the maps. Both are from memory unless they are x_t itself.
    [[nodiscard]] feature_map<const S> input_of(const network_input<S>& in, feature_map<const S>& joined,
                                                arena<S>& memory) const {
        joined = maps_.forward(in.xt, in.condition, memory);
        return options_.center_input ? centered(joined, memory) : joined;
    }

    /// @throws shape_error unless the samples and the output have the right sizes, without gaps
    void require_fits(std::string_view where, const network_input<S>& in, const batch_view<S>& out) const {
        ddpm::detail::require_input(where, in, shape(), takes());
        require_contiguous(where, in.xt);
        require<shape_error>(
            out.rows() != in.xt.rows() || options_.out_channels == shape().channels || has_variance_head(), where,
            "this network's output is not of its samples' shape: no predictor",
            {"out_channels = ", shape().channels, ", or twice as many (a variance head)"}, {options_.out_channels});
        require<shape_error>(out.rows() == options_.height * options_.width * options_.out_channels, where,
                             "elements of a sample of the output",
                             {options_.height, " x ", options_.width, " x ", options_.out_channels}, {out.rows()});
        require_contiguous(where, out);
        require_map(where, "output", output_map(out), options_.out_channels, options_.height, options_.width,
                    in.samples());
    }

    [[nodiscard]] feature_map<S> output_map(const batch_view<S>& out) const {
        return {out.data(), options_.out_channels, options_.height, options_.width, out.columns()};
    }

    static void divide_by_time(std::span<const double> t, batch_view<S> x) {
        for (isize n = 0; n < x.columns(); ++n) {
            multiply<S>(x.middle(n, 1), static_cast<S>(1 / t[static_cast<std::size_t>(n)]));
        }
    }

    unet_options options_;
    map_input<S> maps_;
    unet_embedding<S> embedding_;

private:
    template <class T>
    static void require_contiguous(std::string_view where, batch_view<T> x) {
        require<shape_error>(x.contiguous(), where, "samples without gaps", {x.rows()}, {x.stride()});
    }

    [[nodiscard]] static feature_map<const S> centered(feature_map<const S> x, arena<S>& memory) {
        const feature_map<S> y = memory.like(x);
        const batch_view<const S> from = x.images();
        const batch_view<S> to = y.images();
        kernels::for_each_block(from.rows(), from.columns(), [&](isize n, isize first, isize last) {
            for (isize i = first; i < last; ++i) {
                to(i, n) = 2 * from(i, n) - 1;
            }
        });
        return y;
    }
};

}  // namespace ddpm::nn::detail
