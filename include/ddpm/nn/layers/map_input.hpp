// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/concatenate.hpp>
#include <ddpm/nn/layers/learned_null.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

namespace ddpm::nn {

/// The input of a network with map conditions: at each pixel the channels of x_t, then those of the maps.
template <Scalar S>
struct map_input {
    using scalar = S;

    sample_shape sample;  ///< of x_t
    isize channels = 0;   ///< of the maps; 0: x_t alone
    learned_null<S> null;

    /// With `learns_null` the maps may be absent.
    map_input(const sample_shape& sample_, isize channels_, bool learns_null)
        : sample(sample_), channels(channels_), null(learns_null ? channels_ : 0) {}

    /// y = (x_t, maps) at each pixel, with the null value for maps that are absent. Contiguous; from memory unless it is
    /// x_t itself.
    /// @shape xt D × N; the result (sample.channels + channels) · height · width × N
    /// @accuracy exact
    [[nodiscard]] feature_map<const S> forward(batch_view<const S> xt, const condition<S>& given,
                                               arena<S>& memory) const {
        const feature_map<const S> x = map_of(contiguous(xt, memory), sample.channels);
        if (channels == 0) {
            return x;
        }
        const isize rows = channels * sample.height * sample.width;
        const batch_view<const S> maps =
            null.forward(given.maps, given.absent, condition_form::map, rows, xt.columns(), memory);
        const feature_map<S> both = memory.map(x.channels + channels, x.height, x.width, x.samples);
        detail::concatenate<S>(x, map_of(contiguous(maps, memory), channels), both);
        return both;
    }

    /// Whether backward needs the gradient of forward's result, given whether the gradient of x_t is wanted.
    [[nodiscard]] bool needs_gradient(bool wants_dx) const noexcept { return wants_dx || null.learns(); }

    /// With dinput = (dx_t, dmaps) at each pixel: dx = dx_t, unless dx is empty, and d.null.value += Σ dmaps over all
    /// pixels of the samples whose maps are absent.
    /// @shape dinput as forward's result; dx D × N; d of this layer's sizes
    /// @throws shape_error if d.null has another size
    /// @accuracy dx exact; d.null as learned_null::backward
    void backward(const condition<S>& given, feature_map<const S> dinput, batch_view<S> dx, map_input& d,
                  arena<S>& memory) const {
        if (channels == 0) {
            if (dx.size() != 0) {
                detail::copy_columns<S>(dinput.images(), dx);
            }
            return;
        }
        const auto scope = memory.scope();
        const feature_map<S> dxt = memory.map(sample.channels, sample.height, sample.width, dinput.samples);
        const feature_map<S> dmaps = memory.map(channels, sample.height, sample.width, dinput.samples);
        detail::separate<S>(dinput, dxt, dmaps);
        if (dx.size() != 0) {
            detail::copy_columns<S>(dxt.images(), dx);
        }
        if (null.learns()) {
            null.backward(given.maps, given.absent, condition_form::map, dmaps.images(), d.null);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("null", self.null);
    }

private:
    /// The batch itself, or a copy from memory if its columns have gaps.
    [[nodiscard]] static batch_view<const S> contiguous(batch_view<const S> x, arena<S>& memory) {
        if (x.contiguous()) {
            return x;
        }
        const batch_view<S> copy = memory.columns(x.rows(), x.columns());
        detail::copy_columns<S>(x, copy);
        return copy;
    }

    template <class T>
    [[nodiscard]] feature_map<T> map_of(batch_view<T> of, isize of_channels) const {
        return {of.data(), of_channels, sample.height, sample.width, of.columns()};
    }
};

DDPM_CLASS_INSTANCE(struct map_input<float>)

}  // namespace ddpm::nn
