// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/nn/torch_order.hpp>
#include <ddpm/random/noise.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ddpm::nn {

namespace detail {

template <class L>
concept WeightAndBias = is_tensor<decltype(L::weight)> && is_tensor<decltype(L::bias)>;

}  // namespace detail

/// A layer that is affine in its input, such as `dense` and `conv2d`: it has tensors weight, whose first dimension are
/// the outputs, and bias, with one value per output, and inputs() is the number of inputs.
template <class L>
concept AffineLayer = detail::WeightAndBias<L> && requires(const L& layer) {
    { layer.inputs() } -> std::convertible_to<isize>;
};

/// What gives a network of S its initial parameters, as `initializer` and `torch_initializer`: start.layer(l) and
/// start.last_layer(l) set an AffineLayer, the second one the last of a branch, and start.normal(deviation, t) a tensor.
template <class Start, class S>
concept Initializer = requires(Start& start, dense<S>& layer, tensor<S>& values) {
    start.layer(layer);
    start.last_layer(layer);
    start.normal(1.0, values);
};

/// The rule for initial parameters.
enum class start_kind {
    torch,  ///< as torch's layers: weights and biases uniform in ±1/√fan_in
    paper,  ///< as the DDPM paper's code: uniform with variance 2 / (fan_in + fan_out), the last layer of a branch and
            ///< all biases zero
    zero    ///< all zero: fastest, for weights that will be loaded
};

/// Initializes parameters. The k-th tensor uses the words of sample k of the Philox stream `weights`, in torch's order.
/// @determinism a seed gives the same network on every machine
class initializer {
public:
    /// The parameters of this seed, by this rule.
    explicit initializer(std::uint64_t seed, start_kind kind = start_kind::torch)
        : noise_(seed, noise_stream::weights), kind_(kind) {}

    /// Uniform in ±bound.
    /// @accuracy (2 w / 2³² − 1) · bound for the word w, computed in double and rounded to S
    template <Scalar S>
    void uniform(double bound, tensor<S>& values) {
        std::vector<S> numbers(static_cast<std::size_t>(values.size()));
        parallel_for(values.size(), 16384, [&](isize first, isize last) {
            for (isize place = first; place < last; ++place) {
                const double number = static_cast<double>(noise_.bits(tensors_, 0, place)) * 0x1p-31 - 1;
                numbers[static_cast<std::size_t>(place)] = static_cast<S>(number * bound);
            }
        });
        ++tensors_;
        from_torch_order<S>(numbers, values);
    }

    /// Normal with mean 0.
    /// @accuracy as philox_noise::normal
    template <Scalar S>
    void normal(double deviation, tensor<S>& values) {
        batch<S> numbers(values.size(), 1);
        noise_.normal<S>(numbers, 0, tensors_++);
        for (isize place = 0; place < values.size(); ++place) {
            numbers(place, 0) = static_cast<S>(deviation * static_cast<double>(numbers(place, 0)));
        }
        from_torch_order<S>({numbers.data(), static_cast<std::size_t>(values.size())}, values);
    }

    /// Initializes the weight and bias of a dense layer or a convolution.
    /// @source torch.nn.Linear: kaiming_uniform_(a = √5); Ho et al. 2020, the authors' code: fan-average, scale 1
    template <AffineLayer L>
    [[gnu::noinline]] void layer(L& layer) {
        const double outputs = static_cast<double>(layer.bias.size());
        const double fan_in = static_cast<double>(layer.weight.size()) / outputs;
        if (kind_ == start_kind::torch) {
            uniform(1 / std::sqrt(fan_in), layer.weight);
            uniform(1 / std::sqrt(fan_in), layer.bias);
        } else if (kind_ == start_kind::zero) {
            zero(layer.weight, layer.bias);
        } else {
            const double fan_out = fan_in / static_cast<double>(layer.inputs()) * outputs;
            uniform(std::sqrt(6 / (fan_in + fan_out)), layer.weight);
            zero(layer.bias);
        }
    }

    /// The same for the last layer of a residual branch or of the network.
    template <AffineLayer L>
    void last_layer(L& last) {
        if (kind_ == start_kind::torch) {
            layer(last);
        } else {
            zero(last.weight, last.bias);
        }
    }

private:
    template <Scalar... S>
    static void zero(tensor<S>&... tensors) {
        (std::fill(tensors.values().begin(), tensors.values().end(), S{0}), ...);
    }

    philox_noise noise_;
    start_kind kind_;
    isize tensors_ = 0;
};

}  // namespace ddpm::nn
