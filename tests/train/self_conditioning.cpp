// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Training with the network's own estimate of x_0, which a first pass makes.

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/network_session.hpp>
#include <ddpm/predictor/self_conditioning.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/epoch_order.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/smallest_networks.hpp"
#include "support/training.hpp"

#include <array>
#include <cmath>
#include <vector>

namespace ddpm::test {
namespace {

/// What went through a network at a time.
struct recorded_pass {
    batch<double> xt, maps, out;
    std::vector<double> t;
    std::vector<isize> labels;
    batch<double> vectors;
};

/// told_network, which remembers its forward passes.
struct recorded_network : told_network<double> {
    std::vector<recorded_pass>* passes;

    recorded_network(isize map_channels, std::vector<recorded_pass>& list)
        : told_network<double>(map_channels), passes(&list) {}
    void forward(const network_input<double>& in, batch_view<double> out, workspace& w) const {
        told_network<double>::forward(in, out, w);
        passes->push_back({in.xt.array(),
                           in.condition.maps.array(),
                           out.array(),
                           {in.t.begin(), in.t.end()},
                           {in.condition.labels.begin(), in.condition.labels.end()},
                           in.condition.vectors.array()});
    }
};

/// Ten samples with all that told_network is told, but for the estimate of two channels.
struct ten_told {
    isize own;  // channels of the maps that are told
    batch<double> x0 = random_batch(4, 10, 1) / 2;
    some_conditions<double> given{{.classes = 3, .vector = 2, .map_channels = own}, 2, 10};

    explicit ten_told(isize own_channels) : own(own_channels) {}
    [[nodiscard]] training_data<double> all() const { return {x0, given.all()}; }
};

const noise_schedule<>& self_schedule() {
    static const noise_schedule<> schedule{cosine_beta{}, 50};
    return schedule;
}

/// The estimate of x_0 from what was predicted.
batch<double> estimate_of(const recorded_pass& pass, prediction kind) {
    batch<double> x0(pass.xt.rows(), pass.xt.cols());
    for (isize n = 0; n < x0.cols(); ++n) {
        const auto level = noise_level_at(self_schedule(), static_cast<isize>(pass.t[static_cast<std::size_t>(n)]));
        const affine c = conversion(kind, prediction::x0, level);
        x0.col(n) = c.xt * pass.xt.col(n) + c.value * pass.out.col(n);
    }
    return x0;
}

/// The rows of the maps that hold the estimate, as a sample.
batch<double> estimate_within(const batch<double>& maps, isize own) {
    batch<double> x0(4, maps.cols());
    for (isize i = 0; i < 4; ++i) {
        x0.row(i) = maps.row(i / 2 * (own + 2) + own + i % 2);
    }
    return x0;
}

}  // namespace

TEST_CASE("the estimate is what a session of the network gives, from a first pass that is given zeros", "[train]") {
    const isize own = GENERATE(0, 1);
    const prediction kind = GENERATE(prediction::epsilon, prediction::x0, prediction::v);
    const ten_told data(own);
    std::vector<recorded_pass> passes;
    recorded_network net(own + 2, passes);
    disturb(net, 0.3, 4);
    trainer trainer{
        net,
        self_schedule(),
        {.batch = 6, .micro_batch = 4, .learning_rate = 0.01, .predicts = kind, .self_conditioning = 1, .seed = 3}};
    const isize steps = 5;
    std::vector<told_network<double>> before;
    for (isize s = 0; s < steps; ++s) {
        before.push_back(net);
        static_cast<void>(trainer.fit(data.all(), {.steps = 1}));
    }
    REQUIRE(static_cast<isize>(passes.size()) == 4 * steps);  // two parts of a batch, each twice
    epoch_order order(3, 10);
    isize position = 0;
    for (std::size_t p = 0; p < passes.size(); p += 2) {
        const recorded_pass &first = passes[p], &second = passes[p + 1];
        CHECK((estimate_within(first.maps, own) == 0).all());
        CHECK((first.xt == second.xt).all());
        CHECK(first.t == second.t);

        // The first pass is what a session of the network of that time predicts.
        network_session session(before[p / 4], first.xt.cols());
        batch<double> predicted(4, first.xt.cols());
        session(
            network_input<double>{
                first.xt, first.t, {.labels = first.labels, .vectors = first.vectors, .maps = first.maps}},
            model_output<double>{predicted, {}});
        CHECK((predicted == first.out).all());
        const batch<double> estimate = estimate_of(first, kind);
        CHECK((estimate_within(second.maps, own) - estimate).abs().maxCoeff() <=
              1e-13 * (1 + estimate.abs().maxCoeff()));
        CHECK(estimate.abs().maxCoeff() > 0.01);

        // Both passes are told what the sample's own is.
        for (isize n = 0; n < first.xt.cols(); ++n) {
            const isize from = order[position++];
            for (const recorded_pass* pass : {&first, &second}) {
                CHECK((pass->vectors.col(n) == data.given.vectors.col(from)).all());
                CHECK(pass->labels[static_cast<std::size_t>(n)] == data.given.labels[static_cast<std::size_t>(from)]);
                for (isize pixel = 0; pixel < 2 * own; ++pixel) {
                    CHECK(pass->maps(pixel * (own + 2), n) == data.given.maps(pixel, from));
                }
            }
        }
    }
}

TEST_CASE("the gradient of a step holds the estimate constant", "[train]") {
    const ten_told data(1);
    std::vector<recorded_pass> passes, unused;
    recorded_network net(3, passes), by_hand(3, unused);
    disturb(net, 0.3, 4);
    disturb(by_hand, 0.3, 4);
    const trainer_options options{.batch = 10, .learning_rate = 0.01, .self_conditioning = 1, .seed = 3};
    trainer with{net, self_schedule(), options};
    double norm = 0, norm_by_hand = 0;
    static_cast<void>(with.fit(data.all(), {.steps = 1, .progress = [&](const training_progress& p) {
                                                norm = p.gradient_norm;
                                                return true;
                                            }}));
    REQUIRE(passes.size() == 2);

    // The same step of a network that is told the estimates as maps of its data.
    batch<double> maps(6, 10);
    epoch_order order(3, 10);
    for (isize n = 0; n < 10; ++n) {
        maps.col(order[n]) = passes[1].maps.col(n);
    }
    condition<double> told = data.given.all();
    told.maps = maps;
    trainer_options without = options;
    without.self_conditioning = 0;
    trainer reference{by_hand, self_schedule(), without};
    static_cast<void>(reference.fit({data.x0, told}, {.steps = 1, .progress = [&](const training_progress& p) {
                                                          norm_by_hand = p.gradient_norm;
                                                          return true;
                                                      }}));
    CHECK(norm == norm_by_hand);
    CHECK(largest_difference<told_network<double>>(net, by_hand) == 0);
}

TEST_CASE("the estimate is given in the stated share of the steps, in all parts of a batch or in none", "[train]") {
    const ten_told data(0);
    for (const double share : {0.5, 0.2}) {
        std::vector<recorded_pass> passes;
        recorded_network net(2, passes);
        disturb(net, 0.3, 4);
        trainer trainer{net,
                        self_schedule(),
                        {.batch = 3, .micro_batch = 2, .learning_rate = 0, .self_conditioning = share, .seed = 3}};
        isize with = 0, early = 0;
        const isize steps = 4000;
        for (isize s = 0; s < steps; ++s) {
            passes.clear();
            static_cast<void>(trainer.fit(data.all(), {.steps = 1}));
            REQUIRE((passes.size() == 2 || passes.size() == 4));
            if (passes.size() == 2) {  // zeros for the estimate
                for (const recorded_pass& pass : passes) {
                    REQUIRE((pass.maps == 0).all());
                }
            } else {
                ++with;
                early += passes[0].t[0] < 25 ? 1 : 0;
                REQUIRE((passes[1].maps != 0).any());
                REQUIRE((passes[3].maps != 0).any());
            }
        }
        const auto is_near = [&](isize count, double probability) {
            const double n = static_cast<double>(steps);
            return std::abs(static_cast<double>(count) - n * probability) <=
                   5 * std::sqrt(n * probability * (1 - probability));
        };
        CHECK(is_near(with, share));
        CHECK(is_near(early, share / 2));  // whatever the times
    }
}

TEST_CASE("maps that are told beside the estimate cannot be learned away with it", "[train]") {
    nn::mlp<double> net{{.dim = 4, .hidden = 8, .blocks = 1, .map_channels = 2, .learned_null = true}};
    const batch<double> x0 = random_batch(4, 10, 1), maps = random_batch(4, 10, 2);
    const condition<double> told{.maps = maps};
    const std::vector<condition_forms> absent(10, static_cast<condition_forms>(condition_form::map));
    const std::array<double, 1> null_map{0};
    trainer trainer{net, self_schedule(), {.batch = 5, .self_conditioning = 0.5}};
    CHECK_THROWS_AS(trainer.fit(x0, {.steps = 1}), shape_error);
    CHECK_THROWS_AS(trainer.fit({x0, {.maps = maps, .absent = absent}}, {.steps = 1}), value_error);
    CHECK_THROWS_AS(trainer.fit({x0, told}, {.steps = 1, .condition_dropout = {.map = 0.1}}), value_error);
    CHECK(trainer.step() == 0);
    CHECK(trainer.fit({x0, told}, {.steps = 2, .condition_dropout = {.map = 0.1, .null_map = null_map}}).status ==
          fit_status::finished);

    const auto p = self_conditioned(net, self_schedule());
    CHECK_THROWS_AS(conditioned(p, {.maps = maps, .absent = absent}).session(10), value_error);
    CHECK_NOTHROW(conditioned(p, told).session(10));
    CHECK_THROWS_AS((ddpm::trainer{net, self_schedule(), {.self_conditioning = 1.5}}), value_error);
    auto without = small_net<double>();
    CHECK_THROWS_AS((ddpm::trainer{without, self_schedule(), {.self_conditioning = 0.5}}), value_error);
}

TEST_CASE("a network that learns with its own estimate samples with it", "[train]") {
    nn::mlp<float> net{{.dim = 4, .hidden = 64, .blocks = 2, .embedding = 32, .map_channels = 1, .seed = 5}};
    const batch<float> data = two_points<float>();
    trainer trainer{net,
                    self_schedule(),
                    {.batch = 32,
                     .learning_rate = 3e-3,
                     .ema = {.decay = 0.99},
                     .predicts = prediction::v,
                     .self_conditioning = 0.5}};
    double first = 0, last = 0;
    static_cast<void>(trainer.fit(data, {.steps = 2000, .progress = [&](const training_progress& p) {
                                             (p.step <= 50 ? first : last) +=
                                                 p.step <= 50 || p.step > 1950 ? p.loss / 50 : 0;
                                             return true;
                                         }}));
    CHECK(last < first / 2);
    const batch<float> made = sample(ddim{}, self_schedule(), self_conditioned(trainer.ema(), self_schedule()),
                                     {.steps = 20, .count = 64, .seed = 2});
    REQUIRE(made.allFinite());
    isize of_first = 0;
    for (isize n = 0; n < 64; ++n) {
        const float to_first = (made.col(n) - data.col(0)).square().mean(),
                    to_second = (made.col(n) - data.col(1)).square().mean();
        CHECK(std::min(to_first, to_second) < 0.25f);
        of_first += to_first < to_second ? 1 : 0;
    }
    CHECK(of_first > 10);
    CHECK(of_first < 54);
}

}  // namespace ddpm::test
