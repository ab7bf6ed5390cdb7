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

TEST_CASE("an embedded vector refuses what does not fit", "[nn]") {
    for (const bool learns_null : {false, true}) {
        const nn::vector_embedding<double> embedding(3, 5, learns_null);
        const batch<double> vectors = random_batch(3, 2, 1), low = random_batch(2, 2, 1),
                            narrow = random_batch(3, 1, 1);
        const std::vector<condition_forms> three(3, 0);
        nn::arena<double> memory;
        nn::vector_embedding<double>::activations a;
        const auto forward = [&](const condition<double>& given, isize rows) {
            batch<double> embedded = batch<double>::Zero(rows, 2);
            embedding.forward(given, a, embedded, memory);
        };
        CHECK_THROWS_AS(forward({.vectors = low}, 5), shape_error);
        CHECK_THROWS_AS(forward({.vectors = narrow}, 5), shape_error);
        CHECK_THROWS_AS(forward({.vectors = vectors, .absent = three}, 5), shape_error);
        CHECK_THROWS_AS(forward({.vectors = vectors}, 4), shape_error);
        if (!learns_null) {
            CHECK_THROWS_AS(forward({}, 5), shape_error);  // nothing stands for a vector that is absent
        }
        CHECK_NOTHROW(forward({.vectors = vectors}, 5));
        const auto backward = [&](isize rows, isize columns, nn::vector_embedding<double> d) {
            const batch<double> dembedded = random_batch(rows, columns, 3);
            embedding.backward({.vectors = vectors}, a, dembedded, d, memory);
        };
        CHECK_NOTHROW(backward(5, 2, embedding));
        CHECK_THROWS_AS(backward(4, 2, embedding), shape_error);
        CHECK_THROWS_AS(backward(5, 3, embedding), shape_error);
        CHECK_THROWS_AS(backward(5, 2, nn::vector_embedding<double>(4, 5, learns_null)), shape_error);
        CHECK_THROWS_AS(backward(5, 2, nn::vector_embedding<double>(3, 6, learns_null)), shape_error);
    }
}

TEST_CASE("embedding layers of their own refuse what does not fit", "[nn]") {
    const nn::embedding_mlp<double> mlp(3, 5);
    nn::arena<double> memory;
    nn::embedding_mlp<double>::activations a;
    const auto forward = [&](isize inputs, isize outputs, isize columns) {
        const batch<double> x = random_batch(inputs, 2, 1);
        batch<double> out(outputs, columns);
        mlp.forward(x, a, out, memory);
    };
    CHECK_THROWS_AS(forward(4, 5, 2), shape_error);
    CHECK_THROWS_AS(forward(3, 4, 2), shape_error);
    CHECK_THROWS_AS(forward(3, 5, 3), shape_error);
    CHECK_NOTHROW(forward(3, 5, 2));
    const auto backward = [&](isize inputs, isize outputs, isize columns) {
        const batch<double> x = random_batch(3, 2, 1), dout = random_batch(outputs, columns, 2);
        batch<double> dx(inputs, 2);
        nn::embedding_mlp<double> d(3, 5);
        mlp.backward(x, a, dout, dx, d, memory);
    };
    CHECK_NOTHROW(backward(3, 5, 2));
    CHECK_THROWS_AS(backward(4, 5, 2), shape_error);
    CHECK_THROWS_AS(backward(3, 4, 2), shape_error);
    CHECK_THROWS_AS(backward(3, 5, 3), shape_error);
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
