// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Trains a class-conditional U-Net on the images of two IDX files, as MNIST has, and draws new ones of each class by
// guided DDIM. `run` below shows the whole way.
#include "mnist/architecture.hpp"
#include "mnist/classifier.hpp"
#include "support/canvas.hpp"
#include "support/checkpoint.hpp"
#include "support/interrupt.hpp"
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
#include <span>
#include <string>
#include <vector>

namespace {

using ddpm::isize;
using images = ddpm::batch<float>;  // one image per column, pixels in [-1, 1]
using network = ddpm::nn::unet<float>;
using schedule_type = ddpm::noise_schedule<>;

using examples::digit_classes;

struct settings {
    std::string data;
    std::string labels;
    std::string out = "out/mnist";
    isize steps = 4000;
    isize samples = 1000;
    isize sampling_steps = 50;
    double guidance = 2;
    bool bf16 = false;
    bool train_bf16 = false;
    isize threads = 0;
    std::uint64_t seed = 1;
    examples::checkpoint_options checkpoint{};

    [[nodiscard]] std::string file(const char* name) const { return (std::filesystem::path(out) / name).string(); }
};

/// 0, 1, … 9, 0, 1, …
std::vector<isize> classes_in_turn(isize count) {
    std::vector<isize> labels;
    for (isize n = 0; n < count; ++n) {
        labels.push_back(n % digit_classes);
    }
    return labels;
}

/// Images of the classes asked for. `tiles` gets the first ten at ten steps of the way, row by row.
template <ddpm::ForwardNetwork Net>
images draw(const Net& net, ddpm::prediction kind, const schedule_type& schedule, const std::vector<isize>& labels,
            const settings& chosen, images& tiles) {
    const isize count = std::ssize(labels), rows = std::min(count, digit_classes), columns = 10;
    const isize no_class[] = {examples::no_class};
    const auto predictor =
        ddpm::guided(ddpm::conditioned(ddpm::predicts(net, kind), {.labels = labels}),
                     ddpm::conditioned(ddpm::predicts(net, kind), {.labels = no_class}), chosen.guidance);
    tiles = images::Zero(net.shape().size(), rows * columns);
    const examples::interrupt_watch ctrl_c;
    const examples::progress shown;
    const auto keep = [&](const ddpm::sample_step<float>& now) {
        const isize column = now.step * columns / now.steps;
        for (isize row = 0; row < rows; ++row) {
            tiles.col(row * columns + column) = now.xt.array().col(row);
        }
        shown(now);
        return !ctrl_c.interrupted();
    };
    const ddpm::sample_options options{
        .steps = chosen.sampling_steps, .count = count, .seed = chosen.seed, .clip_x0 = 1.0, .clip_epsilon = true};
    const images drawn = ddpm::sample(ddpm::ddim{}, schedule, predictor, options, keep);
    ctrl_c.throw_if_interrupted("stopped while it drew: --resume draws with the model that is saved");
    for (isize row = 0; row < rows; ++row) {
        tiles.col((row + 1) * columns - 1) = drawn.col(row);
    }
    return drawn;
}

/// Whether a classifier, trained on the real images, sees in the new ones the classes asked for.
void report_agreement(const images& data, const std::vector<isize>& labels, const images& drawn,
                      const std::vector<isize>& asked, ddpm::sample_shape image, std::uint64_t seed) {
    const isize held_out = data.cols() / 8, shown = data.cols() - held_out;
    examples::classifier judge(image, seed);
    judge.train(data.leftCols(shown), std::span(labels).first(static_cast<std::size_t>(shown)), 12, seed);
    std::printf(
        "A classifier, right on %.1f %% of %td real images that it has not seen,\n",
        100 * judge.agreement(data.rightCols(held_out), std::span(labels).last(static_cast<std::size_t>(held_out))),
        held_out);
    std::printf("agrees with the class asked for on %.1f %% of %td new images.\n", 100 * judge.agreement(drawn, asked),
                drawn.cols());
}

int run(const settings& chosen) {
    const examples::stopwatch watch;
    ddpm::set_thread_count(chosen.threads);
    const ddpm::io::idx_images file = ddpm::io::read_idx_images(chosen.data);
    const std::vector<std::uint8_t> bytes = ddpm::io::read_idx_labels(chosen.labels);
    const ddpm::sample_shape image = file.shape(), canvas = examples::digit_canvas(image);
    const images data = examples::on_canvas(ddpm::io::to_batch<float>(file), image, canvas);
    const std::vector<isize> labels(bytes.begin(), bytes.end());
    if (std::ssize(labels) != file.count || file.count < 16 || *std::ranges::max_element(labels) >= digit_classes) {
        throw ddpm::value_error("mnist", "labels", "one of 0 ... 9 for each of at least 16 images", std::ssize(labels));
    }

    const schedule_type schedule{ddpm::cosine_beta{}, 1000};
    network net(examples::digit_network(image, chosen.seed));
    constexpr ddpm::prediction kind = examples::digit_prediction;
    ddpm::trainer trainer{
        net,
        schedule,
        {.batch = 64,
         .products = chosen.train_bf16 ? &ddpm::nn::bfloat16_products : nullptr,
         .learning_rate = 1e-3,
         .rate_schedule = {.warm_up_steps = std::min<isize>(100, chosen.steps - 1), .total_steps = chosen.steps},
         .ema = {.decay = 0.999},
         .predicts = kind,
         .seed = chosen.seed}};
    const examples::training_files files{chosen.file("model.safetensors"), chosen.file("loss.svg")};
    examples::open_checkpoint(
        trainer, files.checkpoint, chosen.checkpoint,
        {{"--steps", "total_steps", std::to_string(chosen.steps)},  // the learning rate falls over them
         {"--seed", "seed", std::to_string(chosen.seed)}});
    std::printf("Data:     %td images of %td x %td pixels from %s\n", file.count, file.height, file.width,
                chosen.data.c_str());
    if (canvas != image) {
        std::printf("          continued to %td x %td, which the network can halve twice, and cropped again\n",
                    canvas.height, canvas.width);
    }
    std::printf("Model:    class-conditional U-Net, %td parameters, predicts v; %td timesteps, cosine schedule\n",
                ddpm::nn::parameter_count(net), schedule.steps());
    examples::train(trainer, {data, {.labels = labels}}, chosen.steps, files, chosen.checkpoint.save_every,
                    {.condition_dropout = {.label = 0.1, .null_label = examples::no_class}});

    const examples::stopwatch drawing;
    const std::vector<isize> asked = classes_in_turn(chosen.samples);
    images way;
    // Drawing needs no gradients: the network's weights are packed for it, and rounded if 16 bits are enough.
    using narrow_network = ddpm::nn::packed_unet<ddpm::bfloat16>;
    using float_network = ddpm::nn::packed_unet<float>;
    const images drawn = chosen.bf16 ? draw(narrow_network(trainer.average()), kind, schedule, asked, chosen, way)
                                     : draw(float_network(trainer.average()), kind, schedule, asked, chosen, way);
    std::printf("Drew %td images by DDIM in %td steps, guidance %g, products of %s, in %.1f s.\n", drawn.cols(),
                chosen.sampling_steps, chosen.guidance, chosen.bf16 ? "bfloat16" : "floats", drawing.seconds());
    const auto write = [&](const char* name, const images& tiles) {
        const images cropped = examples::on_canvas(tiles, canvas, image);
        ddpm::io::write_png(chosen.file(name), ddpm::io::image_grid(cropped, image, examples::sheet(image, 10)));
    };
    write("samples.png", drawn.leftCols(std::min<isize>(100, drawn.cols())));
    write("denoising.png", way);
    std::printf("Training a classifier that judges them ...\n");
    report_agreement(data, labels, drawn, asked, canvas, chosen.seed);
    std::printf(
        "\n%s holds\n"
        "  samples.png        new images, a column for each class\n"
        "  denoising.png      ten of them, out of noise\n"
        "  loss.svg           the loss of each training step\n"
        "  model.safetensors  the model, its average and the state of its training\n"
        "Done in %.1f s.\n",
        chosen.out.c_str(), watch.seconds());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    CLI::App app{"Trains a class-conditional U-Net on labelled grey images and draws new ones of each class.", "mnist"};
    examples::add_quick_flag(app, [&] {
        chosen.steps = 3;
        chosen.samples = 20;
        chosen.sampling_steps = 4;
    });
    app.add_option("--data", chosen.data, "images to learn from: an IDX file")->required()->check(CLI::ExistingFile);
    app.add_option("--labels", chosen.labels, "their classes, 0 to 9: an IDX file")
        ->required()
        ->check(CLI::ExistingFile);
    app.add_option("--out", chosen.out, "folder for the results")->capture_default_str();
    app.add_option("--steps", chosen.steps, "training steps in all; --resume needs the same")
        ->check(CLI::Range(1, 1'000'000'000))
        ->capture_default_str();
    app.add_option("--samples", chosen.samples, "how many images to draw")
        ->check(CLI::Range(10, 1'000'000))
        ->capture_default_str();
    app.add_option("--sampling-steps", chosen.sampling_steps, "steps of DDIM")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_option("--guidance", chosen.guidance, "how strongly the class is asked for; 1: as it is learned")
        ->capture_default_str();
    app.add_flag("--bf16", chosen.bf16, "draw with products of 16-bit numbers");
    app.add_flag("--train-bf16", chosen.train_bf16, "train with products of 16-bit numbers");
    app.add_option("--seed", chosen.seed, "the same seed gives the same results")->capture_default_str();
    app.add_option("--threads", chosen.threads, "0: one for each usable core")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    examples::add_checkpoint_options(app, chosen.checkpoint);
    return examples::run_program(app, argc, argv, [&] { return run(chosen); });
}
