// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/torch_initialize.hpp>

#include <ddpm/nn/layers/dense.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::test {
namespace {

/// The numbers in torch's order.
template <Scalar S>
std::vector<S> numbers(const nn::tensor<S>& values) {
    std::vector<S> out(static_cast<std::size_t>(values.size()));
    nn::to_torch_order(nn::parameter<const S>{{}, values.shape(), values.values(), values.order()}, std::span(out));
    return out;
}

// The numbers are those of torch 2.13.0 after torch.manual_seed(1): tests/diffusers/make_golden.py.

TEST_CASE("a dense layer starts with torch's bits", "[nn]") {
    nn::dense<float> layer(3, 5);
    nn::torch_initializer(torch_generator(1)).layer(layer);
    CHECK(numbers(layer.weight) == std::vector<float>{0x1.30a086p-2f, -0x1.04f21cp-2f, -0x1.ca72e6p-4f, 0x1.157e7ap-2f,
                                                      -0x1.164ab8p-1f, 0x1.628e8ep-2f, -0x1.e68134p-4f, 0x1.2cc5d4p-2f,
                                                      0x1.48c046p-4f, -0x1.218f28p-4f, 0x1.47f48ap-3f, 0x1.d2a4fcp-6f,
                                                      0x1.afd9c6p-3f, -0x1.ccc9a4p-3f, -0x1.58d54ap-5f});
    CHECK(numbers(layer.bias) ==
          std::vector<float>{-0x1.a9cc4ep-5f, 0x1.56c470p-4f, -0x1.2e4e56p-9f, 0x1.026816p-1f, 0x1.6ff492p-3f});
}

TEST_CASE("a dense layer in double starts with torch's bits", "[nn]") {
    nn::dense<double> layer(7, 2);
    nn::torch_initializer(torch_generator(1)).layer(layer);
    CHECK(numbers(layer.weight) ==
          std::vector<double>{-0x1.53c6aa4fc61c3p-2, -0x1.aa6dca67af051p-3, -0x1.9b6a3ba341bd7p-3,
                              -0x1.f3e57aaf72c02p-3, 0x1.5b34925ca598bp-5, -0x1.2e517ad947448p-2, -0x1.e4196dbcabaf0p-6,
                              0x1.429442eb41c2fp-3, 0x1.ee0521b8ea807p-5, -0x1.4a34db78891d3p-9, 0x1.00fef48d39f66p-7,
                              -0x1.07e667985fec2p-3, 0x1.51d06f1cd75b7p-3, -0x1.65962714d8ee1p-4});
    CHECK(numbers(layer.bias) == std::vector<double>{-0x1.3d86c8ce6389dp-2, -0x1.281dca8d772cap-2});
}

TEST_CASE("a convolution starts with torch's bits", "[nn]") {
    struct {
        nn::tensor<float> weight{{3, 2, 2, 2}, nn::tensor_order::first_fastest};
        nn::tensor<float> bias{{3}};
    } conv;
    nn::torch_initializer start(torch_generator(1));
    start.layer(conv);
    CHECK(numbers(conv.weight) ==
          std::vector<float>{0x1.751724p-3f,  -0x1.3f978cp-3f, -0x1.18bdcep-4f,  0x1.53dc02p-3f,  -0x1.54d628p-2f,
                             0x1.b23ddep-3f,  -0x1.29ec0cp-4f, 0x1.705eb2p-3f,   0x1.92a2dep-5f,  -0x1.62a2dap-5f,
                             0x1.91a958p-4f,  0x1.1dc29ep-6f,  0x1.087414p-3f,   -0x1.1a2c76p-3f, -0x1.a65528p-6f,
                             -0x1.04bf3cp-5f, 0x1.a3cd72p-5f,  -0x1.723f6cp-10f, 0x1.3c7b6ep-2f,  0x1.c2a6c4p-4f,
                             -0x1.0da6a2p-3f, -0x1.b55092p-3f, -0x1.e5777ep-5f,  -0x1.3852f2p-3f});
    CHECK(numbers(conv.bias) == std::vector<float>{-0x1.d00f1cp-4f, 0x1.155c20p-6f, 0x1.afa480p-3f});
    torch_generator after(1);  // 27 numbers were drawn
    for (int i = 0; i < 27; ++i) {
        static_cast<void>(after.next());
    }
    CHECK(start.generator().next() == after.next());
}

TEST_CASE("an embedding table starts with torch's normals", "[nn]") {
    nn::tensor<float> table({4, 5});
    nn::torch_initializer(torch_generator(1)).normal(1.0, table);
    const std::vector<float> torch{-1.5255959f,   -0.750231802f, -0.653980911f, -1.60948479f,  0.865692377f,
                                   0.244403899f,  -0.662911355f, 0.807308257f,  0.439141572f,  1.17120075f,
                                   1.76742733f,   -0.095361881f, 0.061155282f,  -0.617744446f, -0.798069835f,
                                   -0.131623209f, -0.798439801f, 0.335730523f,  0.275333524f,  1.71630263f};
    nn::tensor<float> wide({4, 5});
    nn::torch_initializer(torch_generator(1)).normal(16.0, wide);
    for (ddpm::isize i = 0; i < 20; ++i) {
        CHECK(std::abs(table[i] - torch[static_cast<std::size_t>(i)]) <= 4e-7f * 2);
        CHECK(wide[i] == 16 * table[i]);
    }
}

}  // namespace
}  // namespace ddpm::test
