// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/tensor.hpp>
#include <ddpm/nn/torch_order.hpp>
#include <ddpm/random/noise.hpp>

#include <cmath>
#include <cstdint>

namespace ddpm::nn {

/// Gives the tensors of a network their random start: tensor number k that it fills takes the words of sample k of the
/// Philox stream `weights`, in torch's order.
/// @determinism a seed gives the same network on every machine
class initializer {
public:
    explicit initializer(std::uint64_t seed) : noise_(seed, noise_stream::weights) {}

    /// Uniform within ±bound.
    template <Scalar S>
    void uniform(double bound, tensor<S>& values) {
        for_each_place(values.shape(), values.order(), [&](index torch, index memory) {
            const double unit = static_cast<double>(noise_.bits(tensors_, 0, torch)) * 0x1p-32;
            values[memory] = static_cast<S>((2 * unit - 1) * bound);
        });
        ++tensors_;
    }

    /// Normal with mean 0.
    template <Scalar S>
    void normal(double deviation, tensor<S>& values) {
        batch<S> numbers(values.size(), 1);
        noise_.normal<S>(numbers, 0, tensors_++);
        for_each_place(values.shape(), values.order(), [&](index torch, index memory) {
            values[memory] = static_cast<S>(deviation * static_cast<double>(numbers(torch, 0)));
        });
    }

    /// What torch gives a Linear or a Conv2d: weights and biases uniform within ±1/√(numbers that a sum of it adds).
    /// @source torch.nn.Linear: kaiming_uniform_(a = √5)
    template <class L>
    void torch_default(L& layer) {
        const double bound = 1 / std::sqrt(static_cast<double>(layer.weight.size() / layer.bias.size()));
        uniform(bound, layer.weight);
        uniform(bound, layer.bias);
    }

private:
    philox_noise noise_;
    index tensors_ = 0;
};

}  // namespace ddpm::nn
