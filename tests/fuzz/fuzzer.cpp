// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// The entry of libFuzzer; DDPM_FUZZ_TARGET is one of the functions of targets.hpp.
#include "fuzz/targets.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ddpm::fuzz::DDPM_FUZZ_TARGET(std::as_bytes(std::span(data, size)));
    return 0;
}
