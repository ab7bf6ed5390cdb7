// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/row_sums.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/dropout.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/layers/resample.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>

namespace ddpm::nn {

/// How a residual block changes the resolution of both of its branches.
enum class resampling { none, down, up };

/// The sizes of a residual_block and its variants.
struct residual_block_options {
    isize inputs = 0;          ///< channels of x
    isize outputs = 0;         ///< channels of out
    isize embedding = 0;       ///< size of the time embedding
    isize groups = 32;         ///< of both norms; must divide inputs and outputs
    double eps = 1e-5;         ///< added to the variances by both norms
    bool scale_shift = false;  ///< the time scales and shifts after the second norm; otherwise it is added before it
    double rescale = 1;        ///< divisor of the output, not 0
    resampling resample = resampling::none;  ///< of both branches
    activation act = activation::silu;       ///< f
    bool winograd = true;                    ///< of the convolutions: see conv2d::winograd
};

/// The residual block of diffusion U-Nets: out = (shortcut(x) + conv2(dropout(f(norm2(conv1(f(norm1(x))) +
/// proj(emb)))))) / rescale, with the activation f; emb is f of the embedded time.
/// @source Ho et al. 2020, arXiv 2006.11239, appendix B; Dhariwal and Nichol 2021, arXiv 2105.05233 (scale and shift,
/// resampling); diffusers' ResnetBlock2D names the parameters
template <Scalar S>
struct residual_block {
    using scalar = S;

    group_norm<S> norm1, norm2;
    conv2d<S> conv1, conv2;
    dense<S> time_emb_proj;
    std::optional<conv2d<S>> conv_shortcut;  ///< none where inputs = outputs
    bool scale_shift = false;
    double rescale = 1;
    resampling resample = resampling::none;
    activation act = activation::silu;

    /// The norms have scale one and shift zero; all other parameters are 0.
    /// @throws value_error unless the groups divide inputs and outputs, eps ≥ 0, and rescale is finite and not 0;
    /// shape_error if a size is negative
    explicit residual_block(const residual_block_options& o)
        : norm1(o.inputs, o.groups, o.eps),
          norm2(o.outputs, o.groups, o.eps),
          conv1(o.inputs, o.outputs, 3),
          conv2(o.outputs, o.outputs, 3),
          time_emb_proj(o.embedding, o.scale_shift ? 2 * o.outputs : o.outputs),
          scale_shift(o.scale_shift),
          rescale(o.rescale),
          resample(o.resample),
          act(o.act) {
        ddpm::detail::require(std::isfinite(o.rescale) && o.rescale != 0, "residual_block", "rescale",
                              {"finite and not 0"}, {o.rescale});
        conv1.winograd = conv2.winograd = o.winograd;
        if (o.inputs != o.outputs) {
            conv_shortcut.emplace(o.inputs, o.outputs, 1);
        }
    }

    [[nodiscard]] isize outputs() const noexcept { return conv1.outputs(); }

    /// The activations for backward.
    struct activations {
        feature_map<S> input;   ///< resampled x, the input of the shortcut; empty if the resolution stays
        feature_map<S> active;  ///< resampled f(norm1(x)), the input of conv1; likewise
        feature_map<S> h;       ///< output of conv1
        batch_view<S> moments1, moments2;
        batch_view<S> factors1, factors2;  ///< with which x and h are read: see normalized_map
        batch_view<S> time;                ///< the projected embedding
        dropout drop;
        dropout_address address;
    };

    /// The height or width of out, for an x of this height or width: size, 2 size or size/2.
    [[nodiscard]] isize resized(isize size) const noexcept {
        return resample == resampling::none ? size : resample == resampling::up ? 2 * size : size / 2;
    }

    /// With r the change of resolution, and e = time_emb_proj(emb) at each pixel:
    ///     h = conv1(r(f(norm1(x)))) + e, kept = dropout(f(norm2(h))), out = (shortcut(r(x)) + conv2(kept)) / rescale.
    /// With scale_shift e is not added to h, but is the scale and shift of norm2. Where inputs = outputs the shortcut is the
    /// identity.
    /// @shape x inputs × H × W × N; emb embedding × N; out outputs × resized(H) × resized(W) × N; a.drop and a.address
    /// are inputs
    /// @throws shape_error if the shapes do not fit
    /// @accuracy see unet::forward
    void forward(feature_map<const S> x, batch_view<const S> emb, activations& a, feature_map<S> out,
                 arena<S>& memory) const {
        const isize n = x.samples;
        a.moments1 = memory.columns(2, norm1.groups * n);
        a.factors1 = memory.columns(2 * norm1.channels(), n);
        const normalized_map<S> active = norm1.normalized(x, act, {}, a.moments1, a.factors1);
        a.input = a.active = {};
        if (resample != resampling::none) {
            a.input = resized_map(x, memory);
            a.active = memory.like(a.input);
            const auto scope = memory.scope();
            const feature_map<S> whole = memory.like(x);
            active.write(whole);
            resize(whole, a.active);
        }
        a.time = memory.columns(time_emb_proj.outputs(), n);
        time_emb_proj.forward(emb, a.time);
        a.h = memory.map(outputs(), resized(x.height), resized(x.width), n);
        conv1.forward(first_input(x, a), a.h, scale_shift ? batch_view<const S>() : a.time);
        a.moments2 = memory.columns(2, norm2.groups * n);
        a.factors2 = memory.columns(2 * norm2.channels(), n);
        static_cast<void>(norm2.normalized(a.h, act, scale_shift ? batch_view<const S>(a.time) : batch_view<const S>(),
                                           a.moments2, a.factors2));
        const feature_map<const S> input = shortcut_input(x, a);
        if (conv_shortcut) {
            conv_shortcut->forward(input, out);
        } else {
            detail::copy_columns<S>(input.columns(), out.columns());
        }
        {
            const auto scope = memory.scope();
            conv2.forward_add(second_input(a, memory), out);
        }
        if (rescale != 1) {
            detail::multiply<S>(out.columns(), static_cast<S>(1 / rescale));
        }
    }

    /// With Lᵀ(g) the gradient of the input of a layer L whose output has the gradient g: with g = dout / rescale and
    /// dh = norm2ᵀ(f'(norm2(h)) · dropoutᵀ(conv2ᵀ(g))), dx = norm1ᵀ(f'(norm1(x)) · rᵀ(conv1ᵀ(dh))) + rᵀ(shortcutᵀ(g))
    /// and demb += time_emb_projᵀ(de), where de is the sum of dh over the pixels, or with scale_shift the gradient of
    /// norm2's scale and shift. Each layer adds the gradient of its parameters to d.
    /// @shape as forward; dx may be x, and must not be dout; d of this block's sizes. Overwrites a.h.
    /// @throws shape_error if the shapes do not fit
    /// @accuracy in double within 1e-6 of central differences
    void backward(feature_map<const S> x, batch_view<const S> emb, const activations& a, feature_map<const S> dout,
                  feature_map<S> dx, batch_view<S> demb, residual_block& d, arena<S>& memory) const {
        detail::require_gradient("residual_block::backward", "conv_shortcut", conv_shortcut, d.conv_shortcut);
        const auto scope = memory.scope();
        if (rescale != 1) {
            const feature_map<S> rescaled = memory.like(dout);
            detail::multiply<S>(dout.columns(), static_cast<S>(1 / rescale), rescaled.columns());
            dout = rescaled;
        }
        const batch_view<S> dtime = memory.columns(a.time.rows(), a.time.columns());
        const feature_map<S> dh = a.h;  // takes the place of h
        {
            const auto inner = memory.scope();
            const feature_map<S> dkept = memory.like(a.h);
            {
                const auto innermost = memory.scope();
                conv2.backward(second_input(a, memory), dout, dkept, d.conv2);
            }
            a.drop.template backward<S>(dkept.images(), dkept.images(), a.address);
            const batch_view<S> none;
            norm2.backward(a.h, a.moments2, act, scale_shift ? batch_view<const S>(a.time) : none, dkept, dh,
                           scale_shift ? dtime : none, d.norm2);
        }
        if (!scale_shift) {
            for (isize n = 0; n < x.samples; ++n) {
                std::fill_n(dtime.column(n), dtime.rows(), S{0});
                kernels::add_row_sums<S>(dh.sample(n).columns(), dtime.column(n));
            }
        }
        const batch_view<S> demb_here = memory.columns(demb.rows(), demb.columns());
        time_emb_proj.backward(emb, dtime, demb_here, d.time_emb_proj);
        detail::add<S>(demb_here, demb);

        // What reads x comes before dx, which may take its place.
        const feature_map<S> dactive = memory.map(conv1.inputs(), a.h.height, a.h.width, x.samples);
        conv1.backward(first_input(x, a), dh, dactive, d.conv1);
        if (conv_shortcut) {
            conv_shortcut->backward(shortcut_input(x, a), dout, {}, *d.conv_shortcut);
        }
        const feature_map<S> unresized_place = resample == resampling::none ? feature_map<S>{} : memory.like(dx);
        norm1.backward(x, a.moments1, act, {}, unresized(dactive, unresized_place), dx, {}, d.norm1);
        if (conv_shortcut) {
            conv_shortcut->backward_input(dout, dactive);
            dout = dactive;
        }
        detail::add<S>(unresized(dout, unresized_place).columns(), dx.columns());
    }

    /// Initializes the parameters, in the order in which diffusers constructs the layers.
    template <Initializer<S> Start>
    void start(Start& initializer) {
        initializer.layer(conv1);
        initializer.layer(time_emb_proj);
        initializer.last_layer(conv2);
        if (conv_shortcut) {
            initializer.layer(*conv_shortcut);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("norm1", self.norm1);
        visitor("conv1", self.conv1);
        visitor("time_emb_proj", self.time_emb_proj);
        visitor("norm2", self.norm2);
        visitor("conv2", self.conv2);
        if (self.conv_shortcut) {
            visitor("conv_shortcut", *self.conv_shortcut);
        }
    }

private:
    [[nodiscard]] feature_map<const S> shortcut_input(feature_map<const S> x, const activations& a) const {
        return resample == resampling::none ? x : feature_map<const S>(a.input);
    }

    /// The input of conv1.
    [[nodiscard]] normalized_map<S> first_input(feature_map<const S> x, const activations& a) const {
        return resample == resampling::none ? normalized_map<S>(x, a.factors1.data(), act) : a.active;
    }

    /// The input of conv2. With dropout it is in memory.
    [[nodiscard]] normalized_map<S> second_input(const activations& a, arena<S>& memory) const {
        const normalized_map<S> active(a.h, a.factors2.data(), act);
        if (a.drop.rate == 0) {
            return active;
        }
        const feature_map<S> kept = memory.like(a.h);
        active.write(kept);
        a.drop.template forward<S>(kept.images(), kept.images(), a.address);
        return kept;
    }

    /// y = x at the resolution of the output.
    void resize(feature_map<const S> x, feature_map<S> y) const {
        if (resample == resampling::up) {
            upsample_nearest{}.forward<S>(x, y);
        } else {
            downsample_average{}.forward<S>(x, y);
        }
    }
    [[nodiscard]] feature_map<S> resized_map(feature_map<const S> x, arena<S>& memory) const {
        const feature_map<S> y = memory.map(x.channels, resized(x.height), resized(x.width), x.samples);
        resize(x, y);
        return y;
    }

    /// Backward of resize: the result is dy itself, or in `place`.
    template <class T>
    [[nodiscard]] feature_map<T> unresized(feature_map<T> dy, feature_map<S> place) const {
        if (resample == resampling::none) {
            return dy;
        }
        if (resample == resampling::up) {
            upsample_nearest{}.backward<S>(dy, place);
        } else {
            downsample_average{}.backward<S>(dy, place);
        }
        return place;
    }
};

DDPM_CLASS_INSTANCE(struct residual_block<float>)

}  // namespace ddpm::nn
