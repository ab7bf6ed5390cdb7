// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "comments.hpp"
#include "entities.hpp"
#include "index.hpp"
#include "text.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace docs {

/// A folder of include/ddpm, or bench.
struct room {
    std::string name;
    std::string holds;
};

/// The rooms of the table in .github/CONTRIBUTING.md, whose rows are | `name` | what it holds | what it includes |.
inline std::vector<room> rooms_of(std::string_view contributing) {
    std::vector<room> rooms;
    for (const std::string& line : lines_of(contributing)) {
        const std::vector<std::string> cells = split(line, '|');
        if (cells.size() == 5 && trimmed(cells[1]).starts_with("`")) {
            rooms.push_back({replaced(trimmed(cells[1]), "`", ""), trimmed(cells[2])});
        } else if (!rooms.empty()) {
            break;
        }
    }
    return rooms;
}

/// The header's path as #include has it, from the path of the file; "" if it is not a header of the library.
inline std::string header_of(std::string_view path) {
    const std::size_t at = path.rfind("include/ddpm/");
    return at == std::string_view::npos ? "" : std::string(path.substr(at + 8));
}

/// The room of a header; "" for those that lie in none.
inline std::string room_of(const std::string& header) {
    const std::vector<std::string> parts = split(header, '/');
    return parts.size() > 2 ? parts[1] : "";
}

/// The name of a header's page.
inline std::string page_of(const std::string& header) {
    return "header_" + replaced(replaced(header, "/", "_"), ".", "_");
}

/// A header as Doxygen reads it: formulas in TeX, and what it declares put on the header's page.
inline std::string for_doxygen(std::string_view path, std::string_view text) {
    std::vector<std::string> refused;
    const std::string header = header_of(path);
    std::string out;
    bool opened = false;
    for (std::string line : lines_of(filtered(text, refused))) {
        const bool outer = line.find("detail") == std::string::npos && !room_of(header).empty();
        if (outer && line.starts_with("namespace ddpm") && line.ends_with("{")) {
            // The command takes all of its line. The next one is empty.
            line += " /** \\addtogroup " + page_of(header);
            opened = true;
        } else if (opened) {
            line.insert(0, "\\{ */ ");
            opened = false;
        } else if (outer && line.starts_with("}  // namespace ddpm")) {
            line.insert(0, "/** \\} */ ");
        }
        out += line + "\n";
    }
    return out;
}

/// The pages of rooms and headers, as comments that define them.
inline std::string room_pages(const std::filesystem::path& root, const std::vector<room>& rooms) {
    std::string out;
    for (const room& one : rooms) {
        out += "/** \\defgroup room_" + one.name + " " + one.name + "\n\\brief " + one.holds + "\n*/\n";
    }
    for (const char* include : {"include", "bench/include"}) {
        std::map<std::string, std::string> summaries;
        for (const entity& found : entities_below(root / include)) {
            summaries.emplace(found.header, found.owner.empty() ? found.summary : "");
        }
        for (const auto& [header, summary] : summaries) {
            if (!room_of(header).empty()) {
                out += "/** \\defgroup " + page_of(header) + " " + header + "\n\\ingroup room_" + room_of(header) +
                       "\n\\brief " + with_inline_formulas(summary) + "\n*/\n";
            }
        }
    }
    return out;
}

/// The rooms as a table of links.
inline std::string room_table(const std::vector<room>& rooms) {
    std::string table = "| room | what it holds |\n|---|---|\n";
    for (const room& one : rooms) {
        table += "| \\ref room_" + one.name + " \"" + one.name + "\" | " + one.holds + " |\n";
    }
    return table;
}

/// A text as a cell of a table: it must not hold what Doxygen takes for a command.
inline std::string cell(std::string text) { return replaced(replaced(std::move(text), "|", "\\|"), "#", "\\#"); }

inline std::string link_to(const entity& target) {
    const std::string name = (target.owner.empty() ? "" : target.owner + "::") + target.name;
    const std::string arguments = target.specialization.empty() ? "" : "< " + target.specialization + " >";
    return "\\ref " + target.scope + "::" + name + arguments + " \"" + name + "\"";
}

inline std::string index_cells(const index_row& row) {
    std::string tests;
    for (std::size_t k = 0; k < row.tests.size() && k < 3; ++k) {
        tests += (k == 0 ? "`" : ", `") + row.tests[k] + "`";
    }
    if (row.tests.size() > 3) {
        tests += ", and " + std::to_string(row.tests.size() - 3) + " more";
    }
    return link_to(row.target) + " | `" + row.target.header + "` | " + tests + " |\n";
}

/// The page of the equation index: a table for each paper, by year, then one of programs.
inline std::string index_page(const equation_index& index) {
    std::map<std::pair<int, std::string>, std::vector<const index_row*>> papers;
    std::vector<const index_row*> programs;
    for (const index_row& row : index.rows) {
        if (row.source.is_paper()) {
            papers[{row.source.year, row.source.authors + " " + std::to_string(row.source.year) + "\n" + row.source.id}]
                .push_back(&row);
        } else {
            programs.push_back(&row);
        }
    }
    std::string page =
        "# Equation index {#equations}\n\nWhich function or type implements which equation of which paper, and which "
        "test "
        "files name it. It is made from the `@source` lines of the docstrings: " +
        counts_of(index) + ".\n\n";
    for (const auto& [key, rows] : papers) {
        const std::vector<std::string> name = split(key.second, '\n');
        page += "## " + name[0];
        if (name[1].starts_with("arXiv ")) {
            page += ", [" + name[1] + "](https://arxiv.org/abs/" + name[1].substr(6) + ")";
        } else if (!name[1].empty()) {
            page += ", " + name[1];
        }
        page += "\n\n| place | function or type | header | tests |\n|---|---|---|---|\n";
        for (const index_row* row : rows) {
            const std::string place = row->source.places.empty() ? "–" : row->source.places;
            page += "| " + cell(place + (row->source.label.empty() ? "" : " (" + row->source.label + ")")) + " | " +
                    index_cells(*row);
        }
        page += "\n";
    }
    page += "## Programs and standards\n\n| source | function or type | header | tests |\n|---|---|---|---|\n";
    for (const index_row* row : programs) {
        page += "| " + cell((row->source.label.empty() ? "" : row->source.label + ": ") + row->source.text) + " | " +
                index_cells(*row);
    }
    return page;
}

/// The first picture of a README as a command for the front page, with its description.
inline std::string picture_of(std::string_view readme) {
    const std::size_t start = readme.find("![");
    if (start == std::string_view::npos) {
        return "";
    }
    const std::size_t middle = readme.find("](", start);
    const std::string path(readme.substr(middle + 2, readme.find(')', middle) - middle - 2));
    return "\\image html " + path + " \"" + std::string(readme.substr(start + 2, middle - start - 2)) + "\"";
}

}  // namespace docs
