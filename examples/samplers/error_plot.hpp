// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/svg.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace examples {

/// The error of one sampler at some numbers of evaluations.
struct error_curve {
    std::string name;
    std::string colour;  ///< empty: drawn faintly, without its name
    std::vector<double> evaluations;
    std::vector<double> errors;
};

namespace detail {

struct log_frame {
    double left = 64, right = 640, top = 48, bottom = 452;
    double least_x, most_x, least_y, most_y;

    [[nodiscard]] double x(double value) const {
        return left + std::log(value / least_x) / std::log(most_x / least_x) * (right - left);
    }
    [[nodiscard]] double y(double value) const {
        return bottom - std::log(std::clamp(value, least_y, most_y) / least_y) / std::log(most_y / least_y) * (bottom - top);
    }
};

[[nodiscard]] inline std::string polyline(const log_frame& frame, const error_curve& curve, const std::string& style) {
    std::string points;
    for (std::size_t i = 0; i < curve.errors.size(); ++i) {
        points += number(frame.x(curve.evaluations[i])) + "," + number(frame.y(curve.errors[i])) + " ";
    }
    return "<polyline fill=\"none\" " + style + " points=\"" + points + "\"/>\n";
}

}  // namespace detail

/// Draws errors over evaluations, both logarithmic. The names of curves with a colour stand at their ends, moved apart
/// where they would cover each other; `floor`, what exact samples have, is drawn as a line. Errors above 200 times that are
/// drawn there.
inline void write_error_plot(const std::string& path, const std::string& title, const std::vector<error_curve>& curves,
                             double floor) {
    const detail::log_frame frame{.least_x = 4.5, .most_x = 50, .least_y = floor * 0.7, .most_y = floor * 200};
    std::string body = "<g font-size=\"15\">" + svg_text(frame.left, 28, "start", title) + "</g>\n";
    for (const double error : logarithmic_ticks(frame.least_y, frame.most_y)) {
        body += svg_line(frame.left, frame.y(error), frame.right, frame.y(error), "#e4e4e4");
        body += svg_text(frame.left - 8, frame.y(error) + 4, "end", number(error));
    }
    for (const double count : {5.0, 10.0, 20.0, 50.0}) {
        body += svg_line(frame.x(count), frame.top, frame.x(count), frame.bottom + 5, "#e4e4e4");
        body += svg_text(frame.x(count), frame.bottom + 20, "middle", number(count));
    }
    body += svg_line(frame.left, frame.y(floor), frame.right, frame.y(floor), "#222");
    body += svg_text(frame.left + 6, frame.y(floor) + 15, "start", "exact samples among themselves");
    std::vector<const error_curve*> named;
    for (const error_curve& curve : curves) {
        if (curve.colour.empty()) {
            body += detail::polyline(frame, curve, "stroke=\"#c9cdd2\"");
        } else {
            named.push_back(&curve);
        }
    }
    std::sort(named.begin(), named.end(),
              [](const error_curve* a, const error_curve* b) { return a->errors.back() < b->errors.back(); });
    double above = frame.bottom + 15;
    for (const error_curve* const curve : named) {
        body += detail::polyline(frame, *curve, "stroke-width=\"2\" stroke=\"" + curve->colour + "\"");
        const double end = frame.y(curve->errors.back());
        const double y = std::min(end, above - 15);
        above = y;
        body += svg_line(frame.right + 4, end, frame.right + 14, y, curve->colour.c_str());
        body += "<g fill=\"" + curve->colour + "\">" + svg_text(frame.right + 18, y + 4, "start", curve->name) + "</g>\n";
    }
    body += svg_text((frame.left + frame.right) / 2, frame.bottom + 40, "middle", "network evaluations");
    body += "<g transform=\"rotate(-90 16 250)\">" + svg_text(16, 250, "middle", "sliced Wasserstein distance") + "</g>\n";
    write_svg(path, 800, 510, body);
}

}  // namespace examples
