// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"

#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm::test {

static_assert(Layer<nn::dense<float>> && Layer<nn::layer_norm<double>> && Layer<nn::mlp<float>>);
static_assert(!Layer<int> && !Layer<nn::tensor<float>>);

TEST_CASE("parameters come in one order, with dotted names", "[nn]") {
    nn::mlp<float> net{{.dim = 3, .hidden = 4, .blocks = 2, .embedding = 6}};
    std::vector<std::string> names;
    for (const auto& p : nn::parameters(net)) {
        names.push_back(p.name + p.shape.text());
    }
    const std::vector<std::string> expected{"time_embedding.linear_1.weight[4, 6]",
                                            "time_embedding.linear_1.bias[4]",
                                            "time_embedding.linear_2.weight[4, 4]",
                                            "time_embedding.linear_2.bias[4]",
                                            "input.weight[4, 3]",
                                            "input.bias[4]",
                                            "blocks.0.norm.weight[4]",
                                            "blocks.0.norm.bias[4]",
                                            "blocks.0.linear_1.weight[4, 4]",
                                            "blocks.0.linear_1.bias[4]",
                                            "blocks.0.linear_2.weight[4, 4]",
                                            "blocks.0.linear_2.bias[4]",
                                            "blocks.1.norm.weight[4]",
                                            "blocks.1.norm.bias[4]",
                                            "blocks.1.linear_1.weight[4, 4]",
                                            "blocks.1.linear_1.bias[4]",
                                            "blocks.1.linear_2.weight[4, 4]",
                                            "blocks.1.linear_2.bias[4]",
                                            "norm_out.weight[4]",
                                            "norm_out.bias[4]",
                                            "output.weight[3, 4]",
                                            "output.bias[3]"};
    CHECK(names == expected);
}

TEST_CASE("parameters are the network's own memory", "[nn]") {
    nn::dense<float> layer(2, 3);
    const auto list = nn::parameters(layer);
    REQUIRE(list.size() == 2);
    list[0].values[4] = 5;
    CHECK(layer.weight[4] == 5);
    const nn::dense<float>& reader = layer;
    static_assert(std::is_same_v<decltype(nn::parameters(reader)), std::vector<nn::parameter<const float>>>);
    CHECK(nn::parameters(reader)[0].values.data() == list[0].values.data());
    CHECK(nn::parameter_count(layer) == 9);
}

TEST_CASE("zeros_like keeps the shapes only", "[nn]") {
    const nn::layer_norm<double> layer(6);
    const auto zeros = nn::zeros_like(layer);
    CHECK(zeros.weight.shape() == layer.weight.shape());
    for (const double x : zeros.weight.values()) {
        CHECK(x == 0);
    }
}

TEST_CASE("the first parameter that is not finite is found", "[nn]") {
    nn::mlp<double> net{{.dim = 3, .hidden = 4, .blocks = 2, .embedding = 6}};
    const auto parameters = nn::parameters(net);
    CHECK_FALSE(nn::first_not_finite<double>(parameters));
    parameters[7].values[3] = std::numeric_limits<double>::infinity();
    CHECK(nn::first_not_finite<double>(parameters) == 7);
    parameters[0].values[0] = std::numeric_limits<double>::quiet_NaN();
    CHECK(nn::first_not_finite<double>(parameters) == 0);
    CHECK(nn::first_not_finite<const double>(nn::parameters(std::as_const(net))) == 0);
    CHECK_FALSE(nn::first_not_finite<double>({}));
}

}  // namespace ddpm::test
