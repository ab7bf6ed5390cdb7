// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/checkpoint.hpp>

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/error_text.hpp"
#include "support/gradient_check.hpp"
#include "support/temporary_folder.hpp"
#include "support/training.hpp"

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::test {

namespace {

const trainer_options& options() {
    static const trainer_options o{.batch = 8, .rate_schedule = {.warm_up_steps = 3, .total_steps = 40}, .seed = 6};
    return o;
}

const noise_schedule<>& schedule() {
    static const noise_schedule<> s{linear_beta{}, 100};
    return s;
}

}  // namespace

TEMPLATE_TEST_CASE("a resumed run is bit for bit the uninterrupted one", "[train]", float, double) {
    using S = TestType;
    const temporary_folder folder;
    const std::string path = folder / "run.safetensors";
    const batch<S> data = random_batch<S>(4, 37, 1);

    auto whole_net = small_net<S>();
    trainer whole{whole_net, schedule(), options()};
    const fit_result end = whole.fit(data, {.steps = 25});
    {
        auto net = small_net<S>();
        trainer first{net, schedule(), options()};
        static_cast<void>(first.fit(data, {.steps = 11}));
        first.save(path);
        static_cast<void>(first.fit(data, {.steps = 3}));  // lost
    }
    nn::mlp<S> net{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .seed = 77}};
    trainer resumed{net, schedule(), options()};
    static_cast<void>(resumed.fit(data, {.steps = 2}));  // forgotten by loading
    resumed.load(path);
    CHECK(resumed.step() == 11);
    const fit_result also_end = resumed.fit(data, {.steps = 14});
    CHECK(also_end.loss == end.loss);
    CHECK(largest_difference(net, whole_net) == 0);
    CHECK(largest_difference(resumed.average(), whole.average()) == 0);

    whole.save(folder / "a");
    resumed.save(folder / "b");
    CHECK(read_text(folder / "a") == read_text(folder / "b"));  // optimizer, options and step too
}

TEMPLATE_TEST_CASE("a run is resumed bit for bit with every way to choose timesteps", "[train]", float, double) {
    using S = TestType;
    const temporary_folder folder;
    const noise_schedule<> few{cosine_beta{}, 6};
    const batch<S> data = random_batch<S>(4, 37, 1);
    const std::vector<time_sampling> samplings{uniform_times{},
                                               antithetic_times{},
                                               stratified_times{},
                                               stratified_times{true},
                                               importance_times{.history = 4},
                                               log_normal_times{.unbiased = true, .uniform_probability = 0.2},
                                               logit_normal_times{}};
    for (const time_sampling& sampling : samplings) {
        for (const ddpm::isize cut : {1, 11}) {  // before the importance sampler knows enough, and after
            const trainer_options with{
                .batch = 8, .micro_batch = 3, .time_sampling = sampling, .offset_noise = 0.1, .seed = 6};
            auto whole_net = small_net<S>(), first_net = small_net<S>(), net = small_net<S>();
            trainer whole{whole_net, few, with}, first{first_net, few, with}, resumed{net, few, with};
            const fit_result end = whole.fit(data, {.steps = 25});
            static_cast<void>(first.fit(data, {.steps = cut}));
            first.save(folder / "x");
            static_cast<void>(resumed.fit(data, {.steps = 13}));  // forgotten by loading
            resumed.load(folder / "x");
            CHECK(resumed.fit(data, {.steps = 25 - cut}).loss == end.loss);
            CHECK(largest_difference(net, whole_net) == 0);
            whole.save(folder / "a");
            resumed.save(folder / "b");
            CHECK(read_text(folder / "a") == read_text(folder / "b"));
        }
    }
}

TEST_CASE("the losses that choose timesteps are part of a checkpoint, and may be left out on request", "[train]") {
    const temporary_folder folder;
    const noise_schedule<> few{cosine_beta{}, 3};
    trainer_options learning = options();
    learning.time_sampling = importance_times{.history = 2};
    auto net = small_net<float>(), other_net = small_net<float>(), plain_net = small_net<float>();
    trainer saved{net, few, learning};
    static_cast<void>(saved.fit(two_points<float>(), {.steps = 9}));
    saved.save(folder / "x");
    const auto file = io::safetensors_file::open(folder / "x");
    REQUIRE(file.find("timesteps.losses") != nullptr);
    CHECK(file.find("timesteps.losses")->shape == std::vector<ddpm::isize>{3, 2});
    CHECK(file.find("timesteps.counts")->shape == std::vector<ddpm::isize>{3});

    trainer plain{plain_net, few, options()};
    CHECK(contains(error_text<value_error>([&] { plain.load(folder / "x"); }),
                   "timesteps was importance 2 0.001 and is uniform"));
    plain.load(folder / "x", resume::with_other_options);
    CHECK(plain.step() == 9);
    CHECK(largest_difference(plain_net, net) == 0);
    plain.save(folder / "y");
    trainer other{other_net, few, learning};
    static_cast<void>(other.fit(two_points<float>(), {.steps = 9}));
    CHECK(contains(error_text<value_error>([&] { other.load(folder / "y"); }), "timesteps"));
    other.load(folder / "y", resume::with_other_options);  // without losses
    other.save(folder / "z");
    const auto again = io::safetensors_file::open(folder / "z");
    std::vector<float> counts(3, 1.0f);
    again.read("timesteps.counts", std::span<float>(counts));
    CHECK(counts == std::vector<float>(3));

    // The network alone can be read from either.
    auto loaded = small_net<float>();
    load_parameters(folder / "x", loaded);
    CHECK(largest_difference(loaded, net) == 0);
}

TEST_CASE("a checkpoint holds the network under its own names, its average and the optimizer", "[train]") {
    const temporary_folder folder;
    auto net = small_net<float>();
    trainer trainer{net, schedule(), options()};
    static_cast<void>(trainer.fit(two_points<float>(), {.steps = 3}));
    trainer.save(folder / "x");
    const auto file = io::safetensors_file::open(folder / "x");
    CHECK(file.tensors().size() == 4 * nn::parameters(net).size());
    for (const char* prefix : {"", "ema.", "adam.m.", "adam.v."}) {
        const io::tensor_info* found = file.find(std::string(prefix) + "blocks.0.linear_1.weight");
        REQUIRE(found != nullptr);
        CHECK(found->shape == std::vector<ddpm::isize>{16, 16});
    }
    CHECK(file.metadata().at("ddpm.step") == "3");
    CHECK(file.metadata().at("ddpm.option.seed") == "6");
    CHECK(file.metadata().at("ddpm.option.learning_rate") == "0.001");
    CHECK(folder.entries() == 1);
}

TEST_CASE("a checkpoint of other options is refused, or taken on request", "[train]") {
    const temporary_folder folder;
    auto net = small_net<float>();
    trainer saved{net, schedule(), options()};
    static_cast<void>(saved.fit(two_points<float>(), {.steps = 3}));
    saved.save(folder / "x");

    trainer_options changed = options();
    changed.learning_rate = 0.5;
    changed.seed = 7;
    auto other_net = small_net<float>();
    trainer other{other_net, schedule(), changed};
    const std::string text = error_text<value_error>([&] { other.load(folder / "x"); });
    CHECK(contains(text, "learning_rate was 0.001 and is 0.5"));
    CHECK(contains(text, "seed was 6 and is 7"));
    CHECK_FALSE(contains(text, "batch"));
    CHECK(other.step() == 0);
    CHECK(largest_difference(other_net, small_net<float>()) == 0);
    other.load(folder / "x", resume::with_other_options);
    CHECK(other.step() == 3);
    CHECK(largest_difference(other_net, net) == 0);

    const noise_schedule other_schedule{cosine_beta{}, 100};
    trainer elsewhere{other_net, other_schedule, options()};
    CHECK(contains(error_text<value_error>([&] { elsewhere.load(folder / "x"); }), "schedule.alpha_bar_hash"));
}

TEST_CASE("a checkpoint of another loss is refused, or taken on request", "[train]") {
    const temporary_folder folder;
    auto net = small_net<float>();
    trainer by_default{net, schedule(), options()};
    by_default.save(folder / "mse");
    trainer robust{net, schedule(), options(), huber_loss{.delta = 0.5}};
    robust.save(folder / "huber");
    CHECK(contains(error_text<value_error>([&] { robust.load(folder / "mse"); }),
                   "loss was mse default uniform and is huber 0.5 default uniform"));
    CHECK(contains(error_text<value_error>([&] { by_default.load(folder / "huber"); }), "and is mse default uniform"));
    trainer another{net, schedule(), options(), huber_loss{.delta = 1}};
    CHECK(contains(error_text<value_error>([&] { another.load(folder / "huber"); }),
                   "loss was huber 0.5 default uniform and is huber 1 default uniform"));
    CHECK_NOTHROW(another.load(folder / "huber", resume::with_other_options));
    CHECK_NOTHROW(robust.load(folder / "huber"));
    CHECK_NOTHROW(by_default.load(folder / "mse"));
}

TEST_CASE("losses without a text and derived losses are not taken for others", "[train]") {
    struct silent_loss : mse_loss {};
    const temporary_folder folder;
    auto net = small_net<float>();
    trainer by_default{net, schedule(), options()};
    by_default.save(folder / "mse");
    trainer silent{net, schedule(), options(), silent_loss{}};
    silent.save(folder / "silent");
    CHECK(contains(error_text<value_error>([&] { silent.load(folder / "mse"); }),
                   "loss was mse default uniform and is without a text"));
    CHECK(contains(error_text<value_error>([&] { by_default.load(folder / "silent"); }),
                   "loss was without a text and is mse default uniform"));
    CHECK_NOTHROW(silent.load(folder / "silent"));
}

TEST_CASE("a loss whose text is not UTF-8 is refused before the first step", "[train]") {
    struct latin_loss : mse_loss {
        [[nodiscard]] std::string text() const { return "Verlust f\xfcr alle"; }
    };
    auto net = small_net<float>();
    CHECK(contains(error_text<value_error>([&] { trainer{net, schedule(), options(), latin_loss{}}; }), "not UTF-8"));
}

TEST_CASE("a checkpoint of another network is refused with the first differences and their number", "[train]") {
    const temporary_folder folder;
    auto net = small_net<float>();
    trainer saved{net, schedule(), options()};
    saved.save(folder / "x");

    nn::mlp<float> wide{{.dim = 4, .hidden = 20, .blocks = 2, .embedding = 8}};
    const auto before = wide;
    trainer other{wide, schedule(), options()};
    const std::string text = error_text<io_error>([&] { other.load(folder / "x"); });
    CHECK(contains(text, "input.weight has shape [16, 4] instead of [20, 4]"));
    CHECK(contains(text, "input.bias has shape [16] instead of [20]"));
    // Of 22 parameters of the wide network only the output's bias fits; each is there four times.
    const auto parameters = nn::parameters(wide).size();
    CHECK(parameters == 22);
    CHECK(contains(text, "(84 differences in all)"));
    CHECK(text.size() < 700);
    CHECK(largest_difference(wide, before) == 0);

    nn::mlp<float> none{{.dim = 4, .hidden = 16, .blocks = 0, .embedding = 8}};
    trainer shallow{none, schedule(), options()};
    CHECK(contains(error_text<io_error>([&] { shallow.load(folder / "x"); }),
                   "adam.m.blocks.0.linear_1.bias is unexpected"));
    nn::mlp<float> alike{{.dim = 4, .hidden = 16, .blocks = 1, .embedding = 8, .variance_head = true}};
    trainer head{alike, schedule(), options()};
    const std::string few = error_text<io_error>([&] { head.load(folder / "x"); });
    CHECK(contains(few, "adam.v.output.bias has shape [4] instead of [8]"));
    CHECK_FALSE(contains(few, "in all"));

    auto precise = small_net<double>();
    trainer in_double{precise, schedule(), options()};
    CHECK(contains(error_text<io_error>([&] { in_double.load(folder / "x"); }),
                   "input.bias has type F32 instead of F64"));
}

TEST_CASE("a file that is no checkpoint is refused", "[train]") {
    const temporary_folder folder;
    auto net = small_net<float>();
    trainer trainer{net, schedule(), options()};
    CHECK_THROWS_AS(trainer.load(folder / "nothing"), io_error);
    CHECK_THROWS_AS(trainer.save(folder / "no folder/x"), io_error);
    write_text(folder / "text", "not a checkpoint");
    CHECK_THROWS_AS(trainer.load(folder / "text"), io_error);
    const auto try_metadata = [&](const io::safetensors_metadata& metadata) {
        io::write_safetensors(folder / "meta", {}, metadata, {.checksum = true});
        return error_text<io_error>([&] { trainer.load(folder / "meta"); });
    };
    CHECK(contains(try_metadata({}), "not a trainer's checkpoint"));
    CHECK(contains(try_metadata({{"ddpm.checkpoint", "2"}}), "version"));
    for (const char* step : {"", "-1", "x", "1.5", "3 ", "+3", "4294967296", "99999999999999999999"}) {
        CHECK(contains(try_metadata({{"ddpm.checkpoint", "1"}, {"ddpm.step", step}}), "ddpm.step"));
    }
    CHECK(contains(try_metadata({{"ddpm.checkpoint", "1"}}), "ddpm.step"));
    CHECK(contains(try_metadata({{"ddpm.checkpoint", "1"}, {"ddpm.step", "4294967295"}}), "input.bias is missing"));
    const auto with_skipped = [&](const char* skipped) {
        return try_metadata({{"ddpm.checkpoint", "1"}, {"ddpm.step", "3"}, {"ddpm.skipped_steps", skipped}});
    };
    for (const char* skipped : {"", "-1", "x", "4"}) {
        CHECK(contains(with_skipped(skipped), "ddpm.skipped_steps"));
    }
    CHECK(contains(with_skipped("3"), "input.bias is missing"));
}

TEST_CASE("a checkpoint with a value that is not finite is refused where asked, by the tensor's name", "[train]") {
    const temporary_folder folder;
    auto net = small_net<float>();
    trainer saved{net, schedule(), options()};
    static_cast<void>(saved.fit(two_points<float>(), {.steps = 2}));
    saved.save(folder / "good");
    nn::parameters(net)[2].values[3] = std::numeric_limits<float>::quiet_NaN();
    const std::string name = nn::parameters(net)[2].name;
    saved.save(folder / "nan");

    auto other = small_net<float>();
    trainer trainer{other, schedule(), options()};
    trainer.load(folder / "good", resume::exact, {.reject_nonfinite = true});
    CHECK(trainer.step() == 2);
    const auto before = other;
    const std::string text =
        error_text<io_error>([&] { trainer.load(folder / "nan", resume::exact, {.reject_nonfinite = true}); });
    CHECK(contains(text, "nan: " + name + "; expected finite values, got nan"));
    CHECK(largest_difference(other, before) == 0);
    const std::string of_parameters =
        error_text<io_error>([&] { load_parameters(folder / "nan", other, "", {.reject_nonfinite = true}); });
    CHECK(contains(of_parameters, name));
    CHECK(largest_difference(other, before) == 0);
    load_parameters(folder / "nan", other, "ema.", {.reject_nonfinite = true});  // the average is finite
    trainer.load(folder / "nan");
    CHECK(std::isnan(nn::parameters(other)[2].values[3]));
    const fit_result result = trainer.fit(two_points<float>(), {.steps = 2});
    CHECK(result.status == fit_status::non_finite);
    CHECK(result.tensor == name);
}

TEST_CASE("options that differ are named in words", "[train]") {
    const temporary_folder folder;
    auto net = small_net<float>();
    trainer saved{net, schedule(), {.ema = {.warm_up = ema_warm_up::power}, .predicts = prediction::v}};
    saved.save(folder / "x");
    trainer other{net, schedule(), {.predicts = prediction::epsilon}};
    const std::string text = error_text<value_error>([&] { other.load(folder / "x"); });
    CHECK(contains(text, "ema.warm_up was power and is rational"));
    CHECK(contains(text, "predicts was v and is epsilon"));
    CHECK_FALSE(contains(text, "::"));
    CHECK(detail::option_text("predicts", "9") == "9");
    CHECK(detail::option_text("seed", "1") == "1");
}

TEST_CASE("a spoilt checkpoint is an io_error, and leaves the trainer as it was", "[train]") {
    const temporary_folder folder;
    constant_net<float> net(1);
    trainer saved{net, schedule(), options()};
    static_cast<void>(saved.fit(batch<float>::Ones(1, 2), {.steps = 2}));
    saved.save(folder / "x");
    const std::string good = read_text(folder / "x");

    constant_net<float> other_net(1);
    trainer other{other_net, schedule(), options()};
    static_cast<void>(other.fit(batch<float>::Zero(1, 2), {.steps = 3}));
    other.save(folder / "before");
    REQUIRE(largest_difference(net, other_net) > 0);
    write_text(folder / "y", good);
    int cases = 0;
    for (std::size_t length = good.size(); length > 0; --length, ++cases) {
        std::filesystem::resize_file(folder / "y", length - 1);
        REQUIRE_THROWS_AS(other.load(folder / "y"), io_error);
    }
    for (std::size_t surplus = 1; surplus < 20; ++surplus, ++cases) {
        write_text(folder / "y", good + std::string(surplus, '\0'));
        REQUIRE_THROWS_AS(other.load(folder / "y"), io_error);
    }
    write_text(folder / "y", good);
    std::fstream file(folder / "y", std::ios::binary | std::ios::in | std::ios::out);
    const auto put = [&](std::size_t at, char byte) {
        file.seekp(static_cast<std::streamoff>(at));
        file.put(byte).flush();
    };
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const int flip : {1 << at % 8, 128, 255}) {
            put(at, static_cast<char>(good[at] ^ flip));
            REQUIRE_THROWS_AS(other.load(folder / "y"), io_error);
            ++cases;
        }
        put(at, good[at]);
    }
    std::cout << "checkpoint: " << cases << " cases, all errors" << std::endl;
    other.save(folder / "after");
    CHECK(read_text(folder / "before") == read_text(folder / "after"));
    other.load(folder / "y");
    CHECK(largest_difference(other_net, net) == 0);
}

TEST_CASE("loading a checkpoint takes no more memory than the file and a constant", "[train]") {
    const temporary_folder folder(place_in_memory());
    const noise_schedule schedule{cosine_beta{}, 10};
    for (const isize hidden : {8, 64, 512}) {
        nn::mlp<float> net{{.dim = 4, .hidden = hidden, .blocks = 2, .embedding = 8}}, other = net;
        trainer saved{net, schedule, {.batch = 2}};
        saved.save(folder / "x");
        save_parameters(folder / "y", net);
        const auto whole = static_cast<std::ptrdiff_t>(std::filesystem::file_size(folder / "x")),
                   parameters = static_cast<std::ptrdiff_t>(std::filesystem::file_size(folder / "y"));
        const std::ptrdiff_t of_trainer = peak_of([&] {
            saved.load(folder / "x");
            return 0;
        });
        const std::ptrdiff_t of_network = peak_of([&] {
            load_parameters(folder / "y", other);
            return 0;
        });
        std::cout << "trainer::load: " << of_trainer << " bytes for a file of " << whole
                  << "; load_parameters: " << of_network << " for " << parameters << std::endl;
        CHECK(of_trainer <= whole + 100'000);
        CHECK(of_network <= parameters + 100'000);
    }
}

TEST_CASE("a checkpoint from before networks were told one input is resumed", "[train]") {
    // Made by the version before: the same options and data, 20 steps. The figures are those of 20 more of its own.
    const noise_schedule schedule{cosine_beta{}, 50};
    nn::mlp<float> net{{.dim = 4, .hidden = 8, .blocks = 1, .embedding = 8, .seed = 5}};
    batch<float> data(4, 3);
    data << 1, -1, 0.5f, -1, 1, -0.5f, 0, 0, 1, 0.25f, -0.25f, 0;
    trainer resumed{net, schedule, {.batch = 4, .learning_rate = 1e-2, .seed = 3}};
    resumed.load(DDPM_SOURCE_FOLDER "/tests/train/checkpoint_0.safetensors");
    CHECK(resumed.step() == 20);
    const fit_result result = resumed.fit(data, {.steps = 20});
    CHECK(result.step == 40);
    CHECK(std::abs(result.loss - 0.152549634) < 1e-5);
    const auto parameters = nn::parameters(net);
    CHECK(std::abs(parameters.front().values[0] - -0.191369593f) < 1e-5f);
    CHECK(std::abs(parameters.back().values[0] - -0.0011906079f) < 1e-5f);
}

}  // namespace ddpm::test
