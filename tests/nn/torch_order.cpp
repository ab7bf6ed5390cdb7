// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/torch_order.hpp>

#include "support/catch.hpp"

#include <array>
#include <numeric>
#include <vector>

namespace ddpm::test {

TEST_CASE("weights change between torch's order and memory's", "[nn]") {
    const auto sizes = GENERATE(std::array<isize, 4>{2, 3, 1, 2}, std::array<isize, 4>{1, 1, 1, 1},
                                std::array<isize, 4>{37, 70, 3, 3}, std::array<isize, 4>{16, 5, 1, 1},
                                std::array<isize, 4>{5, 200, 9, 8}, std::array<isize, 4>{3, 0, 1, 1});
    const auto [outputs, inputs, height, width] = sizes;
    nn::tensor<float> weight({outputs, inputs, height, width}, nn::tensor_order::first_fastest);
    std::vector<float> numbers(static_cast<std::size_t>(weight.size()));
    std::iota(numbers.begin(), numbers.end(), 1.0f);
    const nn::parameter<float> p{"weight", weight.shape(), weight.values(), weight.order()};
    nn::from_torch_order<float>(numbers, p);
    bool right = true;
    for (isize o = 0, torch = 0; o < outputs; ++o) {
        for (isize i = 0; i < inputs; ++i) {
            for (isize h = 0; h < height; ++h) {
                for (isize w = 0; w < width; ++w) {
                    right = right && weight[((h * width + w) * inputs + i) * outputs + o] ==
                                         numbers[static_cast<std::size_t>(torch++)];
                }
            }
        }
    }
    CHECK(right);
    std::vector<float> back(numbers.size());
    nn::to_torch_order(p, std::span(back));
    CHECK(back == numbers);
    back.push_back(0);
    CHECK_THROWS_AS(nn::to_torch_order(p, std::span(back)), shape_error);
    CHECK_THROWS_AS(nn::from_torch_order<float>(back, p), shape_error);
}

TEST_CASE("what is in torch's order already is copied", "[nn]") {
    nn::tensor<double> bias({3});
    const std::array<double, 3> numbers{1, 2, 3};
    nn::from_torch_order<double>(numbers, {"bias", bias.shape(), bias.values()});
    CHECK(bias[2] == 3);
}

}  // namespace ddpm::test
