// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/torch_normal.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace ddpm::test {

TEST_CASE("torch_normal rounds every step to float on every target", "[kernels]") {
    const double two_pi = GENERATE(2 * std::numbers::pi, double{2 * std::numbers::pi_v<float>});
    constexpr std::size_t blocks = 500;
    std::mt19937 words(3);
    std::vector<float> uniforms(16 * blocks);
    for (float& u : uniforms) {
        u = static_cast<float>(words() & 0xffffffu) * 0x1p-24f;
    }
    uniforms[0] = 0;
    uniforms[1] = 1 - 0x1p-24f;
    std::vector<float> expected(uniforms.size());
    for (std::size_t i = 0; i < uniforms.size(); ++i) {
        if (i % 16 < 8) {
            const float logarithm = static_cast<float>(std::log(1 - static_cast<double>(uniforms[i])));
            const float radius = std::sqrt(-2 * logarithm);
            const double angle = static_cast<double>(static_cast<float>(two_pi * static_cast<double>(uniforms[i + 8])));
            expected[i] = radius * static_cast<float>(std::cos(angle));
            expected[i + 8] = radius * static_cast<float>(std::sin(angle));
        }
    }
    for_each_target([&] {
        std::vector<float> normals = uniforms;
        kernels::detail::torch_normal(blocks, two_pi, normals.data());
        int different = 0;  // a double within an ULP of a tie between floats, one of 2^27, may go either way
        for (std::size_t i = 0; i < normals.size(); ++i) {
            different += normals[i] != expected[i];
        }
        CHECK(different <= 1);
        CHECK(normals[0] == 0);
    });
}

}  // namespace ddpm::test
