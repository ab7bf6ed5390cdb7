// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/weight_files.hpp>
#include <ddpm/diffusers/detail/weight_tiles.hpp>
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/nn/inference/packed_unet.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/parameters.hpp>

#include <span>
#include <string>
#include <vector>

namespace ddpm::diffusers {

namespace detail {

template <class T>
[[nodiscard]] nn::packed_unet<T> load_packed_unet(const weight_files& files, const nn::unet_options& network,
                                                  bool reject_nonfinite) {
    using S = typename nn::packed_unet<T>::scalar;
    // First only the names and shapes, so that nothing is read that does not fit.
    std::vector<nn::parameter<S>> all;
    static_cast<void>(nn::packed_unet<T>(network, [&](const std::vector<nn::parameter<S>>& some) {
        for (const nn::parameter<S>& p : some) {
            all.push_back({p.name, p.shape, std::span<S>(), p.order});
        }
    }));
    require_tensors_of(files, all);
    return nn::packed_unet<T>(network, [&](const std::vector<nn::parameter<S>>& some) {
        std::vector<weight_tile<S>> tiles;
        for (const nn::parameter<S>& p : some) {
            append_tiles(tiles, p, files.tensors().find(p.name)->second);
        }
        load_tiles(tiles, reject_nonfinite);
    });
}

}  // namespace detail

/// Loads a U-Net for inference from a folder as load_weights does, but packs each stage as soon as it is read, so that
/// there is never a whole network of floats in memory.
/// @throws value_error for options outside their domain; as load_weights
/// @complexity reads each file once; needs additional memory of the size of one stage as floats, and of its files
/// @accuracy the network has the bits of one that was loaded and packed
template <class T>
[[nodiscard]] nn::packed_unet<T> load_packed_unet(const std::string& folder, const nn::unet_options& network,
                                                  const weights_options& options = {}) {
    const detail::weight_files files(detail::part_folder(folder, "unet"), options.variant);
    return detail::load_packed_unet<T>(files, network, options.reject_nonfinite);
}

/// The same from one file, which may lie in memory (see io::safetensors_file::parse).
template <class T>
[[nodiscard]] nn::packed_unet<T> load_packed_unet(const io::safetensors_file& file, const nn::unet_options& network,
                                                  const weights_options& options = {}) {
    return detail::load_packed_unet<T>(detail::weight_files(file), network, options.reject_nonfinite);
}

}  // namespace ddpm::diffusers
