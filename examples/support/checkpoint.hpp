// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/output.hpp"

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/nn/parameters.hpp>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace examples {

/// What the user wants of the file that a model is saved to.
struct checkpoint_options {
    ddpm::isize save_every = 500;  ///< training steps; 0: only at the end
    bool resume = false;           ///< go on from the file
    bool overwrite = false;        ///< replace the file of an earlier run, which otherwise is kept under another name
};

/// An option of the command line that decides how a training goes on.
struct training_choice {
    std::string option;    ///< as the command line has it: --seed
    std::string saved_as;  ///< what a checkpoint calls it
    std::string value;
};

/// @throws ddpm::value_error that names the first option which was another when the checkpoint was saved
inline void require_same_choices(const std::string& path, const std::vector<training_choice>& choices) {
    const ddpm::io::safetensors_file file = ddpm::io::safetensors_file::open(path);
    for (const training_choice& now : choices) {
        const auto saved = file.metadata().find("ddpm.option." + now.saved_as);
        if (saved != file.metadata().end() && saved->second != now.value) {
            throw ddpm::value_error("--resume", path + " can only go on with the options it was begun with",
                                    now.option + " " + saved->second, now.option + " " + now.value);
        }
    }
}

/// Where an earlier run has left a file and this one does not go on from it: moves it to another name, or removes it if
/// it is to be overwritten.
inline void make_way(const std::string& path, const checkpoint_options& chosen) {
    if (chosen.resume || !std::filesystem::exists(path)) {
        return;
    }
    if (chosen.overwrite) {
        std::filesystem::remove(path);
    } else {
        const std::filesystem::path kept = next_free_name(path);
        std::filesystem::rename(path, kept);
        std::printf("Kept:     the model of an earlier run, as %s\n", kept.string().c_str());
    }
}

/// Before a training: loads the checkpoint, or makes way for a new one; and makes sure that it can be written.
/// @throws ddpm::base_error if it cannot be loaded, or cannot be written
template <class Trainer>
void open_checkpoint(Trainer& trainer, const std::string& path, const checkpoint_options& chosen,
                     const std::vector<training_choice>& choices) {
    const bool exists = std::filesystem::exists(path);
    if (chosen.resume) {
        if (!exists) {
            throw ddpm::io_error(path, "not there, so there is nothing to go on from: leave out --resume");
        }
        require_same_choices(path, choices);
        trainer.load(path);
    }
    // The network, its average and two moments. Saving replaces a file by a whole new one, so there must be room for
    // two.
    const bool replaces = exists && (chosen.resume || chosen.overwrite);
    const auto values = static_cast<std::uintmax_t>(ddpm::nn::parameter_count(trainer.net()));
    const std::uintmax_t size = 4 * values * sizeof(typename Trainer::scalar) + 65536;
    require_room(path, replaces ? size : 2 * size);
    make_way(path, chosen);
}

}  // namespace examples
