// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/svg.hpp"

#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace examples {

/// The loss at one training step.
struct loss_point {
    ddpm::isize step;
    double loss;
};

namespace detail {

/// Places a step and a loss, on a logarithmic axis, on the drawing.
struct plot_frame {
    double left = 72, right = 776, top = 48, bottom = 372;
    double first_step = 0, last_step = 1;
    double least_loss = 0.1, most_loss = 1;

    [[nodiscard]] double x(double step) const {
        return left + (step - first_step) / (last_step - first_step) * (right - left);
    }
    [[nodiscard]] double y(double loss) const {
        const double height = std::log(loss / least_loss) / std::log(most_loss / least_loss);
        return bottom - std::clamp(height, 0.0, 1.0) * (bottom - top);
    }
};

[[nodiscard]] inline std::string svg_curve(const plot_frame& frame, const std::vector<loss_point>& curve,
                                           const char* style) {
    std::string points;
    for (const loss_point& point : curve) {
        points += number(frame.x(static_cast<double>(point.step))) + "," + number(frame.y(point.loss)) + " ";
    }
    return "<polyline fill=\"none\" " + std::string(style) + " points=\"" + points + "\"/>\n";
}

/// The mean over the `window` points around each point, fewer at the two ends.
[[nodiscard]] inline std::vector<loss_point> smoothed(const std::vector<loss_point>& curve, std::size_t window) {
    std::vector<double> sums{0.0};
    for (const loss_point& point : curve) {
        sums.push_back(sums.back() + point.loss);
    }
    std::vector<loss_point> mean;
    for (std::size_t i = 0; i < curve.size(); ++i) {
        const std::size_t first = i - std::min(i, window / 2);
        const std::size_t last = std::min(i + window / 2 + 1, curve.size());
        mean.push_back({curve[i].step, (sums[last] - sums[first]) / static_cast<double>(last - first)});
    }
    return mean;
}

/// At most `most` points of the curve, evenly spaced, the last one among them.
[[nodiscard]] inline std::vector<loss_point> thinned(const std::vector<loss_point>& curve, std::size_t most) {
    const std::size_t stride = (curve.size() - 1) / most + 1;
    std::vector<loss_point> kept;
    for (std::size_t i = 0; i < curve.size(); i += stride) {
        kept.push_back(curve[i]);
    }
    if ((curve.size() - 1) % stride != 0) {
        kept.push_back(curve.back());
    }
    return kept;
}

/// Steps of 1, 2 or 5 times a power of ten that give 4 to 10 ticks.
[[nodiscard]] inline double linear_tick(double range) {
    const double decade = std::pow(10.0, std::floor(std::log10(range)));
    for (const double factor : {0.1, 0.2, 0.5, 1.0}) {
        if (range / (factor * decade) <= 10) {
            return factor * decade;
        }
    }
    return 2 * decade;
}

}  // namespace detail

/// Draws the loss over the training steps as an SVG: each step faintly, and a running mean over it; the loss axis is
/// logarithmic. Losses that are not positive and finite are left out.
/// @throws ddpm::io_error if the file cannot be written
inline void write_loss_plot(const std::string& path, const std::string& title, std::vector<loss_point> curve) {
    std::erase_if(curve, [](const loss_point& point) { return !(point.loss > 0) || !std::isfinite(point.loss); });
    detail::plot_frame frame;
    std::string body;
    if (!curve.empty()) {
        const auto mean = detail::smoothed(curve, curve.size() / 40);
        const auto by_loss = [](const loss_point& a, const loss_point& b) { return a.loss < b.loss; };
        const auto [least, most] = std::minmax_element(curve.begin(), curve.end(), by_loss);
        frame.first_step = static_cast<double>(curve.front().step);
        frame.last_step = std::max(static_cast<double>(curve.back().step), frame.first_step + 1);
        frame.least_loss = least->loss * 0.9;
        frame.most_loss = most->loss * 1.1;
        for (const double loss : logarithmic_ticks(frame.least_loss, frame.most_loss)) {
            body += svg_line(frame.left, frame.y(loss), frame.right, frame.y(loss), "#e4e4e4");
            body += svg_text(frame.left - 8, frame.y(loss) + 4, "end", number(loss));
        }
        const double tick = std::max(1.0, detail::linear_tick(frame.last_step - frame.first_step));
        for (double step = std::ceil(frame.first_step / tick) * tick; step <= frame.last_step; step += tick) {
            body += svg_line(frame.x(step), frame.bottom, frame.x(step), frame.bottom + 5, "#444");
            body += svg_text(frame.x(step), frame.bottom + 20, "middle", std::to_string(std::llround(step)));
        }
        body += detail::svg_curve(frame, detail::thinned(curve, 1400), "stroke=\"#9ec3e6\" stroke-width=\"0.7\"");
        body += detail::svg_curve(frame, detail::thinned(mean, 700), "stroke=\"#14507f\" stroke-width=\"2\"");
        const std::string legend = "dark: running mean, " + number(mean.back().loss) + " at the end";
        body += svg_text(frame.right, frame.top + 16, "end", legend);
    }
    write_svg(path, 800, 430,
              "<g font-size=\"15\">" + svg_text(frame.left, 28, "start", title) + "</g>\n" + body +
                  svg_line(frame.left, frame.top, frame.left, frame.bottom, "#444") +
                  svg_line(frame.left, frame.bottom, frame.right, frame.bottom, "#444") +
                  svg_text((frame.left + frame.right) / 2, 414, "middle", "training step") +
                  "<g transform=\"rotate(-90 20 210)\">" + svg_text(20, 210, "middle", "loss (logarithmic)") +
                  "</g>\n");
}

}  // namespace examples
