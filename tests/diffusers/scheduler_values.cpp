// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/scheduler_values.hpp>

#include <ddpm/diffusers/scheduler_config.hpp>

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace ddpm::test {
namespace {

using namespace diffusers;

TEST_CASE("a scheduler config has the defaults of DDPMScheduler and DDIMScheduler", "[diffusers]") {
    // What diffusers writes for a scheduler that was made without arguments.
    std::ifstream in(DDPM_SOURCE_FOLDER "/tests/diffusers/scheduler_golden.json");
    const nlohmann::json golden = nlohmann::json::parse(in)["defaults"];
    const auto is_golden = [&](scheduler_kind kind) {
        scheduler_config config;
        config.kind = kind;
        return std::find(golden.begin(), golden.end(), scheduler_config_text(config)) != golden.end();
    };
    CHECK(is_golden(scheduler_kind::ddpm));
    CHECK(is_golden(scheduler_kind::ddim));
    CHECK_FALSE(is_golden(scheduler_kind::euler));
    const scheduler_config config;
    CHECK(config.kind == scheduler_kind::ddpm);
    CHECK(config.train_timesteps == 1000);
    CHECK(config.beta_start == 1e-4);
    CHECK(config.beta_end == 0.02);
    CHECK(config.lambda_min_clipped == -std::numeric_limits<double>::infinity());
    // What has no value unless a file or a caller gives one.
    CHECK(config.trained_betas.empty());
    CHECK_FALSE(config.sigma_min.has_value());
    CHECK_FALSE(config.sigma_max.has_value());
    CHECK_FALSE(config.noise_seed.has_value());
    CHECK_FALSE(config.shift_terminal.has_value());
    CHECK(config.notes.empty());
    CHECK(config.unknown.empty());
    const scheduler_run_options run;
    CHECK_FALSE(run.eta.has_value());
    CHECK_FALSE(run.mu.has_value());
    CHECK_FALSE(run.image_length.has_value());
    CHECK(run.jump_length == 10);
    CHECK(run.jump_count == 10);
}

TEST_CASE("notes of a scheduler config are not written, and unknown keys are", "[diffusers]") {
    scheduler_config config;
    const std::string plain = scheduler_config_text(config);
    config.notes = {"assumed"};
    CHECK(scheduler_config_text(config) == plain);
    config.unknown["a_later_key"] = "true";
    const std::string with_key = scheduler_config_text(config);
    CHECK(with_key != plain);
    const scheduler_config again = parse_scheduler_config(with_key, "text");
    CHECK(again.unknown == config.unknown);
    CHECK(again.notes.size() == 1);  // of the unknown key
}

TEST_CASE("values of a scheduler's enumerations are written and read", "[diffusers]") {
    const auto returns = [](scheduler_config config, auto member, auto... values) {
        for (const auto value : {values...}) {
            config.*member = value;
            CAPTURE(static_cast<int>(value));
            const scheduler_config again = parse_scheduler_config(scheduler_config_text(config), "text");
            CHECK(again.kind == config.kind);
            CHECK(again.*member == value);
            CHECK(again.notes.empty());
        }
    };
    const auto of = [](scheduler_kind kind) { return default_scheduler_config(kind); };
    using enum beta_curve;
    returns(of(scheduler_kind::ddpm), &scheduler_config::curve, linear, scaled_linear, squaredcos_cap_v2, sigmoid,
            laplace);
    returns(of(scheduler_kind::heun), &scheduler_config::curve, linear, scaled_linear, squaredcos_cap_v2, exp);
    using variance = scheduler_variance;
    returns(of(scheduler_kind::ddpm), &scheduler_config::variance, variance::fixed_small, variance::fixed_small_log,
            variance::fixed_large, variance::fixed_large_log, variance::learned, variance::learned_range);
    returns(of(scheduler_kind::dpm_multistep), &scheduler_config::variance, variance::none, variance::learned_range);
    using algorithm = scheduler_algorithm;
    returns(of(scheduler_kind::dpm_multistep), &scheduler_config::algorithm, algorithm::dpmsolver_pp,
            algorithm::sde_dpmsolver_pp);
    scheduler_config noisy_end = of(scheduler_kind::dpm_multistep);
    noisy_end.final_sigma = grid_end::least_noise;
    returns(noisy_end, &scheduler_config::algorithm, algorithm::dpmsolver, algorithm::sde_dpmsolver);
    returns(of(scheduler_kind::deis), &scheduler_config::algorithm, algorithm::deis);
    returns(of(scheduler_kind::sa_solver), &scheduler_config::algorithm, algorithm::data_prediction,
            algorithm::noise_prediction);
    using solver = scheduler_solver;
    returns(of(scheduler_kind::dpm_multistep), &scheduler_config::solver, solver::midpoint, solver::heun);
    returns(of(scheduler_kind::unipc), &scheduler_config::solver, solver::bh1, solver::bh2);
    returns(of(scheduler_kind::deis), &scheduler_config::solver, solver::logrho);
    returns(of(scheduler_kind::euler), &scheduler_config::interpolation, sigma_interpolation::linear,
            sigma_interpolation::log_linear);
    returns(of(scheduler_kind::euler), &scheduler_config::time, scheduler_time::discrete, scheduler_time::continuous);
    returns(of(scheduler_kind::edm_euler), &scheduler_config::sigma_schedule, edm_sigma_schedule::karras,
            edm_sigma_schedule::exponential);
    returns(of(scheduler_kind::flow_euler), &scheduler_config::time_shift, flow_time_shift::exponential,
            flow_time_shift::linear);
}

}  // namespace
}  // namespace ddpm::test
