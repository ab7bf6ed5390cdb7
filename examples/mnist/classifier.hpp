// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "mnist/architecture.hpp"
#include "support/progress.hpp"

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/train/adam.hpp>
#include <ddpm/train/epoch_order.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace examples {

using ddpm::isize;

/// Tells which of ten classes a grey image belongs to: two convolutions of stride 2 and a dense layer. It judges
/// generated digits.
class classifier {
public:
    static constexpr isize classes = digit_classes;

    classifier(ddpm::sample_shape image, std::uint64_t seed) : image_(image), net_(image) {
        ddpm::nn::initializer start(seed);
        start.layer(net_.first);
        start.layer(net_.second);
        start.layer(net_.last);
    }

    /// Learns images and their classes: cross-entropy, Adam, some epochs. Shows the progress.
    void train(const ddpm::batch<float>& images, std::span<const isize> labels, isize epochs, std::uint64_t seed) {
        constexpr isize batch = 64;
        layers gradient = ddpm::nn::zeros_like(net_);
        const auto parameters = ddpm::nn::parameters(net_), gradients = ddpm::nn::parameters(gradient);
        ddpm::adam<float> optimizer{std::span(std::as_const(gradients)), {.weight_decay = 1e-2}};
        ddpm::epoch_order order(seed, images.cols());
        ddpm::batch<float> x(images.rows(), batch);
        std::vector<isize> y(batch);
        const isize steps = epochs * images.cols() / batch;
        loop_progress show(static_cast<double>(steps));
        for (isize step = 0; step < steps; ++step) {
            for (isize n = 0; n < batch; ++n) {
                const isize sample = order[step * batch + n];
                x.col(n) = images.col(sample);
                y[static_cast<std::size_t>(n)] = labels[static_cast<std::size_t>(sample)];
            }
            for (const auto& g : gradients) {
                std::fill(g.values.begin(), g.values.end(), 0.0f);
            }
            differentiate(x, y, gradient);
            const double rate = 2e-3 * (1 - static_cast<double>(step) / static_cast<double>(steps));
            optimizer.step(parameters, gradients, rate);
            show();
        }
    }

    /// The likeliest class of each image.
    [[nodiscard]] std::vector<isize> classify(const ddpm::batch<float>& images) const {
        activations a = plan(images.cols());
        forward(images, a);
        std::vector<isize> found;
        for (isize n = 0; n < images.cols(); ++n) {
            const float* const scores = a.scores.columns(images.cols()).column(n);
            found.push_back(std::max_element(scores, scores + classes) - scores);
        }
        return found;
    }

    /// How many of the images it takes for what the labels say, from 0 to 1.
    [[nodiscard]] double agreement(const ddpm::batch<float>& images, std::span<const isize> labels) const {
        const std::vector<isize> found = classify(images);
        isize right = 0;
        for (std::size_t n = 0; n < found.size(); ++n) {
            right += found[n] == labels[n] ? 1 : 0;
        }
        return static_cast<double>(right) / static_cast<double>(found.size());
    }

private:
    struct layers {
        using scalar = float;

        explicit layers(ddpm::sample_shape image)
            : first(image.channels, 16, 3, 2),
              second(16, 32, 3, 2),
              last(second.output_size(first.output_size(image.height)) *
                       second.output_size(first.output_size(image.width)) * 32,
                   classes) {}

        template <class Self, class Visitor>
        static void visit(Self& self, Visitor&& visitor) {
            visitor("first", self.first);
            visitor("second", self.second);
            visitor("last", self.last);
        }

        ddpm::nn::conv2d<float> first, second;
        ddpm::nn::dense<float> last;
    };

    using tensor = ddpm::nn::tensor<float>;
    struct activations {
        tensor first, first_active, second, second_active, scores;
    };

    [[nodiscard]] activations plan(isize samples) const {
        const isize small = 16 * net_.first.output_size(image_.height) * net_.first.output_size(image_.width);
        return {tensor({samples, small}), tensor({samples, small}), tensor({samples, net_.last.inputs()}),
                tensor({samples, net_.last.inputs()}), tensor({samples, classes})};
    }

    template <class T>
    [[nodiscard]] ddpm::nn::feature_map<T> input_map(T* data, isize samples) const {
        return {data, image_.channels, image_.height, image_.width, samples};
    }
    [[nodiscard]] ddpm::nn::feature_map<float> first_map(tensor& at, isize samples) const {
        return {at.data(), 16, net_.first.output_size(image_.height), net_.first.output_size(image_.width), samples};
    }
    [[nodiscard]] ddpm::nn::feature_map<float> second_map(tensor& at, isize samples) const {
        const auto& conv = net_.second;
        return {at.data(), 32, conv.output_size(net_.first.output_size(image_.height)),
                conv.output_size(net_.first.output_size(image_.width)), samples};
    }

    void forward(const ddpm::batch<float>& x, activations& a) const {
        const isize n = x.cols();
        net_.first.forward(input_map(x.data(), n), first_map(a.first, n));
        ddpm::nn::activate<ddpm::nn::activation::silu, float>(a.first.columns(n), a.first_active.columns(n));
        net_.second.forward(first_map(a.first_active, n), second_map(a.second, n));
        ddpm::nn::activate<ddpm::nn::activation::silu, float>(a.second.columns(n), a.second_active.columns(n));
        net_.last.forward(a.second_active.columns(n), a.scores.columns(n));
    }

    /// Adds the gradient of the mean cross-entropy.
    void differentiate(const ddpm::batch<float>& x, const std::vector<isize>& labels, layers& d) const {
        const isize n = x.cols();
        activations a = plan(n);
        forward(x, a);
        for (isize i = 0; i < n; ++i) {  // softmax − one-hot
            float* const scores = a.scores.columns(n).column(i);
            const float largest = *std::max_element(scores, scores + classes);
            float sum = 0;
            for (isize c = 0; c < classes; ++c) {
                scores[c] = std::exp(scores[c] - largest);
                sum += scores[c];
            }
            for (isize c = 0; c < classes; ++c) {
                const float wanted = c == labels[static_cast<std::size_t>(i)] ? 1.0f : 0.0f;
                scores[c] = (scores[c] / sum - wanted) / static_cast<float>(n);
            }
        }
        activations g = plan(n);
        net_.last.backward(a.second_active.columns(n), a.scores.columns(n), g.second.columns(n), d.last);
        ddpm::nn::activate_backward<ddpm::nn::activation::silu, float>(a.second.columns(n), g.second.columns(n),
                                                                       g.second.columns(n));
        net_.second.backward(first_map(a.first_active, n), second_map(g.second, n), first_map(g.first, n), d.second);
        ddpm::nn::activate_backward<ddpm::nn::activation::silu, float>(a.first.columns(n), g.first.columns(n),
                                                                       g.first.columns(n));
        net_.first.backward(input_map(x.data(), n), first_map(g.first, n), {}, d.first);
    }

    ddpm::sample_shape image_;
    layers net_;
};

}  // namespace examples
