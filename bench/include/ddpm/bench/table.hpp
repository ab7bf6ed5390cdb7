// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/bench/results.hpp>
#include <ddpm/bench/work.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::bench {

namespace detail {

/// Three digits and a unit: "1.23 ms".
[[nodiscard]] inline std::string with_unit(double value, double factor, std::string_view unit) {
    const double scaled = value * factor;
    char text[64];
    std::snprintf(text, sizeof text, "%.*f %.*s",
                  scaled < 10    ? 2
                  : scaled < 100 ? 1
                                 : 0,
                  scaled, static_cast<int>(unit.size()), unit.data());
    return text;
}

[[nodiscard]] inline std::string duration(double seconds) {
    return seconds < 1e-6   ? with_unit(seconds, 1e9, "ns")
           : seconds < 1e-3 ? with_unit(seconds, 1e6, "us")
           : seconds < 1    ? with_unit(seconds, 1e3, "ms")
                            : with_unit(seconds, 1, "s");
}

[[nodiscard]] inline std::string rate(double per_second, const std::string& unit) {
    return per_second >= 1e8   ? with_unit(per_second, 1e-9, "G" + unit)
           : per_second >= 1e5 ? with_unit(per_second, 1e-6, "M" + unit)
                               : with_unit(per_second, 1e-3, "k" + unit);
}

[[nodiscard]] inline std::string ratio(double value) { return with_unit(value, 1, "x"); }

}  // namespace detail

/// How to read the table.
inline constexpr const char* table_legend =
    "Figures are medians over the rounds. A peer's column says its time, how many times as long as the library that\n"
    "is, and in what precision where it chooses one. Of the limit: the share of what a probe reaches beside it that\n"
    "does the same flops in registers (fma), or runs through the same arrays in memory, with plain stores (memory) or\n"
    "with stores past the caches (streamed), and does nothing else.\n";

/// The results as rows of text, the heading first: name, time, rate, share of the limit, who is the fastest, and for
/// each peer its time, how many times that is the library's, and its note. Figures are medians over the rounds; shares
/// and ratios medians of those of each round.
[[nodiscard]] inline std::vector<std::vector<std::string>> table_of(const std::vector<case_result>& results) {
    std::vector<std::string> peers;
    for (const case_result& result : results) {
        for (const contender& other : result.of->contenders()) {
            const bool is_peer = !other.peer.empty() && !is_probe(other.peer) && result.has(other.peer);
            if (is_peer && std::find(peers.begin(), peers.end(), other.peer) == peers.end()) {
                peers.push_back(other.peer);
            }
        }
    }
    std::vector<std::vector<std::string>> rows{{"benchmark", "time", "items/s", "work/s", "of the limit", "fastest"}};
    rows.front().insert(rows.front().end(), peers.begin(), peers.end());
    for (const case_result& result : results) {
        if (!result.has("")) {
            continue;
        }
        const work& w = result.of->what();
        const double seconds = result.median_seconds();
        const case_result::share roof = result.roof();
        char share[64] = "";
        if (roof.of_limit > 0) {
            std::snprintf(share, sizeof share, "%.0f %% %.*s", 100 * roof.of_limit, static_cast<int>(roof.probe.size()),
                          roof.probe.data());
        }
        std::vector<std::string> row{result.of->name(), detail::duration(seconds),
                                     w.items > 0 ? detail::rate(w.items / seconds, "/s") : "",
                                     w.flops > 0           ? detail::rate(w.flops / seconds, "FLOP/s")
                                     : w.bytes_moved() > 0 ? detail::rate(w.bytes_moved() / seconds, "B/s")
                                                           : "",
                                     share};
        std::vector<std::string> cells;
        std::string fastest;
        double least = 1;
        for (const std::string& peer : peers) {
            cells.emplace_back();
            if (result.has(peer)) {
                const double ratio = median(result.ratios(peer));
                const std::string& note = result.notes.find(peer)->second;
                cells.back() = detail::duration(result.median_seconds(peer)) + ", " + detail::ratio(ratio) +
                               (note.empty() ? "" : ", " + note);
                fastest = ratio < least ? peer : fastest.empty() ? "ours" : fastest;
                least = std::min(least, ratio);
            }
        }
        row.push_back(fastest);
        row.insert(row.end(), cells.begin(), cells.end());
        rows.push_back(std::move(row));
    }
    return rows;
}

/// The rows in columns of equal width.
[[nodiscard]] inline std::string as_text(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> width(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            width[i] = std::max(width[i], row[i].size());
        }
    }
    std::string text;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string padding(width[i] - row[i].size(), ' ');
            text += i == 0 ? row[i] + padding : "  " + padding + row[i];
        }
        text += '\n';
    }
    return text;
}

/// The rows as a table of Markdown.
[[nodiscard]] inline std::string as_markdown(const std::vector<std::vector<std::string>>& rows) {
    std::string text;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        for (const std::string& cell : rows[i]) {
            text += "| " + cell + (cell.empty() ? "" : " ");
        }
        text += "|\n";
        if (i == 0) {
            text += "|---";
            for (std::size_t column = 1; column < rows[i].size(); ++column) {
                text += "|---:";
            }
            text += "|\n";
        }
    }
    return text;
}

}  // namespace ddpm::bench
