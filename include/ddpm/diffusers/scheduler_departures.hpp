// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/scheduler_classes.hpp>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace ddpm::diffusers {

/// A set of classes.
class scheduler_kinds {
public:
    /// The set of these classes.
    constexpr scheduler_kinds(std::initializer_list<scheduler_kind> kinds) {
        for (const scheduler_kind kind : kinds) {
            bits_ |= bit(kind);
        }
    }

    /// Whether the class is in the set.
    [[nodiscard]] constexpr bool contains(scheduler_kind kind) const noexcept { return (bits_ & bit(kind)) != 0; }

private:
    static constexpr std::uint64_t bit(scheduler_kind kind) noexcept {
        return std::uint64_t{1} << static_cast<int>(kind);
    }

    std::uint64_t bits_ = 0;
};

/// A case in which a scheduler differs from diffusers 0.42.1.
struct scheduler_departure {
    std::string_view name;
    scheduler_kinds kinds;
    std::string_view when;       ///< the configurations and numbers of steps n
    std::string_view diffusers;  ///< what diffusers does
    std::string_view here;       ///< what this library does
};

/// All departures. None can be disabled: a model that was tuned with diffusers' behaviour gives other samples here.
[[nodiscard]] inline std::span<const scheduler_departure> scheduler_departures() {
    using enum scheduler_kind;
    static constexpr scheduler_kinds ratio_kinds{lms, euler, euler_ancestral, heun, kdpm2, kdpm2_ancestral, dpm_sde};
    static constexpr scheduler_kinds solver_kinds{dpm_multistep, dpm_inverse, dpm_singlestep, unipc, deis, sa_solver};
    // clang-format off
    static constexpr scheduler_departure all[]{
        // Steps and times.
        {"unfinished_trailing", {ddpm, ddpm_parallel, ddim, ddim_parallel, ddim_inverse, pndm, lms, euler,
         euler_ancestral, heun, kdpm2, kdpm2_ancestral, dpm_sde, dpm_multistep, dpm_inverse, unipc, deis, sa_solver},
         "trailing spacing with a T/n that is not exact, such as T = 1100 and n = 15",
         "one timestep more than steps, t = -1, by a rounding error of numpy.arange", "n timesteps"},
        {"pndm_stride", {pndm}, "linspace, with skip_prk_steps too; trailing unless n divides T",
         "a step goes back by T//n, whatever the next timestep is", "a step goes to the next timestep"},
        {"pndm_half_stride", {pndm}, "skip_prk_steps false and an odd T//n, as of 8 or 40 steps of 1000",
         "half a step goes to t - T//n//2, but the network is given another timestep",
         "the network is given the timestep of x"},
        {"pndm_few", {pndm}, "skip_prk_steps false and n < 4", "an exception", "n Runge-Kutta steps"},
        {"truncated_time", solver_kinds,
         "exponential, beta and flow sigmas, and Karras sigmas over squaredcos_cap_v2 in DPMSolverMultistep",
         "the time of a sigma is truncated; a whole time may become the timestep below by a rounding error of float32",
         "a time within 1e-6 of a whole one is rounded to it"},
        {"shorter_than_order", solver_kinds, "n + 1 > T with sigmas from timesteps", "repeated timesteps",
         "a value_error: there are not enough timesteps"},
        {"many_trailing", ratio_kinds, "n > T, trailing spacing, sigmas from timesteps",
         "repeated timesteps, and t = -1", "a value_error: there are not enough timesteps"},
        {"many_leading", ratio_kinds, "n > T, leading spacing",
         "steps of length 0, with two evaluations each if the class has two; Inf with LMS",
         "steps of length 0 with one evaluation each; the same end"},
        {"ipndm_steps", {ipndm}, "trained_betas and n other than their number minus 1", "n is ignored",
         "a value_error"},
        // Single steps.
        {"inverse_single", {dpm_inverse}, "one step over Karras, exponential or beta sigmas", "a step of length 0",
         "goes from the least to the most noise"},
        {"edm_single_exponential", {edm_euler, edm_dpm_multistep, cosine_dpm_multistep}, "one exponential step",
         "begins at sigma_min", "begins at sigma_max, as with karras"},
        {"single_stretch", {unipc, flow_euler}, "one step with shift_terminal", "divides by 0",
         "a last sigma of 1 is not stretched"},
        {"unclip_single", {unclip}, "one step", "divides by 0", "one step from T - 1 to the data"},
        {"sde_ve_single", {score_sde_ve}, "one step", "a step from sigma_min, but the network is given sigma_max",
         "a step from sigma_max"},
        // Ends.
        {"repeated_sigma", solver_kinds, "a repeated last sigma, with order 3, heun or an sde algorithm",
         "0/0, or the root of a rounding error", "a step of length 0, which does not change x"},
        {"flow_end", {dpm_multistep, dpm_singlestep, euler},
         "final_sigmas_type sigma_min and a last sigma below the lowest of the betas' table, in a flow or by sigma_min",
         "noise rises in the last step", "a value_error"},
        {"inverse_at_clean", {ddim_inverse}, "prediction_type sample and set_alpha_to_one", "divides by sigma = 0",
         "a value_error"},
        {"unipc_zero", {unipc}, "a last step to sigma 0 with an order above 1, bh1 or predict_x0 false", "NaN",
         "the limit"},
        {"zero_snr_order", {euler, euler_ancestral, dpm_multistep, unipc},
         "rescale_betas_zero_snr if alpha_bar of T - 2 is below 2^-24, which replaces alpha_bar = 0",
         "noise rises in the first step", "a value_error"},
        {"zero_snr_epsilon", {ddpm, ddpm_parallel, ddim, ddim_parallel, lcm, tcd},
         "prediction_type epsilon and rescale_betas_zero_snr in a run that begins at T - 1",
         "divides by 0: NaN, or x_0 of +-clip_sample_range, whatever the network predicts",
         "a value_error: epsilon does not determine x_0 at alpha_bar = 0"},
        {"predict_epsilon", {ddpm, ddpm_parallel, ddim, ddim_parallel, pndm, dpm_multistep},
         "predict_epsilon false, which older versions wrote", "ignores it",
         "prediction_type sample, its meaning then, or an io_error if a prediction_type contradicts it"},
        // Variances.
        {"fixed_large_log", {ddpm, ddpm_parallel}, "variance_type fixed_large_log", "the root of ln(beta), NaN",
         "the same as fixed_large"},
        {"learned_variance", {ddpm, ddpm_parallel}, "variance_type learned",
         "uses the head as a variance, NaN where it is negative",
         "the head is a log-variance (Nichol and Dhariwal 2021)"},
        {"ddim_root", {ddim, ddim_parallel}, "eta 1 from alpha_bar = 0",
         "the root of a rounding error, NaN if negative", "0"},
        {"ancestral_cancellation", {euler_ancestral, kdpm2_ancestral, dpm_sde},
         "sigma that falls by more than a factor of 4 (KDPM2) or 30 in a step, as over squaredcos_cap_v2",
         "sigma_down, a root of a difference in float32, has lost its digits or is NaN", "the same formula in double"},
        {"inverse_sde", {dpm_inverse}, "an sde algorithm", "the root of a negative number", "a value_error"},
        // Algorithms.
        {"dpm_third_sde", {dpm_multistep, edm_dpm_multistep}, "solver_order 3 of sde-dpmsolver, in EDM of any sde",
         "no step, or a step without noise", "the third-order step with its noise"},
        {"third_sde_sign", {dpm_multistep, dpm_singlestep}, "solver_order 3 of sde-dpmsolver++", "a coefficient -1/2",
         "+1/2, as in the derivation"},
        {"noise_thresholding", {sa_solver, dpm_singlestep}, "thresholding with noise_prediction or dpmsolver",
         "an exception", "runs"},
        {"inverse_duplicates", {dpm_inverse}, "sigmas with repeated timesteps, or n > T",
         "drops a timestep, but not its sigma", "keeps both"},
        {"inverse_range", {dpm_inverse}, "a sigma_min or sigma_max from another class's config",
         "exchanges them, and goes down", "goes up from sigma_min to sigma_max"},
        // Precision.
        {"float32_scale", {pndm, lms, euler, euler_ancestral, heun, kdpm2, kdpm2_ancestral, dpm_sde, dpm_multistep,
         deis, sa_solver, unipc, score_sde_ve},
         "x of the scale of a large sigma_max, above 200, or scaled up by a large step",
         "the result has float32's error of 6e-8 of that scale", "the same formulas, scaled to variance 1"},
    };
    // clang-format on
    return all;
}

/// The departures of one class.
[[nodiscard]] inline std::vector<scheduler_departure> scheduler_departures(scheduler_kind kind) {
    std::vector<scheduler_departure> of_kind;
    for (const scheduler_departure& departure : scheduler_departures()) {
        if (departure.kinds.contains(kind)) {
            of_kind.push_back(departure);
        }
    }
    return of_kind;
}

}  // namespace ddpm::diffusers
