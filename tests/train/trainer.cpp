// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/condition.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/schedules.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {

static_assert(TrainingLoss<mse_loss, noise_schedule<>, float>);
static_assert(!TrainingLoss<int, noise_schedule<>, float>);

TEMPLATE_TEST_CASE("training lowers the loss", "[train]", float, double) {
    const noise_schedule schedule{linear_beta{}, 100};
    auto net = small_net<TestType>();
    trainer trainer{net, schedule, {.batch = 32, .learning_rate = 3e-3}};
    const batch<TestType> data = two_points<TestType>();
    double early = 0, late = 0;
    const fit_result result = trainer.fit(data, {.steps = 400, .progress = [&](const training_progress& p) {
                                                     (p.step <= 40 ? early : late) +=
                                                         p.step <= 40 || p.step > 360 ? p.loss / 40 : 0;
                                                     return true;
                                                 }});
    CHECK(result.status == fit_status::finished);
    CHECK(result.step == 400);
    CHECK(trainer.step() == 400);
    CHECK(late < 0.5 * early);
}

TEST_CASE("the trainer calls the network as documented", "[train]") {
    // The first step of a network that starts at zero predicts zero: its loss is the mean square of the noise.
    const noise_schedule schedule{linear_beta{}, 100};
    auto net = small_net<double>();
    trainer trainer{net, schedule, {.batch = 5, .seed = 3}};
    const fit_result result = trainer.fit(two_points<double>(), {.steps = 1});
    batch<double> eps(4, 5);
    philox_noise(3, noise_stream::training).normal(batch_view<double>(eps), 0);
    CHECK(std::abs(result.loss - eps.square().mean()) <= 1e-14);
}

TEST_CASE("one step is forward, backward, clipping, Adam and the average", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 50};
    const trainer_options options{.batch = 3, .learning_rate = 1e-2, .largest_gradient_norm = 0.1, .seed = 9};
    const batch<double> data = random_batch(4, 10, 1);
    auto net = small_net<double>();
    disturb(net, 0.3, 2);
    auto expected = net;

    epoch_order order(9, 10);
    batch<double> x0(4, 3), eps(4, 3), predicted(4, 3), d_predicted(4, 3);
    std::vector<ddpm::isize> t;
    std::vector<double> times;
    for (ddpm::isize n = 0; n < 3; ++n) {
        x0.col(n) = data.col(order[n]);
        t.push_back(philox_noise(9, noise_stream::timestep).below(50, n, 0));
        times.push_back(static_cast<double>(t.back()));
    }
    philox_noise(9, noise_stream::training).normal(batch_view<double>(eps), 0);
    const batch<double> xt = q_sample(schedule, x0, t, eps);
    auto w = expected.make_workspace(3, pass::backward);
    expected.forward({xt, times}, predicted, w);
    d_predicted = 2 * (predicted - eps) / 12;
    auto gradient = nn::zeros_like(expected);
    expected.backward({xt, times}, d_predicted, w, gradient);
    const auto parameters = nn::parameters(expected), gradients = nn::parameters(gradient);
    const double norm = gradient_norm<double>(gradients)(gradients);
    REQUIRE(norm > 0.1);
    adam<double> optimizer(parameters);
    optimizer.step(parameters, gradients, 1e-2, 0.1 / (norm + 1e-6));

    trainer trainer{net, schedule, options};
    double seen_norm = 0;
    const fit_result result = trainer.fit(data, {.steps = 1, .progress = [&](const training_progress& p) {
                                                     seen_norm = p.gradient_norm;
                                                     CHECK(p.learning_rate == 1e-2);
                                                     CHECK(p.step == 1);
                                                     CHECK(p.steps == 1);
                                                     CHECK(p.samples_per_second > 0);
                                                     CHECK(p.seconds_left == 0);
                                                     return true;
                                                 }});
    CHECK(std::abs(result.loss - (predicted - eps).square().mean()) <= 1e-13);
    CHECK(std::abs(seen_norm - norm) <= 1e-12 * norm);
    CHECK(largest_difference(net, expected) <= 1e-13);
    CHECK(largest_difference(trainer.average(), expected) <= 1e-13);  // the first decay is 0
}

TEST_CASE("training gives the same bits for every thread count", "[train]") {
    struct outcome {
        nn::mlp<float> net, average;
        std::vector<double> losses;  // of every step, and what fit returns
        std::string checkpoint;
    };
    const noise_schedule schedule{linear_beta{}, 100};
    const batch<float> data = random_batch<float>(4, 300, 1);
    const temporary_folder folder{place_in_memory()};
    const auto run = [&](ddpm::isize threads) {
        set_thread_count(threads);
        nn::mlp<float> net{{.dim = 4, .hidden = 128, .blocks = 2, .seed = 1}};
        trainer trainer{net, schedule, {.batch = 150}};
        std::vector<double> losses;
        const fit_result result = trainer.fit(data, {.steps = 5, .progress = [&](const training_progress& p) {
                                                         losses.push_back(p.loss);
                                                         return true;
                                                     }});
        losses.push_back(result.loss);
        trainer.save(folder / "state");
        set_thread_count(0);
        return outcome{net, trainer.average(), losses, read_text(folder / "state")};
    };
    const outcome alone = run(1);
    REQUIRE(alone.losses.size() == 6);
    REQUIRE(alone.checkpoint.size() > 1000);
    for (const ddpm::isize threads : {2, 3, 7, 16}) {
        CAPTURE(threads);
        const outcome together = run(threads);
        CHECK(largest_difference(alone.net, together.net) == 0);
        CHECK(largest_difference(alone.average, together.average) == 0);
        CHECK(alone.losses == together.losses);
        CHECK((alone.checkpoint == together.checkpoint));
    }
}

TEST_CASE("a hundred runs of a training, and of sampling after it, give the same bits", "[train][slow]") {
    const noise_schedule schedule{linear_beta{}, 100};
    const batch<float> data = random_batch<float>(4, 60, 1);
    const auto run = [&] {
        nn::mlp<float> net{{.dim = 4, .hidden = 64, .blocks = 1, .seed = 1}};
        trainer trainer{net, schedule, {.batch = 40}};
        static_cast<void>(trainer.fit(data, {.steps = 4}));
        return std::pair{net, sample(ddim{.eta = 0.5}, schedule, trainer.ema(), {.steps = 5, .count = 70, .seed = 2})};
    };
    const auto first = run();
    for (int i = 1; i < 100; ++i) {
        const auto again = run();
        REQUIRE(largest_difference(first.first, again.first) == 0);
        REQUIRE((first.second == again.second).all());
    }
}

TEST_CASE("a training step is the same up to rounding on every instruction set", "[train]") {
    const noise_schedule schedule{linear_beta{}, 100};
    const batch<float> data = random_batch<float>(4, 60, 1);
    // A gradient that is 0 up to rounding would make Adam's first step ± the learning rate: a plain step shows the error.
    const adam_options plain{.beta1 = 0, .beta2 = 0, .epsilon = 1e3};
    std::optional<nn::mlp<float>> reference;
    double largest = 0;
    for_each_target([&] {
        nn::mlp<float> net{{.dim = 4, .hidden = 64, .blocks = 1, .seed = 1}};
        disturb(net, 0.1, 3);
        const nn::mlp<float> before = net;
        trainer trainer{net, schedule, {.batch = 40, .learning_rate = 1e5, .adam = plain}};
        static_cast<void>(trainer.fit(data, {.steps = 1}));
        if (!reference) {
            reference = net;
            largest = largest_difference(before, net);
            CHECK(largest > 0.1);
        }
        CHECK(largest_difference(*reference, net) < 1e-5 * largest);
    });
}

TEST_CASE("fit goes on where it ended", "[train]") {
    const noise_schedule schedule{linear_beta{}, 100};
    const batch<float> data = random_batch<float>(4, 37, 1);
    const trainer_options options{.batch = 16, .rate_schedule = {.warm_up_steps = 5, .total_steps = 30}};
    auto once = small_net<float>(), twice = small_net<float>();
    trainer whole{once, schedule, options};
    const fit_result end = whole.fit(data, {.steps = 25});
    trainer parts{twice, schedule, options};
    static_cast<void>(parts.fit(data, {.steps = 11}));
    static_cast<void>(parts.fit(data, {.steps = 0}));
    const fit_result also_end = parts.fit(data, {.steps = 14});
    CHECK(also_end.step == 25);
    CHECK(also_end.loss == end.loss);
    CHECK(largest_difference(once, twice) == 0);
    CHECK(largest_difference(whole.average(), parts.average()) == 0);
}

TEST_CASE("the seed decides the run", "[train]") {
    const noise_schedule schedule{linear_beta{}, 100};
    const batch<float> data = random_batch<float>(4, 37, 1);
    auto a = small_net<float>(), b = small_net<float>();
    trainer first{a, schedule, {.batch = 8, .seed = 1}}, second{b, schedule, {.batch = 8, .seed = 2}};
    static_cast<void>(first.fit(data, {.steps = 3}));
    static_cast<void>(second.fit(data, {.steps = 3}));
    CHECK(largest_difference(a, b) > 0);
}

TEST_CASE("the callback sees the learning rate and may stop", "[train]") {
    const noise_schedule schedule{linear_beta{}, 100};
    auto net = small_net<float>();
    trainer trainer{net, schedule, {.batch = 8, .learning_rate = 0.1, .rate_schedule = {.warm_up_steps = 4}}};
    std::vector<double> rates;
    const fit_result result =
        trainer.fit(two_points<float>(), {.steps = 100, .progress = [&](const training_progress& p) {
                                              rates.push_back(p.learning_rate);
                                              return p.step < 6;
                                          }});
    CHECK(result.status == fit_status::stopped);
    CHECK(result.step == 6);
    REQUIRE(rates.size() == 6);
    CHECK(rates[0] == 0);
    CHECK(std::abs(rates[1] - 0.025) <= 1e-16);
    CHECK(rates[5] == 0.1);
    CHECK_THROWS_AS(trainer.fit(two_points<float>(),
                                {.progress = [](const training_progress&) -> bool { throw std::logic_error("no"); }}),
                    std::logic_error);
    CHECK(trainer.step() == 7);
    CHECK(trainer.fit(two_points<float>(), {.steps = 3}).step == 10);
}

TEST_CASE("a loss or gradient that is not finite changes nothing", "[train]") {
    const noise_schedule schedule{linear_beta{}, 100};
    auto net = small_net<float>();
    disturb(net, 0.1, 1);

    SECTION("data that is not a number") {
        batch<float> data = two_points<float>();
        trainer trainer{net, schedule, {.batch = 8}};
        static_cast<void>(trainer.fit(data, {.steps = 2}));
        const auto before = net;
        const auto average_before = trainer.average();
        data.setConstant(std::numeric_limits<float>::quiet_NaN());
        const fit_result result = trainer.fit(data, {.steps = 5});
        CHECK(result.status == fit_status::non_finite);
        CHECK(result.step == 2);
        CHECK(std::isnan(result.loss));
        CHECK(result.tensor.empty());  // neither the network nor its gradient is to blame
        CHECK(largest_difference(net, before) == 0);
        CHECK(largest_difference(trainer.average(), average_before) == 0);

        // Nothing of the failed step is left behind.
        auto clean = small_net<float>();
        disturb(clean, 0.1, 1);
        ddpm::trainer never_failed{clean, schedule, {.batch = 8}};
        static_cast<void>(never_failed.fit(two_points<float>(), {.steps = 4}));
        static_cast<void>(trainer.fit(two_points<float>(), {.steps = 2}));
        CHECK(largest_difference(net, clean) == 0);
    }
    SECTION("a step that would take the parameters beyond all numbers") {
        // The rate alone is a number of the scalar, and a parameter moves by about the rate.
        constant_net<float> constant(4);
        const auto downwards = [](const auto&, prediction, const auto&, auto, auto d_predicted) {
            d_predicted.array().setConstant(1);
            return 1.0;
        };
        trainer trainer{constant, schedule, {.batch = 2, .learning_rate = 3e37}, downwards};
        const fit_result result = trainer.fit(two_points<float>(), {.steps = 100});
        CHECK(result.status == fit_status::non_finite);
        CHECK(result.step == 5);  // within half the largest number, so that the average can follow
        CHECK(trainer.step() == 5);
        CHECK(result.tensor == "value");
        const float reached = constant.value[0], average = trainer.average().value[0];
        CHECK(std::abs(reached + 1.5e38F) < 1e37F);
        CHECK(std::isfinite(average));
        CHECK(trainer.fit(two_points<float>(), {.steps = 1}).status == fit_status::non_finite);
        CHECK(constant.value[0] == reached);
        CHECK(trainer.average().value[0] == average);
    }
    SECTION("a gradient that overflows while the loss does not") {
        const auto overflowing = [](const auto&, prediction, const auto&, auto, auto d_predicted) {
            d_predicted.array().setConstant(std::numeric_limits<float>::max());
            return 1.0;
        };
        trainer trainer{net, schedule, {.batch = 8}, overflowing};
        const auto before = net;
        const fit_result result = trainer.fit(two_points<float>(), {.steps = 5});
        CHECK(result.status == fit_status::non_finite);
        CHECK(result.step == 0);
        CHECK(result.loss == 1);
        CHECK(result.tensor == "input.weight");
        CHECK(largest_difference(net, before) == 0);
    }
    SECTION("a parameter that is not a number") {
        const auto parameters = nn::parameters(net);
        parameters[3].values[1] = std::numeric_limits<float>::quiet_NaN();
        trainer trainer{net, schedule, {.batch = 8}};
        const fit_result result = trainer.fit(two_points<float>(), {.steps = 5});
        CHECK(result.status == fit_status::non_finite);
        CHECK(result.step == 0);
        CHECK(result.tensor == parameters[3].name);
    }
    SECTION("a gradient of which all elements are finite, and the norm is not") {
        constant_net<double> constant(4);
        const auto steep = [](const auto&, prediction, const auto&, auto, auto d_predicted) {
            d_predicted.array().setConstant(1e300);
            return 1.0;
        };
        trainer trainer{constant, schedule, {.batch = 2}, steep};
        const fit_result result = trainer.fit(two_points<double>(), {.steps = 1});
        CHECK(result.status == fit_status::non_finite);
        CHECK(result.tensor.empty());
        CHECK(constant.value[0] == 0);
    }
}

TEST_CASE("what the network predicts is an option of the trainer", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    auto net = small_net<double>();
    trainer trainer{net, schedule, {.batch = 6, .predicts = prediction::x0, .seed = 4}};
    CHECK(trainer.predicts() == prediction::x0);
    const batch<double> data = batch<double>::Constant(4, 3, 0.5);
    CHECK(std::abs(trainer.fit(data, {.steps = 1}).loss - 0.25) <= 1e-14);  // the zero start predicts 0
}

TEST_CASE("the average is a predictor that knows its kind, type and shape", "[train]") {
    const noise_schedule schedule{linear_beta{}, 100};
    auto net = small_net<double>();
    const trainer trainer{net, schedule, {.batch = 4, .predicts = prediction::v}};
    const auto predictor = trainer.ema();
    CHECK(prediction_of(predictor) == prediction::v);
    CHECK(shape_of(predictor) == sample_shape(net.shape()));
    static_assert(std::same_as<predictor_scalar<decltype(predictor)>, double>);
    static_assert(PredictorLike<decltype(predictor), double> && !PredictorLike<decltype(predictor), float>);
}

TEMPLATE_TEST_CASE("the smallest schedule and the smallest network will do", "[train]", float, double) {
    const schedule_archetype schedule;
    constant_net<TestType> net(4);
    trainer trainer{net, schedule, {.batch = 4}};
    CHECK(trainer.fit(two_points<TestType>(), {.steps = 2}).status == fit_status::finished);
    network_session<constant_net<TestType>> session(trainer.average(), 3);
    batch<TestType> out(4, 3);
    session(batch<TestType>::Zero(4, 3).eval(), std::vector<double>(3), model_output<TestType>{out, {}});
    CHECK(out(0, 2) == trainer.average().value[0]);
}

TEST_CASE("a batch in parts gives the gradient of the whole", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 50};
    const batch<double> data = random_batch(4, 30, 1);
    std::vector<double> norms, losses;
    std::vector<nn::mlp<double>> nets;
    for (const isize micro_batch : {0, 12, 5, 1, 100}) {
        nets.push_back(small_net<double>());
        disturb(nets.back(), 0.3, 2);
        trainer trainer{nets.back(), schedule, {.batch = 12, .micro_batch = micro_batch, .seed = 9}};
        static_cast<void>(trainer.fit(data, {.steps = 3, .progress = [&](const training_progress& p) {
                                                 norms.push_back(p.gradient_norm);
                                                 losses.push_back(p.loss);
                                                 return true;
                                             }}));
    }
    for (std::size_t i = 0; i < norms.size(); ++i) {
        CHECK(std::abs(norms[i] - norms[i % 3]) <= 1e-9 * norms[i % 3]);
        CHECK(std::abs(losses[i] - losses[i % 3]) <= 1e-9 * losses[i % 3]);
    }
    for (const auto& net : nets) {
        CHECK(largest_difference(net, nets.front()) <= 1e-6);
    }
    CHECK(largest_difference(nets[1], nets.front()) == 0);
}

/// Learns one value whatever it is told, and remembers which classes it saw.
struct class_net : constant_net<double> {
    std::vector<isize>* seen;

    explicit class_net(std::vector<isize>& list) : constant_net<double>(4), seen(&list) {}
    [[nodiscard]] condition_shape takes() const { return {.classes = 8}; }
    void forward(const network_input<double>& in, batch_view<double> out, workspace& w) const {
        seen->insert(seen->end(), in.condition.labels.begin(), in.condition.labels.end());
        constant_net<double>::forward(in, out, w);
    }
};

TEST_CASE("the network is told the class of each sample, or now and then none", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 50};
    const batch<double> data = random_batch(4, 100, 1);
    std::vector<isize> labels;
    for (isize n = 0; n < 100; ++n) {
        labels.push_back(n % 7);
    }
    const auto shown = [&](double dropout, isize micro_batch) {
        std::vector<isize> seen;
        class_net net(seen);
        trainer trainer{net, schedule, {.batch = 20, .micro_batch = micro_batch, .seed = 3}};
        static_cast<void>(trainer.fit({data, {.labels = labels}},
                                      {.steps = 200, .condition_dropout = {.label = dropout, .null_label = 7}}));
        return seen;
    };
    epoch_order order(3, 100);
    const std::vector<isize> all = shown(0, 0), dropped = shown(0.2, 0);
    REQUIRE(all.size() == 4000);
    REQUIRE(dropped.size() == 4000);
    isize none = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i] == labels[static_cast<std::size_t>(order[static_cast<isize>(i)])]);
        none += dropped[i] == 7 ? 1 : 0;
        CHECK((dropped[i] == 7 || dropped[i] == all[i]));
    }
    CHECK(std::abs(static_cast<double>(none) - 800) <= 5 * std::sqrt(4000 * 0.2 * 0.8));
    CHECK(shown(0.2, 6) == dropped);
    CHECK(std::ranges::count(shown(1, 0), 7) == 4000);
}

TEST_CASE("the trainer refuses labels that do not fit", "[train]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const batch<double> data = random_batch(4, 3, 1);
    const std::vector<isize> two{0, 1}, three{0, 1, 2};
    std::vector<isize> seen;
    class_net net(seen);
    trainer trainer{net, schedule, {.batch = 2}};
    CHECK_THROWS_AS(trainer.fit({data, {.labels = two}}, {.steps = 1}), shape_error);
    CHECK_THROWS_AS(
        trainer.fit({data, {.labels = three}}, {.steps = 1, .condition_dropout = {.label = -0.1, .null_label = 0}}),
        value_error);
    CHECK_THROWS_AS(
        trainer.fit({data, {.labels = three}}, {.steps = 1, .condition_dropout = {.label = 1.1, .null_label = 0}}),
        value_error);
    auto plain = small_net<double>();
    ddpm::trainer without{plain, schedule, {.batch = 2}};
    CHECK_THROWS_AS(without.fit({data, {.labels = three}}, {.steps = 1}), shape_error);

    // No class is taken for the null class unless it is named.
    CHECK_THROWS_AS(trainer.fit({data, {.labels = three}}, {.steps = 1, .condition_dropout = {.label = 0.1}}),
                    value_error);
    CHECK_THROWS_AS(without.fit(data, {.steps = 1, .condition_dropout = {.label = 0.1, .null_label = 0}}), value_error);
    CHECK(trainer.step() == 0);
    CHECK(trainer.fit({data, {.labels = three}}, {.steps = 1, .condition_dropout = {.label = 0.1, .null_label = 0}})
              .step == 1);
}

TEST_CASE("a number that the network's scalar cannot hold is refused at once", "[train]") {
    const noise_schedule schedule{linear_beta{}, 100};
    auto narrow = small_net<float>();
    auto wide = small_net<double>();
    const auto refuses = [&](const trainer_options& options) {
        CHECK_THROWS_AS((trainer{narrow, schedule, options}), value_error);
        CHECK_NOTHROW((trainer{wide, schedule, options}));
    };
    refuses({.learning_rate = 1e39});
    refuses({.learning_rate = 1e38});  // the first step divides it by 1 - beta1
    refuses({.learning_rate = 1e-60});
    refuses({.learning_rate = 1e30, .adam = {.weight_decay = 1e20}});
    refuses({.adam = {.beta2 = 1 - 1e-12}});
    refuses({.adam = {.epsilon = 1e-60}});  // else 0 / 0
    refuses({.adam = {.epsilon = 1e60}});
    refuses({.adam = {.weight_decay = 1e39, .decoupled = false}});
    CHECK_THROWS_AS((trainer{wide, schedule, {.learning_rate = 1.7e308}}), value_error);
    CHECK_NOTHROW((trainer{narrow, schedule, {.learning_rate = 0, .largest_gradient_norm = INFINITY}}));
}

TEST_CASE("a run longer than its noise and its epochs have numbers is refused before it begins", "[train]") {
    constexpr ddpm::isize words = ddpm::isize{1} << 32;
    const noise_schedule schedule{linear_beta{}, 100};
    auto net = small_net<float>();
    trainer trainer{net, schedule, {.batch = 128}};
    bool called = false;
    const auto progress = [&](const training_progress&) {
        called = true;
        return false;
    };
    // Two samples in batches of 128 are 64 epochs a step.
    CHECK_THROWS_AS(trainer.fit(two_points<float>(), {.steps = 67108865, .progress = progress}), value_error);
    CHECK_FALSE(called);
    CHECK(trainer.fit(two_points<float>(), {.steps = 67108864, .progress = progress}).status == fit_status::stopped);
    CHECK(trainer.fit(batch<float>::Zero(4, 128), {.steps = words - 2, .progress = progress}).step == 2);
    CHECK_THROWS_AS(trainer.fit(batch<float>::Zero(4, 128), {.steps = words - 2, .progress = progress}), value_error);
    CHECK(trainer.step() == 2);
    CHECK_THROWS_AS((ddpm::trainer{net, schedule, {.batch = words, .micro_batch = 1}}), value_error);
}

TEST_CASE("the trainer refuses what does not fit", "[train]") {
    const noise_schedule schedule{linear_beta{}, 100};
    auto net = small_net<float>();
    using trainer_type = trainer<nn::mlp<float>, noise_schedule<>>;
    CHECK_THROWS_AS((trainer_type{net, schedule, {.batch = 0}}), value_error);
    CHECK_THROWS_AS((trainer_type{net, schedule, {.adam = {.beta1 = 2}}}), value_error);
    CHECK_THROWS_AS((trainer_type{net, schedule, {.ema = {.decay = 2}}}), value_error);
    trainer_type trainer{net, schedule};
    CHECK_THROWS_AS(trainer.fit(batch<float>(5, 3), {.steps = 1}), shape_error);
    CHECK_THROWS_AS(trainer.fit(batch<float>(4, 0), {.steps = 1}), value_error);
    CHECK_THROWS_AS(trainer.fit(two_points<float>(), {.steps = -1}), value_error);
    CHECK_THROWS_AS(trainer.fit(two_points<float>(), {.steps = 1, .most_skipped = -1}), value_error);
    CHECK_THROWS_AS(trainer.fit(two_points<float>(), {.steps = std::numeric_limits<ddpm::isize>::max()}), value_error);
    const fit_result nothing = trainer.fit(two_points<float>(), {.steps = 0});
    CHECK(nothing.status == fit_status::finished);
    CHECK(std::isnan(nothing.loss));
}

}  // namespace ddpm::test
