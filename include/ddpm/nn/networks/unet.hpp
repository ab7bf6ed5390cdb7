// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/detail/concatenate.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/layers/map_input.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/workspace.hpp>
#include <ddpm/nn/networks/detail/unet_base.hpp>
#include <ddpm/nn/networks/detail/unet_stages.hpp>
#include <ddpm/nn/networks/unet_activations.hpp>
#include <ddpm/nn/networks/unet_embedding.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/networks/unet_stage.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ddpm::nn {

template <class T>
class packed_unet;

/// The U-Net of diffusion models for images: residual blocks and self-attention on a path of decreasing, then of
/// increasing resolution, with a skip connection from each block of the first path to one of the second. Parameters
/// have the names, shapes and meaning of diffusers' UNet2DModel.
/// @source Ho et al. 2020, arXiv 2006.11239, appendix B; https://huggingface.co/docs/diffusers/api/models/unet2d
template <Scalar S>
class unet : public detail::unet_base<S> {
    using base = detail::unet_base<S>;
    using base::embedding_;
    using base::maps_;
    using base::options_;

public:
    using base::has_variance_head;
    using base::shape;
    using base::takes;

    using scalar = S;
    using workspace = nn::workspace<S, unet_activations<S>>;

    /// Initializes the parameters from the seed.
    /// @throws value_error for options outside their domain
    explicit unet(const unet_options& options)
        : base(options),
          conv_in_(options.in_channels, options.channels.front(), 3),
          stages_(options, embedding_.outputs()),
          conv_norm_out_(options.channels.front(), options.groups, options.norm_eps),
          conv_out_(options.channels.front(), options.out_channels, 3) {
        conv_in_.winograd = conv_out_.winograd = options.winograd;
        initializer random(options.seed, options.start);
        start(random);
    }

    /// Memory for batches of any size. It grows with the first batch of the largest size; later ones allocate nothing.
    [[nodiscard]] workspace make_workspace(isize, pass serves) const {
        workspace w(serves);
        w.activations.layers.resize(static_cast<std::size_t>(layer_count()));
        return w;
    }

    /// The network's prediction, of options().out_channels channels. The stages turn h = conv_in(x_t, maps), of twice the
    /// input less 1 with center_input, into the h of
    ///     out = conv_out(silu(conv_norm_out(h))),
    /// which is divided by t if the embedding of the time is unet_time::fourier. The first path's maps are kept as skip
    /// connections, and each layer of the second path reads h joined with the last of them that is not yet read.
    /// @shape in.xt of shape() × N, out out_channels · height · width × N, channels fastest
    /// @units t is the model's time: for a discrete schedule the 0-based timestep
    /// @throws shape_error if the shapes do not fit; value_error if the condition is not what the options ask for
    /// @determinism the bits of a sample depend on that sample, its time and its condition only
    /// @accuracy within 2e-5 in float and 1e-8 in double of the largest value of diffusers' output
    void forward(const network_input<S>& in, batch_view<S> out, workspace& w) const {
        const isize n = in.samples();
        this->require_fits("unet::forward", in, out);
        const feature_map<S> output = this->output_map(out);
        w.begin(n);
        unet_activations<S>& a = w.activations;
        a.begin();
        if (n == 0) {
            return;
        }
        arena<S>& memory = w.memory;
        const batch_view<const S> emb = embedding_.forward(in.t, in.condition, a.embedded, memory);
        a.input = this->input_of(in, a.joined, memory);
        std::vector<feature_map<const S>>& skips = a.skips;
        const feature_map<S> first = memory.map(options_.channels.front(), options_.height, options_.width, n);
        conv_in_.forward(a.input, first);
        feature_map<S> h = first;
        skips.push_back(h);
        for (const unet_stage<S>& stage : stages_.down) {
            for (isize j = 0; j < stage.layers(); ++j) {
                skips.push_back(h = forward_layer(stage, j, h, emb, in, w));
            }
            if (stage.resamples()) {
                skips.push_back(h = stage.resample(h, emb, next(in, w), memory));
            }
        }
        for (isize j = 0; stages_.middle && j < stages_.middle->layers(); ++j) {
            h = forward_layer(*stages_.middle, j, h, emb, in, w);
        }
        std::size_t skip = skips.size();
        S* const joined = memory.take(largest_joined(skips));
        for (const unet_stage<S>& stage : stages_.up) {
            for (isize j = 0; j < stage.layers(); ++j) {
                auto& layer = a.layers[a.layers_used];
                layer.skip = skips[--skip];
                layer.joined = {joined, joined_channels(stage, j), h.height, h.width, n};
                h = forward_layer(stage, j, h, emb, in, w);
            }
            if (stage.resamples()) {
                h = stage.resample(h, emb, next(in, w), memory);
            }
        }
        a.last = h;
        a.moments = memory.columns(2, conv_norm_out_.groups * n);
        a.factors = memory.columns(2 * h.channels, n);
        conv_out_.forward(conv_norm_out_.normalized(h, activation::silu, {}, a.moments, a.factors), output);
        if (options_.time == unet_time::fourier) {
            this->divide_by_time(in.t, output.images());
        }
    }

    /// After forward of the same input in the same workspace: adds the gradient of the parameters to d, and writes that
    /// of the samples to dx. With Lᵀ(g) the gradient of the input of a layer L whose output has the gradient g: dh =
    /// conv_norm_outᵀ(silu'(conv_norm_out(h)) · conv_outᵀ(dout)) goes through the stages in reverse order, then dx =
    /// conv_inᵀ(dh), twice that with center_input; where out is divided by t, dout is first. The gradient of a skip
    /// connection is added to that of the map that it copies, and those of the embedding are summed over the layers.
    /// @shape in as forward; dout as its out; dx as in.xt, or empty if not needed; d of this network's layers and sizes
    /// @throws shape_error if the shapes do not fit, or the workspace is not for backward, or backward has used up the
    /// activations of the last forward
    /// @determinism the same bits for every thread count
    /// @accuracy within 1e-4 in float and 1e-7 in double of diffusers' gradients; in double 1e-6 of central differences
    void backward(const network_input<S>& in, batch_view<const S> dout, workspace& w, unet& d,
                  batch_view<S> dx = {}) const {
        const isize n = in.samples();
        w.require_backward("unet::backward", n);
        detail::require_batch("unet::backward", "gradient of the output", dout,
                              options_.height * options_.width * options_.out_channels, n);
        // As many blocks go up as down.
        detail::require_gradient("unet::backward", "down_blocks", stages_.down, d.stages_.down);
        detail::require_gradient("unet::backward", "mid_block", stages_.middle, d.stages_.middle);
        if (n == 0) {
            return;
        }
        w.end();
        unet_activations<S>& a = w.activations;
        arena<S>& memory = w.memory;
        const auto scope = memory.scope();
        const batch_view<const S> emb = a.embedded.active;
        const batch_view<S> demb = memory.columns(emb.rows(), n);
        std::fill_n(demb.data(), demb.size(), S{0});
        std::vector<feature_map<S>>& dskips = a.dskips;
        dskips.clear();
        feature_map<S> dh = a.last;  // the gradient of a map takes its place
        {
            const auto inner = memory.scope();
            const feature_map<S> dactive = memory.like(a.last);
            feature_map<const S> doutput{dout.data(), options_.out_channels, a.last.height, a.last.width, n};
            if (options_.time == unet_time::fourier) {
                const feature_map<S> scaled = memory.like(doutput);
                detail::copy_columns<S>(dout, scaled.images());
                this->divide_by_time(in.t, scaled.images());
                doutput = scaled;
            }
            conv_out_.backward({a.last, a.factors.data(), activation::silu}, doutput, dactive, d.conv_out_);
            conv_norm_out_.backward(a.last, a.moments, activation::silu, {}, dactive, dh, {}, d.conv_norm_out_);
        }
        std::size_t at = a.layers_used;
        for (std::size_t left = stages_.up.size(); left > 0; --left) {
            const unet_stage<S>& stage = stages_.up[left - 1];
            unet_stage<S>& d_stage = d.stages_.up[left - 1];
            if (stage.resamples()) {
                dh = stage.resample_backward(emb, a.layers[--at], dh, demb, d_stage, memory);
            }
            for (isize j = stage.layers(); j-- > 0;) {
                auto& layer = a.layers[--at];
                // That of the skip connection takes the place of a map that is of no use after this layer.
                feature_map<S> dskip = layer.block.h;
                if (w.keeps() && dskip.channels >= layer.skip.channels) {
                    dskip.channels = layer.skip.channels;
                } else {
                    dskip = memory.like(layer.skip);
                }
                dskips.push_back(dskip);
                const feature_map<S> both =
                    stage.backward(static_cast<std::size_t>(j), emb, layer, dh, demb, d_stage, memory, w.keeps());
                dh = layer.in;
                detail::separate<S>(both, dh, dskip);
            }
        }
        std::size_t skip = dskips.size();
        for (isize j = stages_.middle ? stages_.middle->layers() : 0; j-- > 0;) {
            dh = stages_.middle->backward(static_cast<std::size_t>(j), emb, a.layers[--at], dh, demb, *d.stages_.middle,
                                          memory, w.keeps());
        }
        for (std::size_t left = stages_.down.size(); left > 0; --left) {
            const unet_stage<S>& stage = stages_.down[left - 1];
            unet_stage<S>& d_stage = d.stages_.down[left - 1];
            if (stage.resamples()) {
                detail::add<S>(dskips[--skip].columns(), dh.columns());
                dh = stage.resample_backward(emb, a.layers[--at], dh, demb, d_stage, memory);
            }
            for (isize j = stage.layers(); j-- > 0;) {
                detail::add<S>(dskips[--skip].columns(), dh.columns());
                dh = stage.backward(static_cast<std::size_t>(j), emb, a.layers[--at], dh, demb, d_stage, memory,
                                    w.keeps());
            }
        }
        detail::add<S>(dskips[--skip].columns(), dh.columns());
        if (maps_.needs_gradient(dx.size() != 0)) {
            const feature_map<S> dinput = memory.like(a.input);
            conv_in_.backward(a.input, dh, dinput, d.conv_in_);
            if (options_.center_input) {
                detail::multiply<S>(dinput.columns(), S{2});
            }
            maps_.backward(in.condition, dinput, dx, d.maps_, memory);
        } else {
            conv_in_.backward(a.input, dh, {}, d.conv_in_);
        }
        embedding_.backward(in.condition, a.embedded, demb, d.embedding_, memory);
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("map_input", self.maps_);
        visitor("conv_in", self.conv_in_);
        std::remove_const_t<decltype(self.embedding_)>::visit(self.embedding_, visitor);
        visitor("down_blocks", self.stages_.down);
        if (self.stages_.middle) {
            visitor("mid_block", *self.stages_.middle);
        }
        visitor("up_blocks", self.stages_.up);
        visitor("conv_norm_out", self.conv_norm_out_);
        visitor("conv_out", self.conv_out_);
    }

    /// Initializes all layers in the order in which diffusers constructs them; with a torch_initializer a seed gives
    /// the same weights as in PyTorch.
    template <Initializer<S> Start>
    void start(Start& initializer) {
        initializer.layer(conv_in_);
        embedding_.start(initializer);
        for (unet_stage<S>& stage : stages_.down) {
            stage.start(initializer);
        }
        if (stages_.middle) {
            stages_.middle->start(initializer);
        }
        for (unet_stage<S>& stage : stages_.up) {
            stage.start(initializer);
        }
        initializer.last_layer(conv_out_);
    }

private:
    template <class T>
    friend class packed_unet;

    [[nodiscard]] feature_map<S> forward_layer(const unet_stage<S>& stage, isize j, feature_map<S> x,
                                               batch_view<const S> emb, const network_input<S>& in,
                                               workspace& w) const {
        return stage.forward(static_cast<std::size_t>(j), x, emb, next(in, w), w.memory, w.keeps());
    }

    /// The activations of the next layer, with its dropout mask set.
    [[nodiscard]] typename unet_stage<S>::activations& next(const network_input<S>& in, workspace& w) const {
        auto& a = w.activations.layers[w.activations.layers_used++];
        a.block.drop.rate = in.dropout ? options_.dropout : 0;
        if (in.dropout) {
            a.block.address = {in.dropout->seed, in.dropout->step, in.dropout->first_sample,
                               static_cast<isize>(w.activations.layers_used)};
        }
        return a;
    }

    /// The channels that layer j of a stage of the way up reads.
    [[nodiscard]] static isize joined_channels(const unet_stage<S>& stage, isize j) noexcept {
        return stage.resnets[static_cast<std::size_t>(j)].conv1.inputs();
    }

    /// The number of elements of the largest input of a layer of the way up.
    [[nodiscard]] isize largest_joined(const std::vector<feature_map<const S>>& skips) const noexcept {
        isize size = 0;
        std::size_t skip = skips.size();
        for (const unet_stage<S>& stage : stages_.up) {
            for (isize j = 0; j < stage.layers(); ++j) {
                const feature_map<const S>& joined = skips[--skip];
                size = std::max(size, joined_channels(stage, j) * joined.pixels() * joined.samples);
            }
        }
        return size;
    }

    [[nodiscard]] isize layer_count() const noexcept {
        isize count = stages_.middle ? stages_.middle->layers() : 0;
        for (const auto* stages : {&stages_.down, &stages_.up}) {
            for (const unet_stage<S>& stage : *stages) {
                count += stage.layers() + (stage.resamples() ? 1 : 0);
            }
        }
        return count;
    }

    conv2d<S> conv_in_;
    detail::unet_stages<S> stages_;
    group_norm<S> conv_norm_out_;
    conv2d<S> conv_out_;
};

DDPM_CLASS_INSTANCE(class unet<float>)

}  // namespace ddpm::nn
