// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Loads a folder of diffusers (DDPMPipeline or DDIMPipeline with a UNet2DModel) and draws images with it.
#include "support/interrupt.hpp"
#include "support/output.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "support/sheet.hpp"
#include "support/stopwatch.hpp"

#include <ddpm/core/parallel.hpp>
#include <ddpm/diffusers/pipeline.hpp>
#include <ddpm/diffusers/scheduler.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/diffusers/scheduler_run.hpp>
#include <ddpm/diffusers/unet_config.hpp>
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/io/image_grid.hpp>
#include <ddpm/io/write_png.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/any_sampler.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/sample.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace {

using ddpm::isize;
using images = ddpm::batch<float>;  // one image per column, pixels in [-1, 1]
using network = ddpm::nn::unet<float>;

struct settings {
    std::string folder;
    std::string out = "out/diffusers.png";
    std::string sampler = "scheduler";
    isize steps = 50;
    isize count = 16;
    std::optional<isize> label;
    isize threads = 0;
    std::uint64_t seed = 0;
};

void print_notes(const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
        std::printf("Note: %s\n", note.c_str());
    }
}

/// Images by `sample(options, on_step)`.
template <class Sample>
images draw(const settings& chosen, ddpm::sample_options options, const Sample& sample) {
    options.count = chosen.count;
    options.seed = chosen.seed;
    const examples::interrupt_watch ctrl_c;
    const examples::progress shown;
    images drawn = sample(options, [&](const ddpm::sample_step<float>& now) {
        shown(now);
        return !ctrl_c.interrupted();
    });
    ctrl_c.throw_if_interrupted("stopped while it drew; nothing is written");
    return drawn;
}

template <class Predictor>
images draw(const ddpm::diffusers::scheduler_config& config, const Predictor& net, const settings& chosen) {
    if (chosen.sampler == "scheduler") {
        const auto run = ddpm::diffusers::make_scheduler_run(config, chosen.steps);
        return draw(chosen, {}, [&](const auto& options, const auto& on_step) {
            return ddpm::diffusers::sample(run, net, options, on_step);
        });
    }
    const auto schedule = ddpm::diffusers::make_schedule(config);
    const ddpm::sample_options options = ddpm::diffusers::scheduler_options(config, chosen.steps);
    const ddpm::any_sampler sampler =
        chosen.sampler == "ddpm" ? ddpm::any_sampler(ddpm::ancestral{}) : ddpm::any_sampler(ddpm::ddim{});
    return draw(chosen, options, [&](const auto& o, const auto& on_step) {
        return ddpm::sample(sampler, schedule, ddpm::predicts(net, config.predicts), o, on_step);
    });
}

int run(const settings& chosen) {
    ddpm::set_thread_count(chosen.threads);
    const examples::stopwatch watch;
    examples::require_room(chosen.out, 65536);
    const ddpm::diffusers::pipeline_folder found = ddpm::diffusers::read_pipeline(chosen.folder);
    ddpm::diffusers::unet_config unet = ddpm::diffusers::read_unet_config(found.unet_config);
    const auto scheduler = found.scheduler_config.empty()
                               ? ddpm::diffusers::scheduler_config{}
                               : ddpm::diffusers::read_scheduler_config(found.scheduler_config);
    print_notes(found.notes);
    print_notes(unet.notes);
    print_notes(scheduler.notes);
    const bool has_classes = unet.options.classes != ddpm::nn::unet_classes::none;
    if (chosen.label && !has_classes) {
        throw ddpm::value_error(chosen.folder, "--label", "none, since this model has no classes", *chosen.label);
    }
    const isize label = chosen.label.value_or(0);
    if (unet.options.classes == ddpm::nn::unet_classes::table && (label < 0 || label >= unet.options.class_count)) {
        throw ddpm::value_error(chosen.folder, "--label", "0 ... " + std::to_string(unet.options.class_count - 1),
                                label);
    }
    unet.options.start = ddpm::nn::start_kind::zero;  // every weight is loaded
    network net(unet.options);
    ddpm::diffusers::load_weights(chosen.folder, net);
    std::printf("%s: %td parameters, images of %td x %td, loaded in %.2f s\n", chosen.folder.c_str(),
                ddpm::nn::parameter_count(net), unet.options.height, unet.options.width, watch.seconds());

    const images drawn = has_classes ? draw(scheduler, ddpm::conditioned(net, {.labels = std::span(&label, 1)}), chosen)
                                     : draw(scheduler, net, chosen);
    const auto columns = static_cast<isize>(std::ceil(std::sqrt(static_cast<double>(chosen.count))));
    ddpm::io::write_png(chosen.out, ddpm::io::image_grid(drawn, net.shape(), examples::sheet(net.shape(), columns)));
    std::printf("%s holds %td images, drawn in %td steps by %s. Done in %.1f s.\n", chosen.out.c_str(), chosen.count,
                chosen.steps, chosen.sampler.c_str(), watch.seconds());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    settings chosen;
    CLI::App app{"Draws images with a model of diffusers.", "diffusers_sample"};
    examples::add_quick_flag(app, [&] { chosen.steps = chosen.count = 2; });
    app.add_option("folder", chosen.folder, "what save_pretrained has written, or a copy of it from a hub")
        ->required()
        ->check(CLI::ExistingDirectory);
    app.add_option("--out", chosen.out, "the PNG file to write")->capture_default_str();
    app.add_option("--sampler", chosen.sampler, "ddpm, ddim, or what the folder's scheduler says")
        ->check(CLI::IsMember({"scheduler", "ddpm", "ddim"}))
        ->capture_default_str();
    app.add_option("--steps", chosen.steps, "denoising steps")->check(CLI::Range(1, 10000))->capture_default_str();
    app.add_option("--count", chosen.count, "how many images")->check(CLI::Range(1, 10000))->capture_default_str();
    app.add_option("--label", chosen.label, "their class, for a model that has classes; by default 0");
    app.add_option("--seed", chosen.seed, "the same seed gives the same images")->capture_default_str();
    app.add_option("--threads", chosen.threads, "0: one for each usable core")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    return examples::run_program(app, argc, argv, [&] { return run(chosen); });
}
