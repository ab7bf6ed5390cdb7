// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/layers/attention.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <type_traits>

namespace ddpm::test {

namespace {

template <Scalar S>
nn::feature_map<S> map_of(batch<S>& x, ddpm::isize height, ddpm::isize width) {
    return {x.data(), x.rows(), height, width, x.cols() / (height * width)};
}

template <Scalar S>
nn::feature_map<const S> map_of(const batch<S>& x, ddpm::isize height, ddpm::isize width) {
    return {x.data(), x.rows(), height, width, x.cols() / (height * width)};
}

/// ((i·factor) mod modulus) / modulus · 2 − 1, as the script that made the golden numbers has it.
template <Scalar S>
S sequence(ddpm::isize i, ddpm::isize factor, ddpm::isize modulus) {
    return static_cast<S>(static_cast<double>(i * factor % modulus) / static_cast<double>(modulus) * 2 - 1);
}

template <Scalar S, class Expected>
double distance(const S* got, const Expected& expected) {
    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(got[i]) - expected[i]));
    }
    return worst;
}

/// The same for a square weight, of which torch has the rows one after another.
template <Scalar S, class Expected>
double weight_distance(const nn::tensor<S>& got, const Expected& expected) {
    const ddpm::isize size = got.shape()[0];
    double worst = 0;
    for (ddpm::isize i = 0; i < size * size; ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(got[i % size * size + i / size]) -
                                         expected[static_cast<std::size_t>(i)]));
    }
    return worst;
}

/// A layer with random weights, such that the attention is neither flat nor on one token.
template <Scalar S>
nn::attention<S> example_layer(ddpm::isize channels, ddpm::isize heads, ddpm::isize groups) {
    nn::attention<S> layer(channels, heads, groups, 1e-6);
    disturb(layer, 1.2 / std::sqrt(static_cast<double>(channels)), 1);
    return layer;
}

/// The layer's output, in the arena's memory.
template <Scalar S>
nn::feature_map<S> output_of(const nn::attention<S>& layer, nn::feature_map<const std::type_identity_t<S>> x,
                             typename nn::attention<S>::activations& a, nn::arena<S>& memory) {
    const nn::feature_map<S> out = memory.like(x);
    layer.forward(x, a, out, memory);
    return out;
}

/// Everything that a layer computes from one input.
template <Scalar S>
struct run {
    run(const nn::attention<S>& layer, const batch<S>& x, const batch<S>& dy, ddpm::isize height, ddpm::isize width)
        : dx(batch<S>::Constant(x.rows(), x.cols(), S(9))), d(nn::zeros_like(layer)) {
        y = output_of(layer, map_of(x, height, width), a, memory).columns().array();
        layer.backward(map_of(x, height, width), a, map_of(dy, height, width), map_of(dx, height, width), d, memory);
    }

    [[nodiscard]] bool same_gradient(const run& other) const {
        const auto mine = nn::parameters(d), theirs = nn::parameters(other.d);
        for (std::size_t k = 0; k < mine.size(); ++k) {
            if (!std::equal(mine[k].values.begin(), mine[k].values.end(), theirs[k].values.begin())) {
                return false;
            }
        }
        return true;
    }

    nn::arena<S> memory;
    typename nn::attention<S>::activations a;
    batch<S> y, dx;
    nn::attention<S> d;
};

/// The block as its formula says it, in double.
template <Scalar S>
batch<double> reference(const nn::attention<S>& layer, const batch<S>& x, ddpm::isize tokens) {
    using matrix = Eigen::MatrixXd;
    const ddpm::isize channels = x.rows(), size = channels / layer.heads;
    batch<double> out(channels, x.cols());
    const auto apply = [&](const nn::dense<S>& linear, const matrix& in) {
        const matrix weight = Eigen::Map<const Eigen::Matrix<S, -1, -1>>(linear.weight.data(), channels, channels)
                                  .template cast<double>();
        const matrix bias =
            Eigen::Map<const Eigen::Matrix<S, -1, 1>>(linear.bias.data(), channels).template cast<double>();
        return matrix((weight * in).colwise() + bias.col(0));
    };
    for (ddpm::isize n = 0; n < x.cols() / tokens; ++n) {
        const matrix image = x.middleCols(n * tokens, tokens).template cast<double>().matrix();
        matrix h = image;
        if (layer.norm.groups > 0) {
            const ddpm::isize group_size = channels / layer.norm.groups;
            for (ddpm::isize c = 0; c < channels; ++c) {
                const auto group = image.middleRows(c / group_size * group_size, group_size).array();
                const double mean = group.mean(),
                             deviation = std::sqrt((group - mean).square().mean() + layer.norm.eps);
                h.row(c) = ((image.row(c).array() - mean) / deviation * static_cast<double>(layer.norm.weight[c]) +
                            static_cast<double>(layer.norm.bias[c]));
            }
        }
        const matrix q = apply(layer.to_q, h), k = apply(layer.to_k, h), v = apply(layer.to_v, h);
        matrix attended(channels, tokens);
        for (ddpm::isize head = 0; head < layer.heads; ++head) {
            matrix p = k.middleRows(head * size, size).transpose() * q.middleRows(head * size, size) /
                       std::sqrt(static_cast<double>(size));
            for (ddpm::isize i = 0; i < tokens; ++i) {
                p.col(i) = (p.col(i).array() - p.col(i).maxCoeff()).exp();
                p.col(i) /= p.col(i).sum();
            }
            attended.middleRows(head * size, size) = v.middleRows(head * size, size) * p;
        }
        out.middleCols(n * tokens, tokens) = ((image + apply(layer.to_out, attended)) / layer.rescale).array();
    }
    return out;
}

}  // namespace

TEMPLATE_TEST_CASE("attention gives what diffusers' Attention gives", "[nn]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-13;
    constexpr std::array expected_y{
        -1.3915247197290976, -0.8207159892841979, -0.0626055783673538, 0.8484329913463335,  0.8220770047256418,
        0.13074645371979018, -1.3348867359187526, 1.3273196846870565,  0.8805486436352296,  0.35409498627197694,
        -2.416066111126861,  1.529244117187027,   1.008991389597804,   0.6872056878024599,  -2.06077243849388,
        1.6747836673906307,  1.4581686182499136,  -1.6991499448771081, -1.022628601485603,  2.2891725492673434,
        -0.854424623379326,  0.5538817613936163,  -1.1950428764132512, -0.06218631944502202};
    constexpr std::array expected_dx{
        0.6139640692622663,   -0.5591423968228142,  -1.1400542294176608, 3.397176348289872,     -2.4394236447352458,
        0.5008491139185598,   -1.9801208176372085,  1.4426704625613824,  -0.023420045053870686, 0.4097703079772391,
        -0.33141546281234535, -0.7227440363378781,  -0.8726225608731536, 1.5050387393706564,    0.35428168529775683,
        -1.7250089374441888,  -0.22003298194100296, -1.1894970969788248, 1.3238873970993401,    -1.7699619317332551,
        1.243738548746058,    -0.30024658216219213, 1.9442125256183653,  -0.6265449373226402};
    constexpr std::array expected_dq{
        -1.462498690639661,  -0.4152404735923737,   -0.7969173642936339, 1.801918436494498,
        -1.8568136225222527, -0.6084872156700228,   -1.806418972064035,  1.6467443393822752,
        0.5405272002078492,  -0.38151488735182715,  -0.6429364653438789, -0.39916601051481165,
        1.0938421304585195,  -0.019893489634242055, 0.19638688440794594, -1.139118215344368};
    constexpr std::array expected_dk{
        0.3554413243626947,   -0.23754010738220105,  0.6952957566685389,  2.9208984201535535,
        0.4104960783519533,   0.011759204142567717,  -0.3559166150713231, -0.3851933247875067,
        0.4171037322495595,   0.07642948753444352,   -0.1256582803627012, -0.9512308246973555,
        -0.07154536586787999, -0.052064990141292296, -0.3879337963656671, -0.01592964292854307};
    constexpr std::array expected_dv{
        -0.4947196097221349, 0.7376887733088553,   -0.9331318758704297,  -0.24715240614885925,
        0.216375076796779,   -0.07759256271176986, 0.46045106050593176,  0.6231550192609567,
        1.0337483156014886,  -0.6421680588957511,  -0.41837325265749303, -1.366100701769724,
        -2.214094836005418,  0.5530947611297701,   0.08017521845831288,  1.5164548221415295};
    constexpr std::array expected_dout{
        -0.7942308623779293, 0.6133275216318259,   -0.3457457327762778,  1.2232606929007828,
        0.03798063525373807, 0.39697643870917165,  -1.0884477920539641,  0.009441741864980258,
        -0.8576572545634489, 0.203147715156169,    -0.12003974589538045, 0.09825420531890192,
        2.00804824324004,    -0.47179457405947534, -0.45514117360525236, 0.30438641926573284};
    constexpr std::array expected_dnorm{-0.18539936569439222, -0.377983600178902, -0.18605207897835657,
                                        2.398106639668741};
    constexpr std::array expected_db{0.7758533078891146, 0.46280158851862674, -1.4235464029281086, -1.2741039756764543};
    nn::attention<S> layer(4, 2, 2, 1e-6);
    layer.rescale = std::numbers::sqrt2;
    ddpm::isize k = 0;
    for (auto* linear : {&layer.to_q, &layer.to_k, &layer.to_v, &layer.to_out}) {
        for (ddpm::isize i = 0; i < 16; ++i) {
            linear->weight[i % 4 * 4 + i / 4] = sequence<S>(i, 7 + k, 29);
        }
        for (ddpm::isize i = 0; i < 4; ++i) {
            linear->bias[i] = sequence<S>(i, 3 + k, 11);
        }
        ++k;
    }
    constexpr std::array weight{1.0, 0.5, -2.0, 1.5}, bias{0.1, -0.2, 0.3, 0.0};
    for (std::size_t i = 0; i < 4; ++i) {
        layer.norm.weight[static_cast<ddpm::isize>(i)] = static_cast<S>(weight[i]);
        layer.norm.bias[static_cast<ddpm::isize>(i)] = static_cast<S>(bias[i]);
    }
    batch<S> x(4, 6), dy(4, 6);
    for (ddpm::isize i = 0; i < 24; ++i) {
        x.data()[i] = sequence<S>(i, 7, 23);
        dy.data()[i] = sequence<S>(i, 5, 17);
    }
    for_each_target([&] {
        const run<S> got(layer, x, dy, 1, 3);
        CHECK(distance(got.y.data(), expected_y) <= tolerance);
        CHECK(distance(got.dx.data(), expected_dx) <= tolerance);
        CHECK(weight_distance(got.d.to_q.weight, expected_dq) <= tolerance);
        CHECK(weight_distance(got.d.to_k.weight, expected_dk) <= tolerance);
        CHECK(weight_distance(got.d.to_v.weight, expected_dv) <= tolerance);
        CHECK(weight_distance(got.d.to_out.weight, expected_dout) <= tolerance);
        CHECK(distance(got.d.norm.weight.data(), expected_dnorm) <= tolerance);
        CHECK(distance(got.d.to_q.bias.data(), expected_db) <= tolerance);
    });
}

TEST_CASE("attention names its parameters as diffusers does", "[nn]") {
    const nn::attention<float> layer(4, 2, 2, 1e-6), bare(4, 2, 0, 1e-6);
    constexpr std::array names{"group_norm.weight", "group_norm.bias", "to_q.weight", "to_q.bias",
                               "to_k.weight",       "to_k.bias",       "to_v.weight", "to_v.bias",
                               "to_out.0.weight",   "to_out.0.bias"};
    const auto all = nn::parameters(layer), rest = nn::parameters(bare);
    REQUIRE(all.size() == names.size());
    REQUIRE(rest.size() == names.size() - 2);
    for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK(all[i].name == names[i]);
        CHECK((i < 2 || rest[i - 2].name == names[i]));
    }
}

TEMPLATE_TEST_CASE("attention is its formula on every target", "[nn]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 2e-5 : 2e-14;
    const auto heads = GENERATE(ddpm::isize{1}, ddpm::isize{2}, ddpm::isize{4});
    const auto groups = GENERATE(ddpm::isize{0}, ddpm::isize{4});
    const auto size =
        GENERATE(std::array<ddpm::isize, 2>{1, 1}, std::array<ddpm::isize, 2>{1, 5}, std::array<ddpm::isize, 2>{8, 8},
                 std::array<ddpm::isize, 2>{4, 25}, std::array<ddpm::isize, 2>{20, 20});
    const ddpm::isize tokens = size[0] * size[1];
    nn::attention<S> layer = example_layer<S>(24, heads, groups);
    layer.rescale = 1.25;
    batch<S> x = random_batch<S>(24, 2 * tokens, 2);
    const batch<double> expected = reference(layer, x, tokens);
    for_each_target([&] {
        nn::arena<S> memory;
        typename nn::attention<S>::activations a;
        const auto y = output_of(layer, map_of(x, size[0], size[1]), a, memory);
        CHECK((y.columns().array().template cast<double>() - expected).abs().maxCoeff() <= tolerance);
        batch<S> given(24, 2 * tokens);
        layer.forward(map_of(x, size[0], size[1]), a, map_of(given, size[0], size[1]), memory);
        CHECK((given == y.columns().array()).all());
    });
}

TEST_CASE("the gradients of attention are the central differences", "[nn]") {
    const auto heads = GENERATE(ddpm::isize{1}, ddpm::isize{2}, ddpm::isize{4});
    const auto groups = GENERATE(ddpm::isize{0}, ddpm::isize{4});
    const auto size = GENERATE(std::array<ddpm::isize, 3>{1, 1, 2}, std::array<ddpm::isize, 3>{1, 5, 2},
                               std::array<ddpm::isize, 3>{8, 8, 1}, std::array<ddpm::isize, 3>{4, 25, 1});
    const ddpm::isize columns = size[0] * size[1] * size[2];
    nn::attention<double> layer = example_layer<double>(8, heads, groups);
    layer.rescale = 1.5;
    batch<double> x = random_batch(8, columns, 2);
    const batch<double> dy = random_batch(8, columns, 3);
    const run<double> got(layer, x, dy, size[0], size[1]);
    nn::arena<double> memory;
    const auto loss = [&] {
        const auto scope = memory.scope();
        nn::attention<double>::activations a;
        return (output_of(layer, map_of(x, size[0], size[1]), a, memory).columns().array() * dy).sum();
    };
    CHECK(gradient_error(elements(x), elements(got.dx), loss) < 1e-6);
    CHECK(whole_gradient_error(layer, got.d, loss) < 1e-6);
}

TEST_CASE("the gradients of attention over several blocks of queries are the central differences", "[nn]") {
    // 400 tokens are seven blocks.
    nn::attention<double> layer = example_layer<double>(4, 2, 2);
    batch<double> x = random_batch(4, 400, 2);
    const batch<double> dy = random_batch(4, 400, 3);
    const run<double> got(layer, x, dy, 20, 20);
    nn::arena<double> memory;
    const auto loss = [&] {
        const auto scope = memory.scope();
        nn::attention<double>::activations a;
        return (output_of(layer, map_of(x, 20, 20), a, memory).columns().array() * dy).sum();
    };
    CHECK(gradient_error(elements(x).subspan(0, 40), elements(got.dx).subspan(0, 40), loss) < 1e-6);
    CHECK(gradient_error(elements(x).subspan(1500), elements(got.dx).subspan(1500), loss) < 1e-6);
    CHECK(whole_gradient_error(layer, got.d, loss) < 1e-6);
}

TEST_CASE("the gradients of attention's parameters add up, and backward leaves what forward left", "[nn]") {
    nn::attention<double> layer = example_layer<double>(8, 2, 4);
    layer.rescale = GENERATE(1.0, 1.5);
    const batch<double> x = random_batch(8, 9, 2), dy = random_batch(8, 9, 3);
    run<double> once(layer, x, dy, 3, 3);
    nn::attention<double> d = once.d;
    batch<double> dx(8, 9);
    layer.backward(map_of(x, 3, 3), once.a, map_of(dy, 3, 3), map_of(dx, 3, 3), d, once.memory);
    CHECK((dx == once.dx).all());
    const auto twice = nn::parameters(d), first = nn::parameters(once.d);
    for (std::size_t k = 0; k < twice.size(); ++k) {
        for (std::size_t i = 0; i < twice[k].values.size(); ++i) {
            CHECK(std::abs(twice[k].values[i] - 2 * first[k].values[i]) <= 1e-13);
        }
    }
}

TEMPLATE_TEST_CASE("attention gives the same bits for every thread count and batch", "[nn]", float, double) {
    using S = TestType;
    // heads, height, width, samples
    const auto c = GENERATE(std::array<ddpm::isize, 4>{1, 16, 16, 3}, std::array<ddpm::isize, 4>{4, 10, 10, 2},
                            std::array<ddpm::isize, 4>{2, 24, 24, 1}, std::array<ddpm::isize, 4>{1, 1, 1, 5});
    const ddpm::isize tokens = c[1] * c[2];
    const nn::attention<S> layer = example_layer<S>(64, c[0], 8);
    const batch<S> x = random_batch<S>(64, tokens * c[3], 2), dy = random_batch<S>(64, tokens * c[3], 3);
    set_thread_count(1);
    const run<S> one(layer, x, dy, c[1], c[2]);
    for (const ddpm::isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        const run<S> many(layer, x, dy, c[1], c[2]);
        CHECK((many.y == one.y).all());
        CHECK((many.dx == one.dx).all());
        CHECK(many.same_gradient(one));
    }
    for (ddpm::isize n = 0; n < c[3]; ++n) {
        const run<S> alone(layer, x.middleCols(n * tokens, tokens), dy.middleCols(n * tokens, tokens), c[1], c[2]);
        CHECK((alone.y == one.y.middleCols(n * tokens, tokens)).all());
        CHECK((alone.dx == one.dx.middleCols(n * tokens, tokens)).all());
    }
    set_thread_count(0);
}

/// The error of a float layer's gradients, the input's among them, where the largest score is as given: relative to the
/// largest gradient of the same layer in double.
double gradient_error_in_float(double largest_score, std::uint64_t seed) {
    constexpr ddpm::isize channels = 32, heads = 4, side = 8, tokens = side * side, head_dim = channels / heads;
    nn::attention<float> layer(channels, heads, 0, 1e-6);
    disturb(layer, 1 / std::sqrt(static_cast<double>(channels)), seed);
    const batch<float> x = random_batch<float>(channels, tokens, seed + 100);
    const batch<float> dy = random_batch<float>(channels, tokens, seed + 200);
    batch<float> q(channels, tokens), k(channels, tokens);
    layer.to_q.forward(x, batch_view<float>(q));
    layer.to_k.forward(x, batch_view<float>(k));
    float score = 0;
    for (ddpm::isize head = 0; head < heads; ++head) {
        const auto rows_of = [&](const batch<float>& of) { return of.middleRows(head * head_dim, head_dim).matrix(); };
        score = std::max(score, (rows_of(k).transpose() * rows_of(q)).maxCoeff());
    }
    const double factor = largest_score * std::sqrt(static_cast<double>(head_dim)) / static_cast<double>(score);
    for (auto* tensor : {&layer.to_q.weight, &layer.to_q.bias}) {
        for (float& value : tensor->values()) {
            value *= static_cast<float>(factor);
        }
    }
    nn::attention<double> exact(channels, heads, 0, 1e-6);
    const auto from = nn::parameters(layer);
    for (std::size_t i = 0; auto& p : nn::parameters(exact)) {
        std::copy(from[i].values.begin(), from[i].values.end(), p.values.begin());
        ++i;
    }
    const run<float> got(layer, x, dy, side, side);
    const run<double> expected(exact, x.cast<double>(), dy.cast<double>(), side, side);
    double largest = expected.dx.abs().maxCoeff(), worst = (got.dx.cast<double>() - expected.dx).abs().maxCoeff();
    const auto got_parameters = nn::parameters(got.d);
    for (std::size_t i = 0; const auto& p : nn::parameters(expected.d)) {
        for (std::size_t e = 0; e < p.values.size(); ++e) {
            largest = std::max(largest, std::abs(p.values[e]));
            worst = std::max(worst, std::abs(static_cast<double>(got_parameters[i].values[e]) - p.values[e]));
        }
        ++i;
    }
    return worst / largest;
}

TEST_CASE("attention's gradients in float lose no more than its scores do", "[nn]") {
    // Probabilities computed again by the logarithm of their sum have 9e-5, 7e-4, 8e-3 and 100.
    const auto [score, most] =
        GENERATE(std::array{5e2, 4e-5}, std::array{2e3, 1.5e-4}, std::array{6e3, 5e-4}, std::array{2e5, 1e-4});
    std::array<double, 9> errors;
    for (std::size_t i = 0; i < errors.size(); ++i) {
        errors[i] = gradient_error_in_float(score, 10 + i);
    }
    std::nth_element(errors.begin(), errors.begin() + 4, errors.end());
    CAPTURE(score, errors[4]);
    CHECK(errors[4] <= most);
}

TEST_CASE("attention's memory is linear in the number of tokens", "[nn]") {
    const nn::attention<float> layer(2, 1, 0, 1e-6);
    const auto bytes = [&](ddpm::isize side) {
        const batch<float> x = batch<float>::Zero(2, side * side);
        return static_cast<double>(run<float>(layer, x, x, side, side).memory.bytes());
    };
    set_thread_count(1);
    CHECK(bytes(96) <= 1.2 * 96 * 96 / (64 * 64) * bytes(64));
    set_thread_count(0);
}

TEST_CASE("attention refuses heads and groups that do not divide the channels", "[nn]") {
    CHECK_THROWS_AS(nn::attention<float>(6, 4, 2, 1e-6), value_error);
    CHECK_THROWS_AS(nn::attention<float>(6, 0, 2, 1e-6), value_error);
    CHECK_THROWS_AS(nn::attention<float>(6, -1, 2, 1e-6), value_error);
    CHECK_THROWS_AS(nn::attention<float>(6, 2, 4, 1e-6), value_error);
    CHECK_THROWS_AS(nn::attention<float>(6, 2, -1, 1e-6), value_error);
}

TEST_CASE("attention refuses shapes that do not fit", "[nn]") {
    const nn::attention<float> layer(6, 2, 2, 1e-6);
    nn::attention<float> d = nn::zeros_like(layer);
    nn::arena<float> memory;
    nn::attention<float>::activations a, of_others;
    batch<float> x = random_batch<float>(6, 8, 1), more = random_batch<float>(8, 8, 2);
    CHECK_THROWS_AS(output_of(layer, map_of(more, 2, 2), a, memory), shape_error);
    CHECK_THROWS_AS(layer.forward(map_of(x, 2, 2), a, map_of(x, 2, 4), memory), shape_error);
    static_cast<void>(output_of(layer, map_of(x, 1, 4), of_others, memory));
    static_cast<void>(output_of(layer, map_of(x, 2, 2), a, memory));
    batch<float> dx(6, 8);
    const auto small = map_of(x, 2, 2), wide = map_of(x, 2, 4);
    CHECK_THROWS_AS(layer.backward(map_of(more, 2, 2), a, small, map_of(dx, 2, 2), d, memory), shape_error);
    CHECK_THROWS_AS(layer.backward(small, of_others, small, map_of(dx, 2, 2), d, memory), shape_error);
    CHECK_THROWS_AS(layer.backward(small, a, wide, map_of(dx, 2, 2), d, memory), shape_error);
    CHECK_THROWS_AS(layer.backward(small, a, small, map_of(dx, 2, 4), d, memory), shape_error);
}

}  // namespace ddpm::test
