// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/torch_order.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/predictor/network_session.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace ddpm::test {

static_assert(Network<nn::mlp<float>> && Network<nn::mlp<double>>);
static_assert(!Network<nn::dense<float>>);
static_assert(SessionMaker<nn::mlp<float>> && PredictorLike<nn::mlp<float>, float> &&
              PredictorLike<const nn::mlp<double>&, double>);

namespace {

std::vector<double> some_times(ddpm::isize count) {
    std::vector<double> t(static_cast<std::size_t>(count));
    for (std::size_t n = 0; n < t.size(); ++n) {
        t[n] = static_cast<double>(n * n * 7 % 1000);
    }
    return t;
}

}  // namespace

TEST_CASE("the default MLP for 64 elements has 512 thousand parameters", "[nn]") {
    const nn::mlp<float> net{{.dim = 64, .hidden = 256, .blocks = 3}};
    CHECK(nn::parameter_count(net) == 512320);
    CHECK(net.dim() == 64);
    CHECK(net.shape() == sample_shape(64));
}

TEMPLATE_TEST_CASE("the MLP gives what the same network gives in torch", "[nn]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 2e-6 : 1e-12;
    nn::mlp<S> net{{.dim = 3, .hidden = 5, .blocks = 2, .embedding = 6}};
    double k = 0;
    for (const auto& p : nn::parameters(net)) {
        nn::for_each_place(p.shape, p.order, [&](ddpm::isize torch, ddpm::isize memory) {
            p.values[static_cast<std::size_t>(memory)] =
                static_cast<S>(std::sin(1.7 * k + 0.9 * static_cast<double>(torch)));
        });
        ++k;
    }
    batch<S> x(3, 2), dout(3, 2), out(3, 2);
    x << S(0.5), S(1.5), S(-1), S(0), S(0.25), S(-0.75);
    dout << S(1), S(0.3), S(-0.5), S(0.8), S(2), S(-1.2);
    const std::array<double, 2> t{3, 41};
    constexpr std::array expected{-0.409654150085048,  1.3326912673397826, -1.6352183069454316,
                                  -0.5537397911917261, 0.3882161833705846, -1.0929499051032738};
    constexpr std::array squared_norms{0.16599695506420756, 0.051460687836557065,
                                       0.12933887263086402, 0.22547161177570374,
                                       1.4810624482675239,  0.4741099524343538,
                                       0.8824735999434303,  1.4684279171110872,
                                       3.241929512800514,   0.5228399808922511,
                                       1.3976273909180124,  0.3517227279563745,
                                       0.8517377251793022,  1.5848324234229554,
                                       14.023742453067973,  2.171270531434697,
                                       10.969533700527617,  0.6222534938052697,
                                       4.744199079826602,   0.3117239300007002,
                                       9.791250328885639,   2.42};
    auto w = net.make_workspace(2, pass::backward);
    net.forward({x, t}, out, w);
    for (ddpm::isize i = 0; i < 6; ++i) {
        CHECK(std::abs(static_cast<double>(out.data()[i]) - expected[static_cast<std::size_t>(i)]) <= tolerance);
    }
    nn::mlp<S> d = nn::zeros_like(net);
    net.backward({x, t}, dout, w, d);
    const auto gradient = nn::parameters(d);
    REQUIRE(gradient.size() == squared_norms.size());
    for (std::size_t p = 0; p < gradient.size(); ++p) {
        double sum = 0;
        for (const S g : gradient[p].values) {
            sum += static_cast<double>(g) * static_cast<double>(g);
        }
        CHECK(std::abs(sum - squared_norms[p]) <= 10 * tolerance * squared_norms[p] + tolerance);
    }
}

TEST_CASE("the gradients of the whole MLP are the central differences", "[nn]") {
    const auto blocks = GENERATE(ddpm::isize{0}, ddpm::isize{1}, ddpm::isize{3});
    const bool time_to_output = GENERATE(false, true);
    nn::mlp<double> net{
        {.dim = 4, .hidden = 9, .blocks = blocks, .embedding = 6, .time_to_output = time_to_output, .seed = 5}};
    disturb(net, 0.3, 11);
    const batch<double> x = random_batch(4, 6, 1), dout = random_batch(4, 6, 2);
    const std::vector<double> t = some_times(6);
    network_loss loss(net, {x, t}, dout);
    nn::mlp<double> d = loss.gradient();
    CHECK(parameter_gradient_error(net, d, loss) < 1e-6);

    nn::mlp<double> twice = d;
    loss.add_gradient(twice);
    const auto once_list = nn::parameters(d), twice_list = nn::parameters(twice);
    for (std::size_t p = 0; p < once_list.size(); ++p) {
        for (std::size_t i = 0; i < once_list[p].values.size(); ++i) {
            REQUIRE(std::abs(twice_list[p].values[i] - 2 * once_list[p].values[i]) <=
                    1e-12 * (1 + std::abs(twice_list[p].values[i])));
        }
    }
}

TEMPLATE_TEST_CASE("time_to_output adds a linear function of the embedded time to the output", "[nn]", float, double) {
    using S = TestType;
    const bool one_time = GENERATE(false, true);
    const nn::mlp_options options{.dim = 4, .hidden = 9, .blocks = 2, .embedding = 6, .variance_head = true, .seed = 5};
    nn::mlp_options with = options;
    with.time_to_output = true;
    nn::mlp<S> plain{options}, net{with};
    CHECK(nn::parameter_count(net) == nn::parameter_count(plain) + 8 * (6 + 1));
    const auto of_plain = nn::parameters(plain), of_net = nn::parameters(net);
    REQUIRE(of_net.size() == of_plain.size() + 2);
    CHECK(of_net[of_plain.size()].name == "time_output.weight");
    CHECK(of_net[of_plain.size() + 1].name == "time_output.bias");
    disturb(net, 0.3, 11);
    for (std::size_t p = 0; p < of_plain.size(); ++p) {
        CHECK(of_net[p].name == of_plain[p].name);
        std::copy(of_net[p].values.begin(), of_net[p].values.end(), of_plain[p].values.begin());
    }
    nn::dense<S> line(6, 8);
    std::copy_n(of_net[of_plain.size()].values.begin(), line.weight.size(), line.weight.data());
    std::copy_n(of_net[of_plain.size() + 1].values.begin(), line.bias.size(), line.bias.data());

    const ddpm::isize count = 5;
    const batch<S> x = random_batch<S>(4, count, 4);
    const std::vector<double> t = one_time ? std::vector<double>(5, 30.0) : some_times(count);
    batch<S> embedded(6, count), expected(8, count), out(8, count);
    nn::time_embedding{.dim = 6}.template forward<S>(t, batch_view<S>(embedded));
    auto of = plain.make_workspace(count, pass::forward);
    plain.forward({x, t}, expected, of);
    line.forward_add(embedded, batch_view<S>(expected));
    for (const bool for_backward : {false, true}) {
        auto w = net.make_workspace(count, for_backward ? pass::backward : pass::forward);
        net.forward({x, t}, out, w);
        CHECK((out - expected).abs().maxCoeff() <= S(sizeof(S) == 4 ? 1e-5 : 1e-14));
    }
}

TEST_CASE("a new MLP predicts zero, and its seed names it", "[nn]") {
    const bool time_to_output = GENERATE(false, true);
    const nn::mlp<float> a{{.dim = 4, .time_to_output = time_to_output, .seed = 1}},
        b{{.dim = 4, .time_to_output = time_to_output, .seed = 1}}, c{{.dim = 4, .seed = 2}};
    const batch<float> x = random_batch<float>(4, 3, 1);
    batch<float> out = batch<float>::Ones(4, 3);
    const std::vector<double> t = some_times(3);
    auto w = a.make_workspace(3, pass::backward);
    a.forward({x, t}, out, w);
    CHECK((out == 0).all());
    const auto of_a = nn::parameters(a), of_b = nn::parameters(b), of_c = nn::parameters(c);
    for (std::size_t p = 0; p < of_a.size(); ++p) {
        REQUIRE(std::equal(of_a[p].values.begin(), of_a[p].values.end(), of_b[p].values.begin()));
    }
    CHECK_FALSE(std::equal(of_a[0].values.begin(), of_a[0].values.end(), of_c[0].values.begin()));
}

TEMPLATE_TEST_CASE("a session gives each sample the same bits as a batch of one", "[nn]", float, double) {
    using S = TestType;
    const bool time_to_output = GENERATE(false, true);
    nn::mlp<S> net{{.dim = 6, .hidden = 40, .blocks = 2, .time_to_output = time_to_output}};
    disturb(net, 0.1, 3);
    const ddpm::isize count = GENERATE(ddpm::isize{1}, ddpm::isize{31}, ddpm::isize{33}, ddpm::isize{300});
    const bool one_time = GENERATE(false, true);
    const batch<S> x = random_batch<S>(6, count, 4);
    const std::vector<double> t =
        one_time ? std::vector<double>(static_cast<std::size_t>(count), 500.0) : some_times(count);
    batch<S> out(6, count), one(6, 1), planned(6, count);
    auto session = network_session(net, count);
    session(x, t, model_output<S>{out, {}});
    auto single = network_session(net, 1);
    auto w = net.make_workspace(count, pass::backward);
    net.forward({x, t}, planned, w);
    CHECK((planned == out).all());
    for (ddpm::isize n = 0; n < count; n += 13) {
        single(x.col(n), std::span<const double>(t).subspan(static_cast<std::size_t>(n), 1), model_output<S>{one, {}});
        REQUIRE((one == out.col(n)).all());
    }
}

TEST_CASE("a session takes more and fewer samples than planned for", "[nn]") {
    nn::mlp<float> net{{.dim = 6, .hidden = 24, .blocks = 1}};
    disturb(net, 0.1, 3);
    const batch<float> x = random_batch<float>(6, 200, 4);
    batch<float> all(6, 200), part(6, 200);
    const std::vector<double> t(200, 3.0);
    auto large = network_session(net, 200);
    large(x, t, model_output<float>{all, {}});
    auto session = network_session(net, 10);
    for (const ddpm::isize count : {5, 200, 0, 64}) {
        session(x.leftCols(count), std::span<const double>(t).first(static_cast<std::size_t>(count)),
                model_output<float>{part.leftCols(count), {}});
        REQUIRE((part.leftCols(count) == all.leftCols(count)).all());
    }
}

TEST_CASE("results do not depend on the thread count", "[nn]") {
    nn::mlp<float> net{{.dim = 10, .hidden = 64, .blocks = 2}};
    disturb(net, 0.1, 3);
    const batch<float> x = random_batch<float>(10, 150, 4), dout = random_batch<float>(10, 150, 5);
    const std::vector<double> t = some_times(150);
    batch<float> first_out;
    nn::mlp<float> first_d = nn::zeros_like(net);
    for (const ddpm::isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        batch<float> out(10, 150);
        auto w = net.make_workspace(150, pass::backward);
        nn::mlp<float> d = nn::zeros_like(net);
        net.forward({x, t}, out, w);
        net.backward({x, t}, dout, w, d);
        auto session = network_session(net, 150);
        batch<float> predicted(10, 150);
        session(x, t, model_output<float>{predicted, {}});
        CHECK((predicted == out).all());
        if (threads == 1) {
            first_out = out;
            first_d = d;
        }
        CHECK((out == first_out).all());
        const auto a = nn::parameters(first_d), b = nn::parameters(d);
        for (std::size_t p = 0; p < a.size(); ++p) {
            REQUIRE(std::equal(a[p].values.begin(), a[p].values.end(), b[p].values.begin()));
        }
    }
    set_thread_count(0);
}

TEST_CASE("the MLP refuses what does not fit", "[nn]") {
    CHECK_THROWS_AS(nn::mlp<float>{nn::mlp_options{}}, value_error);
    CHECK_THROWS_AS((nn::mlp<float>{{.dim = -1}}), value_error);
    CHECK_THROWS_AS((nn::mlp<float>{{.dim = 2, .hidden = 0}}), value_error);
    CHECK_THROWS_AS((nn::mlp<float>{{.dim = 2, .blocks = -1}}), value_error);
    CHECK_THROWS_AS((nn::mlp<float>{{.dim = 2, .embedding = 0}}), value_error);

    const nn::mlp<float> net{{.dim = 2, .hidden = 4, .blocks = 1}};
    nn::mlp<float> d = nn::zeros_like(net);
    batch<float> x = batch<float>::Zero(2, 3), wrong = batch<float>::Zero(3, 3);
    const std::vector<double> t(3);
    auto w = net.make_workspace(3, pass::backward), unused = net.make_workspace(3, pass::backward),
         forward_only = net.make_workspace(3, pass::forward);
    CHECK_THROWS_AS(net.forward({wrong, t}, x, w), shape_error);
    CHECK_THROWS_AS(net.forward({x, t}, wrong, w), shape_error);
    CHECK_THROWS_AS(net.forward({x, std::span<const double>(t).first(2)}, x, w), shape_error);
    net.forward({x, t}, x, w);
    CHECK_THROWS_AS(net.backward({wrong, t}, x, w, d), shape_error);
    CHECK_THROWS_AS(net.backward({x, t}, wrong, w, d), shape_error);
    CHECK_THROWS_AS(net.backward({x, t}, x, unused, d), shape_error);
    CHECK_THROWS_AS(net.backward({x, t}, x, forward_only, d), shape_error);
    CHECK_THROWS_AS(net.make_workspace(-1, pass::backward), shape_error);

    const nn::mlp_options whole{
        .dim = 2, .hidden = 4, .blocks = 2, .time_to_output = true, .classes = 3, .vector = 2, .learned_null = true};
    const nn::mlp<float> taking_all{whole};
    auto v = taking_all.make_workspace(3, pass::backward);
    const std::vector<isize> labels(3);
    const network_input<float> all{x, t, {.labels = labels}};
    batch<float> out = batch<float>::Zero(2, 3);
    taking_all.forward(all, out, v);
    const auto refuses = [&](auto change) {
        nn::mlp_options other = whole;
        change(other);
        nn::mlp<float> of_other{other};
        CHECK_THROWS_AS(taking_all.backward(all, out, v, of_other), shape_error);
    };
    refuses([](nn::mlp_options& o) { o.dim = 3; });
    refuses([](nn::mlp_options& o) { o.hidden = 3; });
    refuses([](nn::mlp_options& o) { o.blocks = 1; });
    refuses([](nn::mlp_options& o) { o.time_to_output = false; });
    refuses([](nn::mlp_options& o) { o.classes = 0; });
    refuses([](nn::mlp_options& o) { o.classes = 2; });
    refuses([](nn::mlp_options& o) { o.vector = 0; });
    refuses([](nn::mlp_options& o) { o.learned_null = false; });
    nn::mlp<float> of_all = nn::zeros_like(taking_all);
    CHECK_NOTHROW(taking_all.backward(all, out, v, of_all));

    CHECK_THROWS_AS(network_session(net, -1), value_error);
    auto session = network_session(net, 3);
    CHECK_THROWS_AS(session(wrong, t, (model_output<float>{x, {}})), shape_error);
    CHECK_THROWS_AS(session(x, t, (model_output<float>{wrong, {}})), shape_error);
    CHECK_THROWS_AS(session(x, t, (model_output<float>{x.leftCols(2), {}})), shape_error);
    CHECK_THROWS_AS(session(x, std::span<const double>(t).first(2), (model_output<float>{x, {}})), shape_error);
}

}  // namespace ddpm::test
