// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/condition.hpp>
#include <ddpm/nn/network.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/nn/session.hpp>
#include <ddpm/nn/variance_head.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::nn {

/// A network whose backward pass also writes the gradient of its input: as its last argument, if wanted.
template <class N>
concept InputGradientNetwork =
    Network<N> && (requires(const N& net, N& dnet, typename N::workspace& w, std::span<const double> t,
                            batch_view<const typename N::scalar> in, batch_view<typename N::scalar> dx) {
        net.backward(in, t, in, w, dnet, dx);
    } || requires(const N& net, N& dnet, typename N::workspace& w, std::span<const double> t,
                  const condition<typename N::scalar>& given, batch_view<const typename N::scalar> in,
                  batch_view<typename N::scalar> dx) { net.backward(in, t, given, in, w, dnet, dx); });

/// A predictor for one run of a network that also multiplies with its Jacobian. It has workspaces of its own, and a
/// network's worth of memory for the gradient of the parameters, which nobody asks for; the network stays const, shared,
/// and must outlive it.
template <InputGradientNetwork Net>
class vector_jacobian_session {
public:
    using scalar = typename Net::scalar;

    /// The memory that the condition refers to must outlive the session.
    /// @throws value_error if `samples` is negative
    vector_jacobian_session(const Net& net, isize samples, const condition<scalar>& given = {})
        : net_(&net),
          given_(given),
          predict_(net, samples, given),
          columns_(tile(samples)),
          workspace_(net.plan(columns_)),
          unused_(zeros_like(net)) {
        reserve();
    }

    [[nodiscard]] sample_shape shape() const { return net_->shape(); }

    /// The network's prediction, as of its session.
    template <class Output>
        requires requires(const Output& out) { batch_view<scalar>(out.prediction); }
    void operator()(batch_view<const scalar> xt, std::span<const double> t, const Output& out) {
        predict_(xt, t, out);
    }

    /// out = vᵀ ∂prediction/∂x_t for each sample: the gradient of Σ v · prediction. Where the network has a variance head,
    /// that is no part of it. More samples than planned for make it allocate; once a number of samples went through, the
    /// same number again does not.
    /// @shape xt, v and out D × N; t N
    /// @throws shape_error if the shapes do not fit
    /// @determinism the bits of a sample do not depend on the others, nor on the thread count
    /// @complexity of a training step: forward, and backward for input and parameters
    void vector_jacobian(batch_view<const scalar> xt, std::span<const double> t, batch_view<const scalar> v,
                         batch_view<scalar> out) {
        ddpm::detail::require_same_shape("vector_jacobian", "v has the shape of xt", xt, v);
        ddpm::detail::require_same_shape("vector_jacobian", "out has the shape of xt", xt, out);
        if (static_cast<isize>(t.size()) != xt.columns()) {
            throw shape_error("vector_jacobian", "one time per sample", xt.columns(), t.size());
        }
        if (const isize columns = tile(xt.columns()); columns > columns_) {
            columns_ = columns;
            workspace_ = net_->plan(columns_);
            reserve();
        }
        for (isize begin = 0; begin < xt.columns(); begin += columns_) {
            const isize count = std::min(columns_, xt.columns() - begin);
            pull_back(xt.middle(begin, count),
                      t.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)), v.middle(begin, count),
                      out.middle(begin, count), given_.middle(begin, count));
        }
    }

private:
    [[nodiscard]] isize output_rows() const {
        return sample_shape(shape()).size() * (has_variance_head(*net_) ? 2 : 1);
    }

    /// How many samples go through at a time: the layers share the threads.
    [[nodiscard]] isize tile(isize samples) const {
        isize longest = 252;
        if constexpr (requires { net_->samples_at_once(); }) {
            longest = net_->samples_at_once();
        }
        return std::clamp<isize>(samples, 1, longest * thread_count());
    }

    void reserve() {
        output_.resize(static_cast<std::size_t>(output_rows() * columns_));
        joined_.resize(has_variance_head(*net_) ? output_.size() : 0);
    }

    void pull_back(batch_view<const scalar> xt, std::span<const double> t, batch_view<const scalar> v,
                   batch_view<scalar> out, [[maybe_unused]] const condition<scalar>& given) {
        const batch_view<scalar> output(output_.data(), output_rows(), xt.columns());
        const batch_view<const scalar> dout = has_variance_head(*net_) ? joined(v) : v;
        if constexpr (takes_condition<Net>) {
            net_->forward(xt, t, given, output, workspace_);
            net_->backward(xt, t, given, dout, workspace_, unused_, out);
        } else {
            net_->forward(xt, t, output, workspace_);
            net_->backward(xt, t, dout, workspace_, unused_, out);
        }
    }

    /// v with zeros for the variance head.
    [[nodiscard]] batch_view<const scalar> joined(batch_view<const scalar> v) {
        const batch_view<scalar> both(joined_.data(), output_rows(), v.columns());
        join_variance_head<scalar>(v, {}, sample_shape(shape()).channels, both);
        return both;
    }

    const Net* net_;
    condition<scalar> given_;
    network_session<Net> predict_;
    isize columns_;
    typename Net::workspace workspace_;
    Net unused_;  // takes the gradient of the parameters
    std::vector<scalar> output_;
    std::vector<scalar> joined_;  // v with the variance head's zeros
};

/// A network as a predictor that can be differentiated: its sessions have `vector_jacobian`. What it predicts is ε, or
/// said as of every network: predicts(differentiable(net), prediction::v). The network must outlive it, and the memory
/// that the condition refers to.
template <InputGradientNetwork Net>
class differentiable {
public:
    using scalar = typename Net::scalar;

    explicit differentiable(const Net& net, const condition<scalar>& given = {}) : net_(&net), given_(given) {}

    /// @throws value_error if `samples` is negative
    [[nodiscard]] vector_jacobian_session<Net> session(isize samples) const { return {*net_, samples, given_}; }

    [[nodiscard]] sample_shape shape() const { return net_->shape(); }

private:
    const Net* net_;
    condition<scalar> given_;
};

}  // namespace ddpm::nn
