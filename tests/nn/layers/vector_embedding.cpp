// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/vector_embedding.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <vector>

namespace ddpm::test {

TEST_CASE("a vector adds what its two layers make of it", "[nn]") {
    nn::vector_embedding<double> embedding(3, 5, false);
    disturb(embedding, 0.5, 4);
    const batch<double> vectors = random_batch(3, 2, 1), before = random_batch(5, 2, 2);
    batch<double> embedded = before, out(5, 2);
    nn::arena<double> memory;
    nn::vector_embedding<double>::activations a;
    embedding.forward({.vectors = vectors}, a, embedded, memory);
    nn::embedding_mlp<double>::activations inner;
    embedding.mlp.forward(vectors, inner, out, memory);
    CHECK((embedded - before - out).abs().maxCoeff() < 1e-15);
    CHECK(out.abs().maxCoeff() > 0.01);

    std::vector<std::string> names;
    for (const auto& p : nn::parameters(embedding)) {
        names.push_back(p.name);
    }
    CHECK(names == std::vector<std::string>{"linear_1.weight", "linear_1.bias", "linear_2.weight", "linear_2.bias"});
    const nn::vector_embedding<double> learns(3, 5, true);
    CHECK(nn::parameters(learns).back().name == "null.value");
    CHECK(nn::parameter_count(learns) == nn::parameter_count(embedding) + 3);
}

TEST_CASE("the gradients of an embedded vector are the central differences, told or absent", "[nn]") {
    nn::vector_embedding<double> embedding(3, 5, true);
    disturb(embedding, 0.5, 4);
    const batch<double> vectors = random_batch(3, 4, 1), before = random_batch(5, 4, 2), dout = random_batch(5, 4, 3);
    const auto form = static_cast<condition_forms>(condition_form::vector);
    const std::vector<condition_forms> absent{0, form, form, 0};
    for (const condition<double>& given :
         {condition<double>{.vectors = vectors}, {.vectors = vectors, .absent = absent}, {}}) {
        nn::arena<double> memory;
        nn::vector_embedding<double>::activations a;
        const auto loss = [&] {
            memory.clear();
            batch<double> embedded = before;
            embedding.forward(given, a, embedded, memory);
            return (embedded * dout).sum();
        };
        static_cast<void>(loss());
        nn::vector_embedding<double> d = nn::zeros_like(embedding);
        embedding.backward(given, a, dout, d, memory);
        double largest = 0;
        for (const auto& p : nn::parameters(d)) {
            for (const double g : p.values) {
                largest = std::max(largest, std::abs(g));
            }
        }
        const auto values = nn::parameters(embedding), analytic = nn::parameters(d);
        for (std::size_t p = 0; p < values.size(); ++p) {
            INFO(values[p].name);
            for (std::size_t i = 0; i < values[p].values.size(); ++i) {
                const double kept = values[p].values[i], h = 1e-5;
                values[p].values[i] = kept + h;
                const double above = loss();
                values[p].values[i] = kept - h;
                const double below = loss();
                values[p].values[i] = kept;
                CHECK(std::abs((above - below) / (2 * h) - analytic[p].values[i]) < 1e-8 * largest);
            }
        }
    }
}

}  // namespace ddpm::test
