// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/inference/packed_mlp.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/concept.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <cstddef>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

static_assert(ForwardNetwork<nn::packed_mlp<float>> && PredictorLike<nn::packed_mlp<bfloat16>, float>);

/// Networks that together have every kind of layer.
std::vector<nn::mlp_options> mlp_kinds() {
    nn::mlp_options with_conditions{.dim = 6, .hidden = 40, .blocks = 2, .embedding = 16};
    with_conditions.variance_head = true;
    with_conditions.time_to_output = true;
    with_conditions.classes = 3;
    with_conditions.vector = 5;
    with_conditions.map_channels = 2;
    nn::mlp_options time_to_output{.dim = 3, .hidden = 33, .blocks = 1, .embedding = 8};
    time_to_output.time_to_output = true;
    return {{.dim = 34, .hidden = 128, .blocks = 3, .embedding = 32},
            with_conditions,
            time_to_output,
            {.dim = 1, .hidden = 1, .blocks = 0, .embedding = 2}};
}

struct mlp_data {
    mlp_data(const nn::mlp<float>& net, isize samples, bool same_time)
        : x(random_batch<float>(net.dim(), samples, 2)),
          maps(random_batch<float>(net.dim() * net.options().map_channels, samples, 3)),
          vectors(random_batch<float>(net.options().vector, samples, 4)) {
        for (isize n = 0; n < samples; ++n) {
            t.push_back(same_time ? 40 : 3 * static_cast<double>(n));
            labels.push_back(n % 3);
        }
        if (net.options().classes > 0) {
            given.labels = labels;
            given.vectors = vectors;
            given.maps = maps;
        }
    }
    mlp_data(const mlp_data&) = delete;

    batch<float> x, maps, vectors;
    std::vector<double> t;
    std::vector<isize> labels;
    condition<float> given;
};

template <class Net>
batch<float> output(const Net& net, const mlp_data& data, isize first, isize count) {
    batch<float> out(net.shape().size() * (net.has_variance_head() ? 2 : 1), count);
    auto w = net.make_workspace(count, pass::forward);
    net.forward(network_input<float>{data.x, data.t, data.given}.middle(first, count), batch_view<float>(out), w);
    return out;
}

}  // namespace

TEMPLATE_TEST_CASE("a packed MLP predicts what the MLP does, on every target, in any batch and with any threads",
                   "[nn]", float, bfloat16) {
    constexpr bool narrow = std::is_same_v<TestType, bfloat16>;
    const isize before = thread_count();
    for (const nn::mlp_options& options : mlp_kinds()) {
        CAPTURE(options.dim);
        nn::mlp<float> net(options);
        disturb(net, 0.1, 1);
        const nn::packed_mlp<TestType> packed(net);
        for (const isize samples : {1, 7, 100, 250}) {
            for (const bool same_time : {false, true}) {
                const mlp_data data(net, samples, same_time);
                const batch<float> expected = output(net, data, 0, samples);
                for (const instruction_set set : all_instruction_sets) {
                    if (!is_supported(set)) {
                        continue;
                    }
                    const ddpm::detail::scoped_simd_target on(set);
                    CAPTURE(samples, name_of(set));
                    set_thread_count(1);
                    const batch<float> all = output(packed, data, 0, samples);
                    CHECK(static_cast<double>((all - expected).abs().maxCoeff()) <
                          (narrow ? 0.05 : 5e-6) * static_cast<double>(expected.abs().maxCoeff()));
                    set_thread_count(3);
                    CHECK((output(packed, data, 0, samples) == all).all());
                    const isize last = samples - 1;
                    CHECK((output(packed, data, last, 1) == all.col(last)).all());
                }
            }
        }
    }
    set_thread_count(before);
}

TEST_CASE("a packed MLP allocates nothing after its workspace, and bfloat16 halves its weights", "[nn]") {
    const isize before = thread_count();
    set_thread_count(1);
    nn::mlp<float> net(mlp_kinds()[0]);
    const nn::packed_mlp<bfloat16> packed(net);
    const mlp_data data(net, 20, false);
    batch<float> out(net.outputs(), 20);
    static_cast<void>(output(packed, data, 0, 20));  // the thread's scratch memory
    auto w = packed.make_workspace(20, pass::forward);
    const std::size_t count = allocations;
    packed.forward({data.x, data.t, data.given}, batch_view<float>(out), w);
    CHECK(allocations == count);
    const auto half = static_cast<double>(packed.packed_bytes());
    CHECK(half < 0.53 * static_cast<double>(nn::packed_mlp<float>(net).packed_bytes()));
    set_thread_count(before);
}

TEST_CASE("a packed MLP refuses batches that do not fit", "[nn]") {
    const nn::mlp<float> net(mlp_kinds()[0]);
    const nn::packed_mlp<float> packed(net);
    const mlp_data data(net, 2, false);
    auto w = packed.make_workspace(2, pass::forward);
    batch<float> small(net.outputs() - 1, 2);
    CHECK_THROWS_AS(packed.forward({data.x, data.t, data.given}, batch_view<float>(small), w), shape_error);
    CHECK_THROWS_AS(packed.make_workspace(-1, pass::forward), shape_error);
}

}  // namespace ddpm::test
