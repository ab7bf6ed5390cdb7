// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/diffusers/weights.hpp>

#include "diffusers/named_tensors.hpp"
#include "fuzz/place.hpp"
#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"

#include <algorithm>
#include <cstddef>

namespace ddpm::fuzz {

namespace {

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
