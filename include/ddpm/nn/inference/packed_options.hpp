// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

namespace ddpm::nn {

/// How the layers of a packed network compute.
struct packed_options {
    /// Whether 3 × 3 convolutions may use Winograd's algorithm where it is faster: a U-Net takes about half of the time, and
    /// its rounding errors in float are about 3 times as large. Otherwise every convolution is computed directly, as
    /// those of bfloat16 are on processors with instructions for it.
    bool winograd = true;
};

}  // namespace ddpm::nn
