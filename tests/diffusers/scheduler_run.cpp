// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/scheduler_run.hpp>

#include <ddpm/diffusers/scheduler_config.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using namespace diffusers;

scheduler_run run_of(const std::string& keys, ddpm::isize steps, const scheduler_run_options& options = {}) {
    return make_scheduler_run(parse_scheduler_config("{\"_class_name\": " + keys + "}", "config"), steps, options);
}

/// A network that thinks that all data is 0, whatever it predicts.
template <Scalar S>
struct knows_zero {
    using scalar = S;
    const scheduler_run& run;

    void operator()(batch_view<const S> xt, std::span<const double>, const model_output<S>& out) const {
        const noise_level<double> level = run.plan.grid()[0].level;
        const affine c = run.preconditioning ? affine{0, 0} : conversion(prediction::x0, run.predicts, level);
        for (ddpm::isize n = 0; n < xt.columns(); ++n) {
            for (ddpm::isize i = 0; i < xt.rows(); ++i) {
                out.prediction(i, n) = static_cast<S>(c.xt) * xt(i, n);
            }
        }
    }
};

TEST_CASE("a run says what the network is told and predicts", "[diffusers]") {
    const scheduler_run euler = run_of(R"("EulerDiscreteScheduler", "prediction_type": "v_prediction")", 5);
    CHECK(euler.predicts == prediction::v);
    CHECK(euler.plan.steps() == 5);
    CHECK(euler.plan.stages()[1].t == 749.25);
    const double sigma = euler.plan.grid()[0].level.sigma;
    CHECK(euler.initial_deviation == sigma);
    CHECK(sigma < 1);
    CHECK(run_of(R"("EulerDiscreteScheduler", "timestep_spacing": "leading")", 5).initial_deviation == 1);
    CHECK(run_of(R"("DDIMScheduler")", 5).initial_deviation == 1);
    CHECK(run_of(R"("IPNDMScheduler")", 5).predicts == prediction::v);
    CHECK(run_of(R"("FlowMatchHeunDiscreteScheduler")", 5).predicts == prediction::flow);

    const scheduler_run edm = run_of(R"("EDMEulerScheduler", "prediction_type": "v_prediction", "sigma_data": 1)", 5);
    REQUIRE(edm.preconditioning);
    CHECK(edm.preconditioning->sigma_data == 1);
    CHECK(edm.preconditioning->negative_out);
    CHECK_FALSE(edm.preconditioning->arctangent_time);
    CHECK(edm.predicts == prediction::x0);
    CHECK(edm.plan.stages()[0].t == 80);
    CHECK(edm.initial_deviation == std::hypot(80.0, 1.0));
    CHECK(run_of(R"("CosineDPMSolverMultistepScheduler")", 5).preconditioning->arctangent_time);
    const scheduler_run consistent = run_of(R"("CMStochasticIterativeScheduler", "clip_denoised": false)", 2);
    CHECK(consistent.preconditioning->sigma_min == 0.002);
    CHECK(consistent.initial_deviation == 80);
    CHECK_FALSE(consistent.denoise.clip_x0);

    const scheduler_run ve = run_of(R"("ScoreSdeVeScheduler", "snr": 0.2, "correct_steps": 2)", 5);
    REQUIRE(ve.corrector);
    CHECK(ve.corrector->corrections == 2);
    CHECK(ve.corrector->signal_to_noise == 0.2);
    CHECK(ve.predicts == prediction::score);
    CHECK(ve.initial_deviation == 1348);
}

TEST_CASE("limits of x_0 are those that a class uses", "[diffusers]") {
    const std::string threshold = R"(, "thresholding": true, "sample_max_value": 2)";
    CHECK(run_of(R"("DDIMScheduler")" + threshold, 5).denoise.threshold->max == 2);
    CHECK_FALSE(run_of(R"("DDIMScheduler")" + threshold, 5).denoise.clip_x0);
    CHECK_FALSE(run_of(R"("DDIMScheduler")", 5).denoise.clip_epsilon);
    CHECK(run_of(R"("DPMSolverMultistepScheduler")" + threshold, 5).denoise.clip_epsilon);
    CHECK_FALSE(
        run_of(R"("UniPCMultistepScheduler", "predict_x0": false, "final_sigmas_type": "sigma_min")" + threshold, 5)
            .denoise.threshold);
    CHECK_FALSE(run_of(R"("TCDScheduler", "clip_sample": true)" + threshold, 5).denoise.threshold);
    CHECK_FALSE(run_of(R"("TCDScheduler", "clip_sample": true)", 5).denoise.clip_x0);
    const scheduler_run heun = run_of(R"("HeunDiscreteScheduler", "clip_sample": true, "clip_sample_range": 3)", 5);
    CHECK(heun.denoise.clip_x0 == 3.0);
    CHECK(heun.denoise.clip_epsilon);
}

TEST_CASE("dynamic shifting takes its mu, or follows from an image's length", "[diffusers]") {
    const std::string flux = R"("FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true)";
    const auto second = [](const scheduler_run& run) { return run.plan.grid()[1].level.sigma; };
    const double by_mu = second(run_of(flux, 2, {.mu = 1.15}));
    CHECK(by_mu == second(run_of(flux, 2, {.image_length = 4096})));
    CHECK(by_mu != second(run_of(flux, 2, {.mu = 0.5})));
    CHECK(std::abs(second(run_of(flux + R"(, "time_shift_type": "linear")", 2, {.mu = std::exp(1.15)})) - by_mu) <
          1e-12);
    CHECK_THROWS_AS(run_of(flux, 2), value_error);
}

TEST_CASE("every shift of a flow begins at noise alone", "[diffusers]") {
    for (int i = 1; i < 100; ++i) {
        const std::string shift = std::to_string(i / 100.0);
        for (const std::string keys : {R"("FlowMatchEulerDiscreteScheduler")", R"("FlowMatchHeunDiscreteScheduler")",
                                       R"("FlowMatchEulerDiscreteScheduler", "use_karras_sigmas": true)",
                                       R"("FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1)"}) {
            const time_grid grid = run_of(keys + ", \"shift\": " + shift, 10).plan.grid();
            CHECK(grid[0].level.sigma == 1);
            CHECK(grid[0].level.signal == 0);
        }
        CHECK(run_of(R"("FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true)", 10, {.mu = -i / 20.0})
                  .plan.grid()[0]
                  .level.sigma == 1);
    }
}

TEST_CASE("classes after k-diffusion take more steps than timesteps", "[diffusers]") {
    for (const std::string name : {"EulerDiscrete", "HeunDiscrete", "LMSDiscrete", "KDPM2Discrete", "DPMSolverSDE"}) {
        for (const std::string spacing : {"linspace", "trailing"}) {
            for (const std::string sigmas : {"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"}) {
                const time_grid grid = run_of("\"" + name + "Scheduler\", \"num_train_timesteps\": 10, \"" + sigmas +
                                                  "\": true, \"timestep_spacing\": \"" + spacing + "\"",
                                              15)
                                           .plan.grid();
                CHECK(grid.steps() == 15);
                CHECK(std::abs(grid[0].t - 9) <= 1e-9);
                CHECK(std::abs(grid[14].t) <= 1e-9);
            }
        }
    }
    // One step is from the highest σ, though the lowest is above it.
    CHECK(run_of(R"("HeunDiscreteScheduler", "use_beta_sigmas": true, "sigma_max": 3)", 1).plan.grid()[0].level.sigma <
          0.95);
    // Not with timesteps that are whole, and there twice.
    CHECK_THROWS_AS(
        run_of(R"("EulerDiscreteScheduler", "num_train_timesteps": 10, "timestep_spacing": "trailing")", 15),
        value_error);
}

TEST_CASE("the steps of IPNDM's trained betas are theirs", "[diffusers]") {
    const std::string keys = R"("IPNDMScheduler", "trained_betas": [0.9, 0.7, 0.4, 0.1])";
    const scheduler_run run = run_of(keys, 3);
    CHECK(run.plan.steps() == 3);
    CHECK(run.plan.grid()[3].level.sigma == 0.1);
    CHECK_THROWS_AS(run_of(keys, 10), value_error);
    CHECK_THROWS_AS(run_of(R"("IPNDMScheduler", "trained_betas": [0.9, 1.7])", 1), value_error);
}

TEST_CASE("runs that diffusers' formulas give no meaning are value_errors", "[diffusers]") {
    CHECK_THROWS_AS(run_of(R"("EulerDiscreteScheduler")", 0), value_error);
    CHECK_THROWS_AS(run_of(R"("EulerDiscreteScheduler", "timestep_spacing": "trailing")", 1001), value_error);
    CHECK_THROWS_AS(run_of(R"("DDIMScheduler", "rescale_betas_zero_snr": true, "timestep_spacing": "trailing")", 10),
                    value_error);
    CHECK_THROWS_AS(run_of(R"("LCMScheduler", "rescale_betas_zero_snr": true)", 4), value_error);
    CHECK_THROWS_AS(run_of(R"("FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true,
                              "time_shift_type": "linear")",
                           4, {.mu = -0.5}),
                    value_error);
    CHECK_THROWS_AS(run_of(R"("DDIMScheduler")", 5, {.eta = 2.0}), value_error);
    CHECK_THROWS_AS(run_of(R"("TCDScheduler")", 5, {.eta = 2.0}), value_error);
    CHECK_THROWS_AS(run_of(R"("LCMScheduler")", 51), value_error);
    CHECK_THROWS_AS(run_of(R"("RePaintScheduler")", 5, {.jump_length = 0}), value_error);
    CHECK_THROWS_AS(run_of(R"("RePaintScheduler")", 5, {.jump_count = 0}), value_error);
    CHECK_THROWS_AS(run_of(R"("DEISMultistepScheduler", "prediction_type": "flow_prediction")", 5), value_error);
    const std::string flow = R"(, "use_flow_sigmas": true)";
    CHECK_THROWS_AS(run_of(R"("DEISMultistepScheduler", "prediction_type": "v_prediction")" + flow, 5), value_error);
    CHECK_THROWS_AS(run_of(R"("DEISMultistepScheduler", "use_karras_sigmas": true)" + flow, 5), value_error);
    CHECK_THROWS_AS(run_of(R"("UniPCMultistepScheduler", "use_beta_sigmas": true)" + flow, 5), value_error);
    CHECK_THROWS_AS(run_of(R"("DPMSolverMultistepInverseScheduler")" + flow, 5), value_error);
}

TEST_CASE("a run of a config that chooses several kinds of sigmas is a value_error", "[diffusers]") {
    for (const scheduler_kind kind :
         {scheduler_kind::euler, scheduler_kind::dpm_multistep, scheduler_kind::flow_euler}) {
        for (int chosen = 0; chosen < 8; ++chosen) {
            scheduler_config config = default_scheduler_config(kind);
            config.karras_sigmas = (chosen & 1) != 0;
            config.exponential_sigmas = (chosen & 2) != 0;
            config.beta_sigmas = (chosen & 4) != 0;
            CAPTURE(chosen);
            if (chosen == 3 || chosen >= 5) {
                CHECK_THROWS_AS(make_scheduler_run(config, 5), value_error);
            } else {
                CHECK_NOTHROW(make_scheduler_run(config, 5));
            }
        }
    }
}

TEMPLATE_TEST_CASE("every class's run ends at the data that its network knows", "[diffusers]", float, double) {
    using S = TestType;
    for (const diffusers::detail::scheduler_class& known : diffusers::detail::scheduler_classes) {
        scheduler_config config = default_scheduler_config(known.kind);
        config.predicts = known.kind == scheduler_kind::ipndm ? prediction::v : prediction::x0;
        if (known.kind == scheduler_kind::pndm || known.kind == scheduler_kind::ddim_inverse ||
            known.kind == scheduler_kind::dpm_inverse) {
            continue;  // they average predictions, or go the other way
        }
        CAPTURE(known.name);
        const scheduler_run run = make_scheduler_run(config, 4);
        if (run.predicts != prediction::x0 || run.preconditioning) {
            continue;  // the network would have to know the level
        }
        const knows_zero<S> network{run};
        const sample_options options{.count = 3, .shape = 5, .seed = 4};
        const batch<S> all = diffusers::sample<S>(run, network, options);
        const batch<S> last =
            diffusers::sample<S>(run, network, {.count = 1, .shape = 5, .seed = 4, .first_sample = 2});
        CHECK((all.col(2) == last.col(0)).all());
        CHECK(all.abs().maxCoeff() < 0.2);
        CHECK(
            diffusers::sample<S>(run, network, options, [](const sample_step<S>&) { return false; }).abs().maxCoeff() ==
            0);
    }
}

TEST_CASE("a run of a scheduler refuses options that it has from the scheduler", "[diffusers]") {
    const scheduler_run run = make_scheduler_run(scheduler_config{}, 3);
    const auto network = [](batch_view<const float> xt, std::span<const double>, const model_output<float>& out) {
        out.prediction.array() = xt.array();
    };
    const auto refused = [&](const sample_options& options) {
        CHECK_THROWS_AS(diffusers::sample(run, network, options), value_error);
    };
    refused({.steps = 3, .shape = 2});
    refused({.shape = 2, .timesteps = {2, 1}});
    refused({.shape = 2, .clip_x0 = 1.0});
    refused({.shape = 2, .clip_epsilon = true});
    refused({.shape = 2, .threshold = dynamic_threshold{}});
    CHECK_NOTHROW(diffusers::sample(run, network, {.count = 2, .shape = 2, .seed = 1, .first_sample = 1}));
}

TEST_CASE("samples begin with the run's deviation", "[diffusers]") {
    const scheduler_run run = run_of(R"("CMStochasticIterativeScheduler")", 1);
    double square = 0;
    auto network = [&](batch_view<const double> xt, std::span<const double>, const model_output<double>& out) {
        for (ddpm::isize i = 0; i < xt.rows(); ++i) {
            square += xt(i, 0) * xt(i, 0);
            out.prediction(i, 0) = 0;
        }
    };
    static_cast<void>(diffusers::sample<double>(run, network, {.shape = 4000}));
    // The network sees x / √(σ² + σ_d²).
    CHECK(std::abs(square / 4000 - 1) < 0.1);
    CHECK_THROWS_AS(diffusers::sample<double>(run, network), shape_error);
}

}  // namespace
}  // namespace ddpm::test
