// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/scheduler_config.hpp>

#include "diffusers/data_folder.hpp"
#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/temporary_folder.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using namespace diffusers;

std::string verdict(std::string_view text) {
    try {
        static_cast<void>(parse_scheduler_config(text, "scheduler_config.json"));
    } catch (const io_error& e) {
        return e.what();
    }
    return "accepted";
}

TEST_CASE("scheduler configs that diffusers wrote are read, and written with the same bytes", "[diffusers]") {
    const std::string ddpm_path = data_folder + "/pipeline/scheduler/scheduler_config.json";
    const scheduler_config ddpm = read_scheduler_config(ddpm_path);
    CHECK(ddpm.kind == scheduler_kind::ddpm);
    CHECK(ddpm.variance == scheduler_variance::fixed_large);
    CHECK(ddpm.curve == beta_curve::linear);
    CHECK(ddpm.notes.empty());
    CHECK(scheduler_config_text(ddpm) == read_text(ddpm_path));
    const std::string ddim_path = data_folder + "/ddim/scheduler_config.json";
    const scheduler_config ddim = read_scheduler_config(ddim_path);
    CHECK(ddim.kind == scheduler_kind::ddim);
    CHECK(ddim.curve == beta_curve::scaled_linear);
    CHECK(ddim.steps_offset == 1);
    CHECK_FALSE(ddim.end_at_clean);
    CHECK(scheduler_config_text(ddim) == read_text(ddim_path));
    const temporary_folder folder;
    write_scheduler_config(folder / "scheduler_config.json", ddim);
    CHECK_THROWS_AS(write_scheduler_config(folder / "no/scheduler_config.json", ddim), io_error);
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
               "prediction_type": "v_prediction", "timestep_spacing": "trailing", "steps_offset": 2,
               "rescale_betas_zero_snr": true, "thresholding": false,
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
    const std::string other = verdict(R"({"_class_name": "AmusedScheduler"})");
    CHECK(contains(other, "key \"_class_name\"; expected DDPMScheduler or DDIMScheduler or "));
    CHECK(contains(other, "got \"AmusedScheduler\""));
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
        {"variance_type", "null"},
        {"thresholding", "1"},
        {"sample_max_value", "null"},
    };
    for (const auto& [key, value] : wrong) {
        const std::string message = verdict("{\"" + key + "\": " + value + "}");
        CAPTURE(key, value, message);
        CHECK(contains(message, "scheduler_config.json: key \"" + key + "\"; expected "));
    }
    const std::vector<std::array<std::string, 3>> of_class{
        {"DDIM", "beta_schedule", "\"sigmoid\""},
        {"DDIM", "set_alpha_to_one", "1"},
        {"DDIMInverse", "timestep_spacing", "\"linspace\""},
        {"PNDM", "prediction_type", "\"sample\""},
        {"EulerDiscrete", "prediction_type", "\"flow_prediction\""},
        {"EulerDiscrete", "interpolation_type", "\"log\""},
        {"EulerDiscrete", "timestep_type", "\"float\""},
        {"EulerDiscrete", "final_sigmas_type", "\"one\""},
        {"EulerDiscrete", "sigma_min", "\"a\""},
        {"HeunDiscrete", "beta_schedule", "\"laplace\""},
        {"UnCLIP", "beta_schedule", "\"linear\""},
        {"UnCLIP", "variance_type", "\"fixed_large\""},
        {"DPMSolverMultistep", "variance_type", "\"large\""},
        {"DPMSolverMultistep", "algorithm_type", "\"unipc\""},
        {"DPMSolverMultistep", "solver_type", "\"euler\""},
        {"DPMSolverMultistep", "solver_order", "4"},
        {"DPMSolverMultistep", "lambda_min_clipped", "\"-1\""},
        {"DPMSolverMultistep", "flow_shift", "0"},
        {"DPMSolverMultistep", "final_sigmas_type", "\"zero\", \"algorithm_type\": \"dpmsolver\""},
        {"DPMSolverMultistep", "sample_max_value", "0, \"thresholding\": true"},
        {"DPMSolverMultistep", "dynamic_thresholding_ratio", "2, \"thresholding\": true"},
        {"DPMSolverMultistep", "use_exponential_sigmas", "true, \"use_karras_sigmas\": true"},
        {"DPMSolverMultistep", "use_beta_sigmas", "true, \"use_karras_sigmas\": true"},
        {"DPMSolverSinglestep", "algorithm_type", "\"sde-dpmsolver\""},
        {"DPMSolverSDE", "noise_sampler_seed", "-1"},
        {"DPMSolverSDE", "noise_sampler_seed", "1.5"},
        {"DPMSolverSDE", "noise_sampler_seed", "18446744073709551616"},
        {"IPNDM", "trained_betas", "[0.5]"},
        {"PNDM", "predict_epsilon", "false"},
        {"DDIM", "predict_epsilon", "false, \"prediction_type\": \"epsilon\""},
        {"DDIM", "predict_epsilon", "false, \"prediction_type\": \"v_prediction\""},
        {"CosineDPMSolverMultistep", "solver_order", "3"},
        {"UniPCMultistep", "solver_order", "0"},
        {"UniPCMultistep", "disable_corrector", "[-1]"},
        {"UniPCMultistep", "disable_corrector", "1"},
        {"UniPCMultistep", "solver_p", "{}"},
        {"UniPCMultistep", "shift_terminal", "0.1"},
        {"SASolver", "tau_func", "1"},
        {"SASolver", "algorithm_type", "\"deis\""},
        {"SASolver", "corrector_order", "0"},
        {"EDMEuler", "sigma_schedule", "\"linear\""},
        {"EDMEuler", "rho", "0"},
        {"FlowMatchEulerDiscrete", "time_shift_type", "\"none\""},
        {"FlowMatchEulerDiscrete", "base_image_seq_len", "0.5"},
    };
    for (const auto& [name, key, value] : of_class) {
        const std::string message =
            verdict("{\"_class_name\": \"" + name + "Scheduler\", \"" + key + "\": " + value + "}");
        CAPTURE(name, key, value, message);
        CHECK(contains(message, "scheduler_config.json: key \"" + key + "\"; expected "));
    }
    CHECK_THROWS_AS(read_scheduler_config(data_folder + "/nothing.json"), io_error);
}

TEST_CASE("the defaults of every class are diffusers' own, byte for byte", "[diffusers]") {
    std::ifstream in(data_folder + "/../scheduler_golden.json");
    const nlohmann::json golden = nlohmann::json::parse(in);
    REQUIRE(golden["defaults"].size() == std::size(diffusers::detail::scheduler_classes));
    for (const nlohmann::json& text : golden["defaults"]) {
        std::string written = text.get<std::string>();
        const scheduler_config config = parse_scheduler_config(written, "defaults");
        CAPTURE(written);
        CHECK(config.notes.empty());
        // Where Python's default is a whole number, a file may as well hold that number with a fraction.
        if (const std::size_t at = written.find("\"sigma_max\": 500,"); at != written.npos) {
            written.insert(at + 16, ".0");
        }
        CHECK(scheduler_config_text(config) == written);
        CHECK(scheduler_config_text(default_scheduler_config(config.kind)) == written);
        const std::string name(diffusers::detail::class_of(config.kind).name);
        CHECK(scheduler_config_text(parse_scheduler_config("{\"_class_name\": \"" + name + "\"}", "name")) == written);
    }
}

TEST_CASE("keys of solvers are read and written", "[diffusers]") {
    const scheduler_config dpm = parse_scheduler_config(
        R"({"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -5.1, "variance_type": "learned_range",
            "solver_type": "bh2", "algorithm_type": "deis", "prediction_type": "flow_prediction",
            "use_flow_sigmas": true, "flow_shift": 3, "thresholding": true, "sample_max_value": 2,
            "final_sigmas_type": "sigma_min"})",
        "dpm");
    const scheduler_config again = parse_scheduler_config(scheduler_config_text(dpm), "again");
    for (const scheduler_config& c : {dpm, again}) {
        CHECK(c.lambda_min_clipped == -5.1);
        CHECK(c.variance == scheduler_variance::learned_range);
        CHECK(c.solver == scheduler_solver::midpoint);
        CHECK(c.algorithm == scheduler_algorithm::dpmsolver_pp);
        CHECK(c.predicts == prediction::flow);
        CHECK(c.flow_sigmas);
        CHECK(c.flow_shift == 3);
        CHECK(c.threshold);
        CHECK(c.threshold_max == 2);
        CHECK(c.final_sigma == grid_end::least_noise);
    }
    const scheduler_config unipc = parse_scheduler_config(
        R"({"_class_name": "UniPCMultistepScheduler", "disable_corrector": [0, 2], "sigma_min": 0.1,
            "solver_type": "heun"})",
        "unipc");
    CHECK(unipc.disable_corrector == std::vector<ddpm::isize>{0, 2});
    CHECK(unipc.sigma_min == 0.1);
    CHECK_FALSE(unipc.sigma_max.has_value());
    CHECK(unipc.solver == scheduler_solver::bh2);
    CHECK(contains(scheduler_config_text(unipc), "\"disable_corrector\": [\n    0,\n    2\n  ]"));
    const scheduler_config euler = parse_scheduler_config(
        R"({"_class_name": "EulerDiscreteScheduler", "prediction_type": "original_sample"})", "euler");
    CHECK(euler.predicts == prediction::x0);
}

TEST_CASE("a solver reads only whether its variance is learned", "[diffusers]") {
    for (const std::string name :
         {"DPMSolverMultistep", "DPMSolverMultistepInverse", "DPMSolverSinglestep", "SASolver"}) {
        for (const std::string variance :
             {"fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned"}) {
            const scheduler_config config = parse_scheduler_config(
                "{\"_class_name\": \"" + name + "Scheduler\", \"variance_type\": \"" + variance + "\"}", "solver");
            CHECK(config.notes.empty());
            CHECK(contains(scheduler_config_text(config), "\"variance_type\": \"" + variance + "\""));
        }
    }
}

TEST_CASE("trained betas take the place of any curve", "[diffusers]") {
    const scheduler_config config = parse_scheduler_config(
        R"({"_class_name": "PNDMScheduler", "num_train_timesteps": 2, "trained_betas": [0.1, 0.2],
            "beta_schedule": "exp"})",
        "trained");
    CHECK(config.curve == beta_curve::linear);
    CHECK(contains(scheduler_config_text(config), "\"beta_schedule\": \"linear\""));
}

TEST_CASE("classes that choose sigmas read the range of another class's config", "[diffusers]") {
    for (const std::string name :
         {"DEISMultistep", "KDPM2Discrete", "SASolver", "LMSDiscrete", "FlowMatchEulerDiscrete"}) {
        const std::string keys = "{\"_class_name\": \"" + name + "Scheduler\"";
        const scheduler_config config =
            parse_scheduler_config(keys + ", \"sigma_min\": 0.1, \"sigma_max\": null}", "range");
        CHECK(config.sigma_min == 0.1);
        CHECK_FALSE(config.sigma_max);
        CHECK(config.notes.empty());
        CHECK(contains(scheduler_config_text(config), "\"sigma_min\": 0.1,"));
        CHECK_FALSE(contains(scheduler_config_text(config), "sigma_max"));
        CHECK_FALSE(contains(scheduler_config_text(parse_scheduler_config(keys + "}", "none")), "sigma_min"));
    }
    CHECK(parse_scheduler_config(R"({"_class_name": "PNDMScheduler", "sigma_min": 0.1})", "none").unknown.size() == 1);
}

TEST_CASE("seeds of 64 bits are kept", "[diffusers]") {
    for (const std::string seed : {"0", "123456789", "18446744073709551615"}) {
        const scheduler_config config = parse_scheduler_config(
            R"({"_class_name": "DPMSolverSDEScheduler", "noise_sampler_seed": )" + seed + "}", "seed");
        CHECK(contains(scheduler_config_text(config), "\"noise_sampler_seed\": " + seed + ","));
    }
}

TEST_CASE("predict_epsilon: false of old files means a prediction of x_0", "[diffusers]") {
    for (const std::string name : {"DDPM", "DDIM", "DPMSolverMultistep"}) {
        const std::string old = "{\"_class_name\": \"" + name + "Scheduler\", \"predict_epsilon\": ";
        const scheduler_config config = parse_scheduler_config(old + "false}", "old");
        CHECK(config.predicts == prediction::x0);
        CHECK(config.notes.size() == 1);
        CHECK(contains(scheduler_config_text(config), "\"prediction_type\": \"sample\""));
        CHECK_FALSE(contains(scheduler_config_text(config), "predict_epsilon"));
        CHECK(parse_scheduler_config(old + "true}", "old").predicts == prediction::epsilon);
        CHECK(parse_scheduler_config(old + "false, \"prediction_type\": \"sample\"}", "old").predicts ==
              prediction::x0);
    }
}

TEST_CASE("Python's -Infinity is read where it stands for none, and nowhere else", "[diffusers]") {
    const std::string dpm = R"({"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": )";
    const scheduler_config config = parse_scheduler_config(dpm + "-Infinity}", "dpm");
    CHECK(config.lambda_min_clipped == -std::numeric_limits<double>::infinity());
    CHECK(contains(scheduler_config_text(config), "\"lambda_min_clipped\": -Infinity,"));
    CHECK(contains(verdict(dpm + "Infinity}"), "JSON"));
    CHECK(contains(verdict(R"({"beta_start": -Infinity})"), "key \"beta_start\"; expected a number"));
    CHECK(diffusers::detail::strict_json_text(R"({"a\"-Infinity": -Infinity})") == R"({"a\"-Infinity": "-Infinity"})");
    scheduler_config infinite;
    infinite.beta_end = -std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(scheduler_config_text(infinite), value_error);
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

TEST_CASE("a scheduler config that reading would refuse is not written", "[diffusers]") {
    struct refused {
        std::string key;
        scheduler_config config;
    };
    const refused all[]{
        {"use_beta_sigmas", {.kind = scheduler_kind::euler, .karras_sigmas = true, .beta_sigmas = true}},
        {"use_exponential_sigmas", {.kind = scheduler_kind::euler, .karras_sigmas = true, .exponential_sigmas = true}},
        {"num_train_timesteps", {.train_timesteps = 0}},
        {"trained_betas", {.train_timesteps = 3, .trained_betas = {0.1, 0.2}}},
        {"clip_sample_range", {.clip_range = 0}},
        {"steps_offset", {.steps_offset = -1}},
        {"dynamic_thresholding_ratio", {.threshold = true, .threshold_ratio = 1.5}},
        {"sample_max_value", {.threshold = true, .threshold_max = 0}},
    };
    const temporary_folder folder;
    for (const auto& [key, config] : all) {
        INFO(key);
        const std::string path = folder / "scheduler_config.json";
        try {
            write_scheduler_config(path, config);
            FAIL_CHECK("it was written");
        } catch (const value_error& error) {
            CHECK(contains(error.what(), "key \"" + key + "\""));
        }
        CHECK_FALSE(std::filesystem::exists(path));
    }
    // More numbers than any file may have.
    scheduler_config many{.train_timesteps = 40000};
    many.trained_betas.assign(40000, 1e-4);
    CHECK_THROWS_AS(scheduler_config_text(many), value_error);
    // What a class does not have is not written, so it is not refused.
    CHECK_NOTHROW(scheduler_config_text({.karras_sigmas = true, .beta_sigmas = true}));
}

TEST_CASE("a scheduler config that was cut short or changed is read or refused", "[diffusers]") {
    const std::string text = read_text(data_folder + "/ddim/scheduler_config.json");
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
