// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "diffusers/named_tensors.hpp"
#include "fuzz/place.hpp"
#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"

#include <memory>
#include <string>

namespace ddpm::fuzz {

namespace {

struct training {
    nn::mlp<float> net{{.dim = 1, .hidden = 2, .blocks = 1, .embedding = 2}};
    trainer<nn::mlp<float>, noise_schedule<>> of_net{net, noise_schedule{linear_beta{}, 4}};
};

}  // namespace

/// A failed load must not change the network, nor the trainer.
void parameters(bytes input) {
    const std::string path = place() / "parameters.safetensors";
    write(path, input);
    test::named_tensors<float> net;
    net.add("a", {2, 3});
    net.add("b", {4});
    const test::named_tensors<float> before = net;
    if (!accepted([&] { load_parameters(path, net); })) {
        require(net == before, "a failed load changed the network");
    }
    static std::unique_ptr<training> resumed;  // as new: one that was loaded is not used again
    if (!resumed) {
        resumed = std::make_unique<training>();
    }
    if (accepted([&] { resumed->of_net.load(path, resume::with_other_options); })) {
        resumed.reset();
    } else {
        require(resumed->of_net.step() == 0, "a failed load changed the trainer");
    }
}

}  // namespace ddpm::fuzz
