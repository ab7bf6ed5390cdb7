// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/io/detail/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ddpm::diffusers::detail {

/// A file of a folder, or of its sub-folder.
[[nodiscard]] inline std::string path_in(std::string_view folder, std::string_view name) {
    return (std::filesystem::path(folder) / name).string();
}

/// Calls a function of std::filesystem until no signal interrupts it; `call` is given the place for its error.
template <class Call>
[[nodiscard]] std::error_code uninterrupted(const Call& call) {
    std::error_code failure;
    do {
        failure.clear();
        call(failure);
    } while (failure == std::errc::interrupted);
    return failure;
}

/// What stands at a path; file_type::not_found where nothing does.
/// @throws io_error if the system cannot say
[[nodiscard]] inline std::filesystem::file_type type_at(const std::string& path) {
    std::filesystem::file_type type{};
    const std::error_code failure =
        uninterrupted([&](std::error_code& e) { type = std::filesystem::status(path, e).type(); });
    if (failure && type != std::filesystem::file_type::not_found) {
        throw io_error(path, ddpm::detail::text("cannot be looked at (", failure.message(), ")"));
    }
    return type;
}

/// @throws io_error as type_at
[[nodiscard]] inline bool is_file(const std::string& path) {
    return type_at(path) != std::filesystem::file_type::not_found;
}

/// Where a part of a pipeline lies: in the sub-folder of its name, if there is one, else in the folder itself.
/// @throws io_error as type_at
[[nodiscard]] inline std::string part_folder(const std::string& folder, std::string_view part) {
    const std::string inside = path_in(folder, part);
    return type_at(inside) == std::filesystem::file_type::directory ? inside : folder;
}

// diffusers names the files of a model's weights diffusion_pytorch_model.safetensors, or that of several shards
// diffusion_pytorch_model.safetensors.index.json. A variant, such as fp16, stands before the last part of the name.

inline constexpr std::string_view weights_stem = "diffusion_pytorch_model";
inline constexpr std::string_view weights_ending = ".safetensors";

/// The name of the only file of the weights.
[[nodiscard]] inline std::string weights_name(std::string_view variant = {}) {
    return ddpm::detail::text(weights_stem, variant.empty() ? "" : ".", variant, weights_ending);
}

/// The name of the index of several files.
[[nodiscard]] inline std::string weights_index_name(std::string_view variant = {}) {
    return ddpm::detail::text(weights_stem, weights_ending, ".index", variant.empty() ? "" : ".", variant, ".json");
}

/// The name that older versions of diffusers gave the index of a variant; it still reads them.
[[nodiscard]] inline std::string old_weights_index_name(std::string_view variant) {
    return ddpm::detail::text(weights_stem, weights_ending, variant.empty() ? "" : ".", variant, ".index.json");
}

/// What a folder holds in place of the weights that were asked for, and what to do about it; for messages.
[[nodiscard]] inline std::string other_weights_in(const std::string& folder) {
    constexpr std::array<std::string_view, 11> endings{".safetensors", ".index.json", ".bin", ".pt",   ".pth",  ".ckpt",
                                                       ".msgpack",     ".h5",         ".onnx", ".gguf", ".flashpack"};
    std::error_code failure;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(folder, failure);
    if (failure) {
        return ddpm::detail::text("no folder that can be read (", failure.message(), ")");
    }
    for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        const std::string name = entry->path().filename().string();
        if (std::any_of(endings.begin(), endings.end(), [&](std::string_view e) { return name.ends_with(e); }) ||
            (name.starts_with(weights_stem) && name.ends_with(".json"))) {
            names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end());
    constexpr std::size_t most_names = 5;
    std::string out, variant;
    bool has_pickle = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string_view name = names[i];
        if (i <= most_names) {
            out.append(i == 0 ? "" : ", ").append(i < most_names ? io::detail::quoted(name) : "...");
        }
        for (const std::string_view ending : {".bin", ".pt", ".pth", ".ckpt"}) {
            has_pickle = has_pickle || name.ends_with(ending);
        }
        const std::size_t edges = weights_stem.size() + 1 + weights_ending.size();
        if (name.starts_with(weights_stem) && name.ends_with(weights_ending) && name.size() > edges &&
            name[weights_stem.size()] == '.') {
            variant = name.substr(weights_stem.size() + 1, name.size() - edges);
            if (const std::size_t of = variant.find("-of-"); of != variant.npos) {  // a shard: fp16-00001-of-00002
                variant.resize(std::min(of, variant.rfind('-', of - 1)));
            }
        }
    }
    if (!variant.empty()) {
        out += ddpm::detail::text(": ask for the variant, weights_options{.variant = ", io::detail::quoted(variant), "}");
    } else if (has_pickle) {
        out += ": a pickle is a program, not data; save the model anew with safe_serialization=True";
    }
    return out.empty() ? "none" : out;
}

}  // namespace ddpm::diffusers::detail
