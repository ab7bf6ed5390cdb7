// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/detail/concatenate.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/attention.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/resample.hpp>
#include <ddpm/nn/layers/residual_block.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

#include <cstddef>
#include <optional>
#include <vector>

namespace ddpm::nn {

/// Halves the resolution with a convolution of stride 2, or doubles it with nearest neighbours and a convolution.
template <Scalar S>
struct conv_resampler {
    using scalar = S;

    conv2d<S> conv;
    bool up = false;

    /// y = conv(x), or conv(upsampled x). The result, from memory.
    /// @shape x inputs × H × W × N; y outputs × ⌈H/2⌉ × ⌈W/2⌉ × N, with `up` outputs × 2H × 2W × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as its layers, to the bit
    [[nodiscard]] feature_map<S> forward(feature_map<const S> x, arena<S>& memory) const {
        const isize factor = up ? 2 : 1;
        const feature_map<S> y = memory.map(conv.outputs(), conv.output_size(factor * x.height),
                                            conv.output_size(factor * x.width), x.samples);
        const auto scope = memory.scope();
        conv.forward(input(x, memory), y);
        return y;
    }

    /// dx, which may be x, = the input's gradient of conv for dout, or of the upsampling for that; conv adds the gradient of
    /// its parameters to d. Errors as forward.
    /// @shape x and dx as forward's x; dout as its y; d of this layer's sizes
    /// @accuracy in double within 1e-7 of central differences
    void backward(feature_map<const S> x, feature_map<const S> dout, feature_map<S> dx, conv_resampler& d,
                  arena<S>& memory) const {
        if (up) {
            {
                const auto scope = memory.scope();
                conv.backward(input(x, memory), dout, {}, d.conv);
            }
            const auto scope = memory.scope();
            const feature_map<S> dwidened = memory.map(x.channels, 2 * x.height, 2 * x.width, x.samples);
            conv.backward_input(dout, dwidened);
            upsample_nearest{}.backward<S>(dwidened, dx);
        } else {
            conv.backward(x, dout, dx, d.conv);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("conv", self.conv);
    }

private:
    /// The convolution's input: x, or upsampled x from memory, which is freed and computed again for backward.
    [[nodiscard]] feature_map<const S> input(feature_map<const S> x, arena<S>& memory) const {
        if (!up) {
            return x;
        }
        const feature_map<S> widened = memory.map(x.channels, 2 * x.height, 2 * x.width, x.samples);
        upsample_nearest{}.forward<S>(x, widened);
        return widened;
    }
};

/// One level of a U-Net's down or up path: residual blocks, the first ones each followed by an attention, then at most
/// one resampler.
template <Scalar S>
struct unet_stage {
    using scalar = S;

    const char* resampler = "downsamplers.0";  ///< the resampler's parameter name
    std::vector<residual_block<S>> resnets;
    std::vector<attention<S>> attentions;
    std::optional<conv_resampler<S>> by_conv;
    std::optional<residual_block<S>> by_residual;

    [[nodiscard]] isize layers() const noexcept { return static_cast<isize>(resnets.size()); }
    [[nodiscard]] bool resamples() const noexcept { return by_conv || by_residual; }

    /// The activations of a layer (a residual block and its attention), or of the resampler, for backward.
    struct activations {
        feature_map<S> in;
        feature_map<const S> skip;  ///< a skip connection that is joined with in; empty: none
        feature_map<S> joined;  ///< where it is joined, for forward and again for backward: several layers may share it
        typename residual_block<S>::activations block;
        feature_map<S> between;  ///< the block's output, if attention follows
        typename attention<S>::activations attend;
    };

    /// Layer j: attention_j(resnet_j(x, emb)), without the attention if the layer has none; the result is from memory.
    /// Unless a.skip is empty, resnet_j takes its channels after those of x. Without `keep` the activations are freed.
    /// @shape x and a.skip channels × H × W × N, together with the inputs of resnet_j; emb embedding × N; the result
    /// outputs of resnet_j × H × W × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as its layers, to the bit
    [[nodiscard]] feature_map<S> forward(std::size_t j, feature_map<S> x, batch_view<const S> emb, activations& a,
                                         arena<S>& memory, bool keep) const {
        const feature_map<S> out = memory.map(resnets[j].outputs(), x.height, x.width, x.samples);
        std::optional<typename arena<S>::scope_guard> scope;
        if (!keep) {
            scope.emplace(memory);
        }
        a.in = x;
        const feature_map<const S> input = input_of(a);
        if (j >= attentions.size()) {
            resnets[j].forward(input, emb, a.block, out, memory);
        } else {
            a.between = memory.like(out);
            resnets[j].forward(input, emb, a.block, a.between, memory);
            attentions[j].forward(a.between, a.attend, out, memory);
        }
        return out;
    }

    /// Backward of layer j: the gradient of resnet_j's input for that of attention_j's for dout takes the place of that
    /// input, a.in or a.joined, which must not be dout, and is returned. Adds the gradient of emb to demb and that of the
    /// parameters to d. Without `kept` it first computes the activations again.
    /// @shape dout as forward's result; emb and demb embedding × N; the result as the input of resnet_j; d of this stage's
    /// layers
    /// @throws shape_error if the shapes do not fit, also if d has other layers
    /// @accuracy in double within 1e-6 of central differences
    feature_map<S> backward(std::size_t j, batch_view<const S> emb, activations& a, feature_map<const S> dout,
                            batch_view<S> demb, unet_stage& d, arena<S>& memory, bool kept) const {
        detail::require_gradient("unet_stage::backward", "resnets", resnets, d.resnets);
        detail::require_gradient("unet_stage::backward", "attentions", attentions, d.attentions);
        const auto scope = memory.scope();
        if (!kept) {
            static_cast<void>(forward(j, a.in, emb, a, memory, true));
        }
        if (j < attentions.size()) {
            const feature_map<S> dbetween = memory.like(a.between);
            attentions[j].backward(a.between, a.attend, dout, dbetween, d.attentions[j], memory);
            dout = dbetween;
        }
        const feature_map<S> input = input_of(a);
        resnets[j].backward(input, emb, a.block, dout, input, demb, d.resnets[j], memory);
        return input;
    }

    /// The resampler: by_conv(x) or by_residual(x, emb); the result is from memory.
    /// @shape x channels × H × W × N; emb embedding × N; the result outputs × half or twice H × half or twice W × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as conv_resampler or residual_block, to the bit
    [[nodiscard]] feature_map<S> resample(feature_map<S> x, batch_view<const S> emb, activations& a,
                                          arena<S>& memory) const {
        a.in = x;
        if (by_conv) {
            return by_conv->forward(x, memory);
        }
        const residual_block<S>& block = *by_residual;
        const feature_map<S> out =
            memory.map(block.outputs(), block.resized(x.height), block.resized(x.width), x.samples);
        block.forward(x, emb, a.block, out, memory);
        return out;
    }

    /// Backward of the resampler: its input's gradient for dout takes the place of that input, a.in, which must not be dout,
    /// and is returned. Adds the gradient of emb to demb and that of the parameters to d.
    /// @shape dout as resample's result; emb and demb embedding × N; the result as resample's x; d of this stage's layers
    /// @throws shape_error if the shapes do not fit, also if d has another resampler
    /// @accuracy in double within 1e-6 of central differences
    feature_map<S> resample_backward(batch_view<const S> emb, const activations& a, feature_map<const S> dout,
                                     batch_view<S> demb, unet_stage& d, arena<S>& memory) const {
        detail::require_gradient("unet_stage::resample_backward", resampler, by_conv, d.by_conv);
        detail::require_gradient("unet_stage::resample_backward", resampler, by_residual, d.by_residual);
        if (by_conv) {
            by_conv->backward(a.in, dout, a.in, *d.by_conv, memory);
        } else {
            by_residual->backward(a.in, emb, a.block, dout, a.in, demb, *d.by_residual, memory);
        }
        return a.in;
    }

    /// Initializes the parameters, in the order in which diffusers constructs the layers.
    template <Initializer<S> Start>
    void start(Start& initializer) {
        for (std::size_t j = 0; j < resnets.size(); ++j) {
            resnets[j].start(initializer);
            if (j < attentions.size()) {
                initializer.layer(attentions[j].to_q);
                initializer.layer(attentions[j].to_k);
                initializer.layer(attentions[j].to_v);
                initializer.last_layer(attentions[j].to_out);
            }
        }
        if (by_conv) {
            initializer.layer(by_conv->conv);
        } else if (by_residual) {
            by_residual->start(initializer);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("resnets", self.resnets);
        visitor("attentions", self.attentions);
        if (self.by_conv) {
            visitor(self.resampler, *self.by_conv);
        } else if (self.by_residual) {
            visitor(self.resampler, *self.by_residual);
        }
    }

private:
    /// The input of a layer's residual block.
    [[nodiscard]] static feature_map<S> input_of(const activations& a) {
        if (a.skip.empty()) {
            return a.in;
        }
        detail::concatenate<S>(a.in, a.skip, a.joined);
        return a.joined;
    }
};

}  // namespace ddpm::nn
