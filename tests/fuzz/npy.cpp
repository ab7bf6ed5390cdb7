// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/npy.hpp>

#include "fuzz/require.hpp"
#include "fuzz/targets.hpp"

#include <cstdint>

namespace ddpm::fuzz {

void npy(bytes input) {
    batch<float> single;
    batch<double> wide;
    const bool has_single = accepted([&] { single = io::parse_npy<float>(input, "fuzz"); });
    const bool has_wide = accepted([&] { wide = io::parse_npy<double>(input, "fuzz"); });
    if (has_wide) {
        require(static_cast<std::uint64_t>(wide.size()) <= input.size(), "more numbers than bytes");
    }
    if (has_single) {
        require(has_wide && single.rows() == wide.rows() && single.cols() == wide.cols(),
                "read as float, not as double");
        require((wide.cast<float>() == single || (wide.isNaN() && single.isNaN())).all(), "the numbers differ");
    }
}

}  // namespace ddpm::fuzz
