// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/error_text.hpp"
#include "support/gradient_check.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <cmath>
#include <span>
#include <string>
#include <string_view>

namespace ddpm::test {

TEMPLATE_TEST_CASE("a network saved is a network loaded", "[train]", float, double) {
    const temporary_folder folder;
    auto net = small_net<TestType>();
    disturb(net, 0.5, 1);
    save_parameters(folder / "model.safetensors", net, {{"note", "hello"}});
    auto other = small_net<TestType>();
    load_parameters(folder / "model.safetensors", other);
    CHECK(largest_difference(net, other) == 0);
    CHECK(io::safetensors_file::open(folder / "model.safetensors").metadata().at("note") == "hello");
}

TEST_CASE("parameters of another type are converted", "[train]") {
    const temporary_folder folder;
    auto net = small_net<double>();
    disturb(net, 0.5, 1);
    save_parameters(folder / "x", net);
    auto single = small_net<float>();
    load_parameters(folder / "x", single);
    const auto a = nn::parameters(net);
    const auto b = nn::parameters(single);
    for (std::size_t p = 0; p < a.size(); ++p) {
        for (std::size_t i = 0; i < a[p].values.size(); ++i) {
            REQUIRE(b[p].values[i] == static_cast<float>(a[p].values[i]));
        }
    }
}

/// The checkpoint of a network that was trained for four steps, and what is in it.
struct trained_checkpoint {
    temporary_folder folder;
    std::string path = folder / "x";
    nn::mlp<float> net = small_net<float>(), average = net;

    trained_checkpoint() {
        trainer learning{net, noise_schedule{linear_beta{}, 100}, {.batch = 8}};
        static_cast<void>(learning.fit(two_points<float>(), {.steps = 4}));
        learning.save(path);
        average = learning.average();
    }
};

TEST_CASE("a network or its average loads from a checkpoint", "[train]") {
    const trained_checkpoint saved;
    auto loaded = small_net<float>(), average = small_net<float>();
    load_parameters(saved.path, loaded);
    load_parameters(saved.path, average, "ema.");
    CHECK(largest_difference(loaded, saved.net) == 0);
    CHECK(largest_difference(average, saved.average) == 0);
    CHECK(largest_difference(average, loaded) > 0);
}

TEST_CASE("a network or its average loads from bytes in memory", "[train]") {
    const trained_checkpoint saved;
    std::string bytes = read_text(saved.path);
    const auto load = [&](std::string_view content, auto& into, std::string_view prefix = {}) {
        load_parameters(io::safetensors_file::parse(std::as_bytes(std::span(content)), "model"), into, prefix);
    };
    auto loaded = small_net<float>(), average = small_net<float>();
    load(bytes, loaded);
    load(bytes, average, "ema.");
    CHECK(largest_difference(loaded, saved.net) == 0);
    CHECK(largest_difference(average, saved.average) == 0);

    nn::mlp<float> wide{{.dim = 4, .hidden = 17, .blocks = 2, .embedding = 8}};
    CHECK_THROWS_AS(load(bytes, wide), io_error);
    auto kept = small_net<float>();
    CHECK_THROWS_AS(load(std::string_view(bytes).substr(0, bytes.size() - 1), kept), io_error);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    CHECK_THROWS_AS(load(bytes, kept), io_error);
    CHECK(largest_difference(kept, small_net<float>()) == 0);
}

TEST_CASE("a file that does not fit leaves the network as it was", "[train]") {
    const temporary_folder folder;
    nn::mlp<float> wide{{.dim = 4, .hidden = 17, .blocks = 2, .embedding = 8}};
    save_parameters(folder / "wide", wide);
    auto net = small_net<float>();
    CHECK_THROWS_AS(load_parameters(folder / "wide", net), io_error);
    CHECK_THROWS_AS(load_parameters(folder / "wide", net, "ema."), io_error);
    CHECK_THROWS_AS(load_parameters(folder / "none", net), io_error);
    nn::mlp<float> shallow{{.dim = 4, .hidden = 17, .blocks = 1, .embedding = 8}};
    CHECK_THROWS_AS(load_parameters(folder / "wide", shallow), io_error);  // blocks.1 is unexpected
    save_parameters(folder / "good", net);
    std::string bytes = read_text(folder / "good");
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    write_text(folder / "altered", bytes);
    CHECK_THROWS_AS(load_parameters(folder / "altered", net), io_error);
    const std::vector<std::int32_t> numbers(16);
    io::write_safetensors(folder / "integers",
                          std::vector{io::tensor_source("weight", {4, 4}, std::span<const std::int32_t>(numbers))});
    nn::dense<float> layer(4, 4);
    CHECK(contains(error_text<io_error>([&] { load_parameters(folder / "integers", layer); }),
                   "weight has type I32 instead of a floating-point one"));
    CHECK(largest_difference(net, small_net<float>()) == 0);
    CHECK_THROWS_AS(save_parameters(folder / "no folder/x", net), io_error);
}

}  // namespace ddpm::test
