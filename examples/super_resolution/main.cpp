// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Learns what digits of 28 x 28 pixels, as MNIST has, may have looked like before they were reduced to 7 x 7. The U-Net
// is told the reduced image, brought to full size by bicubic interpolation, as a second channel beside the noisy one.
// `run` below shows the whole way.
#include "super_resolution/resampling.hpp"
#include "support/checkpoint.hpp"
#include "support/interrupt.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "support/sheet.hpp"
#include "support/stopwatch.hpp"
#include "support/training.hpp"

#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/idx.hpp>
#include <ddpm/io/image_grid.hpp>
#include <ddpm/io/write_png.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

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
using network = ddpm::nn::unet<float>;
using schedule_type = ddpm::noise_schedule<>;

constexpr isize factor = 4;      // how many pixels of a side become one
constexpr isize held_out = 200;  // images that are never trained on
constexpr isize draws = 16;      // for each of them
constexpr ddpm::prediction kind = ddpm::prediction::v;

struct settings {
    std::string data;
    std::string out = "out/super_resolution";
    isize steps = 1200;
    isize sampling_steps = 15;
    isize threads = 0;
    std::uint64_t seed = 1;
    examples::checkpoint_options checkpoint{};

    [[nodiscard]] std::string file(const char* name) const { return (std::filesystem::path(out) / name).string(); }
};

ddpm::nn::unet_options architecture(ddpm::sample_shape image, std::uint64_t seed) {
    using level = ddpm::nn::unet_level;
    return {.height = image.height,
            .width = image.width,
            .in_channels = 2,   // that of x_t
            .map_channels = 1,  // and that of what it is told
            .out_channels = 1,
            .time_embedding_dim = 128,
            .down = {level::plain, level::plain, level::plain},
            .up = {level::plain, level::plain, level::plain},
            .channels = {16, 32, 64},
            .layers = 1,
            .head_dim = 32,
            .groups = 8,
            .seed = seed};
}

/// `draws` images for each map: those of map n are columns draws · n …
images draw(const network& net, const schedule_type& schedule, const images& maps, const settings& chosen) {
    images told(maps.rows(), draws * maps.cols());
    for (isize n = 0; n < told.cols(); ++n) {
        told.col(n) = maps.col(n / draws);
    }
    const examples::interrupt_watch ctrl_c;
    const examples::progress shown;
    const auto predictor = ddpm::conditioned(ddpm::predicts(net, kind), {.maps = told});
    const ddpm::sample_options options{
        .steps = chosen.sampling_steps, .count = told.cols(), .seed = chosen.seed, .clip_x0 = 1.0};
    images drawn =
        ddpm::sample(ddpm::dpm_multistep{}, schedule, predictor, options, [&](const ddpm::sample_step<float>& now) {
            shown(now);
            return !ctrl_c.interrupted();
        });
    ctrl_c.throw_if_interrupted("stopped while it drew: --resume draws with the model that is saved");
    return drawn;
}

/// The mean of the `draws` images of each map.
images means(const images& drawn) {
    images out(drawn.rows(), drawn.cols() / draws);
    for (isize n = 0; n < out.cols(); ++n) {
        out.col(n) = drawn.middleCols(n * draws, draws).rowwise().mean();
    }
    return out;
}

/// The first of the `draws` images of each map.
images firsts(const images& drawn) { return drawn(Eigen::all, Eigen::seq(0, Eigen::last, draws)); }

double mean_squared_error(const images& guess, const images& truth) { return (guess - truth).square().mean(); }

/// Some images of each kind, a kind in a row.
ddpm::io::image8 comparison(const std::vector<images>& kinds, ddpm::sample_shape image) {
    constexpr isize columns = 12;
    images tiles(image.size(), 0);
    for (const images& row : kinds) {
        tiles.conservativeResize(Eigen::NoChange, tiles.cols() + columns);
        tiles.rightCols(columns) = row.leftCols(columns);
    }
    return ddpm::io::image_grid(tiles, image, examples::sheet(image, columns));
}

int run(const settings& chosen) {
    const examples::stopwatch watch;
    ddpm::set_thread_count(chosen.threads);
    const ddpm::io::idx_images file = ddpm::io::read_idx_images(chosen.data);
    const ddpm::sample_shape image = file.shape();
    if (image.height % factor != 0 || image.width % factor != 0 || file.count <= held_out) {
        throw ddpm::value_error(
            "super_resolution", "images", "more than 200, with sides that are multiples of 4",
            std::to_string(file.count) + " of " + std::to_string(image.height) + " x " + std::to_string(image.width));
    }
    const images data = ddpm::io::to_batch<float>(file);
    const ddpm::sample_shape small{image.height / factor, image.width / factor, 1};
    const images reduced = examples::resampled(data, image, factor, examples::mean_weights);
    const images bicubic = examples::resampled(reduced, small, factor, examples::cubic_weights).max(-1.0f).min(1.0f);
    const isize shown = file.count - held_out;

    const schedule_type schedule{ddpm::cosine_beta{}, 1000};
    network net(architecture(image, chosen.seed));
    ddpm::trainer trainer{
        net,
        schedule,
        {.batch = 32,
         .learning_rate = 2e-3,
         .rate_schedule = {.warm_up_steps = std::min<isize>(100, chosen.steps - 1), .total_steps = chosen.steps},
         .ema = {.decay = 0.995},
         .predicts = kind,
         .seed = chosen.seed}};
    const examples::training_files files{chosen.file("model.safetensors"), chosen.file("loss.svg")};
    examples::open_checkpoint(trainer, files.checkpoint, chosen.checkpoint,
                              {{"--steps", "total_steps", std::to_string(chosen.steps)},  // over which the rate falls
                               {"--seed", "seed", std::to_string(chosen.seed)}});
    std::printf("Data:     %td images of %td x %td pixels from %s, and %td that are held out\n", shown, image.height,
                image.width, chosen.data.c_str(), held_out);
    std::printf("Model:    U-Net, 2 channels in, 1 out, %td parameters, predicts v; %td timesteps, cosine schedule\n",
                ddpm::nn::parameter_count(net), schedule.steps());
    examples::train(trainer, {data.leftCols(shown), {.maps = bicubic.leftCols(shown)}}, chosen.steps, files,
                    chosen.checkpoint.save_every);

    const examples::stopwatch drawing;
    const images truth = data.rightCols(held_out), interpolated = bicubic.rightCols(held_out);
    const images drawn = draw(trainer.average(), schedule, interpolated, chosen);
    std::printf("Drew %td images for each of %td by DPM-Solver++ 2M in %td steps, in %.1f s.\n", draws, held_out,
                chosen.sampling_steps, drawing.seconds());
    const images mean = means(drawn), one = firsts(drawn);
    const double error = mean_squared_error(mean, truth), of_bicubic = mean_squared_error(interpolated, truth);
    std::printf(
        "Mean squared error on them, of pixels in [-1, 1]:\n"
        "  bicubic interpolation  %.4f\n"
        "  one image drawn        %.4f\n"
        "  mean of %td drawn      %.4f, which is %.3f of bicubic's\n",
        of_bicubic, mean_squared_error(one, truth), draws, error, error / of_bicubic);
    const images coarse = examples::resampled(reduced.rightCols(held_out), small, factor, examples::repeat_weights);
    ddpm::io::write_png(chosen.file("samples.png"), comparison({coarse, interpolated, one, mean, truth}, image));
    std::printf(
        "\n%s holds\n"
        "  samples.png        in rows: reduced, by bicubic interpolation, one drawn, mean of %td, as it was\n"
        "  loss.svg           the loss of each training step\n"
        "  model.safetensors  the model, its average and the state of its training\n"
        "Done in %.1f s.\n",
        chosen.out.c_str(), draws, watch.seconds());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    CLI::App app{"Learns to bring small grey images to four times their height and width.", "super_resolution"};
    examples::add_quick_flag(app, [&] {
        chosen.steps = 3;
        chosen.sampling_steps = 2;
    });
    app.add_option("--data", chosen.data, "images to learn from: an IDX file")->required()->check(CLI::ExistingFile);
    app.add_option("--out", chosen.out, "folder for the results")->capture_default_str();
    app.add_option("--steps", chosen.steps, "training steps in all; --resume needs the same")
        ->check(CLI::Range(1, 1'000'000'000))
        ->capture_default_str();
    app.add_option("--sampling-steps", chosen.sampling_steps, "steps of DPM-Solver++")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--seed", chosen.seed, "the same seed gives the same results")->capture_default_str();
    app.add_option("--threads", chosen.threads, "0: one for each usable core")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    examples::add_checkpoint_options(app, chosen.checkpoint);
    return examples::run_program(app, argc, argv, [&] { return run(chosen); });
}
