// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "examples/support/training.hpp"
#include "examples/support/checkpoint.hpp"
#include "examples/support/interrupt.hpp"

#include <ddpm/ddpm.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/temporary_folder.hpp"
#include "tests/support/training.hpp"

#include <csignal>
#include <filesystem>
#include <limits>
#include <string>

namespace ddpm::test {

namespace {

constexpr ddpm::isize dim = 2;

/// The smallest network; its forward pass number `signal_at` sends the program Ctrl-C, that of number `nan_at` gives
/// NaN.
struct scripted_net : constant_net<float> {
    scripted_net() : constant_net<float>(dim) {}

    void forward(const network_input<float>& in, batch_view<float> out, workspace& w) const {
        if (++passes == signal_at) {
            std::raise(SIGINT);
        }
        constant_net<float>::forward(in, out, w);
        if (passes == nan_at) {
            out(0, 0) = std::numeric_limits<float>::quiet_NaN();
        }
    }

    static inline int passes = 0;
    static inline int signal_at = 0;
    static inline int nan_at = 0;
};

/// A trainer of that network, and where an example would save it.
struct run {
    scripted_net net;
    ddpm::trainer<scripted_net, noise_schedule<>> trainer{net, noise_schedule<>{linear_beta{}, 10},
                                                          trainer_options{.batch = 1, .learning_rate = 0.01}};
    examples::training_files files;

    explicit run(const temporary_folder& folder) : files{folder / "model.safetensors", folder / "loss.svg"} {
        scripted_net::passes = scripted_net::signal_at = scripted_net::nan_at = 0;
    }

    void open(const examples::checkpoint_options& options = {}) {
        examples::open_checkpoint(trainer, files.checkpoint, options, {{"--seed", "seed", "0"}});
    }
    void train(ddpm::isize steps, ddpm::isize save_every = 0) {
        const batch<float> data = batch<float>::Ones(dim, 8);
        examples::train(trainer, {data}, steps, files, save_every);
    }
    /// How many steps the saved model has made.
    [[nodiscard]] static ddpm::isize saved_steps(const temporary_folder& folder,
                                                 const char* name = "model.safetensors") {
        run other(folder);
        other.trainer.load(folder / name);
        return other.trainer.step();
    }
};

/// The text of the error that the call throws.
template <class Call>
[[nodiscard]] std::string error_of(const Call& call) {
    try {
        call();
    } catch (const ddpm::base_error& e) {
        return e.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("an example's second run keeps the model of the first", "[examples]") {
    const temporary_folder folder;
    for (const ddpm::isize steps : {3, 4, 5}) {
        run one(folder);
        one.open();
        one.train(steps);
    }
    CHECK(run::saved_steps(folder, "model-1.safetensors") == 3);
    CHECK(run::saved_steps(folder, "model-2.safetensors") == 4);
    CHECK(run::saved_steps(folder) == 5);

    run over(folder);
    over.open({.overwrite = true});
    CHECK(over.trainer.step() == 0);
    over.train(6);
    CHECK(run::saved_steps(folder) == 6);
    CHECK(folder.entries() == 4);  // three models and loss.svg
}

TEST_CASE("an example resumes, and has nothing to do where the steps are made already", "[examples]") {
    const temporary_folder folder;
    run first(folder);
    first.open();
    first.train(5);
    run longer(folder);
    longer.open({.resume = true});
    CHECK(longer.trainer.step() == 5);
    longer.train(3);
    CHECK(longer.trainer.step() == 5);
    longer.train(8);
    CHECK(run::saved_steps(folder) == 8);
}

TEST_CASE("what cannot be resumed is said in the words of the command line", "[examples]") {
    const temporary_folder folder;
    run none(folder);
    CHECK(contains(error_of([&] { none.open({.resume = true}); }), "leave out --resume"));
    none.train(2);
    CHECK(contains(
        error_of([&] {
            examples::open_checkpoint(none.trainer, none.files.checkpoint, {.resume = true}, {{"--seed", "seed", "7"}});
        }),
        "expected --seed 0, got --seed 7"));
}

TEST_CASE("an example saves every so many steps", "[examples]") {
    const temporary_folder folder;
    run one(folder);
    scripted_net::nan_at = 8;
    CHECK(contains(error_of([&] { one.train(20, 3); }), "no longer finite at step 7"));
    CHECK(run::saved_steps(folder) == 6);

    const temporary_folder other;
    run never(other);
    scripted_net::nan_at = 8;
    CHECK_THROWS_AS(never.train(20, 0), ddpm::base_error);
    CHECK(other.entries() == 0);
}

TEST_CASE("Ctrl-C saves the model and the curve, and ends with 130", "[examples]") {
    const temporary_folder folder;
    run one(folder);
    scripted_net::signal_at = 3;
    try {
        one.train(100);
        FAIL("the training was not stopped");
    } catch (const examples::stopped& early) {
        CHECK(early.exit_code() == 130);
        CHECK(std::string(early.what()).find("--resume") != std::string::npos);
    }
    CHECK(run::saved_steps(folder) == 3);
    CHECK(std::filesystem::exists(one.files.loss_plot));
}

}  // namespace ddpm::test
