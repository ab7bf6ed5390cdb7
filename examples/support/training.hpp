// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/interrupt.hpp"
#include "support/loss_plot.hpp"
#include "support/stopwatch.hpp"

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/progress.hpp>
#include <ddpm/train/progress_bar.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace examples {

/// Trains up to step `steps` with a progress bar, and writes the checkpoint and the curve of the loss to the folder,
/// also where Ctrl-C ends it early; says whether it was not.
template <class Trainer>
bool train(Trainer& trainer, const ddpm::batch<float>& data, ddpm::index steps,
                       const std::filesystem::path& folder, ddpm::fit_options options = {}) {
    if (trainer.step() >= steps) {
        std::printf("The checkpoint has all these steps: there is nothing to train.\n");
        return true;
    }
    const std::string checkpoint = (folder / "model.safetensors").string();
    const stopwatch watch;
    const interrupt_watch ctrl_c;
    std::vector<loss_point> curve;
    options.steps = steps - trainer.step();
    options.progress = [&, bar = ddpm::progress_bar{}](const ddpm::training_progress& now) mutable {
        curve.push_back({now.step, now.loss});
        return bar(now) && !ctrl_c.interrupted();
    };
    const ddpm::fit_result result = trainer.fit(data, options);
    if (result.status == ddpm::fit_status::non_finite) {
        throw ddpm::error("train", "the loss is no longer finite at step " + std::to_string(result.step));
    }
    trainer.save(checkpoint);
    write_loss_plot((folder / "loss.svg").string(), "Training loss", curve);
    std::printf("Trained to step %td in %.1f s.\n", result.step, watch.seconds());
    if (result.status == ddpm::fit_status::stopped) {
        std::printf("Stopped. Give --resume as well to go on from %s\n", checkpoint.c_str());
        return false;
    }
    return true;
}

}  // namespace examples
