// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/predictor/conditioned.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/guidance.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/evaluate.hpp"
#include "support/schedules.hpp"
#include "support/smallest_networks.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

template <Scalar S>
nn::mlp<S> told_mlp() {
    nn::mlp<S> net{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .classes = 3, .vector = 2, .map_channels = 1}};
    disturb(net, 0.3, 3);
    return net;
}

template <Scalar S>
told_network<S> disturbed_told_network() {
    told_network<S> net;
    disturb(net, 0.5, 4);
    return net;
}

/// The prediction for conditions that are handed over with the input.
template <class Net, class S = typename Net::scalar>
batch<S> told_by_hand(const Net& net, const batch<S>& x, const std::vector<double>& t, const condition<S>& given) {
    batch<S> out(x.rows(), x.cols());
    network_session session(net, x.cols());
    session(network_input<S>{x, t, given}, model_output<S>{out, {}});
    return out;
}

}  // namespace

TEMPLATE_TEST_CASE("a conditioned network is told the condition of each of the run's samples", "[predictor]", float,
                   double) {
    using S = TestType;
    const auto check = [](const auto& net, isize pixels) {
        const some_conditions<S> told(net.takes(), pixels, 6);
        const batch<S> x = random_batch<S>(4, 6, 2);
        const std::vector<double> t{1, 2, 3, 4, 5, 6};
        const batch<S> expected = told_by_hand(net, x, t, told.all());
        const auto p = conditioned(net, told.all());
        CHECK((evaluate<S>(p, x, t) == expected).all());
        CHECK(shape_of(p) == sample_shape(net.shape()));
        CHECK(prediction_of(p) == prediction::epsilon);

        // A part of the run has the conditions of its samples.
        auto session = p.session(6);
        for (const auto& [first, count] : {std::pair<isize, isize>{0, 2}, {2, 1}, {3, 3}}) {
            batch<S> out(4, count);
            session(batch_view<const S>(x.middleCols(first, count)),
                    std::span(t).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
                    model_output<S>{out, {}, first});
            CHECK((out == expected.middleCols(first, count)).all());
        }
        CHECK((expected.col(0) != told_by_hand(net, batch<S>(x.col(0)), {1}, told.of(1, 1)).col(0)).any());
    };
    check(told_mlp<S>(), 4);
    check(disturbed_told_network<S>(), 2);
}

TEMPLATE_TEST_CASE("one condition for all samples is that condition repeated for each", "[predictor]", float, double) {
    using S = TestType;
    const nn::mlp<S> net = told_mlp<S>();
    const some_conditions<S> told(net.takes(), 4, 1);
    const std::vector<isize> labels(5, told.labels[0]);
    const batch<S> vectors = told.vectors.replicate(1, 5), maps = told.maps.replicate(1, 5);
    const noise_schedule schedule{cosine_beta{}, 20};
    const sample_options options{.steps = 4, .count = 5, .seed = 3, .clip_x0 = 1.0};
    const batch<S> one = sample(ddim{}, schedule, conditioned(net, told.all()), options);
    const batch<S> each = sample(
        ddim{}, schedule, conditioned(net, condition<S>{.labels = labels, .vectors = vectors, .maps = maps}), options);
    CHECK((one == each).all());
    CHECK(one.allFinite());
}

TEMPLATE_TEST_CASE("guidance of two conditions is the combination by hand", "[predictor]", float, double) {
    using S = TestType;
    const nn::mlp<S> net = told_mlp<S>();
    const some_conditions<S> wanted(net.takes(), 4, 3, 7), other(net.takes(), 4, 3, 70);
    const batch<S> x = random_batch<S>(4, 3, 2);
    const std::vector<double> t{1, 20, 300};
    const batch<S> zero = batch<S>::Zero(2, 3);
    condition<S> without = other.all();
    without.labels = wanted.labels;
    without.maps = wanted.maps;
    without.vectors = zero;  // only the vector is guided
    const batch<S> a = told_by_hand(net, x, t, wanted.all()), b = told_by_hand(net, x, t, without);
    for (const double scale : {0.0, 0.5, 1.0, 3.0, 7.5}) {
        const auto p = guided(conditioned(net, wanted.all()), conditioned(net, without), scale);
        const batch<S> got = evaluate<S>(p, x, t);
        for (isize n = 0; n < 3; ++n) {
            for (isize i = 0; i < 4; ++i) {
                const double u = static_cast<double>(a(i, n)), v = static_cast<double>(b(i, n));
                const double expected = scale * u + (1 - scale) * v;
                const double size = std::abs(scale * u) + std::abs((1 - scale) * v);
                CHECK(std::abs(static_cast<double>(got(i, n)) - expected) <= ulps<S>(2) * size);
            }
        }
    }
    CHECK((a != b).any());
    // What it predicts is the network's, or what is said of it.
    CHECK(prediction_of(conditioned(predicts(net, prediction::v), wanted.all())) == prediction::v);
    CHECK((evaluate<S>(conditioned(predicts(net, prediction::v), wanted.all()), x, t) == a).all());
}

TEST_CASE("a conditioned network holds an lvalue by reference and a temporary by value", "[predictor]") {
    nn::mlp<double> net = told_mlp<double>();
    const some_conditions<double> told(net.takes(), 4, 2);
    const auto by_reference = conditioned(net, told.all());
    const auto by_value = conditioned(nn::mlp<double>(net), told.all());
    const batch<double> x = random_batch(4, 2, 2);
    const batch<double> before = evaluate<double>(by_reference, x, {1, 2});
    disturb(net, 0.1, 9);
    CHECK((evaluate<double>(by_value, x, {1, 2}) == before).all());
    CHECK((evaluate<double>(by_reference, x, {1, 2}) != before).any());
}

TEST_CASE("a session of a conditioned network allocates nothing when it predicts", "[predictor]") {
    set_thread_count(1);  // others have scratch of their own
    const nn::mlp<double> net = told_mlp<double>();
    const isize told_of = GENERATE(1, 6);
    const some_conditions<double> told(net.takes(), 4, told_of);
    const batch<double> x = random_batch(4, 6, 2);
    const std::vector<double> t(6, 3.0);
    batch<double> out(4, 6);
    static_cast<void>(evaluate<double>(conditioned(net, told.all()), x, t));  // the thread's own scratch
    const auto p = conditioned(net, told.all());
    auto session = p.session(6);
    const std::size_t before = allocations;
    session(batch_view<const double>(x), t, model_output<double>{out, {}});
    session(batch_view<const double>(x.leftCols(2)), std::span(t).first(2),
            model_output<double>{out.leftCols(2), {}, 2});
    CHECK(allocations == before);
    set_thread_count(0);
}

TEST_CASE("a condition that does not fit is refused before the run", "[predictor]") {
    const auto check = [](const auto& net, isize pixels) {
        const some_conditions<double> told(net.takes(), pixels, 3);
        const auto refused = [&](const condition<double>& given) {
            const auto p = conditioned(net, given);
            CHECK_THROWS_AS(p.session(3), shape_error);
        };
        condition<double> given = told.all();
        given.labels = {};
        refused(given);
        given = told.all();
        given.vectors = {};
        refused(given);
        given = told.all();
        given.maps = {};
        refused(given);
        given = told.all();
        given.sequences = given.maps;
        refused(given);
        given = told.all();
        given.labels = given.labels.first(2);
        CHECK_THROWS_AS(conditioned(net, given), shape_error);
        const std::vector<isize> out_of_range{0, 3, 1};
        given.labels = out_of_range;
        CHECK_THROWS_AS(conditioned(net, given).session(3), value_error);
        const std::vector<condition_forms> absent{0, 2, 0};
        given = told.all();
        given.absent = absent;
        CHECK_THROWS_AS(conditioned(net, given).session(3), value_error);

        // More samples than conditions, and nothing told.
        const batch<double> x = random_batch(4, 4, 2);
        const std::vector<double> t(4, 1.0);
        CHECK_THROWS_AS(evaluate<double>(conditioned(net, told.all()), x, t), shape_error);
        CHECK_THROWS_AS(evaluate<double>(net, x, t), shape_error);
        network_session session(net, 4);
        batch<double> out(4, 4);
        CHECK_THROWS_AS(session.vector_jacobian(x, t, x, out), shape_error);
        CHECK_THROWS_AS(session(network_input<double>{x, t, told.all()}, model_output<double>{out, {}}), shape_error);
    };
    check(told_mlp<double>(), 4);
    check(disturbed_told_network<double>(), 2);
}

}  // namespace ddpm::test
