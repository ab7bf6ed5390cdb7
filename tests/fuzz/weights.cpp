// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/io/detail/bytes.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/parameter_file.hpp>
#include <ddpm/train/trainer.hpp>

#include "diffusers/named_tensors.hpp"
#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"
#include "support/temporary_folder.hpp"

#include <cstdint>
#include <string>

namespace ddpm::fuzz {

namespace {

/// A folder of this process.
const test::temporary_folder& place() {
    static const test::temporary_folder folder(test::place_in_memory());
    return folder;
}

void write(const std::string& path, bytes content) { test::write_text(path, io::detail::text_of(content)); }

/// Cuts the first part off, which two bytes before it measure.
bytes take_part(bytes& input) {
    if (input.size() < 2) {
        return {};
    }
    const std::size_t asked = std::to_integer<std::size_t>(input[0]) | std::to_integer<std::size_t>(input[1]) << 8;
    input = input.subspan(2);
    const bytes part = input.first(std::min(asked, input.size()));
    input = input.subspan(part.size());
    return part;
}

}  // namespace

/// A failed load must not change the network.
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
    nn::mlp<float> mlp{{.dim = 1, .hidden = 2, .blocks = 1, .embedding = 2}};
    static const noise_schedule schedule{linear_beta{}, 4};
    trainer resumed{mlp, schedule};
    if (!accepted([&] { resumed.load(path, resume::with_other_options); })) {
        require(resumed.step() == 0, "a failed load changed the trainer");
    }
}

/// The index, its length before it, then the first file and its length, then the second file.
void folder(bytes input) {
    const bytes index = take_part(input), first = take_part(input);
    write(place() / "diffusion_pytorch_model.safetensors.index.json", index);
    write(place() / "a.safetensors", first);
    write(place() / "b.safetensors", input);
    test::named_tensors<float> net;
    net.add("a", {2, 3});
    net.add("b", {4});
    const test::named_tensors<float> before = net;
    if (!accepted([&] { diffusers::load_weights(place() / ".", net); })) {
        require(net == before, "a failed load changed the network");
    }
}

}  // namespace ddpm::fuzz
