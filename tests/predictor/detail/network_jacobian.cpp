// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/predictor/detail/network_jacobian.hpp>

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/network_session.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <cstddef>
#include <vector>

namespace ddpm::test {
namespace {

nn::unet_options small_unet(isize out_channels) {
    return {.height = 4,
            .width = 4,
            .in_channels = 2,
            .out_channels = out_channels,
            .time_embedding_dim = 4,
            .down = {nn::unet_level::plain, nn::unet_level::attention},
            .up = {nn::unet_level::attention, nn::unet_level::plain},
            .channels = {2, 4},
            .layers = 1,
            .head_dim = 2,
            .groups = 2};
}

template <class Net>
Net disturbed(Net net) {
    disturb(net, 0.2, 1);
    return net;
}

std::vector<double> some_times(isize count) {
    std::vector<double> t;
    for (isize n = 0; n < count; ++n) {
        t.push_back(static_cast<double>(n * n * 7 % 100));
    }
    return t;
}

template <class Net>
void check_against_differences(const Net& net, const condition<double>& given = {}) {
    const isize samples = 3, rows = sample_shape(net.shape()).size();
    batch<double> x = random_batch(rows, samples, 2), out(rows, samples), dx(rows, samples);
    const batch<double> v = random_batch(rows, samples, 3);
    const std::vector<double> t = some_times(samples);
    network_session session(net, samples);
    session.set_condition(given);
    session.vector_jacobian(x, t, v, dx);
    const auto product = [&] {
        session(x, t, model_output<double>{out, {}});
        return (out * v).sum();
    };
    CHECK(gradient_error(elements(x), elements(dx), product) < 1e-6);
}

/// Each sample by itself, and by other thread counts, has the same bits.
template <class Net>
void check_independence(const Net& net) {
    using S = typename Net::scalar;
    const isize samples = 45, rows = sample_shape(net.shape()).size();
    const batch<S> x = random_batch<S>(rows, samples, 2), v = random_batch<S>(rows, samples, 3);
    const std::vector<double> t = some_times(samples);
    batch<S> all(rows, samples);
    network_session<Net>(net, samples).vector_jacobian(x, t, v, all);
    batch<S> again(rows, samples);
    for (const isize threads : {isize{1}, isize{3}}) {
        set_thread_count(threads);
        network_session<Net> planned_for_one(net, 1);
        planned_for_one.vector_jacobian(x, t, v, again);
        CHECK((again == all).all());
    }
    set_thread_count(0);
    for (isize n = 0; n < samples; n += 11) {
        batch<S> one(rows, 1);
        network_session<Net>(net, 1).vector_jacobian(
            x.col(n), std::span<const double>(t).subspan(static_cast<std::size_t>(n), 1), v.col(n), one);
        CHECK((one.col(0) == all.col(n)).all());
    }
}

}  // namespace

TEST_CASE("the vector-Jacobian product of networks is that of central differences", "[predictor]") {
    check_against_differences(disturbed(nn::mlp<double>({.dim = 5, .hidden = 12, .blocks = 2, .embedding = 6})));
    check_against_differences(
        disturbed(nn::mlp<double>({.dim = 5, .hidden = 12, .blocks = 1, .embedding = 6, .variance_head = true})));
    check_against_differences(disturbed(nn::unet<double>(small_unet(2))));
    nn::unet_options options = small_unet(4);  // with a variance head
    options.center_input = true;
    options.scale_shift = true;
    options.classes = nn::unet_classes::table;
    options.class_count = 3;
    const std::vector<isize> labels{2, 0, 1};
    check_against_differences(disturbed(nn::unet<double>(options)), {.labels = labels});
}

TEST_CASE("the vector-Jacobian product of a sample does not depend on the others nor on the threads", "[predictor]") {
    check_independence(disturbed(nn::mlp<float>({.dim = 5, .hidden = 12, .blocks = 2, .embedding = 6})));
    check_independence(disturbed(nn::unet<float>(small_unet(2))));
    nn::unet_options large = small_unet(2);
    large.height = large.width = 32;  // several tiles
    check_independence(disturbed(nn::unet<float>(large)));
}

TEST_CASE("the vector-Jacobian product allocates nothing after the first", "[predictor]") {
    const auto allocated = [](const auto& net, isize samples) {
        const isize rows = sample_shape(net.shape()).size();
        const batch<float> x = random_batch<float>(rows, samples, 2), v = random_batch<float>(rows, samples, 3);
        batch<float> out(rows, samples);
        const std::vector<double> t = some_times(samples);
        network_session session(net, samples);
        session.vector_jacobian(x, t, v, out);
        const std::size_t before = allocations;
        session.vector_jacobian(x, t, v, out);
        session.vector_jacobian(x.leftCols(1), std::span<const double>(t).first(1), v.leftCols(1), out.leftCols(1));
        return allocations - before;
    };
    set_thread_count(1);  // others have scratch of their own, and may come later
    CHECK((allocations > 0) == allocations_are_counted);
    CHECK(allocated(nn::mlp<float>({.dim = 5, .hidden = 12, .blocks = 2}), 700) == 0);
    CHECK(allocated(nn::unet<float>(small_unet(4)), 7) == 0);
    set_thread_count(0);
}

TEST_CASE("vector_jacobian: what does not fit is an error", "[predictor]") {
    const nn::mlp<float> net{{.dim = 5, .hidden = 12, .blocks = 1}};
    CHECK_THROWS_AS(network_session(net, -1), value_error);
    network_session session(net, 2);
    const batch<float> x = batch<float>::Zero(5, 2), narrow = batch<float>::Zero(5, 1);
    batch<float> out(5, 2), low(4, 2);
    const std::vector<double> t{1, 2}, short_t{1};
    CHECK_NOTHROW(session.vector_jacobian(x, t, x, out));
    CHECK_THROWS_AS(session.vector_jacobian(x, t, narrow, out), shape_error);
    CHECK_THROWS_AS(session.vector_jacobian(x, t, x, low), shape_error);
    CHECK_THROWS_AS(session.vector_jacobian(x, short_t, x, out), shape_error);
}

}  // namespace ddpm::test
