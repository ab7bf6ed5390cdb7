// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// The schedulers against diffusers' own: scheduler_golden.json, which scheduler_golden.py writes, has random
// configurations and numbers of steps, the times that the network was told, some of its inputs, and the ends. Its
// member "bugs" names where diffusers' definite behaviour is not followed here, so that no such configuration is among
// them; scheduler_departures.hpp says what happens instead.

#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/diffusers/scheduler_departures.hpp>
#include <ddpm/diffusers/scheduler_run.hpp>

#include <ddpm/random/torch_noise.hpp>

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using namespace diffusers;

const nlohmann::json& golden() {
    static const nlohmann::json file = [] {
        std::ifstream in(DDPM_SOURCE_FOLDER "/tests/diffusers/scheduler_golden.json");
        return nlohmann::json::parse(in);
    }();
    return file;
}

/// The network of scheduler_golden.py, and what it was given.
struct recorder {
    using scalar = double;
    std::vector<double> times;
    std::vector<std::vector<double>> inputs;

    void operator()(batch_view<const double> xt, std::span<const double> t, const model_output<double>& out) {
        times.push_back(t[0]);
        inputs.emplace_back();
        for (ddpm::isize n = 0, i = 0; n < xt.columns(); ++n) {
            for (ddpm::isize d = 0; d < xt.rows(); ++d, ++i) {
                inputs.back().push_back(xt(d, n));
                if (out.variance.rows() > 0) {
                    out.variance(d, n) = 0.6 * std::sin(2 * xt(d, n) + 0.01 * t[0]);
                }
                out.prediction(d, n) =
                    0.5 * std::sin(xt(d, n) + 0.002 * t[0]) + 0.4 * std::cos(0.01 * t[0] + static_cast<double>(i));
            }
        }
    }
};

batch<double> beginning(double deviation) {
    batch<double> x(4, 2);
    for (ddpm::isize i = 0; i < 8; ++i) {
        x(i % 4, i / 4) = deviation * 1.5 * std::sin(1.7 * static_cast<double>(i) + 0.3);
    }
    return x;
}

/// The largest difference by the largest value.
double deviation(const std::vector<double>& got, const std::vector<double>& expected) {
    double difference = got.size() == expected.size() ? 0 : 1e9, largest = 1e-3;
    for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i) {
        difference = std::max(difference, std::isfinite(got[i]) ? std::abs(got[i] - expected[i]) : 1e9);
        largest = std::max(largest, std::abs(expected[i]));
    }
    return difference / largest;
}

scheduler_run_options options_of(const nlohmann::json& run) {
    scheduler_run_options options;
    if (run.contains("eta")) {
        options.eta = run["eta"].get<double>();
    }
    if (run.contains("mu")) {
        options.mu = run["mu"].get<double>();
    }
    options.jump_length = run.value("jump_length", options.jump_length);
    options.jump_count = run.value("jump_count", options.jump_count);
    return options;
}

TEST_CASE("random configurations of every scheduler run as in diffusers", "[diffusers]") {
    std::set<scheduler_kind> kinds;
    for (const nlohmann::json& golden_run : golden()["runs"]) {
        const std::string text = golden_run["config"].get<std::string>();
        CAPTURE(text, golden_run["steps"].get<int>());
        const scheduler_config config = parse_scheduler_config(text, "config");
        CHECK(config.unknown.empty());
        const scheduler_run run =
            make_scheduler_run<float32_tables>(config, golden_run["steps"].get<ddpm::isize>(), options_of(golden_run));
        recorder network;
        const batch<double> end = denoise_from<double>(run, network, beginning(run.initial_deviation),
                                                       torch_noise(golden_run["seed"].get<std::uint64_t>()));
        const auto times = golden_run["times"].get<std::vector<double>>();
        REQUIRE(network.times.size() == times.size());
        // diffusers' time of a σ is a quotient of differences of logarithms in float32; that of a flow a thousand σ,
        // which a shift below 1 stretches.
        const double time_tolerance = config.flow_shift < 1      ? 3e-4 / config.flow_shift
                                      : config.zero_terminal_snr ? 5e-4
                                                                 : 2e-4;
        for (std::size_t i = 0; i < times.size(); ++i) {
            CAPTURE(i, network.times[i], times[i]);
            CHECK(std::abs(network.times[i] - times[i]) <= time_tolerance);
        }
        double most = 0;
        for (const auto& [at, input] : golden_run["inputs"].items()) {
            most = std::max(most, deviation(network.inputs.at(std::stoul(at)), input.get<std::vector<double>>()));
        }
        const std::vector<double> got(end.data(), end.data() + end.size());
        most = std::max(most, deviation(got, golden_run["end"].get<std::vector<double>>()));
        CHECK(most <= 1e-4);
        kinds.insert(config.kind);
    }
    CHECK(golden()["runs"].size() >= 200);
    CHECK(kinds.size() == std::size(diffusers::detail::scheduler_classes));
}

/// Where diffusers is not followed: a configuration, its steps, and whether it runs here or is a value_error.
struct departure {
    const char* config;
    ddpm::isize steps;
    bool runs = true;
};

const std::map<std::string, departure>& departures() {
    static const std::map<std::string, departure> all{
        {"unfinished_trailing", {R"({"timestep_spacing": "trailing", "num_train_timesteps": 1100})", 15}},
        {"pndm_stride", {R"({"_class_name": "PNDMScheduler", "timestep_spacing": "linspace"})", 10}},
        {"pndm_half_stride", {R"({"_class_name": "PNDMScheduler"})", 8}},
        {"pndm_few", {R"({"_class_name": "PNDMScheduler"})", 2}},
        {"fixed_large_log", {R"({"variance_type": "fixed_large_log"})", 5}},
        {"learned_variance", {R"({"variance_type": "learned"})", 5}},
        {"ddim_root",
         {R"({"_class_name": "DDIMScheduler", "rescale_betas_zero_snr": true, "prediction_type": "v_prediction",
                           "timestep_spacing": "trailing"})",
          15}},
        {"inverse_at_clean", {R"({"_class_name": "DDIMInverseScheduler", "prediction_type": "sample"})", 5, false}},
        {"dpm_third_sde",
         {R"({"_class_name": "DPMSolverMultistepScheduler", "solver_order": 3,
                               "algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min"})",
          20}},
        {"repeated_sigma",
         {R"({"_class_name": "DPMSolverMultistepScheduler", "solver_type": "heun", "use_karras_sigmas": true,
                                "final_sigmas_type": "sigma_min"})",
          20}},
        {"unipc_zero",
         {R"({"_class_name": "UniPCMultistepScheduler", "lower_order_final": false, "solver_type": "bh1"})", 6}},
        {"noise_thresholding",
         {R"({"_class_name": "SASolverScheduler", "algorithm_type": "noise_prediction", "thresholding": true})", 6}},
        {"inverse_sde",
         {R"({"_class_name": "DPMSolverMultistepInverseScheduler", "algorithm_type": "sde-dpmsolver++"})", 6, false}},
        {"inverse_duplicates",
         {R"({"_class_name": "DPMSolverMultistepInverseScheduler", "use_exponential_sigmas": true,
                                    "num_train_timesteps": 100})",
          48}},
        {"inverse_single", {R"({"_class_name": "DPMSolverMultistepInverseScheduler", "use_karras_sigmas": true})", 1}},
        {"edm_single_exponential", {R"({"_class_name": "EDMEulerScheduler", "sigma_schedule": "exponential"})", 1}},
        {"single_stretch", {R"({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift_terminal": 0.1})", 1}},
        {"flow_end",
         {R"({"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": true, "beta_start": 0.002,
                          "prediction_type": "flow_prediction", "final_sigmas_type": "sigma_min"})",
          50, false}},
        {"unclip_single", {R"({"_class_name": "UnCLIPScheduler"})", 1}},
        {"sde_ve_single", {R"({"_class_name": "ScoreSdeVeScheduler"})", 1}},
        {"zero_snr_order",
         {R"({"_class_name": "EulerDiscreteScheduler", "rescale_betas_zero_snr": true})", 1000, false}},
        {"ancestral_cancellation",
         {R"({"_class_name": "KDPM2AncestralDiscreteScheduler", "beta_schedule": "squaredcos_cap_v2"})", 10}},
        {"third_sde_sign",
         {R"({"_class_name": "DPMSolverMultistepScheduler", "solver_order": 3, "algorithm_type": "sde-dpmsolver++"})",
          20}},
        {"truncated_time", {R"({"_class_name": "UniPCMultistepScheduler", "use_exponential_sigmas": true})", 10}},
        {"float32_scale", {R"({"_class_name": "HeunDiscreteScheduler", "beta_schedule": "squaredcos_cap_v2"})", 10}},
        {"shorter_than_order", {R"({"_class_name": "UniPCMultistepScheduler", "num_train_timesteps": 10})", 10, false}},
        {"many_trailing",
         {R"({"_class_name": "LMSDiscreteScheduler", "num_train_timesteps": 10, "timestep_spacing": "trailing"})", 15,
          false}},
        {"many_leading",
         {R"({"_class_name": "LMSDiscreteScheduler", "num_train_timesteps": 10, "timestep_spacing": "leading"})", 15}},
        {"ipndm_steps", {R"({"_class_name": "IPNDMScheduler", "trained_betas": [0.9, 0.5, 0.1]})", 10, false}},
        {"zero_snr_epsilon",
         {R"({"_class_name": "DDIMScheduler", "rescale_betas_zero_snr": true, "timestep_spacing": "trailing"})", 10,
          false}},
        {"predict_epsilon", {R"({"_class_name": "DDIMScheduler", "predict_epsilon": false})", 10}},
        {"inverse_range",
         {R"({"_class_name": "DPMSolverMultistepInverseScheduler", "use_karras_sigmas": true, "sigma_max": 7})", 5}},
    };
    return all;
}

TEST_CASE("where diffusers is not followed a run is finite, or a value_error", "[diffusers]") {
    std::set<std::string> names;
    for (const scheduler_departure& listed : scheduler_departures()) {
        const std::string name(listed.name);
        CAPTURE(name);
        REQUIRE(departures().count(name) == 1);
        const departure& here = departures().at(name);
        const scheduler_config config = parse_scheduler_config(here.config, name);
        CHECK(names.insert(name).second);
        CHECK(listed.kinds.contains(config.kind));
        const auto of_kind = scheduler_departures(config.kind);
        CHECK(std::any_of(of_kind.begin(), of_kind.end(), [&](const auto& d) { return d.name == name; }));
        const scheduler_run_options options{.eta = name == "ddim_root" ? 1.0 : 0.0};
        const auto end_of = [&] {
            const scheduler_run run = make_scheduler_run(config, here.steps, options);
            recorder network;
            return denoise_from<double>(run, network, beginning(run.initial_deviation), torch_noise(1));
        };
        if (here.runs) {
            CHECK(end_of().isFinite().all());
        } else {
            CHECK_THROWS_AS(end_of(), value_error);
        }
    }
    CHECK(names.size() == departures().size());
    for (const auto& [name, explanation] : golden()["bugs"].items()) {
        CHECK(names.count(name) == 1);
    }
}

}  // namespace
}  // namespace ddpm::test
