// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/failing_allocations.hpp"

#include <ddpm/core/parallel.hpp>
#include <ddpm/diffusers/pipeline.hpp>
#include <ddpm/diffusers/scheduler_run.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/parameters.hpp>

#include "diffusers/data_folder.hpp"
#include "support/catch.hpp"
#include "support/small_unet_options.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using namespace diffusers;

const auto nothing = [] { return std::make_unique<contents>(1); };
const auto itself = [](const contents& c) { return c; };

template <class Net>
contents parameters_of(const Net& net) {
    contents parts;
    for (const auto& p : nn::parameters(net)) {
        parts.push_back(bytes_of_numbers(p.values));
    }
    return parts;
}

TEST_CASE("a scheduler's config is read and written whole, or not at all, whatever allocation fails",
          "[diffusers][slow]") {
    std::size_t points = 0;
    for (const auto& known : diffusers::detail::scheduler_classes) {
        points += fail_every_allocation(
            known.name, nothing,
            [&](contents& c) {
                const std::string text = scheduler_config_text(default_scheduler_config(known.kind));
                std::string again = scheduler_config_text(parse_scheduler_config(text, "test"));
                c[0] = std::move(again);
            },
            itself);
    }
    CHECK(points > 2000);
}

TEST_CASE("a network's config is read and written whole, or not at all, whatever allocation fails",
          "[diffusers][slow]") {
    const std::string path = data_folder + "/pipeline/unet/config.json";
    CHECK(fail_every_allocation(
              "unet_config", nothing, [&](contents& c) { c[0] = unet_config_text(read_unet_config(path)); }, itself) >
          100);
}

TEST_CASE("runs of schedulers are made whole, or not at all, whatever allocation fails", "[diffusers][slow]") {
    std::size_t points = 0;
    for (const auto& known : diffusers::detail::scheduler_classes) {
        const scheduler_config config = default_scheduler_config(known.kind);
        points += fail_every_allocation(
            known.name, nothing,
            [&](contents& c) {
                const scheduler_run run = make_scheduler_run(config, 3);
                std::string numbers;
                for (const stage& at : run.plan.stages()) {
                    for (const assignment& a : at.then) {
                        for (const term& t : a.terms) {
                            numbers += bytes_of_numbers(std::vector<double>{at.t, t.factor});
                        }
                    }
                }
                c[0] = std::move(numbers);
            },
            itself);
    }
    CHECK(points > 500);
}

TEST_CASE("weights are loaded wholly, or not at all, whatever allocation fails", "[diffusers][slow]") {
    const auto unet = read_unet_config(data_folder + "/pipeline/unet/config.json").options;
    for (const ddpm::isize threads : {1, 3}) {
        set_thread_count(threads);
        for (const char* const folder : {"/pipeline", "/sharded"}) {
            CHECK(fail_every_allocation(
                      folder, [&] { return std::make_unique<nn::unet<float>>(unet); },
                      [&](nn::unet<float>& net) { load_weights(data_folder + folder, net); },
                      [](const nn::unet<float>& net) { return parameters_of(net); }) > 500);
        }
    }
    set_thread_count(0);
}

/// A folder with the files of a pipeline, none of them written yet or all of them.
struct pipeline_files {
    temporary_folder folder{place_in_memory()};

    [[nodiscard]] contents read() const {
        contents files;
        for (const char* const name : {"model_index.json", "unet/config.json", "scheduler/scheduler_config.json",
                                       "unet/diffusion_pytorch_model.safetensors"}) {
            files.push_back(read_text(folder / name));
        }
        std::ptrdiff_t entries = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(folder / "")) {
            entries += entry.is_regular_file() ? 1 : 0;
        }
        files.push_back(entries > 4 ? "a file is left over" : "");
        return files;
    }
};

TEST_CASE("each file of a pipeline is the old one or the new one, whatever allocation fails", "[diffusers][slow]") {
    const nn::unet<float> net(small_unet_options());
    auto other = small_unet_options();
    other.seed = 6;
    const nn::unet<float> old(other);
    const auto of_now = default_scheduler_config(scheduler_kind::ddim);
    CHECK(fail_every_allocation(
              "write_pipeline", [] { return std::make_unique<pipeline_files>(); },
              [&](const pipeline_files& files) { write_pipeline(files.folder / "", net, of_now); },
              [](const pipeline_files& files) { return files.read(); }, guarantee::each_part) > 1000);
    CHECK(fail_every_allocation(
              "write_pipeline over another",
              [&] {
                  auto files = std::make_unique<pipeline_files>();
                  write_pipeline(files->folder / "", old, default_scheduler_config(scheduler_kind::ddpm));
                  return files;
              },
              [&](const pipeline_files& files) { write_pipeline(files.folder / "", net, of_now); },
              [](const pipeline_files& files) { return files.read(); }, guarantee::each_part) > 1000);
    CHECK(fail_every_allocation(
              "read_pipeline", nothing,
              [&](contents& c) { c[0] = read_pipeline(data_folder + "/pipeline").scheduler_class; }, itself) > 50);
}

}  // namespace
}  // namespace ddpm::test
