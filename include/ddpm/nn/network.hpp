// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/parameters.hpp>

#include <concepts>
#include <span>

namespace ddpm::nn {

/// What the trainer needs of a network.
///
/// A network is a value: a `Layer` (it names its `scalar`, and `visit` names its parameters), so that another instance
/// of the same type serves as its gradient or its average. `forward` and `backward` are const; what they remember lives
/// in the `workspace` that `plan` makes for up to so many samples.
/// - `net.shape()`: the shape of one sample, D elements.
/// - `net.forward(xt, t, out, w)`: xt and out D × N, t one model time for each sample.
/// - `net.has_variance_head()`, optional: whether out and dout are 2D × N instead, see nn/variance_head.hpp.
/// - `net.samples_at_once()`, optional: how many samples a session had better send through at a time.
/// - `net.backward(xt, t, dout, w, dnet)`: after forward of the same batch in the same workspace, adds the gradient of
///   the parameters to `dnet`; dout D × N.
template <class N>
concept Network = Layer<N> && std::copyable<N> &&
                  requires(const N& net, N& dnet, typename N::workspace& w, isize samples, std::span<const double> t,
                           batch_view<const typename N::scalar> in, batch_view<typename N::scalar> out) {
                      { net.shape() } -> std::convertible_to<sample_shape>;
                      { net.plan(samples) } -> std::same_as<typename N::workspace>;
                      net.forward(in, t, out, w);
                      net.backward(in, t, in, w, dnet);
                  };

}  // namespace ddpm::nn
