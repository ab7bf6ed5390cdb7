// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/detail/scheduler_grids.hpp>
#include <ddpm/diffusers/detail/scheduler_timesteps.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/predictor/preconditioned.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace ddpm::diffusers::detail {

// The names of values in files. If scheduler classes differ, a class uses the first names of a list
// (value_names(curve_names).first(3)) or its own list.

inline constexpr named_value curve_names[]{{"linear", beta_curve::linear},
                                           {"scaled_linear", beta_curve::scaled_linear},
                                           {"squaredcos_cap_v2", beta_curve::squaredcos_cap_v2},
                                           {"sigmoid", beta_curve::sigmoid},
                                           {"laplace", beta_curve::laplace}};
inline constexpr named_value heun_curve_names[]{{"linear", beta_curve::linear},
                                                {"scaled_linear", beta_curve::scaled_linear},
                                                {"squaredcos_cap_v2", beta_curve::squaredcos_cap_v2},
                                                {"exp", beta_curve::exp}};

inline constexpr named_value prediction_names[]{{"epsilon", prediction::epsilon},
                                                {"sample", prediction::x0},
                                                {"v_prediction", prediction::v},
                                                {"flow_prediction", prediction::flow}};
inline constexpr named_value euler_prediction_names[]{{"epsilon", prediction::epsilon},
                                                      {"sample", prediction::x0},
                                                      {"v_prediction", prediction::v},
                                                      {"original_sample", prediction::x0}};
inline constexpr named_value epsilon_or_v_names[]{{"epsilon", prediction::epsilon}, {"v_prediction", prediction::v}};

// Solvers only read whether a variance is learned; the fixed ones occur in configs made from DDPM's.
inline constexpr named_value variance_names[]{
    {"fixed_small", scheduler_variance::fixed_small}, {"fixed_small_log", scheduler_variance::fixed_small_log},
    {"fixed_large", scheduler_variance::fixed_large}, {"fixed_large_log", scheduler_variance::fixed_large_log},
    {"learned", scheduler_variance::learned},         {"learned_range", scheduler_variance::learned_range}};
inline constexpr named_value unclip_variance_names[]{{"fixed_small_log", scheduler_variance::fixed_small_log},
                                                     {"learned_range", scheduler_variance::learned_range}};

inline constexpr named_value spacing_names[]{{"leading", timestep_spacing::leading},
                                             {"trailing", timestep_spacing::trailing},
                                             {"linspace", timestep_spacing::linspace}};

inline constexpr named_value algorithm_names[]{{"dpmsolver++", scheduler_algorithm::dpmsolver_pp},
                                               {"dpmsolver", scheduler_algorithm::dpmsolver},
                                               {"sde-dpmsolver++", scheduler_algorithm::sde_dpmsolver_pp},
                                               {"deis", scheduler_algorithm::dpmsolver_pp},
                                               {"sde-dpmsolver", scheduler_algorithm::sde_dpmsolver}};
inline constexpr named_value deis_algorithm_names[]{{"deis", scheduler_algorithm::deis},
                                                    {"dpmsolver", scheduler_algorithm::deis},
                                                    {"dpmsolver++", scheduler_algorithm::deis}};
inline constexpr named_value sa_algorithm_names[]{{"data_prediction", scheduler_algorithm::data_prediction},
                                                  {"noise_prediction", scheduler_algorithm::noise_prediction}};
inline constexpr named_value edm_algorithm_names[]{{"dpmsolver++", scheduler_algorithm::dpmsolver_pp},
                                                   {"sde-dpmsolver++", scheduler_algorithm::sde_dpmsolver_pp},
                                                   {"deis", scheduler_algorithm::dpmsolver_pp}};

inline constexpr named_value solver_names[]{{"midpoint", scheduler_solver::midpoint},
                                            {"heun", scheduler_solver::heun},
                                            {"logrho", scheduler_solver::midpoint},
                                            {"bh1", scheduler_solver::midpoint},
                                            {"bh2", scheduler_solver::midpoint}};
inline constexpr named_value unipc_solver_names[]{{"bh1", scheduler_solver::bh1},
                                                  {"bh2", scheduler_solver::bh2},
                                                  {"midpoint", scheduler_solver::bh2},
                                                  {"heun", scheduler_solver::bh2},
                                                  {"logrho", scheduler_solver::bh2}};
inline constexpr named_value deis_solver_names[]{{"logrho", scheduler_solver::logrho},
                                                 {"midpoint", scheduler_solver::logrho},
                                                 {"heun", scheduler_solver::logrho},
                                                 {"bh1", scheduler_solver::logrho},
                                                 {"bh2", scheduler_solver::logrho}};

inline constexpr named_value final_sigma_names[]{{"zero", grid_end::zero_noise}, {"sigma_min", grid_end::least_noise}};
inline constexpr named_value interpolation_names[]{{"linear", sigma_interpolation::linear},
                                                   {"log_linear", sigma_interpolation::log_linear}};
inline constexpr named_value time_names[]{{"discrete", scheduler_time::discrete},
                                          {"continuous", scheduler_time::continuous}};
inline constexpr named_value sigma_schedule_names[]{{"karras", edm_sigma_schedule::karras},
                                                    {"exponential", edm_sigma_schedule::exponential}};
inline constexpr named_value time_shift_names[]{{"exponential", flow_time_shift::exponential},
                                                {"linear", flow_time_shift::linear}};

/// The steps of a class: those of a sampler over a grid, or of a function in scheduler_plans.hpp or scheduler.hpp,
/// which computes in the floating-point type of the schedule's tables.
enum class scheduler_steps { sampler, ddpm, unclip, ddim, ddim_inverse, repaint };

/// A class of diffusers, a row of scheduler_classes.
struct scheduler_class {
    scheduler_kind kind;
    std::string_view name;

    /// The pipeline for a UNet2DModel that keeps a scheduler of this class when it loads, and runs it correctly.
    /// DDIMPipeline and PNDMPipeline convert any scheduler to their own class; only ConsistencyModelPipeline scales the
    /// initial noise and the network's input, as Euler's schedulers need. Empty if there is none: pipelines pass a
    /// generator to `step`, which Heun, LMS, KDPM2, UniPC, DEIS and others reject.
    std::string_view pipeline{};

    // Its config file.
    std::array<std::string_view, 9> keys{};  ///< each text is one or more keys, separated by blanks
    void (*set_defaults)(scheduler_config&) = [](scheduler_config&) {};
    value_names curves = value_names(curve_names).first(3), predictions = value_names(prediction_names).first(3),
                variances = variance_names, spacings = spacing_names, algorithms = algorithm_names,
                solvers = solver_names;
    isize most_order = 3;  ///< the largest solver_order

    // Its runs.
    std::vector<isize> (*timesteps)(const scheduler_config&, isize count) = spaced_timesteps;
    scheduler_steps steps = scheduler_steps::sampler;
    time_grid (*grid)(const run_inputs&) = nullptr;                        ///< the sampler's grid
    sampling_plan (*plan)(const run_inputs&, const time_grid&) = nullptr;  ///< the sampler's plan
    std::optional<prediction> predicts{};  ///< the network's prediction; empty: the config's
    edm_preconditioning (*preconditioning)(const scheduler_config&) = nullptr;
    /// The standard deviation of the initial x at its level: diffusers' init_noise_sigma in the scale of the plan's x.
    double (*deviation)(const scheduler_config&, const noise_level<double>&) = unit_deviation;
    predictor_corrector (*corrector)(const scheduler_config&) = nullptr;  ///< used instead of the plan
    bool limits_x0 = true;  ///< whether keys of clipping and thresholding have an effect
    bool clips_epsilon = false;

    [[nodiscard]] constexpr bool has_key(std::string_view key) const noexcept {
        for (const std::string_view group : keys) {
            for (std::size_t at = group.find(key); at != group.npos; at = group.find(key, at + 1)) {
                const std::size_t end = at + key.size();
                if ((at == 0 || group[at - 1] == ' ') && (end == group.size() || group[end] == ' ')) {
                    return true;
                }
            }
        }
        return false;
    }

    /// Whether it reads a key from files of other classes, but does not write it: classes with Karras σ read the range.
    [[nodiscard]] constexpr bool inherits_key(std::string_view key) const noexcept {
        return (key == "sigma_min" || key == "sigma_max") && !has_key(key) && has_key("use_karras_sigmas");
    }

    /// Whether it has a table of β. Otherwise its grid and plan depend on the config only.
    [[nodiscard]] constexpr bool has_betas() const noexcept { return has_key("beta_schedule"); }
};

}  // namespace ddpm::diffusers::detail
