// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/predictor/network.hpp>

#include <ddpm/predictor/classifier_guidance.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/differentiable.hpp>
#include <ddpm/predictor/guidance.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/predictor/projected_guidance.hpp>
#include <ddpm/predictor/self_conditioning.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/evaluate.hpp"
#include "support/smallest_networks.hpp"

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm::test {

static_assert(Network<line_network<float>> && Network<line_network<double>>);
static_assert(Network<told_network<float>> && Network<told_network<double>>);
static_assert(SessionMaker<told_network<float>> && PredictorLike<told_network<float>, float> &&
              PredictorLike<const told_network<double>&, double> && DifferentiableLike<told_network<double>, double>);
static_assert(!PredictorLike<told_network<float>, double>);

namespace {

enum class member { none, scalar, workspace, base, copy, shape, make_workspace, forward, backward, visit };

struct scalar_and_workspace {
    using scalar = float;
    struct workspace {};
};
struct scalar_alone {
    using scalar = float;
};
struct workspace_alone {
    struct workspace {};
};
struct no_base {};
struct no_copy {
    std::unique_ptr<int> own{};
};
struct copy_of_nothing {};

template <member missing>
using types_but =
    std::conditional_t<missing == member::scalar, workspace_alone,
                       std::conditional_t<missing == member::workspace, scalar_alone, scalar_and_workspace>>;

/// A network without one of the members.
template <member missing>
struct network_but : types_but<missing>,
                     std::conditional_t<missing == member::base, no_base, network_base>,
                     std::conditional_t<missing == member::copy, no_copy, copy_of_nothing> {
    [[nodiscard]] sample_shape shape() const
        requires(missing != member::shape)
    {
        return 4;
    }
    [[nodiscard]] scalar_and_workspace::workspace make_workspace(isize, pass) const
        requires(missing != member::make_workspace)
    {
        return {};
    }
    void forward(const network_input<float>&, batch_view<float>, scalar_and_workspace::workspace&) const
        requires(missing != member::forward)
    {}
    void backward(const network_input<float>&, batch_view<const float>, scalar_and_workspace::workspace&, network_but&,
                  batch_view<float>) const
        requires(missing != member::backward)
    {}
    template <class Self, class Visitor>
    static void visit(Self&, Visitor&&)
        requires(missing != member::visit)
    {}
};

static_assert(Network<network_but<member::none>>);
static_assert(!Network<network_but<member::scalar>>);
static_assert(!Network<network_but<member::workspace>>);
static_assert(!Network<network_but<member::base>>);
static_assert(!Network<network_but<member::copy>>);
static_assert(!Network<network_but<member::shape>>);
static_assert(!Network<network_but<member::make_workspace>>);
static_assert(!Network<network_but<member::forward>>);
static_assert(!Network<network_but<member::backward>>);
static_assert(!Network<network_but<member::visit>>);

struct forward_changes_it : network_but<member::none> {
    void forward(const network_input<float>&, batch_view<float>, workspace&) {}
    void backward(const network_input<float>&, batch_view<const float>, workspace&, forward_changes_it&,
                  batch_view<float>) const {}
};
static_assert(!Network<forward_changes_it>);

struct other_workspace : network_but<member::none> {
    [[nodiscard]] int make_workspace(isize, pass) const { return 0; }
};
static_assert(!Network<other_workspace>);

struct takes_a_number : network_but<member::none> {
    [[nodiscard]] int takes() const { return 4; }
};
static_assert(!Network<takes_a_number>);

template <class Net>
Net disturbed_smallest(Net net) {
    disturb(net, 0.5, 4);
    return net;
}

const std::vector<double> smallest_times{1, 2, 3};

/// A classifier's gradient: what is 1 everywhere.
struct one_everywhere {
    template <Scalar S>
    void operator()(batch_view<const S>, std::span<const double>, batch_view<S> out) const {
        out.array().setOnes();
    }
    void operator()(batch_view<const double>, std::span<const double>, batch_view<double> out) const {
        out.array().setOnes();
    }
};

/// Everything that takes a predictor and gives another, of two networks, or of one with two conditions.
template <class P, class Q>
void check_guidance(const P& p, const Q& q) {
    const batch<double> x = random_batch(4, 3, 2);
    const noise_schedule schedule{cosine_beta{}, 20};
    const batch<double> a = evaluate<double>(p, x, smallest_times), b = evaluate<double>(q, x, smallest_times);
    REQUIRE((a != b).any());
    CHECK((evaluate<double>(guided(p, q, 3), x, smallest_times) - (3 * a - 2 * b)).abs().maxCoeff() < 1e-14);
    CHECK((evaluate<double>(autoguided(p, q, 3), x, smallest_times) - (3 * a - 2 * b)).abs().maxCoeff() < 1e-14);
    const projected_guidance_options all{.scale = 3, .parallel = 1, .norm = 0, .momentum = 0};
    CHECK((evaluate<double>(projected_guided(p, q, all), x, smallest_times) - (3 * a - 2 * b)).abs().maxCoeff() <
          1e-13);
    const batch<double> shifted =
        evaluate<double>(classifier_guided(p, one_everywhere{}, schedule, 2), x, smallest_times);
    for (isize n = 0; n < 3; ++n) {
        const double sigma = noise_level_at(schedule, n + 1).sigma;
        CHECK((shifted.col(n) - (a.col(n) - 2 * sigma)).abs().maxCoeff() < 1e-14);
    }
}

}  // namespace

TEST_CASE("a network says by default that it has nothing special", "[predictor]") {
    const line_network<float> net;
    CHECK_FALSE(net.has_variance_head());
    CHECK(net.takes() == condition_shape{});
    CHECK(net.samples_at_once() == 0);
    CHECK(prediction_of(net) == prediction::epsilon);
    CHECK(shape_of(net) == sample_shape(4));
}

TEMPLATE_TEST_CASE("the smallest networks are predictors as they stand", "[predictor]", float, double) {
    using S = TestType;
    const auto line = disturbed_smallest(line_network<S>{});
    const batch<S> x = random_batch<S>(4, 3, 2);
    const batch<S> got = evaluate<S>(line, x, smallest_times);
    const auto told = disturbed_smallest(told_network<S>{});
    const some_conditions<S> given(told.takes(), 2, 3);
    const batch<S> with = evaluate<S>(conditioned(told, given.all()), x, smallest_times);
    for (isize n = 0; n < 3; ++n) {
        const isize label = given.labels[static_cast<std::size_t>(n)];
        for (isize i = 0; i < 4; ++i) {
            CHECK(std::abs(static_cast<double>(got(i, n) - (line.slope[i] * x(i, n) + line.offset[i]))) < 1e-6);
            const S expected = told.slope[i] * x(i, n) + told.table[i * 3 + label] +
                               told.vector[i * 2] * given.vectors(0, n) + told.vector[i * 2 + 1] * given.vectors(1, n) +
                               told.map[i] * given.maps(i / 2, n);
            CHECK(std::abs(static_cast<double>(with(i, n) - expected)) < 1e-5);
        }
    }
    CHECK((evaluate<S>(predicts(line, prediction::v), x, smallest_times) == got).all());
}

TEST_CASE("the smallest networks are guided", "[predictor]") {
    const auto a = disturbed_smallest(line_network<double>{}), b = disturbed_smallest(a);
    check_guidance(a, b);
    const auto told = disturbed_smallest(told_network<double>{});
    const some_conditions<double> wanted(told.takes(), 2, 3, 7), other(told.takes(), 2, 1, 70);
    check_guidance(conditioned(told, wanted.all()), conditioned(told, other.all()));
}

TEST_CASE("the smallest networks multiply with their Jacobian", "[predictor]") {
    const batch<double> x = random_batch(4, 3, 2), v = random_batch(4, 3, 5);
    batch<double> out(4, 3);
    const auto check = [&](auto session, const nn::tensor<double>& slope) {
        session.vector_jacobian(x, smallest_times, v, out);
        for (isize n = 0; n < 3; ++n) {
            for (isize i = 0; i < 4; ++i) {
                CHECK(out(i, n) == slope[i] * v(i, n));
            }
        }
    };
    const auto line = disturbed_smallest(line_network<double>{});
    check(network_session(line, 3), line.slope);
    const auto told = disturbed_smallest(told_network<double>{});
    const some_conditions<double> given(told.takes(), 2, 3);
    check(conditioned(told, given.all()).session(3), told.slope);
}

TEST_CASE("the smallest network is self-conditioned, beside what else it is told", "[predictor]") {
    const auto level = [](double u) { return noise_level<double>{1 - u, u}; };
    const auto told = disturbed_smallest(told_network<double>(3));  // one channel that is told, two of the estimate
    some_conditions<double> given({.classes = 3, .vector = 2, .map_channels = 1}, 2, 3);
    const batch<double> x = random_batch(4, 3, 2);
    const std::vector<double> t{0.2, 0.4, 0.6};
    const auto p = conditioned(self_conditioned(told, level), given.all());
    auto session = p.session(3);
    const batch<double> first = call<double>(session, x, t), second = call<double>(session, x, t);

    batch<double> maps = batch<double>::Zero(6, 3), out(4, 3);
    const auto predicted = [&] {
        condition<double> all = given.all();
        all.maps = maps;
        network_session by_hand(told, 3);
        by_hand(network_input<double>{x, t, all}, model_output<double>{out, {}});
    };
    maps.row(0) = given.maps.row(0);
    maps.row(3) = given.maps.row(1);
    predicted();
    CHECK((first == out).all());
    for (isize n = 0; n < 3; ++n) {
        const double u = t[static_cast<std::size_t>(n)];
        for (isize i = 0; i < 4; ++i) {
            maps(i / 2 * 3 + 1 + i % 2, n) = (x(i, n) - u * first(i, n)) / (1 - u);
        }
    }
    predicted();
    CHECK((second - out).abs().maxCoeff() < 1e-14);
    CHECK((second != first).any());
}

}  // namespace ddpm::test
