// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

// What reads bytes that nobody vouches for, and the kernels, whose shapes and numbers the bytes choose. A target takes any
// bytes and returns; it ends the program if the library does anything but throw one of its own exceptions or give what the
// bytes say.
namespace ddpm::fuzz {

using bytes = std::span<const std::byte>;

void json(bytes input);         ///< the JSON reader, beside nlohmann/json
void safetensors(bytes input);  ///< the header of a safetensors file
void npy(bytes input);
void idx(bytes input);
void unet_config(bytes input);  ///< the config.json of a U-Net
void scheduler(bytes input);    ///< a scheduler_config.json, its run, and samples by it
void parameters(bytes input);   ///< a file of parameters or a checkpoint
void folder(bytes input);       ///< a folder of diffusers: an index and two files of weights
void kernels(bytes input);      ///< a kernel on every instruction set, beside a scalar reference

/// All targets, by name.
struct target {
    const char* name;
    void (*run)(bytes);
};
inline constexpr target targets[]{
    {"json", json},
    {"safetensors", safetensors},
    {"npy", npy},
    {"idx", idx},
    {"unet_config", unet_config},
    {"scheduler", scheduler},
    {"parameters", parameters},
    {"folder", folder},
    {"kernels", kernels},
};

}  // namespace ddpm::fuzz
