// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Every sampler against an exactly known network: how far from the data are samples after so many evaluations?
#include "samplers/path_plot.hpp"
#include "support/curve_plot.hpp"
#include "support/marked_text.hpp"
#include "support/output.hpp"
#include "support/program.hpp"
#include "support/stopwatch.hpp"

#include <ddpm/grid/level_function.hpp>
#include <ddpm/grid/sigma_grid.hpp>
#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/metrics/sliced_wasserstein.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/sampler/adaptive_dpm_solver.hpp>
#include <ddpm/sampler/by_name.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using ddpm::isize;
using points = ddpm::batch<double>;

constexpr isize budgets[] = {5, 10, 20, 50};

struct settings {
    std::string out = "out/samplers";
    std::string tables;
    isize count = 20000;
    std::uint64_t seed = 1;
};

/// Six ellipses on a ring, of different weights, each turned to point outwards.
ddpm::gaussian_mixture ring() {
    constexpr int components = 6;
    std::vector<double> weights;
    points means(2, components);
    std::vector<Eigen::MatrixXd> covariances;
    for (int k = 0; k < components; ++k) {
        const double angle = 2 * std::numbers::pi * k / components;
        const Eigen::Vector2d outwards(std::cos(angle), std::sin(angle)), along(-outwards.y(), outwards.x());
        weights.push_back(1 + k % 3);
        means.col(k) = outwards.array();
        covariances.emplace_back(0.03 * outwards * outwards.transpose() + 0.004 * along * along.transpose());
    }
    return ddpm::gaussian_mixture::full(weights, means, covariances);
}

/// What all samplers share: a chain of 1,000 steps, the exact network, and the data.
struct problem {
    explicit problem(const settings& chosen)
        : options{.count = chosen.count, .shape = 2, .seed = chosen.seed}, data(mixture.sample(chosen.count, 100)) {}

    /// Karras' σ from the schedule's largest to its smallest, then 0.
    [[nodiscard]] ddpm::time_grid grid(isize steps) const {
        return ddpm::sigma_grid(table, ddpm::karras_sigmas(steps, table.range()));
    }

    [[nodiscard]] double error(const points& samples) const { return ddpm::sliced_wasserstein(samples, data); }

    ddpm::noise_schedule<> schedule{ddpm::linear_beta{}, 1000};
    ddpm::sigma_table table{schedule};
    ddpm::gaussian_mixture mixture = ring();
    ddpm::mixture_oracle network{mixture, schedule};
    ddpm::sample_options options;
    points data;
};

/// The plan of the most steps that asks the network no more often than `budget` allows.
std::optional<ddpm::sampling_plan> plan_within(const problem& given, const ddpm::any_sampler& sampler, isize budget) {
    for (isize steps = budget; steps > 0; --steps) {
        ddpm::sampling_plan plan = sampler.plan(given.grid(steps));
        if (static_cast<isize>(plan.stages().size()) <= budget) {
            return plan;
        }
    }
    return std::nullopt;
}

/// Samples by a Langevin corrector and a predictor by turns.
points predicted_and_corrected(const problem& given, isize budget) {
    const ddpm::time_grid grid = given.grid(std::max<isize>(1, budget / 2));
    const ddpm::philox_noise noise(given.options.seed, ddpm::noise_stream::sampler);
    points x(2, given.options.count);
    noise.normal(ddpm::batch_view<double>(x), 0);
    return ddpm::denoise_from<double>(ddpm::predictor_corrector{}, grid, given.network, std::move(x), noise);
}

/// Samples with steps that each chooses by itself, at the least tolerance for which the slowest keeps within the
/// budget.
points with_adaptive_steps(const problem& given, isize budget) {
    const auto point_at = [&](double lambda) {
        const double ratio = std::exp(-lambda);
        return ddpm::grid_point{given.table.time_of(ratio), ddpm::variance_preserving_level(ratio)};
    };
    const auto range = given.table.range();
    const ddpm::philox_noise noise(given.options.seed, ddpm::noise_stream::sampler);
    points start(2, given.options.count);
    noise.normal(ddpm::batch_view<double>(start), 0);
    points best;
    double loose = 4, tight = -8;  // powers of ten
    for (int i = 0; i < 8; ++i) {
        const double exponent = (loose + tight) / 2, tolerance = std::pow(10, exponent);
        const auto result = ddpm::denoise_from<double>(ddpm::adaptive_dpm_solver{.order = 2,
                                                                                 .relative_tolerance = tolerance,
                                                                                 .absolute_tolerance = tolerance,
                                                                                 .first_step = 1,
                                                                                 .most_steps = budget / 2},
                                                       point_at, -std::log(range.highest) + 1e-9,
                                                       -std::log(range.lowest) - 1e-9, given.network, points(start));
        const bool within = result.finished && result.evaluations <= budget;
        (within ? loose : tight) = exponent;
        if (within) {
            best = result.x;
        }
    }
    return best;
}

/// The states of some particles on their way.
examples::particle_paths follow(const problem& given, const std::string& name, isize steps, isize count) {
    examples::particle_paths paths{name + ", " + std::to_string(steps) + " steps", {}};
    const ddpm::sampling_plan plan = ddpm::sampler_by_name(name).plan(given.grid(steps));
    ddpm::sample_options options = given.options;
    options.count = count;
    const points end = ddpm::sample<double>(plan, given.network, options, [&](const ddpm::sample_step<double>& now) {
        paths.states.emplace_back(now.xt.array());
        return true;
    });
    paths.states.push_back(end);
    return paths;
}

int compare(const settings& chosen) {
    const auto file = [&](const char* name) { return (std::filesystem::path(chosen.out) / name).string(); };
    examples::require_room(file("samplers.svg"), 1 << 20);
    const examples::stopwatch watch;
    const problem given(chosen);
    const double floor = given.error(given.mixture.sample(chosen.count, 200));

    std::vector<std::pair<std::string, std::function<points(isize)>>> samplers;
    for (const ddpm::named_sampler& one : ddpm::named_samplers()) {
        samplers.emplace_back(one.name, [&](isize budget) {
            const auto plan = plan_within(given, one.sampler, budget);
            return plan ? ddpm::sample<double>(*plan, given.network, given.options) : points();
        });
    }
    samplers.emplace_back("predictor_corrector", [&](isize budget) { return predicted_and_corrected(given, budget); });
    samplers.emplace_back("adaptive_dpm_solver_12", [&](isize budget) { return with_adaptive_steps(given, budget); });

    const std::map<std::string, std::string> colours{
        {"ancestral", "#8e44ad"}, {"ddim", "#14507f"},    {"euler_ancestral", "#c0392b"}, {"heun", "#b9770e"},
        {"dpmpp_2m", "#1e8449"},  {"unipc_3", "#0e6655"}, {"dpmpp_2m_sde", "#d35400"},    {"deis_3", "#5d6d7e"}};
    std::vector<examples::plot_curve> curves;
    std::printf("%td samples in the plane; exact samples among themselves: %.4f\n\n", chosen.count, floor);
    std::string table = "| sampler | 5 | 10 | 20 | 50 |\n|---|---|---|---|---|\n";
    std::printf("%s", table.c_str());
    for (const auto& [name, draw] : samplers) {
        const auto colour = colours.find(name);
        examples::plot_curve curve{name, colour == colours.end() ? "" : colour->second, {}, {}};
        std::string row = "| " + name + " |";
        for (const isize budget : budgets) {
            const points samples = draw(budget);
            if (samples.size() == 0) {
                row += " – |";
                continue;
            }
            const double error = given.error(samples);
            char cell[32];
            std::snprintf(cell, sizeof cell, " %.3f |", error);
            row += cell;
            curve.x.push_back(static_cast<double>(budget));
            curve.y.push_back(error);
        }
        std::printf("%s\n", row.c_str());
        table += row + "\n";
        curves.push_back(std::move(curve));
    }
    examples::write_curve_plot(file("samplers.svg"),
                               {.title = "Distance from the data after so many evaluations",
                                .x_label = "network evaluations",
                                .y_label = "sliced Wasserstein distance",
                                .logarithmic_x = true,
                                .x_ticks = {5, 10, 20, 50},
                                .least = floor * 0.7,
                                .most = floor * 200,
                                .line = floor,
                                .line_name = "exact samples among themselves"},
                               curves);
    examples::write_path_plot(file("paths.svg"),
                              {follow(given, "ancestral", 50, 8), follow(given, "ddim", 50, 60),
                               follow(given, "heun_churn", 25, 8), follow(given, "dpmpp_2m", 10, 60)},
                              given.data.leftCols(std::min<isize>(600, chosen.count)), 2.2);
    if (!chosen.tables.empty()) {
        examples::replace_marked(chosen.tables, "samplers", table);
        std::printf("\n%s has the new table.\n", chosen.tables.c_str());
    }
    std::printf(
        "\n%s holds\n"
        "  samplers.svg  the distances\n"
        "  paths.svg     particles on their way from noise to data\n"
        "Done in %.1f s.\n",
        chosen.out.c_str(), watch.seconds());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    CLI::App app{"Compares all samplers on a mixture of Gaussians, whose perfect network is known.", "samplers"};
    examples::add_quick_flag(app, [&] { chosen.count = 200; });
    app.add_option("--out", chosen.out, "the folder for the drawings")->capture_default_str();
    app.add_option("--tables", chosen.tables, "a Markdown file whose table is replaced: examples/samplers/README.md")
        ->check(CLI::ExistingFile);
    app.add_option("--count", chosen.count, "how many samples")
        ->check(CLI::Range(100, 10000000))
        ->capture_default_str();
    app.add_option("--seed", chosen.seed, "the same seed gives the same samples")->capture_default_str();
    return examples::run_program(app, argc, argv, [&] { return compare(chosen); });
}
