// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/condition.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace ddpm::nn {

/// A network with the class of each sample to draw: a predictor. The network must outlive it.
template <class Net>
class labelled {
public:
    using scalar = typename Net::scalar;

    /// Sample n of a run is of class labels[n].
    labelled(const Net& net, std::vector<isize> labels) : net_(&net), labels_(std::move(labels)) {}

    /// All samples are of one class.
    labelled(const Net& net, isize label, isize samples)
        : labelled(net, std::vector<isize>(static_cast<std::size_t>(std::max<isize>(0, samples)), label)) {}

    /// The labels must outlive the session.
    /// @throws shape_error unless there are as many samples as labels
    [[nodiscard]] auto session(isize samples) const {
        if (samples != static_cast<isize>(labels_.size())) {
            throw shape_error("labelled", "one label per sample", samples, labels_.size());
        }
        return net_->session(samples, condition<scalar>{labels_, {}});
    }

    [[nodiscard]] sample_shape shape() const { return net_->shape(); }

private:
    const Net* net_;
    std::vector<isize> labels_;
};

}  // namespace ddpm::nn
