// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/grid/timesteps.hpp>
#include <ddpm/process/parameterization.hpp>
// IWYU pragma: end_exports

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ddpm::diffusers {

/// The class of a scheduler in diffusers; the enumerators are in scheduler_classes.hpp. The first is DDPMScheduler.
enum class scheduler_kind : int;

/// β as a function of t. Each class has some of these.
enum class beta_curve {
    linear,
    scaled_linear,      ///< √β is linear
    squaredcos_cap_v2,  ///< cosine_beta
    sigmoid,
    laplace,
    exp  ///< only in HeunDiscreteScheduler
};

/// The variance of a step.
enum class scheduler_variance {
    fixed_small,
    fixed_small_log,
    fixed_large,
    fixed_large_log,
    learned,
    learned_range,
    none
};

/// The algorithm of a solver.
enum class scheduler_algorithm {
    dpmsolver,
    dpmsolver_pp,
    sde_dpmsolver,
    sde_dpmsolver_pp,
    deis,
    data_prediction,
    noise_prediction
};

/// The interpolation of a solver.
enum class scheduler_solver { midpoint, heun, bh1, bh2, logrho };

/// The σ of EulerDiscreteScheduler: those of its timesteps, or evenly spaced in ln σ from the highest to the lowest.
enum class sigma_interpolation { linear, log_linear };

/// The time passed to the network: the timestep, or ¼ ln σ.
enum class scheduler_time { discrete, continuous };

/// The spacing of σ in EDM's schedulers.
enum class edm_sigma_schedule { karras, exponential };

/// The shift of a flow's σ as a function of μ: exp(μ) or μ.
enum class flow_time_shift { exponential, linear };

/// A scheduler_config.json, with the keys of all classes; each class uses some of them. The defaults are those of
/// DDPMScheduler and DDIMScheduler; for other classes see `default_scheduler_config`.
struct scheduler_config {
    scheduler_kind kind{};
    isize train_timesteps = 1000;  ///< T
    beta_curve curve = beta_curve::linear;
    double beta_start = 1e-4;
    double beta_end = 0.02;
    std::vector<double> trained_betas{};  ///< if not empty, β_0 … β_{T−1} instead of a curve
    bool zero_terminal_snr = false;       ///< rescales β so that ᾱ_{T−1} = 0
    prediction predicts = prediction::epsilon;
    scheduler_variance variance = scheduler_variance::fixed_small;
    bool clip = true;  ///< clamps the estimate of x_0 to ±clip_range
    double clip_range = 1;
    timestep_spacing spacing = timestep_spacing::leading;
    isize steps_offset = 0;    ///< added to the timesteps of leading spacing
    bool end_at_clean = true;  ///< set_alpha_to_one: the chain ends at x_0, not at the level of t = 0
    bool threshold = false;    ///< dynamic thresholding of the estimate of x_0
    double threshold_ratio = 0.995;
    double threshold_max = 1;  ///< sample_max_value

    // Replace the σ of timesteps; at most one of karras, exponential and beta.
    bool karras_sigmas = false;
    bool exponential_sigmas = false;
    bool beta_sigmas = false;
    bool lu_lambdas = false;
    bool flow_sigmas = false;
    std::optional<double> sigma_min{};
    std::optional<double> sigma_max{};
    grid_end final_sigma = grid_end::zero_noise;
    sigma_interpolation interpolation = sigma_interpolation::linear;
    scheduler_time time = scheduler_time::discrete;
    /// Timesteps with ln(α/σ) below this are not used.
    double lambda_min_clipped = -std::numeric_limits<double>::infinity();

    // Solvers.
    isize solver_order = 2;
    scheduler_algorithm algorithm = scheduler_algorithm::dpmsolver_pp;
    scheduler_solver solver = scheduler_solver::midpoint;
    bool lower_order_final = true;
    bool euler_at_final = false;
    bool skip_runge_kutta = false;  ///< skip_prk_steps
    bool predict_x0 = true;
    std::vector<isize> disable_corrector{};  ///< steps
    isize predictor_order = 2;
    isize corrector_order = 2;
    std::optional<std::uint64_t>
        noise_seed{};  ///< of diffusers' Brownian tree; not used, since runs are given their noise
    double eta = 0;    ///< of RePaintScheduler

    // Rectified flows.
    double flow_shift = 1;
    std::optional<double> shift_terminal{};
    bool dynamic_shifting = false;  ///< the shift depends on the image's size
    flow_time_shift time_shift = flow_time_shift::exponential;
    double base_shift = 0.5;  ///< μ at base_length
    double max_shift = 1.15;  ///< μ at max_length
    isize base_length = 256;
    isize max_length = 4096;
    bool invert_sigmas = false;
    bool stochastic = false;

    // EDM, consistency models and variance-exploding chains.
    double sigma_data = 0.5;
    double rho = 7;
    edm_sigma_schedule sigma_schedule = edm_sigma_schedule::karras;
    double s_noise = 1;
    isize original_steps = 50;  ///< number of timesteps that the model was distilled on
    double timestep_scaling = 10;
    double snr = 0.15;
    double sampling_eps = 1e-5;
    isize correct_steps = 1;

    std::vector<std::string> notes{};              ///< assumptions made in reading, and unknown keys; not written
    std::map<std::string, std::string> unknown{};  ///< the unknown keys and their JSON texts; written
};

/// Options that diffusers takes at run time, not from the file.
struct scheduler_run_options {
    std::optional<double> eta{};           ///< stochasticity of DDIM and TCD; if empty, diffusers' defaults 0 and 0.3
    std::optional<double> mu{};            ///< μ of dynamic shifting
    std::optional<double> image_length{};  ///< the number of tokens of an image, from which μ is computed if empty
    isize jump_length = 10;                ///< of RePaint
    isize jump_count = 10;                 ///< of RePaint
};

}  // namespace ddpm::diffusers
