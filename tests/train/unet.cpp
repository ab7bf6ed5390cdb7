// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// The trainer drives a U-Net: with classes, in parts, with layers run again, and from a checkpoint.

#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/gradient_check.hpp"
#include "support/small_unet_options.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <array>
#include <vector>

namespace ddpm::test {

namespace {

nn::unet<float> classes_net() {
    using level = nn::unet_level;
    return nn::unet<float>({.height = 4,
                            .width = 4,
                            .in_channels = 1,
                            .out_channels = 1,
                            .down = {level::plain, level::attention},
                            .up = {level::attention, level::plain},
                            .channels = {8, 8},
                            .layers = 1,
                            .dropout = 0.1,
                            .groups = 4,
                            .classes = nn::unet_classes::table,
                            .class_count = 3});
}

/// Two images, one for each class.
batch<float> two_images() {
    batch<float> data(16, 2);
    data.col(0).setConstant(0.9f);
    data.col(1).setConstant(-0.9f);
    return data;
}

}  // namespace

TEST_CASE("a U-Net learns what belongs to a class", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const batch<float> data = two_images();
    const std::vector<isize> labels{0, 1};
    auto net = classes_net();
    trainer trainer{net, schedule, {.batch = 16, .learning_rate = 3e-3, .predicts = prediction::x0}};
    double early = 0, late = 0;
    static_cast<void>(trainer.fit({data, {.labels = labels}}, {.steps = 150,
                                                               .condition_dropout = {.label = 0.1, .null_label = 2},
                                                               .progress = [&](const training_progress& p) {
                                                                   (p.step <= 15 ? early : late) +=
                                                                       p.step <= 15 || p.step > 135 ? p.loss : 0;
                                                                   return true;
                                                               }}));
    CHECK(late < 0.3 * early);
}

TEST_CASE("a U-Net is trained with the same bits by any number of threads, and with layers run again", "[train]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const batch<float> data = random_batch<float>(16, 20, 1);
    const std::vector<isize> labels(20, 1);
    std::vector<nn::unet<float>> nets;
    for (const isize threads : {1, 2, 3}) {
        for (const bool recompute : {false, true}) {
            set_thread_count(threads);
            nets.push_back(classes_net());
            trainer trainer{nets.back(), schedule, {.batch = 7, .recompute = recompute}};
            static_cast<void>(trainer.fit({data, {.labels = labels}}, {.steps = 3}));
        }
    }
    set_thread_count(0);
    for (const auto& net : nets) {
        CHECK(largest_difference(net, nets.front()) == 0);
    }
    CHECK(largest_difference(nets.front(), classes_net()) > 0);
}

TEST_CASE("a U-Net goes on from its checkpoint, bit for bit", "[train]") {
    const temporary_folder folder;
    const std::string path = folder / "unet.safetensors";
    const noise_schedule schedule{cosine_beta{}, 100};
    const batch<float> data = random_batch<float>(16, 20, 1);
    const std::vector<isize> labels(20, 1);
    auto whole = classes_net(), first = classes_net(), second = classes_net();
    trainer all{whole, schedule, {.batch = 7}};
    static_cast<void>(all.fit({data, {.labels = labels}}, {.steps = 6}));
    trainer begin{first, schedule, {.batch = 7}};
    static_cast<void>(begin.fit({data, {.labels = labels}}, {.steps = 3}));
    begin.save(path);
    trainer rest{second, schedule, {.batch = 7}};
    rest.load(path);
    static_cast<void>(rest.fit({data, {.labels = labels}}, {.steps = 3}));
    CHECK(largest_difference(whole, second) == 0);
    CHECK(largest_difference(all.average(), rest.average()) == 0);
    auto loaded = classes_net();
    load_parameters(path, loaded, "ema.");
    CHECK(largest_difference(loaded, begin.average()) == 0);
}

TEST_CASE(
    "a U-Net's steps with every form, dropout and self-conditioning are exact, and allocate nothing after the first",
    "[train]") {
    const bool estimates = GENERATE(false, true);
    nn::unet_options options = small_unet_options(0.1);
    options.in_channels = 3;
    options.map_channels = 2;
    options.classes = nn::unet_classes::table;
    options.class_count = 4;
    options.vector = 2;
    options.learned_null = true;
    const batch<float> x0 = random_batch<float>(16, 9, 1);
    const some_conditions<float> given({.classes = 3, .vector = 2, .map_channels = estimates ? 1 : 2}, 16, 9);
    const std::array<double, 1> null_map{0};
    fit_options fits{.steps = 12, .condition_dropout = {.label = 0.2, .vector = 0.3, .map = 0.3, .null_label = 3}};
    if (estimates) {
        fits.condition_dropout.null_map = null_map;
    }
    const noise_schedule schedule{cosine_beta{}, 50};
    const trainer_options how{.batch = 6, .micro_batch = 4, .self_conditioning = estimates ? 0.5 : 0.0, .seed = 6};
    set_thread_count(1);  // others have scratch of their own
    nn::unet<float> net(options), resumed(options), cut(options);
    trainer whole{net, schedule, how};
    std::size_t after_first = 0, at_end = 0;
    fit_options watched = fits;
    watched.progress = [&](const training_progress& p) {
        after_first = p.step == 1 ? allocations.load() : after_first;
        at_end = allocations;
        return true;
    };
    static_cast<void>(whole.fit({x0, given.all()}, watched));
    CHECK((after_first > 0) == allocations_are_counted);
    CHECK(at_end == after_first);
    set_thread_count(3);

    const temporary_folder folder;
    const std::string path = folder / "checkpoint.safetensors";
    trainer before{cut, schedule, how}, after{resumed, schedule, how};
    fits.steps = 5;
    static_cast<void>(before.fit({x0, given.all()}, fits));
    before.save(path);
    after.load(path);
    fits.steps = 7;
    static_cast<void>(after.fit({x0, given.all()}, fits));
    CHECK(largest_difference(net, resumed) == 0);
    set_thread_count(0);
}

}  // namespace ddpm::test
