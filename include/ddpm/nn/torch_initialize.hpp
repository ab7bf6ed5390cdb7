// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/torch_order.hpp>
#include <ddpm/random/torch_generator.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::nn {

/// Initializes parameters as PyTorch does after torch.manual_seed, if the layers are initialized in the order in which
/// torch constructs them. It has the functions of `initializer`, for the `start` of layers and networks.
/// @determinism the bits of torch for uniform numbers; normals as torch_generator::randn
/// @accuracy uniform numbers have the bits of torch; normals as torch_generator
class torch_initializer {
public:
    /// Draws from the state of the generator, such as that after torch.manual_seed: torch_generator(seed).
    explicit torch_initializer(torch_generator generator) : generator_(generator) {}

    /// The generator in its present state, to draw more numbers after the initialization.
    [[nodiscard]] torch_generator& generator() noexcept { return generator_; }

    /// Uniform in [−bound, bound), in torch's order.
    template <Scalar S>
    void uniform(double bound, tensor<S>& values) {
        std::vector<S> numbers(static_cast<std::size_t>(values.size()));
        generator_.uniform<S>(std::span(numbers), static_cast<S>(-bound), static_cast<S>(bound));
        from_torch_order<S>(numbers, values);
    }

    /// Normal with mean 0, in torch's order.
    template <Scalar S>
    void normal(double deviation, tensor<S>& values) {
        std::vector<S> numbers(static_cast<std::size_t>(values.size()));
        generator_.randn<S>(std::span(numbers));
        for (S& x : numbers) {
            x *= static_cast<S>(deviation);
        }
        from_torch_order<S>(numbers, values);
    }

    /// Initializes a Linear or a Conv2d: the weight, then the bias, uniform in ±1/√fan_in.
    /// @source torch.nn.Linear.reset_parameters: kaiming_uniform_(a = √5)
    template <detail::WeightAndBias L>
    void layer(L& of) {
        const double fan_in = static_cast<double>(of.weight.size()) / static_cast<double>(of.weight.shape()[0]);
        // The operations of torch, so that the bound has the same bits.
        const double slope = std::sqrt(5.0);
        const double gain = std::sqrt(2.0 / (1 + slope * slope));
        uniform(std::sqrt(3.0) * (gain / std::sqrt(fan_in)), of.weight);
        uniform(1 / std::sqrt(fan_in), of.bias);
    }

    /// As `layer`: torch does not treat the last layer differently.
    template <detail::WeightAndBias L>
    void last_layer(L& of) {
        layer(of);
    }

private:
    torch_generator generator_;
};

}  // namespace ddpm::nn
