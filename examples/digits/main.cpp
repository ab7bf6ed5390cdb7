// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Trains a diffusion model on small images, by default the 1,797 handwritten digits that come with the library, or a
// folder of PNG files, also in colour, and draws new ones. `run` below shows the whole way; each step of it is one
// function.
#include "support/checkpoint.hpp"
#include "support/interrupt.hpp"
#include "support/png_folder.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "support/sheet.hpp"
#include "support/stopwatch.hpp"
#include "support/training.hpp"

#include <ddpm/ddpm.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using ddpm::isize;
using images = ddpm::batch<float>;  // one image per column, pixels in [-1, 1]
using network = ddpm::nn::mlp<float>;
using schedule_type = ddpm::noise_schedule<>;
using trainer_type = ddpm::trainer<network, schedule_type>;

struct settings {
    std::string data = DDPM_EXAMPLES_DATA "/digits-images.idx3-ubyte";
    std::string out = "out/digits";
    isize steps = 4000;
    isize samples = 2000;
    isize threads = 0;
    std::uint64_t seed = 1;
    examples::checkpoint_options checkpoint{};

    [[nodiscard]] std::string file(const char* name) const { return (std::filesystem::path(out) / name).string(); }
};

/// The images of a folder of PNG files, or of an IDX file.
examples::image_set read_data(const std::string& path) {
    if (std::filesystem::is_directory(path)) {
        return examples::read_png_folder(path);
    }
    const ddpm::io::idx_images file = ddpm::io::read_idx_images(path);
    return {ddpm::io::to_batch<float>(file), file.shape()};
}

/// Timesteps to show: `count` of them, evenly from little noise to nothing but noise.
std::vector<isize> shown_timesteps(const schedule_type& schedule, isize count) {
    std::vector<isize> times;
    for (isize i = 1; i <= count; ++i) {
        times.push_back(schedule.steps() * i / count - 1);
    }
    return times;
}

/// Real images, and each of them with more and more noise, row by row.
images forward_rows(const schedule_type& schedule, const images& data, const std::vector<isize>& times, isize rows,
                    std::uint64_t seed) {
    const isize columns = std::ssize(times) + 1;
    images tiles(data.rows(), rows * columns);
    images eps(data.rows(), 1);
    for (isize row = 0; row < rows; ++row) {
        const auto x0 = data.col(row % data.cols());
        tiles.col(row * columns) = x0;
        ddpm::philox_noise(seed, ddpm::noise_stream::sampler).normal<float>(eps, 0, row);
        for (isize i = 0; i + 1 < columns; ++i) {
            tiles.col(row * columns + i + 1) = ddpm::q_sample(schedule, x0, times[static_cast<std::size_t>(i)], eps);
        }
    }
    return tiles;
}

/// Draws samples: pure noise, denoised step by step. The first few go to `tiles` as they were at `times`, row by row.
images draw_samples(const trainer_type& trainer, const schedule_type& schedule, const settings& chosen,
                    const std::vector<isize>& times, isize rows, images& tiles) {
    const examples::stopwatch watch;
    const examples::interrupt_watch ctrl_c;
    const examples::progress shown;
    const isize columns = std::ssize(times) + 1;
    tiles = images::Zero(trainer.net().dim(), rows * columns);
    const auto keep = [&](const ddpm::sample_step<float>& now) {
        const isize noisier = times.end() - std::ranges::find(times, static_cast<isize>(now.t));
        for (isize row = 0; noisier > 0 && row < rows; ++row) {
            tiles.col(row * columns + noisier - 1) = now.xt.array().col(row);
        }
        shown(now);
        return !ctrl_c.interrupted();
    };
    const ddpm::sample_options options{.count = chosen.samples, .seed = chosen.seed, .clip_x0 = 1.0};
    const images samples = ddpm::sample(ddpm::ancestral{}, schedule, trainer.ema(), options, keep);
    ctrl_c.throw_if_interrupted("stopped while it drew: --resume draws with the model that is saved");
    for (isize row = 0; row < rows; ++row) {
        tiles.col((row + 1) * columns - 1) = samples.col(row);
    }
    std::printf("Drew %td samples in %td steps each in %.1f s.\n", samples.cols(), schedule.steps(), watch.seconds());
    return samples;
}

void report_quality(const images& samples, const images& data) {
    std::printf("Frechet distance of the samples to the data, raw pixels: %.3f\n",  //
                ddpm::frechet_distance(samples, data));
    std::printf("Mean distance to the nearest data: samples %.3f, the data among themselves %.3f\n",
                ddpm::mean_nearest_neighbour_distance(samples, data), ddpm::mean_nearest_neighbour_distance(data));
}

int run(const settings& chosen) {
    const examples::stopwatch watch;
    ddpm::set_thread_count(chosen.threads);
    const auto [data, image] = read_data(chosen.data);
    if (data.cols() < 2) {
        throw ddpm::value_error("digits", "images to learn from", "at least 2", data.cols());
    }

    const schedule_type schedule{ddpm::cosine_beta{}, 1000};
    network net{{.dim = data.rows(), .hidden = 256, .blocks = 3, .seed = chosen.seed}};
    // A network narrower than the image cannot let all of the noise through: it had better predict the image.
    const auto kind = net.dim() < net.options().hidden ? ddpm::prediction::epsilon : ddpm::prediction::x0;
    const ddpm::trainer_options options{.batch = 128, .learning_rate = 1e-3, .predicts = kind, .seed = chosen.seed};
    trainer_type trainer{net, schedule, options};
    const examples::training_files files{chosen.file("model.safetensors"), chosen.file("loss.svg")};
    examples::open_checkpoint(trainer, files.checkpoint, chosen.checkpoint,
                              {{"--seed", "seed", std::to_string(chosen.seed)}});

    std::printf("Data:     %td images of %td x %td pixels, %s, from %s\n", data.cols(), image.height, image.width,
                image.channels == 3 ? "in colour" : "grey", chosen.data.c_str());
    std::printf("Model:    residual MLP, %td parameters, predicts the %s; %td timesteps, cosine schedule\n",
                ddpm::nn::parameter_count(net), kind == ddpm::prediction::x0 ? "image" : "noise", schedule.steps());
    examples::train(trainer, {data}, chosen.steps, files, chosen.checkpoint.save_every);

    constexpr isize shown_rows = 5;
    const std::vector<isize> times = shown_timesteps(schedule, 10);
    images denoising;
    const images samples = draw_samples(trainer, schedule, chosen, times, shown_rows, denoising);
    ddpm::io::write_npy(chosen.file("samples.npy"), samples);

    const auto grid = [&, shape = image](const images& tiles, isize columns) {
        return ddpm::io::image_grid(tiles, shape, examples::sheet(shape, columns));
    };
    ddpm::io::write_png(chosen.file("samples.png"), grid(samples.leftCols(std::min<isize>(100, samples.cols())), 10));
    const images noising = forward_rows(schedule, data, times, shown_rows, chosen.seed);
    const isize columns = std::ssize(times) + 1;
    ddpm::io::write_png(chosen.file("process.png"),
                        examples::stacked(grid(noising, columns), grid(denoising, columns)));

    report_quality(samples, data);
    std::printf(
        "\n%s holds\n"
        "  samples.png        new images\n"
        "  process.png        real images noised (upper rows); new images out of noise (lower rows)\n"
        "  loss.svg           the loss of each training step\n"
        "  samples.npy        all %td new images, float32, one per row\n"
        "  model.safetensors  the model, its average and the state of its training\n"
        "Done in %.1f s.\n",
        chosen.out.c_str(), samples.cols(), watch.seconds());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    CLI::App app{"Trains a diffusion model on small images and draws new ones.", "digits"};
    examples::add_quick_flag(app, [&] { chosen.steps = chosen.samples = 20; });
    app.add_option("--data", chosen.data, "images to learn from: an IDX file, as MNIST has, or a folder of PNG files")
        ->check(CLI::ExistingPath)
        ->capture_default_str();
    app.add_option("--out", chosen.out, "folder for the results")->capture_default_str();
    app.add_option("--steps", chosen.steps, "training steps in all")
        ->check(CLI::Range(1, 1'000'000'000))
        ->capture_default_str();
    app.add_option("--samples", chosen.samples, "how many images to draw")
        ->check(CLI::Range(10, 1'000'000))
        ->capture_default_str();
    app.add_option("--seed", chosen.seed, "the same seed gives the same results")->capture_default_str();
    app.add_option("--threads", chosen.threads, "0: one for each usable core")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    examples::add_checkpoint_options(app, chosen.checkpoint);
    return examples::run_program(app, argc, argv, [&] { return run(chosen); });
}
