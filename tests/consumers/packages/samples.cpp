// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include DDPM_HEADER

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <span>
#include <string>

namespace {

/// FNV-1a of the numbers' bits.
std::string hash_of(const ddpm::batch<float>& x) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const float value : x.reshaped()) {
        for (std::uint32_t bits = std::bit_cast<std::uint32_t>(value), byte = 0; byte < 4; ++byte, bits >>= 8) {
            hash = (hash ^ (bits & 0xff)) * 0x100000001b3;
        }
    }
    return std::to_string(hash);
}

}  // namespace

/// Prints a hash of noise, then numbers that a schedule, a forward process, a posterior and a sampler give. With the
/// name of a file that holds such an output of another build: fails unless its noise has the same bits, and its numbers
/// are equal up to rounding.
int main(int argc, char** argv) {
    ddpm::batch<float> eps(70, 5);
    ddpm::philox_noise(1, ddpm::noise_stream::training).normal<float>(eps, 2);
    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 100};
    const ddpm::batch<float> x0 = ddpm::batch<float>::Constant(70, 5, 0.5F);
    const ddpm::batch<float> xt = ddpm::q_sample(schedule, x0, 40, eps);
    const auto posterior = ddpm::q_posterior(schedule, x0, xt, 40);
    const auto predictor = [](ddpm::batch_view<const float> x, std::span<const double>,
                              const ddpm::model_output<float>& out) { out.prediction.array() = 0.5F * x.array(); };
    const ddpm::batch<float> samples =
        ddpm::sample(ddpm::ancestral{}, schedule, predictor, {.steps = 20, .count = 5, .shape = 70, .seed = 3});

    const std::string noise = hash_of(eps);
    ddpm::batch<float> numbers(70, 15);
    numbers << xt, posterior.mean, samples;
    if (argc < 2) {
        std::printf("%s\n", noise.c_str());
        for (const float value : numbers.reshaped()) {
            std::printf("%.9g\n", static_cast<double>(value));
        }
        return numbers.isFinite().all() ? 0 : 1;
    }
    std::ifstream others(argv[1]);
    std::string of_noise;
    others >> of_noise;
    if (of_noise != noise) {
        std::printf("the noise differs: %s and %s\n", noise.c_str(), of_noise.c_str());
        return 1;
    }
    for (const float value : numbers.reshaped()) {
        float other = 0;
        if (!(others >> other) || !(std::abs(value - other) <= 1e-5F * (1 + std::abs(other)))) {
            std::printf("a number differs: %.9g and %.9g\n", static_cast<double>(value), static_cast<double>(other));
            return 1;
        }
    }
    return 0;
}
