// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/checked.hpp>
#include <ddpm/core/detail/json.hpp>
#include <ddpm/core/detail/posix_files.hpp>
#include <ddpm/core/error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace ddpm::diffusers::detail {

// POSIX calls with paths as strings, since std::filesystem::path of libstdc++ 12 has undefined behaviour if an
// allocation fails.

/// The path of a file in a folder.
[[nodiscard]] inline std::string path_in(std::string_view folder, std::string_view name) {
    std::string path(folder);
    if (!path.empty() && path.back() != '/') {
        path.push_back('/');
    }
    return path.append(name);
}

enum class path_kind { nothing, folder, file };

/// The kind of file at a path.
/// @throws io_error if it cannot be determined
[[nodiscard]] inline path_kind kind_of(const std::string& path) {
    ddpm::detail::file_status status{};
    if (ddpm::detail::status_of(path, status)) {
        return S_ISDIR(status.st_mode) ? path_kind::folder : path_kind::file;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
        throw io_error(path, ddpm::detail::text("cannot be looked at (", ddpm::detail::system_message(errno), ")"));
    }
    return path_kind::nothing;
}

/// @throws io_error as kind_of
[[nodiscard]] inline bool exists(const std::string& path) { return kind_of(path) != path_kind::nothing; }

/// Creates a folder and its parent folders unless they exist.
/// @throws io_error on failure
inline void make_folders(const std::string& path) {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string folder = path.substr(0, end);
        if (ddpm::detail::uninterrupted([&] { return ddpm::detail::call_make_folder(folder.c_str()); }) != 0) {
            const int reason = errno;
            if (kind_of(folder) != path_kind::folder) {
                throw io_error(
                    folder, ddpm::detail::text("cannot make the folder (", ddpm::detail::system_message(reason), ")"));
            }
        }
        if (end >= path.size() - 1) {
            return;
        }
    }
}

/// The folder of a pipeline's component: the sub-folder of that name if it exists, otherwise the folder itself.
/// @throws io_error as kind_of
[[nodiscard]] inline std::string part_folder(const std::string& folder, std::string_view part) {
    const std::string inside = path_in(folder, part);
    return kind_of(inside) == path_kind::folder ? inside : folder;
}

// diffusers' file names for a model's weights: diffusion_pytorch_model.safetensors, or with several shards
// diffusion_pytorch_model.safetensors.index.json. A variant such as fp16 is inserted before the extension.

inline constexpr std::string_view weights_stem = "diffusion_pytorch_model";
inline constexpr std::string_view weights_ending = ".safetensors";

/// The name of a single weights file.
[[nodiscard]] inline std::string weights_name(std::string_view variant = {}) {
    return ddpm::detail::text(weights_stem, variant.empty() ? "" : ".", variant, weights_ending);
}

/// The name of the index of several weights files.
[[nodiscard]] inline std::string weights_index_name(std::string_view variant = {}) {
    return ddpm::detail::text(weights_stem, weights_ending, ".index", variant.empty() ? "" : ".", variant, ".json");
}

/// The name of a variant's index in older versions of diffusers, which current ones still read.
[[nodiscard]] inline std::string old_weights_index_name(std::string_view variant) {
    return ddpm::detail::text(weights_stem, weights_ending, variant.empty() ? "" : ".", variant, ".index.json");
}

/// The total size of a folder's safetensors files in bytes; empty if there are none, or the folder cannot be read.
[[nodiscard]] inline std::optional<std::uint64_t> weight_bytes(const std::string& folder) {
    std::optional<std::uint64_t> sum;
    static_cast<void>(ddpm::detail::for_each_name(folder, [&](std::string_view name) {
        ddpm::detail::file_status status{};
        if (name.ends_with(weights_ending) && ddpm::detail::status_of(path_in(folder, name), status) &&
            S_ISREG(status.st_mode)) {
            sum = ddpm::detail::checked_add(sum.value_or(0), static_cast<std::uint64_t>(status.st_size))
                      .value_or(std::numeric_limits<std::uint64_t>::max());
        }
    }));
    return sum;
}

/// For error messages: the weights that a folder has instead of the expected ones, and advice.
[[nodiscard]] inline std::string other_weights_in(const std::string& folder) {
    constexpr std::array<std::string_view, 11> endings{".safetensors", ".index.json", ".bin",      ".pt",
                                                       ".pth",         ".ckpt",       ".msgpack",  ".h5",
                                                       ".onnx",        ".gguf",       ".flashpack"};
    std::set<std::string> names;
    const int failure = ddpm::detail::for_each_name(folder, [&](std::string_view name) {
        if (std::any_of(endings.begin(), endings.end(), [&](std::string_view e) { return name.ends_with(e); }) ||
            (name.starts_with(weights_stem) && name.ends_with(".json"))) {
            names.insert(std::string(name));
        }
    });
    if (failure != 0) {
        return ddpm::detail::text("no folder that can be read (", ddpm::detail::system_message(failure), ")");
    }
    constexpr std::size_t most_names = 5;
    std::string out, variant;
    bool has_pickle = false;
    std::size_t listed = 0;
    for (const std::string_view name : names) {
        if (listed <= most_names) {
            out.append(listed == 0 ? "" : ", ").append(listed < most_names ? ddpm::detail::quoted(name) : "...");
        }
        ++listed;
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
        out += ddpm::detail::text(": ask for the variant, weights_options{.variant = ", ddpm::detail::quoted(variant),
                                  "}");
    } else if (has_pickle) {
        out += ": a pickle is a program, not data; save the model anew with safe_serialization=True";
    }
    return out.empty() ? "none" : out;
}

}  // namespace ddpm::diffusers::detail
