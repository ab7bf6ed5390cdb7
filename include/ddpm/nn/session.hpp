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
#include <ddpm/nn/variance_head.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::nn {

/// A predictor for one run of a network, with workspaces of its own; the network stays const, shared, and must outlive
/// it. A batch goes through the network in tiles of samples, so that the memory does not grow with the batch.
template <class Net>
class network_session {
public:
    using scalar = typename Net::scalar;

    /// The memory that the condition refers to must outlive the session.
    /// @throws value_error if `samples` is negative
    network_session(const Net& net, isize samples, const condition<scalar>& given = {}) : net_(&net), given_(given) {
        if (samples < 0) {
            throw value_error("session", "number of samples", ">= 0", samples);
        }
        reserve(samples);
    }

    [[nodiscard]] sample_shape shape() const { return net_->shape(); }

    /// Fills out.prediction, and out.variance if it is not empty and the network has a variance head. More samples than
    /// planned for make it allocate; the same number again does not.
    /// @shape xt and out.prediction D × N; t N
    /// @throws shape_error if the shapes do not fit
    /// @determinism the bits of a sample do not depend on the others, nor on the thread count
    template <class Output>
        requires requires(const Output& out) { batch_view<scalar>(out.prediction); }
    void operator()(batch_view<const scalar> xt, std::span<const double> t, const Output& out) {
        const batch_view<scalar> predicted = out.prediction;
        if (static_cast<isize>(t.size()) != xt.columns()) {
            throw shape_error("session", "one time per sample", xt.columns(), t.size());
        }
        if (predicted.columns() != xt.columns()) {
            throw shape_error("session", "samples in the output", xt.columns(), predicted.columns());
        }
        if constexpr (requires { batch_view<scalar>(out.variance); }) {
            if (has_variance_head(*net_) && out.variance.size() != 0) {
                ddpm::detail::require_same_shape("session", "variance has the shape of the prediction", predicted,
                                                 batch_view<scalar>(out.variance));
            }
        }
        const auto [length, tiles, workers] = reserve(xt.columns());
        std::atomic<isize> next{0};
        parallel_for(workers, 1, [&, length = length, tiles = tiles](isize first, isize last) {
            for (isize worker = first; worker < last; ++worker) {
                for (isize tile = next++; tile < tiles; tile = next++) {
                    const isize begin = tile * length, count = std::min(length, xt.columns() - begin);
                    forward(xt.middle(begin, count),
                            t.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)), begin, out,
                            static_cast<std::size_t>(worker));
                }
            }
        });
    }

private:
    using workspace = typename Net::workspace;

    template <class Output>
    void forward(batch_view<const scalar> xt, std::span<const double> t, isize begin, const Output& out,
                 std::size_t worker) {
        const batch_view<scalar> predicted = batch_view<scalar>(out.prediction).middle(begin, xt.columns());
        if (has_variance_head(*net_)) {
            std::vector<scalar>& place = heads_[worker];
            const batch_view<scalar> both(place.data(), 2 * predicted.rows(), xt.columns());
            forward(xt, t, begin, both, workspaces_[worker]);
            batch_view<scalar> head;
            if constexpr (requires { batch_view<scalar>(out.variance); }) {
                head = out.variance.size() == 0 ? head : batch_view<scalar>(out.variance).middle(begin, xt.columns());
            }
            split_variance_head<scalar>(both, sample_shape(net_->shape()).channels, predicted, head);
            return;
        }
        forward(xt, t, begin, predicted, workspaces_[worker]);
    }

    void forward(batch_view<const scalar> xt, std::span<const double> t, isize begin, batch_view<scalar> out,
                 workspace& w) const {
        if constexpr (takes_condition<Net>) {
            net_->forward(xt, t, given_.middle(begin, xt.columns()), out, w);
        } else {
            net_->forward(xt, t, out, w);
        }
    }

    struct tiling {
        isize length, tiles, workers;
    };

    /// Each thread takes whole tiles, all about equally many; a batch too small for that is one tile, and the layers
    /// share the threads. Longer tiles use a layer's weights more often, shorter ones stay in the cache and take less
    /// memory. A network of large samples says how many are enough; else whole multiples of twelve suit the products.
    tiling reserve(isize samples) {
        isize shortest = 36, longest = 252, multiple = 12;
        if constexpr (requires { net_->samples_at_once(); }) {
            shortest = multiple = 1;
            longest = net_->samples_at_once();
        }
        const isize threads = thread_count();
        const isize rounds = std::max<isize>(1, ceil_div(samples, threads * longest));
        const isize length = std::max(shortest, ceil_div(ceil_div(samples, threads * rounds), multiple) * multiple);
        const isize tiles = std::max<isize>(1, ceil_div(samples, length));
        const isize workers = std::min(threads, tiles);
        const isize columns = std::min(std::max<isize>(1, samples), length);
        if (columns > columns_) {
            workspaces_.clear();
            columns_ = columns;
        }
        while (static_cast<isize>(workspaces_.size()) < workers) {
            workspaces_.push_back(plan(columns_));
        }
        if (has_variance_head(*net_)) {
            heads_.resize(workspaces_.size());
            for (std::vector<scalar>& head : heads_) {
                head.resize(static_cast<std::size_t>(2 * sample_shape(shape()).size() * columns_));
            }
        }
        return {length, tiles, workers};
    }

    static isize ceil_div(isize a, isize b) noexcept { return (a + b - 1) / b; }

    [[nodiscard]] workspace plan(isize columns) const {
        if constexpr (requires { net_->plan(columns, false); }) {
            return net_->plan(columns, false);
        } else {
            return net_->plan(columns);
        }
    }

    const Net* net_;
    condition<scalar> given_;
    isize columns_ = 0;
    std::vector<workspace> workspaces_;
    std::vector<std::vector<scalar>> heads_;  // what a network with a variance head writes, for each workspace
};

}  // namespace ddpm::nn
