// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/condition_values.hpp>
#include <ddpm/predictor/detail/network_jacobian.hpp>
#include <ddpm/predictor/model_output.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/predictor/variance_head.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// A predictor for one run of a network, with workspaces of its own; the network stays const, shared, and must outlive
/// it. A batch goes through the network in tiles of samples, so that the memory does not grow with the batch. Every network
/// is a predictor by it: samplers and losses make one for each run.
template <Network Net>
class network_session {
public:
    using scalar = typename Net::scalar;

    /// @throws value_error if `samples` is negative
    network_session(const Net& net, isize samples) : net_(&net), planned_(samples) {
        if (samples < 0) {
            throw value_error("session", "number of samples", ">= 0", samples);
        }
        reserve(samples);
    }

    [[nodiscard]] sample_shape shape() const { return net_->shape(); }
    [[nodiscard]] condition_shape takes() const { return net_->takes(); }

    /// What the network is told from now on: of each sample of the run, or of one for all of them.
    /// @throws shape_error or value_error if the condition is not what the network takes
    void tell(condition_values<scalar> given) {
        given.require("session", takes(), shape());
        told_ = std::move(given);
        told_.reserve(planned_);
    }

    /// Fills out.prediction, and out.variance if it is not empty and the network has a variance head. More samples than
    /// planned for make it allocate; the same number again does not.
    /// @shape xt and out.prediction D × N; t N
    /// @throws shape_error if the shapes do not fit, the run has fewer conditions than samples, or nothing was told of what
    /// the network must be told
    /// @determinism the bits of a sample do not depend on the others, nor on the thread count
    void operator()(batch_view<const scalar> xt, std::span<const double> t, const model_output<scalar>& out) {
        (*this)(network_input<scalar>{xt, t, told_.of(out.first_sample, xt.columns())}, out);
    }

    /// The same for a condition of its own.
    /// @throws also value_error if the condition is not what the network takes
    void operator()(const network_input<scalar>& in, const model_output<scalar>& out) {
        const isize samples = in.samples();
        detail::require_input("session", in, shape(), takes());
        detail::require_same_shape("session", "prediction has the shape of xt", in.xt, out.prediction);
        if (net_->has_variance_head() && out.variance.size() != 0) {
            detail::require_same_shape("session", "variance has the shape of the prediction", out.prediction,
                                       out.variance);
        }
        const auto [length, tiles, workers] = reserve(samples);
        std::atomic<isize> next{0};
        parallel_for(workers, 1, [&, length = length, tiles = tiles](isize first, isize last) {
            for (isize worker = first; worker < last; ++worker) {
                for (isize tile = next++; tile < tiles; tile = next++) {
                    const isize begin = tile * length, count = std::min(length, samples - begin);
                    forward(in.middle(begin, count), begin, out, static_cast<std::size_t>(worker));
                }
            }
        });
    }

    /// out = vᵀ ∂prediction/∂x_t for each sample: the gradient of Σ v · prediction. Where the network has a variance head,
    /// that is no part of it. The first call, and one of more samples than before, allocates.
    /// @shape xt, v and out D × N; t N
    /// @throws shape_error if the shapes do not fit, the run has fewer conditions than samples, or nothing was told of what
    /// the network must be told
    /// @determinism the bits of a sample do not depend on the others, nor on the thread count
    /// @complexity of a training step: forward, and backward for input and parameters
    void vector_jacobian(batch_view<const scalar> xt, std::span<const double> t, batch_view<const scalar> v,
                         batch_view<scalar> out) {
        if (!jacobian_) {
            jacobian_.emplace(*net_, std::max(planned_, xt.columns()));
        }
        (*jacobian_)(*net_, {xt, t, told_.of(0, xt.columns())}, v, out);
    }

private:
    using workspace = typename Net::workspace;

    void forward(const network_input<scalar>& in, isize begin, const model_output<scalar>& out, std::size_t worker) {
        const batch_view<scalar> predicted = out.prediction.middle(begin, in.samples());
        if (!net_->has_variance_head()) {
            net_->forward(in, predicted, workspaces_[worker]);
            return;
        }
        const batch_view<scalar> both(heads_[worker].data(), 2 * predicted.rows(), in.samples());
        net_->forward(in, both, workspaces_[worker]);
        split_variance_head<scalar>(both, shape().channels, predicted,
                                    out.variance.size() == 0 ? out.variance : out.variance.middle(begin, in.samples()));
    }

    struct tiling {
        isize length, tiles, workers;
    };

    /// Each thread takes whole tiles, all about equally many; a batch too small for that is one tile, and the layers
    /// share the threads. Longer tiles use a layer's weights more often, shorter ones stay in the cache and take less
    /// memory. A network of large samples says how many are enough; else whole multiples of twelve suit the products.
    tiling reserve(isize samples) {
        const isize enough = net_->samples_at_once();
        const isize shortest = enough > 0 ? 1 : 36, longest = enough > 0 ? enough : 252, multiple = enough > 0 ? 1 : 12;
        const isize threads = thread_count();
        const isize rounds = std::max<isize>(1, ceil_div(samples, threads * longest));
        const isize length = std::max(shortest, ceil_div(ceil_div(samples, threads * rounds), multiple) * multiple);
        const isize tiles = std::max<isize>(1, ceil_div(samples, length));
        const isize workers = std::min(threads, tiles);
        const isize columns = std::min(std::max<isize>(1, samples), length);
        told_.reserve(samples);
        if (columns > columns_) {
            workspaces_.clear();
            columns_ = columns;
        }
        while (static_cast<isize>(workspaces_.size()) < workers) {
            workspaces_.push_back(net_->make_workspace(columns_, pass::forward));
        }
        if (net_->has_variance_head()) {
            heads_.resize(workspaces_.size());
            for (std::vector<scalar>& head : heads_) {
                head.resize(static_cast<std::size_t>(2 * shape().size() * columns_));
            }
        }
        return {length, tiles, workers};
    }

    static isize ceil_div(isize a, isize b) noexcept { return (a + b - 1) / b; }

    const Net* net_;
    isize planned_;
    condition_values<scalar> told_;
    isize columns_ = 0;
    std::vector<workspace> workspaces_;
    std::optional<detail::network_jacobian<Net>> jacobian_;  // made when it is asked for
    std::vector<std::vector<scalar>> heads_;  // what a network with a variance head writes, for each workspace
};

}  // namespace ddpm
