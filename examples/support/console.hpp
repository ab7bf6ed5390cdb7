// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

namespace examples {

/// Runs a short example, whose only option is --quick: run(quick) does less work if it is true. An exception becomes a
/// line on stderr and the exit code 1, a wrong command line 2.
inline int run_short(int argc, char** argv, int (*run)(bool quick)) {
    const bool quick = argc == 2 && std::strcmp(argv[1], "--quick") == 0;
    if (argc > 1 && !quick) {
        std::fprintf(stderr, "usage: %s [--quick]\n", argv[0]);
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    try {
        return run(quick);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
        return 1;
    }
}

/// Prints grey images side by side, one per column of the batch, two characters for each pixel: black is empty, white
/// is full.
inline void print_images(const ddpm::batch_view<const float>& images, ddpm::sample_shape shape) {
    constexpr char shades[] = " .:-=+*#%@";
    for (ddpm::isize y = 0; y < shape.height; ++y) {
        std::string line;
        for (ddpm::isize n = 0; n < images.columns(); ++n) {
            for (ddpm::isize x = 0; x < shape.width; ++x) {
                const float value = images(y * shape.width + x, n);
                const auto shade = static_cast<std::size_t>(std::clamp((value + 1) / 2 * 9 + 0.5f, 0.0f, 9.0f));
                line.append(2, shades[shade]);
            }
            line += "  ";
        }
        line.erase(line.find_last_not_of(' ') + 1);
        std::printf("%s\n", line.c_str());
    }
}

}  // namespace examples
