// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/network.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace ddpm::test {

/// A network small enough to train in a test.
template <Scalar S>
[[nodiscard]] nn::mlp<S> small_net() {
    return nn::mlp<S>{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .seed = 5}};
}

/// The smallest model of Network: it predicts the same for every sample and time, and learns that.
template <Scalar S>
struct constant_net : network_base {
    using scalar = S;
    struct workspace {};

    nn::tensor<S> value;

    explicit constant_net(ddpm::isize dim) : value({dim}) {}

    [[nodiscard]] sample_shape shape() const { return value.size(); }
    [[nodiscard]] workspace make_workspace(ddpm::isize, pass) const { return {}; }
    void forward(const network_input<S>&, batch_view<S> out, workspace&) const {
        for (ddpm::isize n = 0; n < out.columns(); ++n) {
            std::copy_n(value.data(), value.size(), out.column(n));
        }
    }
    void backward(const network_input<S>&, batch_view<const S> dout, workspace&, constant_net& d,
                  batch_view<S> dx) const {
        for (ddpm::isize n = 0; n < dout.columns(); ++n) {
            for (ddpm::isize i = 0; i < dout.rows(); ++i) {
                d.value[i] += dout(i, n);
            }
        }
        for (ddpm::isize n = 0; n < dx.columns(); ++n) {
            std::fill_n(dx.column(n), dx.rows(), S{0});
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("value", self.value);
    }
};
static_assert(Network<constant_net<float>> && Network<constant_net<double>>);

/// The simplest data: each sample is one of two points.
template <Scalar S>
[[nodiscard]] batch<S> two_points() {
    batch<S> data(4, 2);
    data << S(1), S(-1), S(-1), S(1), S(0.5), S(-0.5), S(0), S(0);
    return data;
}

/// The largest difference of two networks' parameters; infinite if one of them is not a number.
template <class Net>
[[nodiscard]] double largest_difference(const Net& a, const Net& b) {
    const auto x = nn::parameters(a), y = nn::parameters(b);
    double largest = 0;
    for (std::size_t p = 0; p < x.size(); ++p) {
        for (std::size_t i = 0; i < x[p].values.size(); ++i) {
            const double difference =
                std::abs(static_cast<double>(x[p].values[i]) - static_cast<double>(y[p].values[i]));
            largest = std::max(largest, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
        }
    }
    return largest;
}

}  // namespace ddpm::test
