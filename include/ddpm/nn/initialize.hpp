// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/dense.hpp>
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

    /// What torch gives a Linear: weights and biases uniform within ±1/√inputs.
    /// @source torch.nn.Linear: kaiming_uniform_(a = √5)
    template <Scalar S>
    void torch_default(dense<S>& layer) {
        const double bound = 1 / std::sqrt(static_cast<double>(layer.inputs()));
        uniform(bound, layer.weight);
        uniform(bound, layer.bias);
    }

private:
    philox_noise noise_;
    index tensors_ = 0;
};

}  // namespace ddpm::nn
