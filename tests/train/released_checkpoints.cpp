// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/loss/robust.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>
#include <ddpm/version.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

// A checkpoint of each release is kept for ever, and later versions must go on from it. For a new release:
// test_train "write the checkpoint of this version", and the figures that it prints are added to `releases`.

namespace ddpm::test {

namespace {

/// What 20 further steps gave in the version that wrote the checkpoint, after its first 20.
struct release {
    std::string_view version;
    double loss;
    std::array<float, 4> figures;  ///< as figures_of
};

constexpr std::array releases{release{"0.1.0", 0.291385255, {-0.232815593f, 1.14465702f, -0.237832218f, 1.13244438f}}};

/// A training with everything that a checkpoint can hold: moments, an average, losses by timestep, options.
class small_training {
public:
    explicit small_training(std::uint64_t seed)
        : net_{{.dim = 4, .hidden = 8, .blocks = 1, .embedding = 8, .classes = 3, .seed = seed}},
          data_(4, 3),
          trainer_{net_,
                   noise_schedule{cosine_beta{}, 12},
                   {.batch = 4,
                    .learning_rate = 1e-2,
                    .predicts = prediction::v,
                    .time_sampling = importance_times{.history = 2},
                    .seed = 3}} {
        data_ << 1, -1, 0.5f, -1, 1, -0.5f, 0, 0, 1, 0.25f, -0.25f, 0;
    }

    trainer<nn::mlp<float>, noise_schedule<>, mse_loss>& operator*() noexcept { return trainer_; }

    double go_on() {
        const fit_result result = trainer_.fit({data_, {.labels = labels_}},
                                               {.steps = 20, .condition_dropout = {.label = 0.25, .null_label = 2}});
        REQUIRE(result.status == fit_status::finished);
        return result.loss;
    }

    /// A parameter of the input's layer and one of the output's, and their averages.
    [[nodiscard]] std::array<float, 4> figures_of() {
        const auto own = nn::parameters(net_);
        const auto average = nn::parameters(trainer_.average());
        return {own.front().values[0], own.back().values[0], average.front().values[0], average.back().values[0]};
    }

private:
    nn::mlp<float> net_;
    batch<float> data_;
    std::vector<isize> labels_{0, 1, 0};
    trainer<nn::mlp<float>, noise_schedule<>, mse_loss> trainer_;
};

std::string checkpoint_of(std::string_view version) {
    return std::string(DDPM_SOURCE_FOLDER "/tests/train/checkpoint_").append(version).append(".safetensors");
}

}  // namespace

TEST_CASE("the checkpoint of each release is resumed, and its average loaded", "[train]") {
    for (const release& then : releases) {
        CAPTURE(then.version);
        const std::string path = checkpoint_of(then.version);
        small_training resumed(77);
        (*resumed).load(path);
        CHECK((*resumed).step() == 20);

        nn::mlp<float> network{(*resumed).net().options()}, average{(*resumed).net().options()};
        load_parameters(path, network);
        load_parameters(path, average, "ema.");
        const auto figures = resumed.figures_of();
        CHECK(nn::parameters(network).front().values[0] == figures[0]);
        CHECK(nn::parameters(average).back().values[0] == figures[3]);

        CHECK(std::abs(resumed.go_on() - then.loss) < 1e-5);
        CHECK((*resumed).step() == 40);
        for (std::size_t i = 0; i < then.figures.size(); ++i) {
            CAPTURE(i);
            CHECK(std::abs(resumed.figures_of()[i] - then.figures[i]) < 1e-5f);
        }
    }
    CHECK(std::any_of(releases.begin(), releases.end(), [](const release& r) { return r.version == library_version; }));
}

TEST_CASE("a checkpoint from before losses were named is resumed with any loss", "[train]") {
    nn::mlp<float> net{{.dim = 4, .hidden = 8, .blocks = 1, .embedding = 8, .classes = 3}};
    trainer resumed{net,
                    noise_schedule{cosine_beta{}, 12},
                    {.batch = 4,
                     .learning_rate = 1e-2,
                     .predicts = prediction::v,
                     .time_sampling = importance_times{.history = 2},
                     .seed = 3},
                    huber_loss{.delta = 0.5}};
    resumed.load(checkpoint_of("0.1.0"));
    CHECK(resumed.step() == 20);
}

TEST_CASE("write the checkpoint of this version", "[.]") {
    small_training training(5);
    static_cast<void>(training.go_on());
    (*training).save(checkpoint_of(library_version));
    const double loss = training.go_on();
    const auto figures = training.figures_of();
    std::printf("release{\"%s\", %.9g, {", library_version.data(), loss);
    for (std::size_t i = 0; i < figures.size(); ++i) {
        std::printf("%s%.9gf", i > 0 ? ", " : "", static_cast<double>(figures[i]));
    }
    std::printf("}}\n");
}

}  // namespace ddpm::test
