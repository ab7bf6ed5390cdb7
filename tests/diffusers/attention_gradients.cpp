// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Our part of attention_gradients.py: a network's gradients in float.

#include <ddpm/diffusers/unet_config.hpp>
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/io/safetensors_file.hpp>
#include <ddpm/io/write_safetensors.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/torch_order.hpp>

#include "support/catch.hpp"

#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace ddpm::test {

TEST_CASE("the gradients of a network in the folder DDPM_ATTENTION_GRADIENTS", "[.][attention_gradients]") {
    const char* const folder = std::getenv("DDPM_ATTENTION_GRADIENTS");
    REQUIRE(folder != nullptr);
    const std::string path = folder;
    nn::unet<float> net(diffusers::read_unet_config(path + "/config.json").options);
    diffusers::load_weights(path, net);
    const auto given = io::safetensors_file::open(path + "/case.safetensors");
    const auto& shape = given.info("x").shape;
    batch<float> x(shape[1] * shape[2] * shape[3], shape[0]), dy(x.rows(), x.cols()), dx(x.rows(), x.cols());
    std::vector<double> times(static_cast<std::size_t>(shape[0]));
    const auto numbers_of = [](batch<float>& b) { return std::span(b.data(), static_cast<std::size_t>(b.size())); };
    given.read("x", numbers_of(x));
    given.read("dy", numbers_of(dy));
    given.read("t", std::span(times));

    auto workspace = net.make_workspace(x.cols(), pass::backward);
    auto d = nn::zeros_like(net);
    batch<float> out(x.rows(), x.cols());
    net.forward({x, times}, out, workspace);
    net.backward({x, times}, dy, workspace, d, batch_view<float>(dx));

    const auto parameters = nn::parameters(d);
    std::vector<std::vector<float>> numbers;
    std::vector<io::tensor_source> tensors{{"input", shape, std::span<const float>(numbers_of(dx))}};
    for (const auto& p : parameters) {
        nn::to_torch_order(p, std::span(numbers.emplace_back(p.values.size())));
        tensors.emplace_back(p.name, std::vector<isize>(p.shape.begin(), p.shape.end()),
                             std::span<const float>(numbers.back()));
    }
    io::write_safetensors(path + "/gradients.safetensors", tensors);
}

}  // namespace ddpm::test
