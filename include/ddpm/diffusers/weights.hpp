// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/difference_list.hpp>
#include <ddpm/core/detail/posix_files.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/weight_files.hpp>
#include <ddpm/diffusers/detail/weight_tiles.hpp>
#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/io/write_safetensors.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/nn/torch_order.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace ddpm::diffusers {

namespace detail {

/// Whether a stored shape is the parameter's. The dense layers of attention were 1 × 1 convolutions in older files.
template <class T>
[[nodiscard]] bool fits(const nn::parameter<T>& p, std::span<const isize> stored) {
    if (is_of_attention(p.name) && p.shape.dimensions() == 2) {
        while (stored.size() > 2 && stored.size() <= 4 && stored.back() == 1) {
            stored = stored.first(stored.size() - 1);
        }
    }
    return std::equal(stored.begin(), stored.end(), p.shape.begin(), p.shape.end());
}

/// @throws io_error that lists the first differences between files and parameters, and their number
template <class T>
void require_tensors_of(const weight_files& files, const std::vector<nn::parameter<T>>& parameters) {
    ddpm::detail::difference_list differences;
    for (const std::string& problem : files.problems()) {
        differences.add(problem);
    }
    std::set<std::string_view> expected;
    for (const nn::parameter<T>& p : parameters) {
        expected.insert(p.name);
        const auto found = files.tensors().find(p.name);
        if (found == files.tensors().end()) {
            differences.add(p.name, " is missing");
        } else if (const io::tensor_info& info = *found->second.info; !fits(p, info.shape)) {
            differences.add(p.name, " has shape ", ddpm::detail::shape_text(info.shape), " instead of ",
                            p.shape.text());
        } else if (!io::converts_to_scalar(info.type)) {
            differences.add(p.name, " has type ", io::name_of(info.type), " instead of a floating-point one");
        }
    }
    for (const auto& [name, stored] : files.tensors()) {
        if (!expected.contains(name)) {
            differences.add(*stored.name, " is unexpected");
        }
    }
    if (!differences.empty()) {
        throw io_error(files.where(), ddpm::detail::text("not the tensors of this network: ", differences.text()));
    }
}

template <Layer Net>
void load_weights(const weight_files& files, Net& net, bool reject_nonfinite) {
    using S = typename Net::scalar;
    const std::vector<nn::parameter<S>> parameters = nn::parameters(net);
    require_tensors_of(files, parameters);
    std::vector<weight_tile<S>> tiles;
    for (const nn::parameter<S>& p : parameters) {
        append_tiles(tiles, p, files.tensors().find(p.name)->second);
    }
    load_tiles(tiles, reject_nonfinite);
}

}  // namespace detail

/// Options of load_weights.
struct weights_options {
    std::string variant{};          ///< of a folder: diffusers' `variant`, such as "fp16"; empty: none
    bool reject_nonfinite = false;  ///< whether a number that is NaN or infinite in the network's scalar is an error
};

/// Loads a network's parameters from a folder that diffusers wrote, from its sub-folder unet/ if it exists: from the
/// files in diffusion_pytorch_model.safetensors.index.json if it exists, otherwise from
/// diffusion_pytorch_model.safetensors. A variant has its own files, for fp16
/// diffusion_pytorch_model.safetensors.index.fp16.json and diffusion_pytorch_model.fp16.safetensors. Converts F64, F32,
/// F16 and BF16. Accepts the names and shapes of attention layers before 2023.
/// @throws value_error if the variant cannot be part of a file name; io_error if the files do not exist (the text lists
/// the existing ones) or are invalid, if the tensors are not exactly the network's (the text lists the first
/// differences), if reading fails, or for a number that reject_nonfinite rejects; std::bad_alloc. The network is then
/// unchanged
/// @complexity reads each file once; needs additional memory of the size of the files
/// @accuracy exact; F64 read as float is the nearest
template <Layer Net>
void load_weights(const std::string& folder, Net& net, const weights_options& options = {}) {
    const detail::weight_files files(detail::part_folder(folder, "unet"), options.variant);
    detail::load_weights(files, net, options.reject_nonfinite);
}

/// The same from one file, which may lie in memory: load_weights(io::safetensors_file::parse(bytes, "the model"), net).
/// Weights in memory are converted where they lie, without additional memory.
template <Layer Net>
void load_weights(const io::safetensors_file& file, Net& net, const weights_options& options = {}) {
    detail::load_weights(detail::weight_files(file), net, options.reject_nonfinite);
}

/// Saves a network's parameters as diffusion_pytorch_model.safetensors in the folder's sub-folder unet/ if it exists,
/// otherwise in the folder, which must exist. Removes an index of several files, which diffusers would prefer, but not
/// the files that it lists.
/// @throws io_error if writing fails. The folder is then unchanged, unless the text says that the new weights are in
/// place (see atomic_file::commit) or that only the index could not be removed
/// @complexity needs additional memory of the size of the largest tensor
/// @accuracy exact
template <Layer Net>
void save_weights(const std::string& folder, const Net& net) {
    using S = typename Net::scalar;
    const std::string place = detail::part_folder(folder, "unet");
    const auto parameters = nn::parameters(net);
    std::vector<io::tensor_source> tensors;
    std::size_t largest = 0;
    for (const auto& p : parameters) {
        tensors.emplace_back(p.name, std::vector<isize>(p.shape.begin(), p.shape.end()), p.values);
        largest = std::max(largest, p.values.size());
    }
    const std::string old_index = detail::path_in(place, detail::weights_index_name());
    if (detail::kind_of(old_index) == detail::path_kind::folder) {
        throw io_error(old_index, "cannot be removed", "a file or none", "a folder");
    }
    std::vector<S> in_torch_order(largest);
    const auto bytes_of = [&](const io::tensor_source& tensor) {
        const auto& p = parameters[static_cast<std::size_t>(&tensor - tensors.data())];
        const auto out = std::span(in_torch_order).first(p.values.size());
        nn::to_torch_order(p, out);
        return std::as_bytes(out);
    };
    io::write_safetensors(detail::path_in(place, detail::weights_name()), tensors, {}, bytes_of);
    if (ddpm::detail::uninterrupted([&] { return ::unlink(old_index.c_str()); }) != 0 && errno != ENOENT) {
        throw io_error(old_index,
                       ddpm::detail::text("the new weights are in place, but this index, which is preferred to "
                                          "them, cannot be removed (",
                                          ddpm::detail::system_message(errno), ")"));
    }
}

}  // namespace ddpm::diffusers
