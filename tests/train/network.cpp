// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// The smallest networks train, are saved, go on, and stand within others.

#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/train/edm_network.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/smallest_networks.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <string>
#include <vector>

namespace ddpm::test {
namespace {

/// Trains, saves, loads into another, and goes on: the same bits as without the interruption.
template <class Net, class Data>
void check_training(const Net& start, const Data& data) {
    const noise_schedule schedule{cosine_beta{}, 50};
    const trainer_options options{.batch = 8, .learning_rate = 0.02, .seed = 4};
    Net net = start;
    trainer whole{net, schedule, options};
    const fit_result first = whole.fit(data, {.steps = 1}), last = whole.fit(data, {.steps = 199});
    CHECK(last.status == fit_status::finished);
    CHECK(last.loss < first.loss);
    CHECK(largest_difference(net, start) > 0.1);

    const temporary_folder folder;
    const std::string checkpoint = folder / "checkpoint.safetensors", weights = folder / "weights.safetensors";
    Net interrupted = start, resumed = start, read = start;
    trainer before{interrupted, schedule, options};
    static_cast<void>(before.fit(data, {.steps = 60}));
    before.save(checkpoint);
    trainer after{resumed, schedule, options};
    after.load(checkpoint);
    CHECK(after.fit(data, {.steps = 140}).step == 200);
    CHECK(largest_difference(resumed, net) == 0);
    CHECK(largest_difference(after.average(), whole.average()) == 0);

    save_parameters(weights, net);
    load_parameters(weights, read);
    CHECK(largest_difference(read, net) == 0);
    load_parameters(checkpoint, read, "ema.");
    CHECK(largest_difference(read, before.average()) == 0);
}

/// x_0 that follows from the condition: the network can learn it.
struct told_data {
    some_conditions<double> given{{.classes = 3, .vector = 2, .map_channels = 1}, 2, 40};
    batch<double> x0 = random_batch(4, 40, 1) / 10;

    told_data() {
        for (isize n = 0; n < 40; ++n) {
            for (isize i = 0; i < 4; ++i) {
                x0(i, n) += static_cast<double>(given.labels[static_cast<std::size_t>(n)]) - 1 +
                            given.vectors(i % 2, n) / 2 - given.maps(i / 2, n) / 3;
            }
        }
    }
    [[nodiscard]] training_data<double> all() const { return {x0, given.all()}; }
};

}  // namespace

TEST_CASE("the smallest network trains, is saved, loaded and goes on", "[train]") {
    check_training(line_network<double>{}, batch<double>(random_batch(4, 40, 1) / 4 + 0.5));
    check_training(told_network<double>{}, told_data{}.all());
    check_training(line_network<float>{}, batch<float>(random_batch<float>(4, 40, 1) / 4 + 0.5f));
}

TEST_CASE("what the smallest network has learned of its conditions shows in the samples", "[train]") {
    const told_data data;
    const noise_schedule schedule{cosine_beta{}, 50};
    told_network<double> net;
    trainer trainer{
        net, schedule, {.batch = 20, .learning_rate = 0.05, .ema = {.decay = 0.95}, .predicts = prediction::x0}};
    static_cast<void>(trainer.fit(data.all(), {.steps = 600}));
    const batch<double> made =
        sample(ddim{}, schedule, conditioned(trainer.ema(), data.given.all()), {.steps = 10, .count = 40, .seed = 2});
    CHECK((made - data.x0).square().mean() < 0.1 * (data.x0 - data.x0.mean()).square().mean());
}

TEST_CASE("the smallest networks train within EDM's preconditioning", "[train]") {
    const told_data data;
    const auto check = [](auto net, const auto& given) {
        edm_network within{net};
        trainer trainer{
            within, variance_exploding{}, {.batch = 8, .learning_rate = 0.02, .times = time_range{0.01, 10}}};
        CHECK(trainer.predicts() == prediction::x0);
        CHECK(within.takes() == net.takes());
        const fit_result result = trainer.fit(given, {.steps = 20});
        CHECK(result.status == fit_status::finished);
        CHECK(largest_difference(within.network(), net) > 0);
    };
    check(line_network<double>{}, data.x0);
    check(told_network<double>{}, data.all());
}

}  // namespace ddpm::test
