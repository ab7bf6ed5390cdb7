// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

namespace examples {

/// A short decimal: 4 digits, no trailing zeros, whatever the locale.
[[nodiscard]] inline std::string number(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 4).ptr;
    return {text.data(), end};
}

[[nodiscard]] inline std::string svg_text(double x, double y, const char* anchor, const std::string& text) {
    return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" + text + "</text>\n";
}

[[nodiscard]] inline std::string svg_line(double x1, double y1, double x2, double y2, const char* colour) {
    return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
           "\" stroke=\"" + colour + "\"/>\n";
}

/// 1, 2 and 5 times powers of ten from `least` to `most`.
[[nodiscard]] inline std::vector<double> logarithmic_ticks(double least, double most) {
    std::vector<double> ticks;
    for (double decade = std::pow(10.0, std::floor(std::log10(least))); decade <= most; decade *= 10) {
        for (const double factor : {1.0, 2.0, 5.0}) {
            if (factor * decade >= least * 0.999 && factor * decade <= most * 1.001) {
                ticks.push_back(factor * decade);
            }
        }
    }
    return ticks;
}

/// Writes a drawing on white, in a sans-serif of 12 units.
/// @throws ddpm::io_error if the file cannot be written
inline void write_svg(const std::string& path, int width, int height, const std::string& body) {
    const std::string w = std::to_string(width), h = std::to_string(height);
    std::ofstream file(path);
    file << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << w << " " << h << "\" width=\"" << w
         << "\" height=\"" << h << "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
         << "<rect width=\"" << w << "\" height=\"" << h << "\" fill=\"#fff\"/>\n"
         << body << "</svg>\n";
    file.close();
    if (!file) {
        throw ddpm::io_error("write_svg", path + ": cannot be written");
    }
}

}  // namespace examples
