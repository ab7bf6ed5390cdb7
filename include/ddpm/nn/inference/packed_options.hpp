// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

namespace ddpm::nn {

/// How the layers of a packed network compute.
struct packed_options {
    /// Whether convolutions of float weights may use Winograd's algorithm, where it is faster. The network takes about
    /// half of the time; its weights take up to 4 times the memory, and its rounding errors are about 3 times as large.
    /// Without it every convolution is computed directly. Weights of bfloat16 always are.
    bool winograd = true;
};

}  // namespace ddpm::nn
