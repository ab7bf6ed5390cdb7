// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// How likely are unseen digits? Trains with the simple, the hybrid and the variational loss, and measures the
// variational bound of held-out images in bits per dimension, timestep by timestep and over short sub-sequences of
// them.
#include "likelihood/gradient_variance.hpp"
#include "support/checkpoint.hpp"
#include "support/curve_plot.hpp"
#include "support/marked_text.hpp"
#include "support/output.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "support/stopwatch.hpp"
#include "support/training.hpp"

#include <ddpm/core/parallel.hpp>
#include <ddpm/grid/timesteps.hpp>
#include <ddpm/io/idx.hpp>
#include <ddpm/likelihood/optimal_timesteps.hpp>
#include <ddpm/likelihood/variational_bound.hpp>
#include <ddpm/loss/hybrid.hpp>
#include <ddpm/loss/vlb.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace {

using ddpm::isize;
using images = ddpm::batch<float>;  // one image per column, pixels in [-1, 1]
using network = ddpm::nn::mlp<float>;
using schedule_type = ddpm::noise_schedule<>;

struct settings {
    std::string data = DDPM_EXAMPLES_DATA "/digits-images.idx3-ubyte";
    std::string out = "out/likelihood";
    std::string tables;
    isize held_out = 297;
    isize timesteps = 4000;
    isize steps = 2000;
    int gradient_batches = 300;
    isize threads = 0;
    std::uint64_t seed = 1;
    examples::checkpoint_options checkpoint{};

    [[nodiscard]] std::string file(const std::string& name) const {
        return (std::filesystem::path(out) / name).string();
    }
};

/// A model and how its bound is measured.
struct measured {
    std::string name;
    std::string colour;
    ddpm::reverse_variance variance;
    ddpm::bound_result bound;
};

/// What the files of the four models begin with.
constexpr const char* model_names[] = {"simple", "hybrid", "hybrid_importance", "vlb_importance"};

/// Trains a network of its own with a loss, and gives its average. All have the same network, steps, data and
/// optimizer; the weight decay keeps them from learning the few images by heart. Its files begin with `name`.
template <class Loss>
network train(const std::string& name, const schedule_type& schedule, const images& data, const settings& chosen,
              const Loss& loss, const ddpm::time_sampling& sampling) {
    network net{{.dim = data.rows(),
                 .hidden = 256,
                 .blocks = 3,
                 .variance_head = true,
                 .time_to_output = true,
                 .seed = chosen.seed}};
    ddpm::trainer trainer{net,
                          schedule,
                          {.batch = 128,
                           .learning_rate = 2e-3,
                           .adam = {.weight_decay = 0.15},
                           .time_sampling = sampling,
                           .seed = chosen.seed},
                          loss};
    std::printf("Model:    %s\n", name.c_str());
    const examples::training_files files{chosen.file(name + ".safetensors"), chosen.file(name + "_loss.svg")};
    examples::checkpoint_options checkpoint = chosen.checkpoint;
    // A run that was stopped has not begun all of its models.
    checkpoint.resume = checkpoint.resume && std::filesystem::exists(files.checkpoint);
    examples::open_checkpoint(trainer, files.checkpoint, checkpoint, {{"--seed", "seed", std::to_string(chosen.seed)}});
    examples::train(trainer, {data}, chosen.steps, files, checkpoint.save_every);
    return trainer.average();
}

ddpm::bound_options options_of(ddpm::reverse_variance variance, const std::vector<isize>& timesteps = {}) {
    return {.variance = variance, .timesteps = timesteps, .batch = 297, .progress = examples::progress{}};
}

/// A line of a table, by the format of printf.
template <class... T>
std::string row(const char* format, T... values) {
    char line[200];
    std::snprintf(line, sizeof line, format, values...);
    return line;
}

/// Prints a table, and puts it into the file of tables if there is one.
void show_table(const settings& chosen, const char* name, const char* title, const std::string& table) {
    std::printf("\n%s\n\n%s", title, table.c_str());
    if (!chosen.tables.empty()) {
        examples::replace_marked(chosen.tables, name, table);
        std::printf("\n%s has this table.\n", chosen.tables.c_str());
    }
}

std::string bound_table(const std::vector<measured>& models) {
    std::string table =
        "| model, variance | bits per dimension | standard error | of it L_0 | L_T |\n|---|---|---|---|---|\n";
    for (const measured& model : models) {
        const ddpm::mean_estimate bits = model.bound.bits();
        table += row("| %s | %.4f | %.4f | %.4f | %.1e |\n", model.name.c_str(), bits.mean, bits.error,
                     ddpm::to_bits(model.bound.decoder()).mean, ddpm::to_bits(model.bound.prior).mean);
    }
    return table;
}

/// The terms of the bound over t.
void draw_terms(const std::string& path, const std::vector<measured>& models, isize timesteps) {
    std::vector<examples::plot_curve> curves;
    for (const measured& model : models) {
        examples::plot_curve curve{model.name, model.colour, {}, {}};
        const auto& terms = model.bound.terms;  // the noisiest first
        for (isize t = 0; t < timesteps;) {
            const isize end = std::min(timesteps, t + 1 + t / 20);  // neighbours are averaged, the more the later
            double sum = 0;
            for (isize i = t; i < end; ++i) {
                sum += ddpm::to_bits(terms[static_cast<std::size_t>(timesteps - 1 - i)].nats).mean;
            }
            curve.x.push_back(static_cast<double>(t + end + 1) / 2);
            curve.y.push_back(sum / static_cast<double>(end - t));
            t = end;
        }
        curves.push_back(std::move(curve));
    }
    const double last = static_cast<double>(timesteps);
    examples::write_curve_plot(path,
                               {.title = "The terms of the bound, timestep by timestep",
                                .x_label = "t + 1",
                                .y_label = "bits per dimension",
                                .logarithmic_x = true,
                                .x_ticks = {1, 10, 100, last / 4, last},
                                .least = 3e-6,
                                .most = 1},
                               curves);
}

/// The bound over few timesteps: evenly spaced ones against those that dynamic programming chooses by the errors that
/// were measured on the images of the training. Both go from T − 1 to 0.
void compare_sequences(const schedule_type& schedule, const network& net, const images& trained, const images& held_out,
                       const settings& chosen) {
    const auto measure = [&](const images& data, ddpm::reverse_variance variance, const std::vector<isize>& timesteps) {
        return ddpm::variational_bound(schedule, net, data, options_of(variance, timesteps));
    };
    const ddpm::bound_result errors = measure(trained.leftCols(300), ddpm::reverse_variance::learned_range, {});
    const auto ends_at_zero = [](isize t) { return t == 0 ? 0 : std::numeric_limits<double>::infinity(); };
    constexpr isize most = 50;
    std::string table =
        "| timesteps | large, even | large, optimal | learned, even | learned, optimal |\n|---|---|---|---|---|\n";
    const auto optimal = [&](ddpm::step_variance variance) {
        const ddpm::step_cost cost(schedule, errors.x0_errors(), {.variance = variance, .decoder = ends_at_zero});
        return ddpm::optimal_sequences(schedule.steps(), most, cost);
    };
    const auto by_large = optimal(ddpm::step_variance::fixed_large), by_matched = optimal(ddpm::step_variance::matched);
    for (const isize count : {10, 25, 50}) {
        const auto even = ddpm::make_timesteps(schedule.steps(), count, ddpm::timestep_spacing::linspace);
        const auto bits = [&](ddpm::reverse_variance variance, const std::vector<isize>& timesteps) {
            return measure(held_out, variance, timesteps).bits().mean;
        };
        using enum ddpm::reverse_variance;
        table += row("| %td | %.3f | %.3f | %.3f | %.3f |\n", count, bits(fixed_large, even),
                     bits(fixed_large, by_large[count].timesteps), bits(learned_range, even),
                     bits(learned_range, by_matched[count].timesteps));
    }
    show_table(chosen, "sequences", "Bits per dimension over sub-sequences of the timesteps, evenly spaced and optimal",
               table);
}

int run(const settings& chosen) {
    const examples::stopwatch watch;
    ddpm::set_thread_count(chosen.threads);
    examples::require_room(chosen.file("terms.svg"), 65536);
    const images all = ddpm::io::to_batch<float>(ddpm::io::read_idx_images(chosen.data));
    if (chosen.held_out >= all.cols() - 300) {
        throw ddpm::value_error("likelihood", "held-out images", "300 less than there are", chosen.held_out);
    }
    const images data = all.leftCols(all.cols() - chosen.held_out), held_out = all.rightCols(chosen.held_out);
    const schedule_type schedule{ddpm::cosine_beta{}, chosen.timesteps};

    for (const char* const name : model_names) {  // all of them, so that --resume never meets one of an earlier run
        examples::make_way(chosen.file(std::string(name) + ".safetensors"), chosen.checkpoint);
    }

    // The bound below limits x̂_0. The head is to see the small t often, where its variance counts, the prediction all
    // t.
    const ddpm::hybrid_loss hybrid_loss{.clip_denoised = true, .reports_bound = true};
    const ddpm::importance_times some_importance{.history = 1, .uniform_probability = 0.8};

    const network simple = train(model_names[0], schedule, data, chosen, ddpm::mse_loss{}, ddpm::uniform_times{});
    const network hybrid = train(model_names[1], schedule, data, chosen, hybrid_loss, ddpm::uniform_times{});
    const network hybrid_importance = train(model_names[2], schedule, data, chosen, hybrid_loss, some_importance);
    const network vlb = train(model_names[3], schedule, data, chosen, ddpm::vlb_loss{}, ddpm::importance_times{});

    using enum ddpm::reverse_variance;
    std::vector<measured> models;
    const auto measure = [&](const char* name, const char* colour, const network& net,
                             ddpm::reverse_variance variance) {
        std::printf("Measuring %s ...\n", name);
        models.push_back(
            {name, colour, variance, ddpm::variational_bound(schedule, net, held_out, options_of(variance))});
    };
    measure("L_simple, fixed_small", "#14507f", simple, fixed_small);
    measure("L_simple, fixed_large", "#8e44ad", simple, fixed_large);
    measure("L_hybrid, learned", "#1e8449", hybrid, learned_range);
    measure("L_hybrid, importance", "#b9770e", hybrid_importance, learned_range);
    measure("its mean, fixed_large", "#7f8c8d", hybrid_importance, fixed_large);
    measure("L_vlb, importance", "#c0392b", vlb, learned_range);
    show_table(chosen, "bound", "Variational bound of the held-out images", bound_table(models));
    draw_terms(chosen.file("terms.svg"), models, chosen.timesteps);

    compare_sequences(schedule, hybrid_importance, data, held_out, chosen);

    std::printf("\nMeasuring the gradient of L_vlb ...\n");
    const auto [uniform, importance] =
        examples::vlb_gradient_variances(schedule, hybrid_importance, data, chosen.seed, chosen.gradient_batches);
    std::printf(
        "Variance of the gradient of L_vlb over batches of 128: %.3g with uniform timesteps, %.3g with importance "
        "sampling, a factor of %.1f\n",
        uniform, importance, uniform / importance);
    std::printf(
        "\n%s holds\n"
        "  terms.svg                the terms of the bound over t\n"
        "  simple.safetensors       a model of each loss, its average and the state of its training;\n"
        "  hybrid.safetensors       beside it, as simple_loss.svg, the loss of each training step\n"
        "  hybrid_importance.safetensors\n"
        "  vlb_importance.safetensors\n"
        "Done in %.1f s.\n",
        chosen.out.c_str(), watch.seconds());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    CLI::App app{"Measures the likelihood of digits under diffusion models.", "likelihood"};
    examples::add_quick_flag(app, [&] {
        chosen.timesteps = 50;
        chosen.steps = 20;
        chosen.held_out = 40;
        chosen.gradient_batches = 20;
    });
    app.add_option("--data", chosen.data, "small grey images: any IDX file")
        ->check(CLI::ExistingFile)
        ->capture_default_str();
    app.add_option("--out", chosen.out, "folder for the results")->capture_default_str();
    app.add_option("--tables", chosen.tables,
                   "a Markdown file whose tables are replaced: examples/likelihood/README.md")
        ->check(CLI::ExistingFile);
    app.add_option("--held-out", chosen.held_out, "the last images, which are not learned from")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    app.add_option("--timesteps", chosen.timesteps, "T")->check(CLI::Range(50, 100'000))->capture_default_str();
    app.add_option("--steps", chosen.steps, "training steps of each model in all")
        ->check(CLI::Range(1, 1'000'000'000))
        ->capture_default_str();
    app.add_option("--seed", chosen.seed, "the same seed gives the same results")->capture_default_str();
    app.add_option("--threads", chosen.threads, "0: one for each usable core")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    examples::add_checkpoint_options(app, chosen.checkpoint);
    return examples::run_program(app, argc, argv, [&] { return run(chosen); });
}
