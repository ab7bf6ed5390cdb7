// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/interrupt.hpp"
#include "support/loss_plot.hpp"
#include "support/progress.hpp"
#include "support/stopwatch.hpp"

#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/progress.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace examples {

/// Where a training goes.
struct training_files {
    std::string checkpoint;
    std::string loss_plot;
};

/// Trains up to step `steps`, shows the progress, and writes the checkpoint every `save_every` steps (0: never before
/// the end), and at the end with the curve of the loss.
/// @throws stopped if Ctrl-C ended it early, after all was saved; ddpm::base_error if the loss is not finite, or a file cannot
/// be written
template <class Trainer>
void train(Trainer& trainer, const ddpm::training_data<float>& data, ddpm::isize steps, const training_files& files,
           ddpm::isize save_every, ddpm::fit_options options = {}) {
    if (trainer.step() >= steps) {
        std::printf("Training: nothing to do: the model has made %td steps already, and --steps asks for %td in all\n",
                    trainer.step(), steps);
        return;
    }
    std::printf("Training: from step %td to %td, batch %td, Adam with learning rate %g, seed %llu, %td threads\n",
                trainer.step(), steps, trainer.options().batch, trainer.options().learning_rate,
                static_cast<unsigned long long>(trainer.options().seed), ddpm::thread_count());
    if (save_every > 0) {
        std::printf("Saving:   every %td steps to %s\n", save_every, files.checkpoint.c_str());
    } else {
        std::printf("Saving:   at the end to %s\n", files.checkpoint.c_str());
    }
    const stopwatch watch;
    const interrupt_watch ctrl_c;
    std::vector<loss_point> curve;
    options.steps = steps - trainer.step();
    options.progress = [&, shown = progress{}](const ddpm::training_progress& now) {
        curve.push_back({now.step, now.loss});
        shown(now);
        if (save_every > 0 && now.step % save_every == 0 && now.step < now.steps) {
            trainer.save(files.checkpoint);
        }
        return !ctrl_c.interrupted();
    };
    const ddpm::fit_result result = trainer.fit(data, options);
    options.progress = {};  // ends the bar's line
    if (result.status == ddpm::fit_status::non_finite) {
        const std::string which = result.tensor.empty() ? "the loss" : result.tensor + " or its gradient";
        throw ddpm::base_error("training", which + " is no longer finite at step " + std::to_string(result.step));
    }
    trainer.save(files.checkpoint);
    write_loss_plot(files.loss_plot, "Training loss", curve);
    std::printf("Trained to step %td in %.1f s.\n", result.step, watch.seconds());
    ctrl_c.throw_if_interrupted("stopped and saved: --resume goes on from " + files.checkpoint);
}

}  // namespace examples
