// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/predictor/variance_head.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace ddpm::detail {

/// Computes vector-Jacobian products of a network. Owns a workspace for backward, and memory for the gradient of the
/// parameters, which backward computes too but which is not used.
template <ForwardNetwork Net>
class network_jacobian {
public:
    using scalar = typename Net::scalar;

    network_jacobian(const Net& net, isize samples)
        : columns_(tile(net, samples)), workspace_(net.make_workspace(columns_, pass::backward)), unused_(net) {
        reserve(net);
    }

    /// out = vᵀ ∂prediction/∂x_t.
    void operator()(const Net& net, const network_input<scalar>& in, batch_view<const scalar> v,
                    batch_view<scalar> out) {
        const isize samples = in.samples();
        require_input("vector_jacobian", in, net.shape(), net.takes());
        require_same_shape("vector_jacobian", "v has the shape of xt", in.xt, v);
        require_same_shape("vector_jacobian", "out has the shape of xt", in.xt, out);
        if (const isize columns = tile(net, samples); columns > columns_) {
            columns_ = columns;
            workspace_ = net.make_workspace(columns_, pass::backward);
            reserve(net);
        }
        for (isize begin = 0; begin < samples; begin += columns_) {
            const isize count = std::min(columns_, samples - begin);
            pull_back(net, in.middle(begin, count), v.middle(begin, count), out.middle(begin, count));
        }
    }

private:
    /// How many samples are processed at once; the layers use the threads.
    [[nodiscard]] static isize tile(const Net& net, isize samples) {
        const isize enough = net.samples_at_once();
        return std::clamp<isize>(samples, 1, (enough > 0 ? enough : 252) * thread_count());
    }

    [[nodiscard]] static isize output_rows(const Net& net) {
        return sample_shape(net.shape()).size() * (net.has_variance_head() ? 2 : 1);
    }

    void reserve(const Net& net) {
        output_.resize(static_cast<std::size_t>(output_rows(net) * columns_));
        joined_.resize(net.has_variance_head() ? output_.size() : 0);
    }

    void pull_back(const Net& net, const network_input<scalar>& in, batch_view<const scalar> v,
                   batch_view<scalar> out) {
        net.forward(in, batch_view<scalar>(output_.data(), output_rows(net), in.samples()), workspace_);
        net.backward(in, net.has_variance_head() ? joined(net, v) : v, workspace_, unused_, out);
    }

    /// v with zeros for the variance head.
    [[nodiscard]] batch_view<const scalar> joined(const Net& net, batch_view<const scalar> v) {
        const batch_view<scalar> both(joined_.data(), output_rows(net), v.columns());
        join_variance_head<scalar>(v, {}, sample_shape(net.shape()).channels, both);
        return both;
    }

    isize columns_;
    typename Net::workspace workspace_;
    Net unused_;  // receives the gradient of the parameters
    std::vector<scalar> output_;
    std::vector<scalar> joined_;  // v with zeros for the variance head
};

}  // namespace ddpm::detail
