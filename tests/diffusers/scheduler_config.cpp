// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/scheduler_config.hpp>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using namespace diffusers;

const std::string data = DDPM_SOURCE_FOLDER "/tests/diffusers/data";

std::string verdict(std::string_view text) {
    try {
        static_cast<void>(parse_scheduler_config(text, "scheduler_config.json"));
    } catch (const io_error& e) {
        return e.what();
    }
    return "accepted";
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

TEST_CASE("scheduler configs that diffusers wrote are read, and written with the same bytes", "[diffusers]") {
    const std::string ddpm_path = data + "/pipeline/scheduler/scheduler_config.json";
    const scheduler_config ddpm = read_scheduler_config(ddpm_path);
    CHECK(ddpm.kind == scheduler_kind::ddpm);
    CHECK(ddpm.variance == scheduler_variance::fixed_large);
    CHECK(ddpm.curve == beta_curve::linear);
    CHECK(ddpm.notes.empty());
    CHECK(scheduler_config_text(ddpm) == read_text(ddpm_path));
    const std::string ddim_path = data + "/ddim/scheduler_config.json";
    const scheduler_config ddim = read_scheduler_config(ddim_path);
    CHECK(ddim.kind == scheduler_kind::ddim);
    CHECK(ddim.curve == beta_curve::scaled_linear);
    CHECK(ddim.steps_offset == 1);
    CHECK_FALSE(ddim.end_at_clean);
    CHECK(scheduler_config_text(ddim) == read_text(ddim_path));
    const temporary_folder folder;
    write_scheduler_config(folder / "scheduler_config.json", ddim);
    CHECK(read_text(folder / "scheduler_config.json") == read_text(ddim_path));
}

TEST_CASE("what a scheduler config does not say has diffusers' defaults", "[diffusers]") {
    const scheduler_config config = parse_scheduler_config("{}", "scheduler_config.json");
    CHECK(config.kind == scheduler_kind::ddpm);
    CHECK(config.train_timesteps == 1000);
    CHECK(config.beta_start == 1e-4);
    CHECK(config.beta_end == 0.02);
    CHECK(config.trained_betas.empty());
    CHECK_FALSE(config.zero_terminal_snr);
    CHECK(config.predicts == prediction::epsilon);
    CHECK(config.variance == scheduler_variance::fixed_small);
    CHECK(config.clip);
    CHECK(config.clip_range == 1);
    CHECK(config.spacing == timestep_spacing::leading);
    CHECK(config.steps_offset == 0);
    CHECK(config.end_at_clean);
    CHECK(config.notes.size() == 1);
}

TEST_CASE("every key of a scheduler config is read and written", "[diffusers]") {
    for (const std::string_view own :
         {R"("_class_name": "DDPMScheduler", "variance_type": "fixed_small_log", "beta_schedule": "sigmoid")",
          R"("_class_name": "DDIMScheduler", "set_alpha_to_one": false, "beta_schedule": "squaredcos_cap_v2")"}) {
        const scheduler_config config = parse_scheduler_config(
            "{" + std::string(own) + R"(, "num_train_timesteps": 3, "beta_start": 0.001, "beta_end": 0.5,
               "trained_betas": [0.1, 1, 0.5], "clip_sample": false, "clip_sample_range": 2,
               "prediction_type": "v_prediction", "timestep_spacing": "trailing", "steps_offset": 2, "rescale_betas_zero_snr": true, "thresholding": false,
               "dynamic_thresholding_ratio": 0.9, "sample_max_value": 1.5, "skip_prk_steps": true})",
            "scheduler_config.json");
        const scheduler_config again = parse_scheduler_config(scheduler_config_text(config), "again");
        for (const scheduler_config& c : {config, again}) {
            CHECK(c.train_timesteps == 3);
            CHECK(c.beta_start == 0.001);
            CHECK(c.beta_end == 0.5);
            CHECK(c.trained_betas == std::vector<double>{0.1, 1, 0.5});
            CHECK_FALSE(c.clip);
            CHECK(c.clip_range == 2);
            CHECK(c.predicts == prediction::v);
            CHECK(c.spacing == timestep_spacing::trailing);
            CHECK(c.steps_offset == 2);
            CHECK(c.zero_terminal_snr);
            CHECK(c.unknown == std::map<std::string, std::string>{{"skip_prk_steps", "true"}});
            if (c.kind == scheduler_kind::ddpm) {
                CHECK(c.variance == scheduler_variance::fixed_small_log);
                CHECK(c.curve == beta_curve::sigmoid);
            } else {
                CHECK_FALSE(c.end_at_clean);
                CHECK(c.curve == beta_curve::squaredcos_cap_v2);
            }
        }
    }
}

TEST_CASE("a scheduler config that is wrong is an io_error that names the key", "[diffusers]") {
    const std::string other = verdict(R"({"_class_name": "PNDMScheduler"})");
    CHECK(contains(other, "key \"_class_name\"; expected DDPMScheduler or DDIMScheduler, got \"PNDMScheduler\""));
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"_class_name", "null"},
        {"num_train_timesteps", "0"},
        {"num_train_timesteps", "\"1000\""},
        {"beta_start", "null"},
        {"beta_end", "[]"},
        {"beta_schedule", "\"cosine\""},
        {"trained_betas", "[0.1]"},
        {"trained_betas", "0.1"},
        {"trained_betas", "[\"a\"]"},
        {"rescale_betas_zero_snr", "0"},
        {"prediction_type", "\"score\""},
        {"clip_sample", "null"},
        {"clip_sample_range", "0"},
        {"timestep_spacing", "\"karras\""},
        {"steps_offset", "-1"},
        {"variance_type", "\"large\""},
        {"thresholding", "true"},
        {"sample_max_value", "null"},
    };
    for (const auto& [key, value] : wrong) {
        const std::string message = verdict("{\"" + key + "\": " + value + "}");
        CAPTURE(key, value, message);
        CHECK(contains(message, "scheduler_config.json: key \"" + key + "\"; expected "));
    }
    CHECK(contains(verdict(R"({"_class_name": "DDIMScheduler", "beta_schedule": "sigmoid"})"),
                   "key \"beta_schedule\""));
    CHECK(contains(verdict(R"({"_class_name": "DDIMScheduler", "set_alpha_to_one": 1})"), "key \"set_alpha_to_one\""));
    CHECK_THROWS_AS(read_scheduler_config(data + "/nothing.json"), io_error);
}

TEST_CASE("a scheduler config that diffusers has no words for is a value_error", "[diffusers]") {
    scheduler_config config;
    config.predicts = prediction::score;
    CHECK_THROWS_AS(scheduler_config_text(config), value_error);
    config = {.kind = scheduler_kind::ddim, .curve = beta_curve::sigmoid};
    CHECK_THROWS_AS(scheduler_config_text(config), value_error);
    config = {.beta_end = std::numeric_limits<double>::quiet_NaN()};
    CHECK_THROWS_AS(scheduler_config_text(config), value_error);
    config = {};
    config.unknown = {{"variance_type", "1"}};
    CHECK_THROWS_AS(scheduler_config_text(config), value_error);
    config.unknown = {{"zoo", "tru"}};
    CHECK_THROWS_AS(scheduler_config_text(config), io_error);
}

TEST_CASE("a scheduler config that was cut short or changed is read or refused", "[diffusers]") {
    const std::string text = read_text(data + "/ddim/scheduler_config.json");
    for (std::size_t length = 0; length + 2 < text.size(); ++length) {
        CHECK(verdict(std::string_view(text).substr(0, length)) != "accepted");
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
        for (const char c : {'"', '9', '-', '[', '}', ',', '\0', '\xff'}) {
            std::string changed = text;
            changed[at] = c;
            static_cast<void>(verdict(changed));  // any exception but io_error fails the test
        }
    }
}

}  // namespace
}  // namespace ddpm::test
