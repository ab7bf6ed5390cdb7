// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A layer and a network of your own. A layer is a value with `visit`, which names its parameters; a network derives from
// `network_base` and has shape, make_workspace, forward, backward and visit. The trainer, the samplers and the files
// take it like those of the library.
#include "support/console.hpp"

#include <ddpm/metrics/sliced_wasserstein.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/time_embedding.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include <cstdint>
#include <cstdio>

namespace {

using ddpm::isize;
using matrix = ddpm::batch<float>;
using view = ddpm::batch_view<float>;
using const_view = ddpm::batch_view<const float>;

/// The layer: y = a sin(W x + b), with a learned amplitude a for each output.
struct sine_layer {
    using scalar = float;

    ddpm::nn::dense<float> linear;
    ddpm::nn::tensor<float> amplitude;

    sine_layer(isize inputs, isize outputs) : linear(inputs, outputs), amplitude({outputs}) {
        amplitude_array() = 1.0f;
    }

    /// Keeps the angles W x + b for backward.
    void forward(const_view x, matrix& angles, view y) const {
        linear.forward(x, angles);
        y.array() = angles.sin().colwise() * amplitude_array();
    }

    /// Adds the gradients of the parameters to d, and writes that of x to dx unless dx is empty.
    void backward(const_view x, const matrix& angles, const_view dy, view dx, sine_layer& d) const {
        d.amplitude_array() += (dy.array() * angles.sin()).rowwise().sum();
        const matrix d_angles = (dy.array() * angles.cos()).colwise() * amplitude_array();
        linear.backward(x, d_angles, dx, d.linear);
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("linear", self.linear);
        visitor("amplitude", self.amplitude);
    }

    [[nodiscard]] Eigen::Map<Eigen::ArrayXf> amplitude_array() { return {amplitude.data(), amplitude.size()}; }
    [[nodiscard]] Eigen::Map<const Eigen::ArrayXf> amplitude_array() const {
        return {amplitude.data(), amplitude.size()};
    }
};

/// The network: x and an embedding of the time through two such layers, then a dense one.
struct sine_network : ddpm::network_base {
    using scalar = float;
    static constexpr isize dim = 2, embedding = 16, hidden = 96;

    struct workspace {
        matrix input, angles_1, hidden_1, angles_2, hidden_2, d_input, d_hidden_1, d_hidden_2;
    };

    sine_layer first{dim + embedding, hidden}, second{hidden, hidden};
    ddpm::nn::dense<float> last{hidden, dim};

    explicit sine_network(std::uint64_t seed) {
        ddpm::nn::initializer start(seed);
        start.layer(first.linear);
        start.layer(second.linear);
        start.layer(last);
    }

    [[nodiscard]] ddpm::sample_shape shape() const { return dim; }

    /// A batch may have fewer samples than this: the arrays are then resized.
    [[nodiscard]] workspace make_workspace(isize, ddpm::pass) const { return {}; }

    void forward(const ddpm::network_input<float>& in, view out, workspace& w) const {
        const isize n = in.samples();
        w.input.resize(dim + embedding, n);
        for (matrix* const array : {&w.angles_1, &w.hidden_1, &w.angles_2, &w.hidden_2}) {
            array->resize(hidden, n);
        }
        w.input.topRows(dim) = in.xt.array();
        ddpm::nn::time_embedding{.dim = embedding}.forward<float>(in.t, w.input.bottomRows(embedding));
        first.forward(w.input, w.angles_1, w.hidden_1);
        second.forward(w.hidden_1, w.angles_2, w.hidden_2);
        last.forward(w.hidden_2, out);
    }

    void backward(const ddpm::network_input<float>&, const_view dout, workspace& w, sine_network& d, view dx) const {
        w.d_hidden_2.resize(hidden, dout.columns());
        w.d_hidden_1.resize(hidden, dout.columns());
        w.d_input.resize(dim + embedding, dout.columns());
        last.backward(w.hidden_2, dout, w.d_hidden_2, d.last);
        second.backward(w.hidden_1, w.angles_2, w.d_hidden_2, w.d_hidden_1, d.second);
        first.backward(w.input, w.angles_1, w.d_hidden_1, w.d_input, d.first);
        if (dx.size() != 0) {
            dx.array() = w.d_input.topRows(dim);
        }
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("first", self.first);
        visitor("second", self.second);
        visitor("last", self.last);
    }
};

static_assert(ddpm::Network<sine_network>);  // names what is missing, if something is

int run(bool quick) {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 200};
    const auto corners = ddpm::gaussian_mixture::isotropic(
        {1, 1, 1}, (ddpm::batch<double>(2, 3) << -1, 1, 0, -0.6, -0.6, 1).finished(), {0.01, 0.01, 0.01});
    const matrix data = corners.sample<float>(8000, 1), unseen = corners.sample<float>(4000, 2);

    sine_network net(1);
    std::printf("%td parameters, in order:", ddpm::nn::parameter_count(net));
    for (const auto& p : ddpm::nn::parameters(net)) {
        std::printf(" %s", p.name.c_str());
    }
    ddpm::trainer trainer{net, schedule, {.batch = 256, .learning_rate = 3e-3, .predicts = ddpm::prediction::v}};
    const auto distance = [&] {
        const matrix x = ddpm::sample(ddpm::ddim{}, schedule, trainer.ema(), {.steps = 50, .count = 4000, .seed = 3});
        return ddpm::sliced_wasserstein(x, unseen);
    };
    const double before = distance();
    const isize steps = quick ? 1000 : 6000;
    if (trainer.fit(data, {.steps = steps}).status != ddpm::fit_status::finished) {
        std::printf("the loss is not finite\n");
        return 1;
    }
    const double after = distance();
    std::printf("\nTrained for %td steps. Sliced Wasserstein distance of 4000 samples from the data:\n", steps);
    std::printf("before above 0.4: %s\nafter below 0.2:  %s\n", before > 0.4 ? "yes" : "no",
                after < 0.2 ? "yes" : "no");
    std::printf("measured: %.3f before, %.3f after; two exact sets %.3f\n", before, after,
                ddpm::sliced_wasserstein(matrix(data.leftCols(4000)), unseen));
    return 0;
}

}  // namespace

int main(int argc, char** argv) { return examples::run_short(argc, argv, run); }
