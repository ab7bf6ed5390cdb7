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

/// The default session of a network: a predictor for one run, with its own workspaces. The network is const and shared,
/// and must outlive the session. A batch is processed in tiles of samples, so that the workspaces do not grow with it.
/// @accuracy that of the network's forward, and for vector_jacobian of its backward, to the bit
template <ForwardNetwork Net>
class network_session {
public:
    using scalar = typename Net::scalar;

    /// @throws value_error if `samples` is negative
    network_session(const Net& net, isize samples);

    /// The shape of a sample.
    [[nodiscard]] sample_shape shape() const { return net_->shape(); }

    /// The condition that the network takes.
    [[nodiscard]] condition_shape takes() const { return net_->takes(); }

    /// Sets the condition of the run: one value per sample, or a single one for all samples.
    /// @throws shape_error or value_error if the condition is not what the network takes
    void set_condition(condition_values<scalar> given) {
        given.require("session", takes(), shape());
        condition_ = std::move(given);
        condition_.reserve(planned_);
    }

    /// Fills out.prediction, and out.variance if it is not empty and the network has a variance head. Allocates if
    /// there are more samples than ever before.
    /// @shape xt and out.prediction D × N; t N
    /// @throws shape_error if the shapes do not fit, the condition has fewer samples than the run, or a condition that
    /// the network requires was not set
    /// @determinism the bits of a sample do not depend on the other samples or the thread count
    void operator()(batch_view<const scalar> xt, std::span<const double> t, const model_output<scalar>& out) {
        (*this)(network_input<scalar>{xt, t, condition_.of(out.first_sample, xt.columns())}, out);
    }

    /// As above with the condition of `in`.
    /// @throws also value_error if the condition is not what the network takes
    void operator()(const network_input<scalar>& in, const model_output<scalar>& out);

    /// out = vᵀ ∂prediction/∂x_t for each sample, the gradient of Σ v · prediction; a variance head is not part of it.
    /// The first call allocates, and so does one with more samples than before.
    /// @shape xt, v and out D × N; t N
    /// @throws shape_error if the shapes do not fit, the condition has fewer samples than the run, or a condition that
    /// the network requires was not set
    /// @determinism the bits of a sample do not depend on the other samples or the thread count
    /// @complexity of a training step: forward, and backward for input and parameters
    void vector_jacobian(batch_view<const scalar> xt, std::span<const double> t, batch_view<const scalar> v,
                         batch_view<scalar> out)
        requires Network<Net>;

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
        isize length, count, workers;
    };

    /// Each thread processes whole tiles, about equally many per thread. A batch too small for that is one tile, and
    /// the layers use the threads. Longer tiles reuse weights more; shorter ones fit the cache and need less memory. A
    /// network of large samples sets the longest tile by samples_at_once(); for others multiples of 12 suit the
    /// products.
    tiling reserve(isize samples) {
        const isize enough = net_->samples_at_once();
        const isize shortest = enough > 0 ? 1 : 36, longest = enough > 0 ? enough : 252, multiple = enough > 0 ? 1 : 12;
        const isize threads = thread_count();
        const isize rounds = std::max<isize>(1, detail::divided_up(samples, threads * longest));
        const isize length =
            std::max(shortest, detail::rounded_up(detail::divided_up(samples, threads * rounds), multiple));
        const isize tiles = std::max<isize>(1, detail::divided_up(samples, length));
        const isize workers = std::min(threads, tiles);
        const isize columns = std::min(std::max<isize>(1, samples), length);
        condition_.reserve(samples);
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

    const Net* net_;
    isize planned_;
    condition_values<scalar> condition_;
    isize columns_ = 0;
    std::vector<workspace> workspaces_;
    std::optional<detail::network_jacobian<Net>> jacobian_;  // created when first needed
    std::vector<std::vector<scalar>> heads_;                 // output with variance head, one per workspace
};

template <ForwardNetwork Net>
network_session<Net>::network_session(const Net& net, isize samples) : net_(&net), planned_(samples) {
    if (samples < 0) {
        throw value_error("session", "number of samples", ">= 0", samples);
    }
    reserve(samples);
}

template <ForwardNetwork Net>
void network_session<Net>::operator()(const network_input<scalar>& in, const model_output<scalar>& out) {
    const isize samples = in.samples();
    detail::require_input("session", in, shape(), takes());
    detail::require_same_shape("session", "prediction has the shape of xt", in.xt, out.prediction);
    if (net_->has_variance_head() && out.variance.size() != 0) {
        detail::require_same_shape("session", "variance has the shape of the prediction", out.prediction, out.variance);
    }
    const tiling tiles = reserve(samples);
    std::atomic<isize> next{0};
    parallel_for(tiles.workers, 1, [&](isize first, isize last) {
        for (isize worker = first; worker < last; ++worker) {
            for (isize tile = next++; tile < tiles.count; tile = next++) {
                const isize begin = tile * tiles.length, count = std::min(tiles.length, samples - begin);
                forward(in.middle(begin, count), begin, out, static_cast<std::size_t>(worker));
            }
        }
    });
}

template <ForwardNetwork Net>
void network_session<Net>::vector_jacobian(batch_view<const scalar> xt, std::span<const double> t,
                                           batch_view<const scalar> v, batch_view<scalar> out)
    requires Network<Net>
{
    if (!jacobian_) {
        jacobian_.emplace(*net_, std::max(planned_, xt.columns()));
    }
    (*jacobian_)(*net_, {xt, t, condition_.of(0, xt.columns())}, v, out);
}

}  // namespace ddpm
