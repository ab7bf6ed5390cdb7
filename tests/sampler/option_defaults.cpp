// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/adaptive_dpm_solver.hpp>
#include <ddpm/sampler/consistency.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/deis.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/dpm_sde.hpp>
#include <ddpm/sampler/dpm_singlestep.hpp>
#include <ddpm/sampler/euler.hpp>
#include <ddpm/sampler/euler_ancestral.hpp>
#include <ddpm/sampler/inversion.hpp>
#include <ddpm/sampler/ipndm.hpp>
#include <ddpm/sampler/kdpm2.hpp>
#include <ddpm/sampler/lcm.hpp>
#include <ddpm/sampler/lms.hpp>
#include <ddpm/sampler/pndm.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>
#include <ddpm/sampler/repaint.hpp>
#include <ddpm/sampler/sa_solver.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/sampler/tcd.hpp>
#include <ddpm/sampler/unipc.hpp>

#include "support/catch.hpp"

#include <cmath>

// A changed default changes what programs compute that do not name the option.
namespace ddpm::test {

TEST_CASE("options that are not given have the published defaults: samplers of one step", "[sampler]") {
    CHECK(ancestral{}.variance == reverse_variance::fixed_small);
    CHECK(ddim{}.eta == 0);
    CHECK(ddim_inversion{}.iterations == 5);
    CHECK(euler{}.churn.s_churn == 0);
    CHECK(euler{}.churn.s_tmin == 0);
    CHECK(std::isinf(euler{}.churn.s_tmax));
    CHECK(euler{}.churn.s_noise == 1);
    CHECK_FALSE(euler{}.churn.always_draw);
    CHECK(euler_ancestral{}.eta == 1);
    CHECK(euler_ancestral{}.s_noise == 1);
    CHECK(kdpm2{}.eta == 0);
    CHECK(kdpm2{}.s_noise == 1);
    CHECK(dpm_sde{}.eta == 1);
    CHECK(dpm_sde{}.s_noise == 1);
    CHECK(dpm_sde{}.middle == 0.5);
    CHECK(consistency{}.sigma_min == 0.002);
    CHECK(consistency{}.s_noise == 1);
    CHECK(lcm{}.time_scale == 10);
    CHECK(lcm{}.sigma_data == 0.5);
    CHECK(tcd{}.gamma == 0.3);
    CHECK_FALSE(tcd{}.level_of);
    CHECK(repaint{}.jump_length == 10);
    CHECK(repaint{}.jump_count == 10);
    CHECK(repaint{}.variance == reverse_variance::fixed_small);
    CHECK(predictor_corrector{}.corrections == 1);
    CHECK(predictor_corrector{}.signal_to_noise == 0.15);
    CHECK_FALSE(predictor_corrector{}.batch_norms);
    CHECK_FALSE(predictor_corrector{}.noise_at_end);
}

TEST_CASE("options that are not given have the published defaults: samplers of several orders", "[sampler]") {
    CHECK(deis{}.order == 2);
    CHECK(deis{}.lower_order_final);
    CHECK(dpm_multistep{}.order == 2);
    CHECK(dpm_multistep{}.algorithm == dpm_algorithm::dpmsolver_pp);
    CHECK(dpm_multistep{}.solver_type == dpm_solver_type::midpoint);
    CHECK_FALSE(dpm_multistep{}.corrected_third);
    CHECK(dpm_multistep{}.lower_order_final);
    CHECK_FALSE(dpm_multistep{}.euler_at_final);
    CHECK(dpm_multistep{}.eta == 1);
    CHECK(dpm_multistep{}.s_noise == 1);
    CHECK(dpm_singlestep{}.order == 2);
    CHECK(dpm_singlestep{}.algorithm == dpm_algorithm::dpmsolver_pp);
    CHECK(dpm_singlestep{}.solver_type == dpm_solver_type::midpoint);
    CHECK_FALSE(dpm_singlestep{}.lower_order_final);
    CHECK(dpm_singlestep{}.eta == 1);
    CHECK(dpm_singlestep{}.s_noise == 1);
    CHECK(ipndm{}.order == 4);
    CHECK(lms{}.order == 4);
    CHECK_FALSE(pndm{}.skip_runge_kutta);
    CHECK(pndm{}.order == 4);
    CHECK(pndm{}.average == pndm::averaged::epsilon);
    CHECK_FALSE(pndm{}.level_of);
    CHECK(sa_solver{}.predictor_order == 2);
    CHECK(sa_solver{}.corrector_order == 2);
    CHECK(sa_solver{}.predict_x0);
    CHECK(sa_solver{}.lower_order_final);
    CHECK((sa_solver{}.tau(199.5) == 0 && sa_solver{}.tau(200) == 1));
    CHECK((sa_solver{}.tau(800) == 1 && sa_solver{}.tau(800.5) == 0));
    CHECK(unipc{}.order == 2);
    CHECK(unipc{}.variant == unipc_variant::bh2);
    CHECK(unipc{}.predict_x0);
    CHECK(unipc{}.corrector);
    CHECK(unipc{}.disable_corrector.empty());
    CHECK(unipc{}.lower_order_final);
}

TEST_CASE("options that are not given have the published defaults: adaptive steps, and sample()", "[sampler]") {
    const adaptive_dpm_solver adaptive;
    CHECK(adaptive.order == 3);
    CHECK(adaptive.relative_tolerance == 0.05);
    CHECK(adaptive.absolute_tolerance == 0.0078);
    CHECK(adaptive.first_step == 0.05);
    CHECK(adaptive.most_steps == 10000);
    CHECK(adaptive.control.proportional == 0);
    CHECK(adaptive.control.integral == 1);
    CHECK(adaptive.control.differential == 0);
    CHECK(adaptive.control.safety == 0.81);
    const sample_options options;
    CHECK(options.steps == 0);
    CHECK(options.count == 1);
    CHECK(options.seed == 0);
    CHECK(options.spacing == timestep_spacing::trailing);
    CHECK(options.timesteps.empty());
    CHECK(options.end == grid_end::zero_noise);
    CHECK_FALSE(options.clip_x0);
    CHECK_FALSE(options.clip_epsilon);
    CHECK_FALSE(options.threshold);
    CHECK(options.first_sample == 0);
}

}  // namespace ddpm::test
