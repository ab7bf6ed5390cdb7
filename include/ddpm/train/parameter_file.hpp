// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/io/write_safetensors.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/detail/checkpoint_format.hpp>
#include <ddpm/train/detail/parameter_set.hpp>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm {

/// Writes a network's parameters to a safetensors file.
/// @throws io_error if writing fails; the file is then unchanged, unless the text says otherwise (see
/// io::atomic_file::commit)
/// @accuracy exact
template <class Net>
void save_parameters(const std::string& path, const Net& net, const io::safetensors_metadata& metadata = {}) {
    static_cast<void>(nn::layer_signature<Net>{});
    detail::write_parameters(path, nn::parameters(net), metadata);
}

/// Reads a network's parameters from a safetensors file or a trainer's checkpoint. It may lie in memory:
/// load_parameters(io::safetensors_file::parse(bytes, "the model"), net). In a checkpoint the prefix "ema."
/// selects the average instead of the network. Other floating-point types are converted; a checksum is verified if
/// there is one.
/// @throws io_error if the file is invalid, its tensors are not exactly the network's (the text names the first
/// differences and their number), or as the options say; the network is then unchanged
/// @accuracy exact; F64 read as float is the nearest
template <class Net>
void load_parameters(const io::safetensors_file& file, Net& net, std::string_view prefix = {},
                     const load_options& options = {}) {
    static_cast<void>(nn::layer_signature<Net>{});
    using S = typename Net::scalar;
    if (file.has_checksum()) {
        file.verify_checksum();
    }
    const auto own = nn::parameters(net);
    std::vector<nn::parameter<S>> list;
    detail::append_group(list, prefix, std::span(std::as_const(own)));
    const bool is_checkpoint = file.metadata().contains(detail::checkpoint_key);
    const auto is_ours = [&](std::string_view name) {
        return name.starts_with(prefix) && !(prefix.empty() && is_checkpoint && detail::is_trainer_group(name));
    };
    detail::staged_parameters<S>(file, std::move(list), is_ours, false, options).commit();
}

/// The same for the file at a path.
template <class Net>
void load_parameters(const std::string& path, Net& net, std::string_view prefix = {},
                     const load_options& options = {}) {
    load_parameters(io::safetensors_file::open(path), net, prefix, options);
}

}  // namespace ddpm
