// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/idx.hpp>

#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"

namespace ddpm::fuzz {

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

}  // namespace ddpm::fuzz
