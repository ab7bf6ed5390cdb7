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
/// also where Ctrl-C ends it early.
template <class Trainer>
ddpm::fit_status train(Trainer& trainer, const ddpm::batch<float>& data, ddpm::index steps,
                       const std::filesystem::path& folder, ddpm::fit_options options = {}) {
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
    trainer.save((folder / "model.safetensors").string());
    write_loss_plot((folder / "loss.svg").string(), "Training loss", curve);
    std::printf("Trained to step %td in %.1f s.\n", result.step, watch.seconds());
    return result.status;
}

}  // namespace examples
