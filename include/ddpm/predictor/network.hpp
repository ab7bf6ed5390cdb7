// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <concepts>

namespace ddpm {

/// A network that predicts: the members of `Network` that this needs.
template <class N>
concept ForwardNetwork = Scalar<typename N::scalar> &&
                         requires(const N& net, typename N::workspace& w, isize samples, pass passes,
                                  const network_input<typename N::scalar>& in, batch_view<typename N::scalar> out) {
                             { net.shape() } -> std::convertible_to<sample_shape>;
                             { net.has_variance_head() } -> std::same_as<bool>;
                             { net.takes() } -> std::convertible_to<condition_shape>;
                             { net.samples_at_once() } -> std::convertible_to<isize>;
                             { net.make_workspace(samples, passes) } -> std::same_as<typename N::workspace>;
                             net.forward(in, out, w);
                         };

/// A network: it can be trained, and is a predictor.
///
/// It is a value: a `Layer` (it has a type `scalar`, and `visit` names its parameters), so that another instance of the
/// same type can hold its gradient or its average, and derives from `network_base`, which lists its optional
/// properties. With S = scalar it has these members, whose caller ensures that inputs have the right shape and
/// condition:
/// - `shape()`: the shape of one sample, D elements;
/// - `make_workspace(samples, pass)`: a `workspace` for up to that many samples, which holds all that forward keeps for
///   backward;
/// - `forward(in, out, w)`, const: reads a `network_input<S>`, fills out, D × N, or 2D × N with a variance head;
/// - `backward(in, dout, w, d, dx)`, const: after forward of the same input in the same workspace, whose content it may use
///   up, adds the gradient of the parameters to `d`, a network of the same type, and writes that of x_t to dx, D × N,
///   unless dx is empty; dout is the gradient of out, of its shape.
///
/// It needs no headers but core/network_base.hpp and core/network_input.hpp.
template <class N>
concept Network = ForwardNetwork<N> && Layer<N> && std::copyable<N> &&
                  requires(const N& net, N& d, typename N::workspace& w, const network_input<typename N::scalar>& in,
                           batch_view<const typename N::scalar> dout,
                           batch_view<typename N::scalar> dx) { net.backward(in, dout, w, d, dx); };

}  // namespace ddpm
