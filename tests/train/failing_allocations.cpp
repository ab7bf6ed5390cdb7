// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/failing_allocations.hpp"

#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/small_unet_options.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ddpm::test {
namespace {

/// A network and its trainer, both of a few steps.
template <class Net>
struct training_run {
    Net net;
    trainer<Net, noise_schedule<>> by;

    training_run(const Net& start, const trainer_options& options)
        : net(start), by(net, noise_schedule<>{linear_beta{}, 10}, options) {}
};

/// What a checkpoint holds, and that is all that a trainer is.
template <class Run>
contents state_of(const Run& run) {
    const temporary_folder folder{place_in_memory()};
    run.by.save(folder / "state");
    contents parts;
    const auto file = io::safetensors_file::open(folder / "state");
    for (const auto& [name, info] : file.tensors()) {
        std::string bytes(static_cast<std::size_t>(info.end - info.begin), '\0');
        file.read_bytes(name, std::as_writable_bytes(std::span(bytes)));
        parts.push_back(std::move(bytes));
    }
    parts.push_back(std::to_string(run.by.step()));
    return parts;
}

trainer_options options_of(const time_sampling& sampling) { return {.batch = 6, .time_sampling = sampling, .seed = 6}; }

template <class Net>
std::size_t fail_training(std::string_view name, const Net& start, const trainer_options& options, ddpm::isize before,
                          ddpm::isize steps) {
    const batch<float> data = random_batch<float>(start.shape().size(), 5, 1);
    return fail_every_allocation(
        name,
        [&] {
            auto run = std::make_unique<training_run<Net>>(start, options);
            static_cast<void>(run->by.fit(data, {.steps = before}));
            return run;
        },
        [&](training_run<Net>& run) {
            const fit_result result = run.by.fit(data, {.steps = before + steps - run.by.step()});
            if (result.status != fit_status::finished) {
                throw std::runtime_error("not finished");
            }
        },
        [](const training_run<Net>& run) { return state_of(run); });
}

TEST_CASE("a step of training is made wholly, or not at all, whatever allocation fails", "[train][slow]") {
    for (const ddpm::isize threads : {1, 3}) {
        set_thread_count(threads);
        CHECK(fail_training("fit, first step", small_net<float>(), options_of(uniform_times{}), 0, 1) > 20);
        CHECK(fail_training("fit, later step", small_net<float>(), options_of(uniform_times{}), 2, 1) > 10);
        CHECK(fail_training("fit of a U-Net", nn::unet<float>(small_unet_options(0.1)), options_of(stratified_times{}),
                            0, 1) > 50);
        for (const ddpm::isize before : {0, 1, 2, 3, 4}) {  // at some step each timestep has met its first loss
            CHECK(fail_training("fit by importance", small_net<float>(), options_of(importance_times{.history = 1}),
                                before, 1) > 10);
        }
    }
    set_thread_count(0);
}

TEST_CASE("a trainer is made or not, whatever allocation fails", "[train][slow]") {
    const auto net = nn::unet<float>(small_unet_options(0.1));
    CHECK(fail_every_allocation(
              "trainer", [] { return std::make_unique<contents>(); },
              [&](contents& c) {
                  training_run<nn::unet<float>> run(net, options_of(importance_times{}));
                  c = {std::to_string(run.by.step())};
              },
              [](const contents& c) { return c; }) > 100);
}

/// A file that is not there yet, or holds something old, and what else is in its folder.
struct file_in_folder {
    temporary_folder folder{place_in_memory()};
    std::string path = folder / "state.safetensors";

    [[nodiscard]] contents read() const { return {read_text(path), folder.entries() > 1 ? "a file is left over" : ""}; }
};

TEST_CASE("a checkpoint is the old one or the new one, whatever allocation fails", "[train][slow]") {
    const auto options = options_of(importance_times{});
    const batch<float> data = random_batch<float>(4, 5, 1);
    training_run run(small_net<float>(), options);
    static_cast<void>(run.by.fit(data, {.steps = 2}));
    const auto content = [](const file_in_folder& file) { return file.read(); };
    CHECK(fail_every_allocation(
              "trainer::save", [] { return std::make_unique<file_in_folder>(); },
              [&](const file_in_folder& file) { run.by.save(file.path); }, content) > 100);
    CHECK(fail_every_allocation(
              "trainer::save over another",
              [] {
                  auto file = std::make_unique<file_in_folder>();
                  write_text(file->path, "the old one");
                  return file;
              },
              [&](const file_in_folder& file) { run.by.save(file.path); }, content) > 100);
    CHECK(fail_every_allocation(
              "save_parameters", [] { return std::make_unique<file_in_folder>(); },
              [&](const file_in_folder& file) { save_parameters(file.path, run.net); }, content) > 100);
}

TEST_CASE("a checkpoint is loaded wholly, or not at all, whatever allocation fails", "[train][slow]") {
    const auto options = options_of(importance_times{.history = 1});
    const batch<float> data = random_batch<float>(4, 5, 1);
    training_run run(small_net<float>(), options);
    static_cast<void>(run.by.fit(data, {.steps = 20}));  // all timesteps have their losses
    const temporary_folder folder{place_in_memory()};
    run.by.save(folder / "state");
    save_parameters(folder / "net", run.net);
    using run_type = decltype(run);
    for (const ddpm::isize threads : {1, 3}) {
        set_thread_count(threads);
        CHECK(fail_every_allocation(
                  "trainer::load", [&] { return std::make_unique<run_type>(small_net<float>(), options); },
                  [&](run_type& into) { into.by.load(folder / "state"); },
                  [](const run_type& into) { return state_of(into); }) > 100);
        CHECK(fail_every_allocation(
                  "trainer::load with other options",
                  [&] { return std::make_unique<run_type>(small_net<float>(), options_of(uniform_times{})); },
                  [&](run_type& into) { into.by.load(folder / "state", resume::with_other_options); },
                  [](const run_type& into) { return state_of(into); }) > 100);
        for (const char* const prefix : {"", "ema."}) {
            CHECK(fail_every_allocation(
                      "load_parameters", [&] { return std::make_unique<nn::mlp<float>>(small_net<float>()); },
                      [&](nn::mlp<float>& net) {
                          load_parameters(folder / (*prefix == '\0' ? "net" : "state"), net, prefix);
                      },
                      [](const nn::mlp<float>& net) {
                          contents parts;
                          for (const auto& p : nn::parameters(net)) {
                              parts.push_back(bytes_of_numbers(p.values));
                          }
                          return parts;
                      }) > 100);
        }
    }
    set_thread_count(0);
}

}  // namespace
}  // namespace ddpm::test
