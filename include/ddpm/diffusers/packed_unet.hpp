// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/weight_files.hpp>
#include <ddpm/diffusers/detail/weight_tiles.hpp>
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/nn/inference/packed_unet.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/parameters.hpp>

#include <span>
#include <string>
#include <vector>

namespace ddpm::diffusers {

/// Loads a U-Net for inference from a folder as load_weights does, but packs each stage as soon as it is read, so that
/// there is never a whole network of floats in memory.
/// @throws value_error for options outside their domain; as load_weights
/// @complexity reads each file once; needs additional memory of the size of one stage as floats, and of its files
template <class T>
[[nodiscard]] nn::packed_unet<T> load_packed_unet(const std::string& folder, const nn::unet_options& network,
                                                  const weights_options& options = {}) {
    using S = typename nn::packed_unet<T>::scalar;
    const detail::weight_files files(detail::part_folder(folder, "unet"), options.variant);
    // First only the names and shapes, so that nothing is read that does not fit.
    std::vector<nn::parameter<S>> all;
    static_cast<void>(nn::packed_unet<T>(network, [&](const std::vector<nn::parameter<S>>& some) {
        for (const nn::parameter<S>& p : some) {
            all.push_back({p.name, p.shape, std::span<S>(), p.order});
        }
    }));
    detail::require_tensors_of(files, all);
    return nn::packed_unet<T>(network, [&](const std::vector<nn::parameter<S>>& some) {
        std::vector<detail::weight_tile<S>> tiles;
        for (const nn::parameter<S>& p : some) {
            detail::append_tiles(tiles, p, files.tensors().find(p.name)->second);
        }
        detail::load_tiles(tiles, options.reject_nonfinite);
    });
}

}  // namespace ddpm::diffusers
