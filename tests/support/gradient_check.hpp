// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/random/noise.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace ddpm::test {

/// The same normals for the same seed, on every machine.
template <Scalar S = double>
[[nodiscard]] batch<S> random_batch(ddpm::isize rows, ddpm::isize columns, std::uint64_t seed) {
    batch<S> x(rows, columns);
    philox_noise(seed, static_cast<noise_stream>(first_user_stream)).normal(batch_view<S>(x), 0);
    return x;
}

/// Gives every parameter a normal of the given spread around what it is.
template <class Layer>
void disturb(Layer& layer, double spread, std::uint64_t seed) {
    using S = typename Layer::scalar;
    ddpm::isize k = 0;
    for (const auto& p : nn::parameters(layer)) {
        const batch<S> noise =
            random_batch<S>(static_cast<ddpm::isize>(p.values.size()), 1, seed + 1000u * static_cast<unsigned>(++k));
        for (std::size_t i = 0; i < p.values.size(); ++i) {
            p.values[i] += static_cast<S>(spread) * noise(static_cast<ddpm::isize>(i), 0);
        }
    }
}

/// The derivative of f with respect to `value`, as the difference over 2h; `value` is left as it was.
template <class F>
[[nodiscard]] double central_difference(double& value, F&& f, double h = 2e-5) {
    const double kept = value;
    value = kept + h;
    const double above = f();
    value = kept - h;
    const double below = f();
    value = kept;
    return (above - below) / (2 * h);
}

/// |a − b|; infinite if one of them is not a number, which std::max would pass over.
[[nodiscard]] inline double distance_of(double a, double b) {
    const double distance = std::abs(a - b);
    return std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance;
}

/// How far `analytic` is from the central differences of f with respect to `values`: the largest difference relative to
/// the largest derivative.
template <class F>
[[nodiscard]] double gradient_error(std::span<double> values, std::span<const double> analytic, F&& f,
                                    double h = 2e-5) {
    double largest = 0, difference = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double numeric = central_difference(values[i], f, h);
        largest = std::max(largest, std::abs(numeric));
        difference = std::max(difference, distance_of(numeric, analytic[i]));
    }
    return difference / std::max(largest, 1e-30);
}

/// The largest gradient_error over the parameters of a layer, whose gradient another instance holds.
template <class Layer, class F>
[[nodiscard]] double parameter_gradient_error(Layer& layer, const Layer& gradient, F&& f) {
    const auto values = nn::parameters(layer);
    const auto analytic = nn::parameters(gradient);
    double error = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
        error = std::max(error, gradient_error(values[k].values, analytic[k].values, f));
    }
    return error;
}

/// How far the gradient of a layer's parameters is from the central differences of f, relative to the largest
/// derivative of all: for layers with parameters whose derivatives are zero.
template <class Layer, class F>
[[nodiscard]] double whole_gradient_error(Layer& layer, const Layer& gradient, F&& f, double h = 2e-5) {
    const auto values = nn::parameters(layer);
    const auto analytic = nn::parameters(gradient);
    double largest = 0, difference = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
        for (std::size_t i = 0; i < values[k].values.size(); ++i) {
            const double numeric = central_difference(values[k].values[i], f, h);
            largest = std::max(largest, std::abs(numeric));
            difference = std::max(difference, distance_of(numeric, analytic[k].values[i]));
        }
    }
    return difference / std::max(largest, 1e-30);
}

/// The loss Σ out · dout of a network, and its gradient by a forward and a backward pass.
template <class Net>
class network_loss {
public:
    network_loss(const Net& net, const network_input<double>& in, const batch<double>& dout)
        : net_(net), in_(in), dout_(dout), out_(dout), workspace_(net.make_workspace(in.samples(), pass::backward)) {}

    double operator()() {
        net_.forward(in_, out_, workspace_);
        return (out_ * dout_).sum();
    }

    /// Adds the gradient of the parameters to d, and writes that of x_t to dx unless dx is empty.
    void add_gradient(Net& d, batch_view<double> dx = {}) {
        static_cast<void>((*this)());
        net_.backward(in_, dout_, workspace_, d, dx);
    }

    [[nodiscard]] Net gradient() {
        Net d = nn::zeros_like(net_);
        add_gradient(d);
        return d;
    }

private:
    const Net& net_;
    network_input<double> in_;
    const batch<double>& dout_;
    batch<double> out_;
    typename Net::workspace workspace_;
};

/// The elements of a batch that owns its memory.
[[nodiscard]] inline std::span<double> elements(batch<double>& x) {
    return {x.data(), static_cast<std::size_t>(x.size())};
}
[[nodiscard]] inline std::span<const double> elements(const batch<double>& x) {
    return {x.data(), static_cast<std::size_t>(x.size())};
}

}  // namespace ddpm::test
