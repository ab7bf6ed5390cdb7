// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/nn/detail/staged_input.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/inference/detail/norm_factors.hpp>
#include <ddpm/nn/inference/detail/packed_convolution.hpp>
#include <ddpm/nn/inference/detail/packed_dense.hpp>
#include <ddpm/nn/inference/detail/packed_stage.hpp>
#include <ddpm/nn/inference/detail/packed_workspace.hpp>
#include <ddpm/nn/networks/detail/unet_base.hpp>
#include <ddpm/nn/networks/detail/unet_stages.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/parameters.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::nn {

/// A U-Net for inference, which owns its weights in the order in which products read them. With T = float it computes
/// the network's prediction up to rounding; with T = bfloat16 weights and the maps between layers are rounded to
/// bfloat16, sums, normalizations, softmax and the embedding of time and conditions are float, and on processors with
/// AVX512_BF16 or AMX products take half of the time or less. See unet_options::winograd. It is a predictor without
/// gradients.
template <class T>
class packed_unet : public detail::unet_base<typename detail::packed_scalar<T>::type> {
    using base = detail::unet_base<typename detail::packed_scalar<T>::type>;
    using base::embedding_;
    using base::maps_;
    using base::options_;

public:
    using scalar = typename detail::packed_scalar<T>::type;
    using workspace = detail::packed_workspace<T>;

    /// Packs copies of the network's weights; the network is not used afterwards.
    explicit packed_unet(const unet<scalar>& net)
        : base(net), conv_in_(net.conv_in_), norm_out_(net.conv_norm_out_), conv_out_(net.conv_out_) {
        detail::time_projections<scalar> times;
        for (const unet_stage<scalar>& each : net.stages_.down) {
            add(detail::unet_path::down, each, times);
        }
        if (net.stages_.middle) {
            add(detail::unet_path::middle, *net.stages_.middle, times);
        }
        for (const unet_stage<scalar>& each : net.stages_.up) {
            add(detail::unet_path::up, each, times);
        }
        time_ = detail::packed_dense<T>(times.layers);
    }

    /// Makes it without a whole network in memory: calls load(parameters) for some layers after another, with lists of
    /// nn::parameter as nn::parameters gives for a `unet`, in the same order. load fills their values, which are then
    /// packed and freed.
    /// @throws value_error for options outside their domain, and what load throws
    template <class Load>
        requires std::invocable<Load&, const std::vector<parameter<float>>&>
    packed_unet(const unet_options& options, Load&& load)
        : base(options), norm_out_(options.channels.front(), options.groups, options.norm_eps) {
        fill("map_input", maps_, load);
        conv2d<scalar> conv(options.in_channels, options.channels.front(), 3);
        fill("conv_in", conv, load);
        conv_in_ = detail::packed_convolution<T>(conv);
        fill("", embedding_, load);
        const detail::unet_builder<scalar> build{options, embedding_.outputs()};
        detail::time_projections<scalar> times;
        build.for_each_stage([&](detail::unet_path path, unet_stage<scalar>&& made) {
            fill(stage_name(path), made, load);
            add(path, made, times);
        });
        time_ = detail::packed_dense<T>(times.layers);
        fill("conv_norm_out", norm_out_, load);
        conv = conv2d<scalar>(options.channels.front(), options.out_channels, 3);
        fill("conv_out", conv, load);
        conv_out_ = detail::packed_convolution<T>(conv);
    }

    /// The bytes of the packed weights, which are nearly all parameters.
    [[nodiscard]] std::size_t packed_bytes() const noexcept {
        std::size_t bytes = conv_in_.weights().bytes() + conv_out_.weights().bytes() + time_.weights().bytes();
        for (const auto* stages : {&down_, &up_}) {
            for (const stage& each : *stages) {
                bytes += each.packed_bytes();
            }
        }
        return bytes + (middle_ ? middle_->packed_bytes() : 0);
    }

    /// Memory for batches of up to that many samples; bytes() of it is the plan for so many.
    [[nodiscard]] workspace make_workspace(isize samples, pass) const {
        workspace w;
        plan(std::max<isize>(1, samples), w);
        return w;
    }

    /// The network's prediction. Shapes, errors and determinism as unet::forward; allocates if there are more samples
    /// than ever before.
    /// @accuracy within 1e-5 of the unet's output, as root mean squares; with T = bfloat16 0.03
    void forward(const network_input<scalar>& in, batch_view<scalar> out, workspace& w) const {
        this->require_fits("packed_unet::forward", in, out);
        if (in.samples() == 0) {
            return;
        }
        if (!w.is_planned_for(in.samples())) {
            plan(in.samples(), w);
        }
        w.begin();
        run(&in, out, w);
    }

private:
    using input = detail::packed_input<T>;
    using block = detail::packed_block<T>;
    using attention_block = detail::packed_attention_block<T>;
    using stage = detail::packed_stage<T>;

    /// The name of the next stage of a path.
    [[nodiscard]] std::string stage_name(detail::unet_path path) const {
        return path == detail::unet_path::middle ? "mid_block"
               : path == detail::unet_path::down ? detail::indexed_name("down_blocks", down_.size())
                                                 : detail::indexed_name("up_blocks", up_.size());
    }

    void add(detail::unet_path path, const unet_stage<scalar>& of, detail::time_projections<scalar>& times) {
        // All stages of the down path come before the others.
        const detail::map_size size = !up_.empty()     ? up_.back().output
                                      : !down_.empty() ? down_.back().output
                                                       : detail::map_size{options_.height, options_.width};
        if (path == detail::unet_path::middle) {
            middle_.emplace(of, size, false, stage_name(path), times);
        } else if (path == detail::unet_path::down) {
            down_.emplace_back(of, size, false, stage_name(path), times);
        } else {
            up_.emplace_back(of, size, true, stage_name(path), times);
        }
    }

    template <class Layer, class Load>
    static void fill(const std::string& prefix, Layer& layer, Load& load) {
        std::vector<parameter<float>> list = parameters(layer);
        for (parameter<float>& p : list) {
            p.name = prefix.empty() ? p.name : prefix + "." + p.name;
        }
        load(std::as_const(list));
    }

    void plan(isize samples, workspace& w) const {
        w.begin_plan(samples);
        run(nullptr, {}, w);
        w.end_plan(samples * floats_per_sample() + most_blocks * isize{16});
    }

    /// At least as many floats as the embedding and the joined input of a sample need, in most_blocks blocks.
    [[nodiscard]] isize floats_per_sample() const noexcept {
        const isize pixels = options_.in_channels * options_.height * options_.width;
        const isize copies = (options_.map_channels > 0 ? 3 : 0) + (options_.center_input ? 1 : 0);
        return 4 * options_.channels.front() + 12 * embedding_.outputs() + 2 * options_.vector + copies * pixels;
    }
    static constexpr isize most_blocks = 24;

    /// Computes the network, or plans its memory.
    void run(const network_input<scalar>* in, batch_view<scalar> out, workspace& w) const {
        const isize rows = time_.weights().outputs();
        const batch_view<scalar> times{w.template take<float>(rows * w.samples() + detail::stored_map<T>::panel), rows,
                                       w.samples()};
        const detail::stored_map<T> x = w.plain_map(options_.in_channels, options_.height, options_.width);
        batch_view<const scalar> emb;
        measure("embedding and input", "", "float", 0, 0, w, [&] {
            emb = embedding_.forward(in->t, in->condition, w.embedded, w.floats);
            feature_map<const scalar> joined;
            kernels::detail::convert(x.size(), this->input_of(*in, joined, w.floats).data, x.data);
        });
        measure("time_emb_proj of all blocks", "", "dense",
                2.0 * static_cast<double>(embedding_.outputs() * rows * w.samples()),
                static_cast<double>(time_.weights().bytes()), w, [&] { time_.forward(emb, times); });
        detail::stored_map<T> h = convolve("conv_in", "", conv_in_, input{{&x, 1}}, nullptr, {}, w);
        w.release(x.data);
        w.skips.push_back(h);
        for (const stage& each : down_) {
            for (std::size_t j = 0; j < each.blocks.size(); ++j) {
                w.skips.push_back(h = layer(each, j, {&h, 1}, times, w));
            }
            if (each.conv || each.residual) {
                w.skips.push_back(h = resample(each, h, times, w));
            }
        }
        for (std::size_t j = 0; middle_ && j < middle_->blocks.size(); ++j) {
            const detail::stored_map<T> before = h;
            h = layer(*middle_, j, {&before, 1}, times, w);
            if (j > 0) {
                w.release_map(before);  // the first is a skip connection's
            }
        }
        bool owned = middle_.has_value();  // whether h is no skip connection
        for (const stage& each : up_) {
            for (std::size_t j = 0; j < each.blocks.size(); ++j) {
                const std::array<detail::stored_map<T>, 2> both{h, w.skips.back()};
                w.skips.pop_back();
                h = layer(each, j, both, times, w);
                w.release_map(both[1]);
                if (owned) {
                    w.release_map(both[0]);
                }
                owned = true;
            }
            if (each.conv || each.residual) {
                const detail::stored_map<T> before = h;
                h = resample(each, before, times, w);
                w.release_map(before);
            }
        }
        const float* const factors = normalize("conv_norm_out", "", norm_out_, {&h, 1}, {}, w);
        if (!w.planning()) {
            const detail::stored_map<float> output{out.data(), options_.out_channels, options_.height, options_.width,
                                                   w.samples()};
            measure_convolution<float>("conv_out", "", conv_out_, {{&h, 1}, factors, activation::silu}, nullptr,
                                       {output}, w);
            if (options_.time == unet_time::fourier) {
                this->divide_by_time(in->t, out);
            }
        }
        w.release(factors);
        w.release_map(h);
        w.release(times.data());
    }

    /// Computes, and measures it if the workspace has a profile.
    template <class Compute>
    static void measure(std::string_view owner, std::string_view layer, const char* algorithm, double operations,
                        double bytes, workspace& w, const Compute& compute) {
        if (w.planning()) {
            return;
        }
        if (w.profile == nullptr) {
            compute();
            return;
        }
        const std::string full = std::string(owner) + (layer.empty() ? "" : ".") + std::string(layer);
        w.profile->measure(full, algorithm, operations, bytes, compute);
    }

    [[nodiscard]] detail::stored_map<T> convolve(std::string_view owner, std::string_view layer,
                                                 const detail::packed_convolution<T>& conv, const input& x,
                                                 const input* shortcut, detail::packed_output<T> to,
                                                 workspace& w) const {
        to.map = w.map(conv.outputs(), conv.output_size(x.height()), conv.output_size(x.width()), conv.phases());
        measure_convolution(owner, layer, conv, x, shortcut, to, w);
        return to.map;
    }

    template <class Out>
    static void measure_convolution(std::string_view owner, std::string_view layer,
                                    const detail::packed_convolution<T>& conv, const input& x, const input* shortcut,
                                    const detail::packed_output<T, Out>& to, workspace& w) {
        const double products = conv.pixel_products();
        const auto read = static_cast<double>(x.size() + (shortcut == nullptr ? 0 : shortcut->size()) +
                                              (to.added == nullptr ? 0 : to.map.size()));
        measure(owner, layer, conv.algorithm(), 2 * products * static_cast<double>(to.map.pixels() * w.samples()),
                read * sizeof(T) + static_cast<double>(conv.weights().bytes()) +
                    static_cast<double>(to.map.size()) * sizeof(Out),
                w, [&] { conv.forward(x, shortcut, to); });
    }

    /// The factors of a norm for all samples.
    [[nodiscard]] const float* normalize(std::string_view owner, std::string_view layer, const group_norm<scalar>& norm,
                                         std::span<const detail::stored_map<T>> parts,
                                         batch_view<const scalar> scale_shift, workspace& w) const {
        const isize length = 2 * norm.channels();
        float* const factors = w.template take<float>(length * w.samples());
        measure(owner, layer, "moments", 0, 0, w, [&] {
            parallel_for(w.samples(), 1, [&](isize first, isize last) {
                for (isize n = first; n < last; ++n) {
                    detail::find_norm_factors<T>(norm, parts, n, scale_shift, factors + n * length);
                }
            });
        });
        return factors;
    }

    [[nodiscard]] detail::stored_map<T> layer(const stage& of, std::size_t j,
                                              std::span<const detail::stored_map<T>> parts,
                                              batch_view<const scalar> times, workspace& w) const {
        detail::stored_map<T> out = residual(of.blocks[j], parts, times, w);
        if (j < of.attentions.size()) {
            const detail::stored_map<T> between = out;
            out = attend(of.attentions[j], between, w);
            w.release_map(between);
        }
        return out;
    }

    [[nodiscard]] detail::stored_map<T> resample(const stage& of, const detail::stored_map<T>& x,
                                                 batch_view<const scalar> times, workspace& w) const {
        if (of.residual) {
            return residual(*of.residual, {&x, 1}, times, w);
        }
        return convolve(of.resampler, "conv", *of.conv, input{.parts = {&x, 1}}, nullptr, {}, w);
    }

    [[nodiscard]] detail::stored_map<T> residual(const block& of, std::span<const detail::stored_map<T>> parts,
                                                 batch_view<const scalar> times, workspace& w) const {
        const float* const factors1 = normalize(of.name, "norm1", of.norm1, parts, {}, w);
        const isize rows = (of.scale_shift ? 2 : 1) * of.conv1.outputs();
        const batch_view<const scalar> time = times.middle_rows(of.time_place, rows);
        input x{parts, factors1, of.act};
        input raw{.parts = parts, .upsampled = of.resample == resampling::up};
        std::array<detail::stored_map<T>, 2> pooled;
        if (of.resample == resampling::down) {
            pooled = {pooled_map(x, w), pooled_map(raw, w)};
            x = {.parts = {&pooled[0], 1}};
            raw = {.parts = {&pooled[1], 1}};
        }
        detail::packed_output<T> inner;
        if (!of.scale_shift) {
            inner.bias = time.data();
            inner.bias_sample = time.stride();
        }
        const detail::stored_map<T> h = convolve(of.name, "conv1", of.conv1, x, nullptr, inner, w);
        const float* const factors2 =
            normalize(of.name, "norm2", of.norm2, {&h, 1}, of.scale_shift ? time : batch_view<const scalar>(), w);
        const detail::stored_map<T> out =
            convolve(of.name, "conv2", of.conv2, {{&h, 1}, factors2, of.act}, of.has_shortcut ? &raw : nullptr,
                     {.added = of.has_shortcut ? nullptr : raw.parts[0].data, .factor = of.factor}, w);
        if (of.resample == resampling::down) {
            w.release(pooled[0].data);
            w.release(pooled[1].data);
        }
        w.release_map(h);
        w.release(factors2);
        w.release(factors1);
        return out;
    }

    [[nodiscard]] detail::stored_map<T> pooled_map(const input& x, workspace& w) const {
        const detail::stored_map<T> to = w.plain_map(x.channels(), x.height() / 2, x.width() / 2);
        if (!w.planning()) {
            detail::pool_pixels(x, to);
        }
        return to;
    }

    [[nodiscard]] detail::stored_map<T> attend(const attention_block& of, const detail::stored_map<T>& x,
                                               workspace& w) const {
        const float* const factors =
            of.norm.groups > 0 ? normalize(of.name, "group_norm", of.norm, {&x, 1}, {}, w) : nullptr;
        const detail::stored_map<T> qkv = convolve(of.name, "to_qkv", of.qkv, {{&x, 1}, factors}, nullptr, {}, w);
        detail::stored_map<T> attended = x;
        attended.data = w.template take<T>(x.size());
        T* const packed = w.template take<T>(of.heads.packed_length(x.pixels(), x.samples));
        const auto tokens = static_cast<double>(x.pixels());
        measure(of.name, "", "attention", 4 * tokens * static_cast<double>(x.size()),
                4.0 * static_cast<double>(x.size()) * sizeof(T), w, [&] { of.heads.forward(qkv, attended, packed); });
        const detail::stored_map<T> out =
            convolve(of.name, "to_out", of.out, {{&attended, 1}}, nullptr, {.added = x.data, .factor = of.factor}, w);
        w.release(packed);
        w.release(attended.data);
        w.release_map(qkv);
        if (factors != nullptr) {
            w.release(factors);
        }
        return out;
    }

    detail::packed_convolution<T> conv_in_;
    std::vector<stage> down_, up_;
    std::optional<stage> middle_;
    group_norm<scalar> norm_out_;
    detail::packed_convolution<T> conv_out_;
    detail::packed_dense<T> time_;
};

}  // namespace ddpm::nn
