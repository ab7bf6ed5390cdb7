// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/unet_config.hpp>
#include <ddpm/io/idx.hpp>
#include <ddpm/io/npy.hpp>
#include <ddpm/io/safetensors_header.hpp>

#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"
#include "support/json_peer.hpp"

#include <cstdint>
#include <string>

namespace ddpm::fuzz {

namespace {

std::string text_of(bytes input) { return std::string(io::detail::text_of(input)); }

}  // namespace

void json(bytes input) {
    const test::json_comparison compared = test::compare_with_peer(text_of(input));
    require(compared.difference.empty(), compared.difference.c_str());
}

void safetensors(bytes input) {
    io::safetensors_header header;
    if (!accepted([&] { header = io::parse_safetensors(input, "fuzz"); })) {
        return;
    }
    std::uint64_t sum = 0;
    for (const auto& [name, tensor] : header.tensors) {
        require(tensor.begin <= tensor.end, "a tensor ends before it begins");
        require(io::detail::tensor_bytes(tensor.type, tensor.shape) == tensor.end - tensor.begin,
                "a tensor's size is not that of its shape");
        sum += tensor.end - tensor.begin;
    }
    require(header.data_start + sum == input.size(), "the tensors are not the data");
}

void npy(bytes input) {
    batch<float> single;
    batch<double> wide;
    const bool has_single = accepted([&] { single = io::parse_npy<float>(input, "fuzz"); });
    const bool has_wide = accepted([&] { wide = io::parse_npy<double>(input, "fuzz"); });
    if (has_wide) {
        require(static_cast<std::uint64_t>(wide.size()) <= input.size(), "more numbers than bytes");
    }
    if (has_single) {
        require(has_wide && single.rows() == wide.rows() && single.cols() == wide.cols(),
                "read as float, not as double");
        require((wide.cast<float>() == single || (wide.isNaN() && single.isNaN())).all(), "the numbers differ");
    }
}

void idx(bytes input) {
    accepted([&] {
        const io::idx_images images = io::parse_idx_images(input, "fuzz");
        require(images.count > 0 && images.height > 0 && images.width > 0, "an empty set of images");
        require(images.pixels.size() + 16 == input.size(), "the pixels are not the data");
        const batch<float> samples = io::to_batch<float>(images);
        require(samples.minCoeff() >= -1 && samples.maxCoeff() <= 1, "a pixel outside [-1, 1]");
    });
    accepted([&] {
        require(io::parse_idx_labels(input, "fuzz").size() + 8 == input.size(), "the labels are not the data");
    });
}

void unet_config(bytes input) {
    diffusers::unet_config config;
    if (!accepted([&] { config = diffusers::parse_unet_config(text_of(input), "fuzz"); })) {
        return;
    }
    const std::string text = diffusers::unet_config_text(config);
    const diffusers::unet_config again = diffusers::parse_unet_config(text, "fuzz");
    require(diffusers::unet_config_text(again) == text, "a config changes when it is written and read");
}

}  // namespace ddpm::fuzz
