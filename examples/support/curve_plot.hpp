// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/svg.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace examples {

/// One curve of a plot.
struct plot_curve {
    std::string name;
    std::string colour;  ///< empty: drawn faintly, without its name
    std::vector<double> x;
    std::vector<double> y;
};

/// What a plot with a logarithmic vertical axis shows.
struct curve_plot {
    std::string title, x_label, y_label;
    bool logarithmic_x = false;
    std::vector<double> x_ticks{};                           ///< the first and the last are the axis' ends
    double least = 1, most = 10;                             ///< of y; what lies outside is drawn at the edge
    double line = std::numeric_limits<double>::quiet_NaN();  ///< a level that is drawn and named
    std::string line_name{};
};

namespace detail {

struct curve_frame {
    double left = 76, right = 640, top = 48, bottom = 452;
    const curve_plot& plot;

    [[nodiscard]] double x(double value) const {
        const double first = plot.x_ticks.front(), last = plot.x_ticks.back();
        const double part =
            plot.logarithmic_x ? std::log(value / first) / std::log(last / first) : (value - first) / (last - first);
        return left + part * (right - left);
    }
    [[nodiscard]] double y(double value) const {
        const double part =
            std::log(std::clamp(value, plot.least, plot.most) / plot.least) / std::log(plot.most / plot.least);
        return bottom - part * (bottom - top);
    }
};

[[nodiscard]] inline std::string polyline(const curve_frame& frame, const plot_curve& curve, const std::string& style) {
    std::string points;
    for (std::size_t i = 0; i < curve.y.size(); ++i) {
        points += number(frame.x(curve.x[i])) + "," + number(frame.y(curve.y[i])) + " ";
    }
    return "<polyline fill=\"none\" " + style + " points=\"" + points + "\"/>\n";
}

}  // namespace detail

/// Draws curves. The names of those with a colour stand at their ends, moved apart where they would cover each other.
/// @throws ddpm::io_error if the file cannot be written
inline void write_curve_plot(const std::string& path, const curve_plot& plot, const std::vector<plot_curve>& curves) {
    const detail::curve_frame frame{.plot = plot};
    std::string body = "<g font-size=\"15\">" + svg_text(frame.left, 28, "start", plot.title) + "</g>\n";
    for (const double y : logarithmic_ticks(plot.least, plot.most)) {
        body += svg_line(frame.left, frame.y(y), frame.right, frame.y(y), "#e4e4e4");
        body += svg_text(frame.left - 8, frame.y(y) + 4, "end", number(y));
    }
    for (const double x : plot.x_ticks) {
        body += svg_line(frame.x(x), frame.top, frame.x(x), frame.bottom + 5, "#e4e4e4");
        body += svg_text(frame.x(x), frame.bottom + 20, "middle", number(x));
    }
    if (std::isfinite(plot.line)) {
        body += svg_line(frame.left, frame.y(plot.line), frame.right, frame.y(plot.line), "#222");
        body += svg_text(frame.left + 6, frame.y(plot.line) + 15, "start", plot.line_name);
    }
    std::vector<const plot_curve*> named;
    for (const plot_curve& curve : curves) {
        if (curve.y.empty()) {
            continue;
        }
        if (curve.colour.empty()) {
            body += detail::polyline(frame, curve, "stroke=\"#c9cdd2\"");
        } else {
            named.push_back(&curve);
        }
    }
    std::sort(named.begin(), named.end(),
              [](const plot_curve* a, const plot_curve* b) { return a->y.back() < b->y.back(); });
    double above = frame.bottom + 15;
    for (const plot_curve* const curve : named) {
        body += detail::polyline(frame, *curve, "stroke-width=\"2\" stroke=\"" + curve->colour + "\"");
        const double end = frame.y(curve->y.back());
        const double y = std::min(end, above - 15);
        above = y;
        body += svg_line(frame.right + 4, end, frame.right + 14, y, curve->colour.c_str());
        body +=
            "<g fill=\"" + curve->colour + "\">" + svg_text(frame.right + 18, y + 4, "start", curve->name) + "</g>\n";
    }
    body += svg_text((frame.left + frame.right) / 2, frame.bottom + 40, "middle", plot.x_label);
    body += "<g transform=\"rotate(-90 14 250)\">" + svg_text(14, 250, "middle", plot.y_label) + "</g>\n";
    write_svg(path, 800, 510, body);
}

}  // namespace examples
