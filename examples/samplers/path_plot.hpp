// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/svg.hpp"

#include <ddpm/core/types.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace examples {

/// The ways of particles in the plane: `states[k]` holds all of them, 2 × N, before step k, the last after the end.
struct particle_paths {
    std::string name;
    std::vector<ddpm::batch<double>> states;
};

/// Draws paths side by side, in panels that show [−extent, extent]² over the data: thin lines from noise to dots at the
/// end.
inline void write_path_plot(const std::string& path, const std::vector<particle_paths>& panels,
                            const ddpm::batch<double>& data, double extent) {
    constexpr int side = 300, gap = 16, head = 34;
    std::string body;
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const int row = static_cast<int>(i) / 2, column = static_cast<int>(i) % 2;
        const std::string at =
            std::to_string(gap + column * (side + gap)) + " " + std::to_string(head + row * (side + gap + head));
        const auto place = [&](double value, bool up) {
            return number(std::round(10 * (up ? extent - value : extent + value) / (2 * extent) * side) / 10);
        };
        body += "<g transform=\"translate(" + at + ")\">\n" + svg_text(0, -8, "start", panels[i].name);
        body +=
            "<svg width=\"300\" height=\"300\"><rect width=\"300\" height=\"300\" fill=\"#f6f7f9\"/>\n<g "
            "fill=\"#b9c3cf\">\n";
        for (ddpm::isize n = 0; n < data.cols(); ++n) {
            body +=
                "<circle r=\"1.2\" cx=\"" + place(data(0, n), false) + "\" cy=\"" + place(data(1, n), true) + "\"/>\n";
        }
        body += "</g>\n<g fill=\"none\" stroke=\"#14507f\" stroke-width=\"0.6\" stroke-opacity=\"0.55\">\n";
        const auto& states = panels[i].states;
        std::string ends;
        for (ddpm::isize n = 0; n < states.back().cols(); ++n) {
            body += "<polyline points=\"";
            for (const ddpm::batch<double>& state : states) {
                body += place(state(0, n), false) + "," + place(state(1, n), true) + " ";
            }
            body += "\"/>\n";
            ends += "<circle r=\"2\" cx=\"" + place(states.back()(0, n), false) + "\" cy=\"" +
                    place(states.back()(1, n), true) + "\"/>\n";
        }
        body += "</g>\n<g fill=\"#c0392b\">\n" + ends + "</g></svg></g>\n";
    }
    const int rows = (static_cast<int>(panels.size()) + 1) / 2;
    write_svg(path, 3 * gap + 2 * side, rows * (head + side + gap) + gap, body);
}

}  // namespace examples
