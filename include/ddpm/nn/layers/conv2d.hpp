// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/kernels/row_sums.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/detail/convolution.hpp>
#include <ddpm/nn/detail/convolution_start.hpp>
#include <ddpm/nn/detail/patches.hpp>
#include <ddpm/nn/detail/product.hpp>
#include <ddpm/nn/detail/winograd_choice.hpp>
#include <ddpm/nn/detail/winograd_map.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/products.hpp>

#include <algorithm>
#include <string_view>
#include <type_traits>

namespace ddpm::nn {

/// The zero padding of a convolution.
enum class conv_padding {
    symmetric,  ///< kernel / 2 on every side: an output as large as the input at stride 1
    after       ///< one at the right and one at the bottom; kernel 3 at stride 2: TensorFlow's SAME for even sizes
};

/// A convolution of images, as torch's Conv2d: the output's pixel (h, w) is bias + Σ weight(:, i, a, b) · x(i, h·stride
/// + a − before, w·stride + b − before), with x = 0 outside the image. It is the product of the weights and image
/// patches, or, where winograd_outputs says so, is computed by Winograd's algorithm, which needs a fourth of the products
/// or a little less than half. Threads have buffers, which are allocated at first use and kept: for patches at most
/// 0.5 MB each; for Winograd's algorithm about 1 MB and 15 KB for each input, and in the thread that calls backward 60 KB
/// for each input and output and 7 times the memory of the weights. Rows of more than 256 pixels need more, and products
/// other than those of float too: see bfloat16_products. A normalized map whose patches are gathered is written first, in
/// the thread that calls.
template <Scalar S>
struct conv2d : weight_and_bias {
    using scalar = S;

    tensor<S> weight;  ///< (outputs, inputs, kernel, kernel), as torch's Conv2d, but the outputs fastest
    tensor<S> bias;    ///< (outputs)
    isize stride = 1;
    conv_padding padding = conv_padding::symmetric;
    bool winograd = true;                      ///< whether Winograd's algorithm may be used: see winograd_outputs
    const float_products* products = nullptr;  ///< how products of float are computed; null: in float

    conv2d() noexcept = default;

    /// All zeros.
    /// @throws value_error unless the kernel is odd and the stride at least 1
    conv2d(isize inputs, isize outputs, isize kernel, isize stride_ = 1,
           conv_padding padding_ = conv_padding::symmetric)
        : weight({outputs, inputs, kernel, kernel}, tensor_order::first_fastest),
          bias({outputs}),
          stride(stride_),
          padding(padding_) {
        detail::require(kernel >= 1 && kernel % 2 == 1, "conv2d", "kernel", {"an odd number"}, {kernel});
        detail::require(stride >= 1, "conv2d", "stride", {">= 1"}, {stride});
    }

    [[nodiscard]] isize inputs() const noexcept { return weight.shape()[1]; }
    [[nodiscard]] isize outputs() const noexcept { return weight.shape()[0]; }
    [[nodiscard]] isize kernel() const noexcept { return weight.shape()[2]; }

    /// The height (width) of the output for an input of this height (width).
    /// @throws shape_error if the padded input is smaller than the kernel
    [[nodiscard]] isize output_size(isize size) const {
        const isize padded = size + (padding == conv_padding::symmetric ? 2 * before() : 1);
        detail::require<shape_error>(size >= 0 && padded >= kernel(), "conv2d::output_size",
                                     "the padded input is smaller than the kernel", {">= ", kernel()}, {padded});
        return (padded - kernel()) / stride + 1;
    }

    /// How many outputs along a side the tiles of Winograd's algorithm have for a map of this size, or 0 if the
    /// convolution is computed directly: always in double. Channels that are not whole blocks are computed directly, too:
    /// `forward` needs a multiple of 32 outputs, the gradient of the input of 32 inputs and 16 outputs, that of the weights
    /// of 16 outputs.
    /// @source Lavin and Gray 2015, arXiv 1509.09308: F(2 × 2, 3 × 3) and F(4 × 4, 3 × 3)
    [[nodiscard]] isize winograd_outputs(isize height, isize width) const noexcept {
        const bool possible =
            std::is_same_v<S, float> && winograd && kernel() == 3 && stride == 1 && padding == conv_padding::symmetric;
        return possible ? detail::winograd_outputs_for(inputs(), outputs(), height, width) : 0;
    }

    /// y = W * x + bias + sample_bias(:, n) for sample n, where x is what the map is read as: see normalized_map.
    /// @shape x inputs × height × width × N; y outputs × output_size(height) × output_size(width) × N; sample_bias
    /// outputs × N, or empty
    /// @throws shape_error if the shapes do not fit
    /// @accuracy directly that of kernels::matrix_product, with k = inputs · kernel²; by Winograd's algorithm, whose
    /// errors are about 3 times as large, 2e-5 of the largest output
    /// @determinism the bits of a sample depend on that sample only
    void forward(const normalized_map<S>& x, feature_map<S> y, batch_view<const S> sample_bias = {}) const {
        require_maps("conv2d::forward", "output", x.map, y);
        if (sample_bias.data() != nullptr) {
            detail::require_batch("conv2d::forward", "bias of each sample", sample_bias, outputs(), x.map.samples);
        }
        convolve(x, y, {.bias = bias.data(), .sample_bias = sample_bias});
    }

    /// y += W * x + bias. Shapes, errors, accuracy and determinism as forward.
    void forward_add(const normalized_map<S>& x, feature_map<S> y) const {
        require_maps("conv2d::forward_add", "output", x.map, y);
        convolve(x, y, {.bias = bias.data(), .add = true});
    }

    /// dx = the adjoint of W * dy; d.weight += Σ dy · patch(x)ᵀ and d.bias += Σ dy over all pixels, in an order that depends
    /// on the sizes only.
    /// @shape x as forward; dy as forward's y; dx as x, may be x, or empty if not needed; d of this layer's sizes
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as forward; by Winograd's algorithm 4e-5 of the largest gradient
    /// @determinism the same bits for every thread count; the bits of dx depend on their sample only
    void backward(const normalized_map<S>& x, feature_map<const S> dy, feature_map<S> dx, conv2d& d) const {
        constexpr std::string_view where = "conv2d::backward";
        require_maps(where, "gradient of the output", x.map, dy);
        detail::require_gradient(where, weight.shape(), d.weight.shape());
        detail::require_gradient(where, bias.shape(), d.bias.shape());
        if (!dx.empty()) {
            detail::require_map(where, "gradient of the input", dx, inputs(), x.map.height, x.map.width, x.map.samples);
        }
        const feature_map<const S> d_output = rounded_map<output_tag>(dy);
        add_weight_gradient(x, d_output, d);
        kernels::add_row_sums<S>(dy.columns(), d.bias.data());
        if (!dx.empty()) {
            input_gradient(d_output, dx);
        }
    }

    /// dx = the adjoint of W * dy, as `backward`, but nothing else.
    /// @shape as backward
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as backward
    void backward_input(feature_map<const S> dy, feature_map<S> dx) const {
        require_maps("conv2d::backward_input", "gradient of the output", feature_map<const S>(dx), dy);
        input_gradient(rounded_map<output_tag>(dy), dx);
    }

private:
    // For thread_scratch: the weights, transposed or rounded; the normalized input; the rounded input and gradient of the
    // output.
    struct weights_tag {};
    struct normalized_tag {};
    struct input_tag {};
    struct output_tag {};

    static constexpr isize panel = kernels::detail::packed_outputs, block = kernels::detail::winograd_channels;

    /// The padding above and to the left of an image.
    [[nodiscard]] isize before() const noexcept { return padding == conv_padding::symmetric ? kernel() / 2 : 0; }

    /// Whether each output pixel depends on the same input pixel only, so that this is a dense layer per pixel.
    [[nodiscard]] bool pointwise() const noexcept {
        return kernel() == 1 && stride == 1 && padding == conv_padding::symmetric;
    }

    /// Those of `products` that are computed directly from unrounded maps: see float_products::faster.
    [[nodiscard]] const float_products* direct_products() const {
        return products != nullptr && products->faster() ? products : nullptr;
    }

    /// Those for which maps and weights are rounded before products of float.
    [[nodiscard]] const float_products* rounding() const {
        return products != nullptr && !products->faster() ? products : nullptr;
    }

    /// winograd_outputs for a map, or 0 with products that are computed directly.
    [[nodiscard]] isize winograd_side(const feature_map<const S>& map) const {
        return direct_products() == nullptr ? winograd_outputs(map.height, map.width) : 0;
    }

    /// The map that the products read.
    template <class Tag>
    [[nodiscard]] feature_map<const S> rounded_map(const feature_map<const S>& x) const {
        return {detail::rounded<Tag>(rounding(), x.size(), x.data), x.channels, x.height, x.width, x.samples};
    }

    /// What the map is read as, rounded: the map itself, or in memory that the next call takes.
    [[nodiscard]] feature_map<const S> read_map(const normalized_map<S>& x) const {
        if (x.factors == nullptr) {
            return rounded_map<input_tag>(x.map);
        }
        const feature_map<S> place{thread_scratch<normalized_tag, S>(x.map.size()), x.map.channels, x.map.height,
                                   x.map.width, x.map.samples};
        x.write(place);
        return rounded_map<input_tag>(place);
    }

    /// The input for Winograd's algorithm, which normalizes it itself; rounded.
    [[nodiscard]] normalized_map<S> winograd_input(const normalized_map<S>& x) const {
        return rounding() == nullptr ? x : read_map(x);
    }

    template <class T>
    void require_maps(std::string_view where, std::string_view what, const feature_map<const S>& x,
                      const feature_map<T>& y) const {
        detail::require_map(where, "input", x, inputs(), x.height, x.width, x.samples);
        detail::require_map(where, what, y, outputs(), output_size(x.height), output_size(x.width), x.samples);
    }

    /// The input patches of the pixels of an output.
    template <class T>
    [[nodiscard]] detail::patch_grid patches(const feature_map<T>& y) const {
        return {y.height, y.width, y.samples, stride, -before(), -before(), kernel(), kernel()};
    }

    void convolve(const normalized_map<S>& input, const feature_map<S>& y,
                  const detail::convolution_start<S>& start) const {
        if (another_way([&](const auto& ways, const auto& with) { return ways.convolve(with, input, y, start); })) {
            return;
        }
        const S* const weights = detail::rounded<weights_tag>(rounding(), weight.size(), weight.data());
        if constexpr (std::is_same_v<S, float>) {
            if (const isize side = winograd_side(y); side != 0 && outputs() % panel == 0) {
                detail::convolve_by_winograd(side, weights, winograd_input(input), y, start);
                return;
            }
        }
        const feature_map<const S> x = read_map(input);
        if (!pointwise()) {
            detail::convolve<S>(direct_products(), weights, x, patches(y), y, {}, start);
            return;
        }
        if (!start.alike()) {
            constexpr isize pixels_per_task = 64;
            parallel_for(y.columns().columns(), pixels_per_task, [&](isize first, isize last) {
                start.put(y.columns().middle(first, last - first), 0, first, y.pixels());
            });
        }
        detail::product<S>(direct_products(), {weights, outputs(), inputs(), 1, outputs()},
                           kernels::matrix_of(x.columns()), y.columns(),
                           {.row_bias = start.alike() ? start.bias : nullptr, .accumulate = !start.alike()});
    }

    /// Calls `compute` with the other ways of direct_products, if they have any; returns whether it did compute: see convolution_ways.
    template <class Compute>
    [[nodiscard]] bool another_way(const Compute& compute) const {
        if constexpr (std::is_same_v<S, float>) {
            const float_products* const direct = direct_products();
            if (direct != nullptr && direct->convolutions != nullptr) {
                return compute(*direct->convolutions, detail::convolution_kernel{weight.data(), inputs(), outputs(),
                                                                                 kernel(), stride, before()});
            }
        }
        return false;
    }

    void add_weight_gradient(const normalized_map<S>& input, const feature_map<const S>& dy, conv2d& d) const {
        if (another_way([&](const auto& ways, const auto& with) {
                return ways.add_weight_gradient(with, input, dy, d.weight.data());
            })) {
            return;
        }
        if constexpr (std::is_same_v<S, float>) {
            if (const isize side = winograd_side(dy); side != 0 && outputs() % block == 0) {
                detail::add_weight_gradient_by_winograd(side, winograd_input(input), dy, d.weight.data());
                return;
            }
        }
        const feature_map<const S> x = read_map(input);
        if (pointwise()) {
            detail::product<S>(direct_products(), kernels::matrix_of(dy.columns()),
                               kernels::matrix_of(x.columns()).transposed(), {d.weight.data(), outputs(), inputs()},
                               {.accumulate = true});
            return;
        }
        detail::add_weight_gradient<S>(direct_products(), x, patches(dy), dy, d.weight.data());
    }

    /// The rows (or columns) first, first + stride, … of the input's gradient: `size` of them. They depend on `taps`
    /// rows of the kernel (last_tap, last_tap − stride, …) and as many rows of the output's gradient; these begin at
    /// row `from` for the first, and one row later for each next.
    struct phase {
        isize size, taps, last_tap, from;
    };
    [[nodiscard]] phase phase_of(isize first, isize size) const {
        const isize tap = (first + before()) % stride;
        const isize taps = tap < kernel() ? (kernel() - 1 - tap) / stride + 1 : 0;
        const isize last_tap = tap + (taps - 1) * stride;
        return {first < size ? (size - 1 - first) / stride + 1 : 0, taps, last_tap,
                taps > 0 ? (first + before() - last_tap) / stride : 0};
    }

    /// The convolution of dy with the mirrored and transposed weights: one for each of the stride² phases, which are
    /// the pixels with the same taps of the kernel.
    void input_gradient(const feature_map<const S>& dy, const feature_map<S>& dx) const {
        if (another_way([&](const auto& ways, const auto& with) { return ways.input_gradient(with, dy, dx); })) {
            return;
        }
        if (pointwise()) {
            const S* const weights = detail::rounded<weights_tag>(rounding(), weight.size(), weight.data());
            detail::product<S>(direct_products(),
                               kernels::matrix_ref<S>{weights, outputs(), inputs(), 1, outputs()}.transposed(),
                               kernels::matrix_of(dy.columns()), dx.columns());
            return;
        }
        S* const weights = thread_scratch<weights_tag, S>(weight.size());
        for (isize top = 0; top < stride; ++top) {
            for (isize left = 0; left < stride; ++left) {
                const phase down = phase_of(top, dx.height), across = phase_of(left, dx.width);
                mirror(down, across, weights);
                if constexpr (std::is_same_v<S, float>) {
                    if (rounding() != nullptr) {
                        products->round(down.taps * across.taps * outputs() * inputs(), weights, weights);
                    }
                }
                if constexpr (std::is_same_v<S, float>) {
                    if (const isize side = winograd_side(dx);
                        side != 0 && inputs() % panel == 0 && outputs() % block == 0) {
                        detail::convolve_by_winograd(side, weights, dy, dx, {});
                        return;
                    }
                }
                const detail::patch_grid grid{down.size, across.size, dx.samples, 1,
                                              down.from, across.from, down.taps,  across.taps};
                detail::convolve<S>(direct_products(), weights, dy, grid, dx, {stride, top, left}, {});
            }
        }
    }

    /// The weights of a phase: inputs × (taps down, taps across, outputs), the inputs fastest.
    void mirror(const phase& down, const phase& across, S* weights) const {
        constexpr isize rows = 16;  // of the transposed part
        const isize blocks = ddpm::detail::divided_up(outputs(), rows);
        const isize grain = ddpm::detail::divided_up(kernels::block_elements, rows * std::max<isize>(1, inputs()));
        parallel_for(down.taps * across.taps * blocks, grain, [&](isize first_task, isize last_task) {
            for (isize task = first_task; task < last_task; ++task) {
                const isize tap = task / blocks, first = task % blocks * rows;
                const isize row = down.last_tap - tap / across.taps * stride;
                const isize column = across.last_tap - tap % across.taps * stride;
                detail::transpose(weight.data() + (row * kernel() + column) * inputs() * outputs() + first, outputs(),
                                  std::min(rows, outputs() - first), inputs(),
                                  weights + (tap * outputs() + first) * inputs());
            }
        });
    }
};

DDPM_CLASS_INSTANCE(struct conv2d<float>)

}  // namespace ddpm::nn
