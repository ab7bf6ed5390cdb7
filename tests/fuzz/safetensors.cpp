// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/safetensors_header.hpp>

#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"

#include <cstdint>

namespace ddpm::fuzz {

void safetensors(bytes input) {
    io::safetensors_header header;
    if (!accepted([&] { header = io::parse_safetensors(input, "fuzz"); })) {
        return;
    }
    std::uint64_t sum = 0;
    for (const auto& [name, tensor] : header.tensors) {
        require(tensor.begin <= tensor.end, "a tensor ends before it begins");
        require(io::detail::tensor_bytes(tensor.type, tensor.shape) == tensor.end - tensor.begin,
                "a tensor's size is not that of its shape");
        sum += tensor.end - tensor.begin;
    }
    require(header.data_start + sum == input.size(), "the tensors are not the data");
}

}  // namespace ddpm::fuzz
