// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include DDPM_HEADER

#include <bit>
#include <cstdint>
#include <cstdio>
#include <span>

/// Draws samples with a fixed seed and prints a hash of their bits.
int main() {
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 100};
    const auto predictor = [](ddpm::batch_view<const float> xt, std::span<const double>,
                              const ddpm::model_output<float>& out) { out.prediction.array() = 0.5F * xt.array(); };
    const ddpm::batch<float> x =
        ddpm::sample(ddpm::ancestral{}, schedule, predictor, {.steps = 20, .count = 9, .shape = 6, .seed = 3});
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (const float value : x.reshaped()) {
        for (std::uint32_t bits = std::bit_cast<std::uint32_t>(value), byte = 0; byte < 4; ++byte, bits >>= 8) {
            hash = (hash ^ (bits & 0xff)) * 0x100000001b3;
        }
    }
    std::printf("%016llx\n", static_cast<unsigned long long>(hash));
    return x.isFinite().all() && x.abs().maxCoeff() > 0 ? 0 : 1;
}
