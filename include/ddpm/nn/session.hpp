// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/network.hpp>

#include <algorithm>
#include <atomic>
#include <span>
#include <vector>

namespace ddpm::nn {

/// A predictor for one run of a network, with workspaces of its own; the network stays const, shared, and must outlive
/// it. A batch goes through the network in tiles of samples, so that the memory does not grow with the batch.
template <class Net>
class network_session {
public:
    using scalar = typename Net::scalar;

    /// @throws value_error if `samples` is negative
    network_session(const Net& net, index samples) : net_(&net) {
        if (samples < 0) {
            throw value_error("session", "number of samples", ">= 0", samples);
        }
        reserve(samples);
    }

    [[nodiscard]] sample_shape shape() const { return net_->shape(); }

    /// Fills out.prediction. More samples than planned for make it allocate; the same number again does not.
    /// @shape xt and out.prediction D × N; t N
    /// @throws shape_error if the shapes do not fit
    /// @determinism the bits of a sample do not depend on the others, nor on the thread count
    template <class Output>
        requires requires(const Output& out) { batch_view<scalar>(out.prediction); }
    void operator()(batch_view<const scalar> xt, std::span<const double> t, const Output& out) {
        const batch_view<scalar> predicted = out.prediction;
        if (static_cast<index>(t.size()) != xt.columns()) {
            throw shape_error("session", "one time per sample", xt.columns(), t.size());
        }
        if (predicted.columns() != xt.columns()) {
            throw shape_error("session", "samples in the output", xt.columns(), predicted.columns());
        }
        const auto [length, tiles, workers] = reserve(xt.columns());
        std::atomic<index> next{0};
        parallel_for(workers, 1, [&, length = length, tiles = tiles](index first, index last) {
            for (index worker = first; worker < last; ++worker) {
                for (index tile = next++; tile < tiles; tile = next++) {
                    const index begin = tile * length, count = std::min(length, xt.columns() - begin);
                    net_->forward(xt.middle(begin, count),
                                  t.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)),
                                  predicted.middle(begin, count), workspaces_[static_cast<std::size_t>(worker)]);
                }
            }
        });
    }

private:
    using workspace = typename Net::workspace;

    struct tiling {
        index length, tiles, workers;
    };

    /// Each thread takes whole tiles, all about equally many; a batch too small for that is one tile, and the layers
    /// share the threads. Longer tiles use a layer's weights more often, shorter ones stay in the cache; whole
    /// multiples of twelve samples suit the products.
    tiling reserve(index samples) {
        constexpr index shortest = 36, longest = 252, multiple = 12;
        const index threads = thread_count();
        const index rounds = std::max<index>(1, ceil_div(samples, threads * longest));
        const index length = std::max(shortest, ceil_div(ceil_div(samples, threads * rounds), multiple) * multiple);
        const index tiles = std::max<index>(1, ceil_div(samples, length));
        const index workers = std::min(threads, tiles);
        const index columns = std::min(std::max<index>(1, samples), length);
        if (columns > columns_) {
            workspaces_.clear();
            columns_ = columns;
        }
        while (static_cast<index>(workspaces_.size()) < workers) {
            workspaces_.push_back(plan(columns_));
        }
        return {length, tiles, workers};
    }

    static index ceil_div(index a, index b) noexcept { return (a + b - 1) / b; }

    [[nodiscard]] workspace plan(index columns) const {
        if constexpr (requires { net_->plan(columns, false); }) {
            return net_->plan(columns, false);
        } else {
            return net_->plan(columns);
        }
    }

    const Net* net_;
    index columns_ = 0;
    std::vector<workspace> workspaces_;
};

}  // namespace ddpm::nn
