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
        // Of what a header declares, what has its name stands for it, else the first with a source, else the first.
        std::map<std::string, std::string> summaries;
        std::map<std::string, int> ranks;
        for (const entity& found : entities_below(root / include)) {
            const std::string stem = std::filesystem::path(found.header).stem().string();
            const int rank = !found.owner.empty() ? 0 : found.name == stem ? 3 : found.source.empty() ? 1 : 2;
            if (rank > ranks[found.header]) {
                ranks[found.header] = rank;
                summaries[found.header] = found.summary;
            }
        }
        for (const auto& path : files_below(root / include, {".hpp"})) {
            summaries.emplace(path.lexically_relative(root / include).generic_string(), "");
        }
        for (const auto& [header, summary] : summaries) {
            if (!room_of(header).empty() && header.find("/detail/") == std::string::npos) {
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
        tests += (k == 0 ? "`" : "<br>`") + row.tests[k] + "`";
    }
    if (row.tests.size() > 3) {
        tests += "<br>and " + std::to_string(row.tests.size() - 3) + " more";
    }
    return link_to(row.target) + " | `" + row.target.header + "` | " + tests + " |\n";
}

inline std::string paper_of(const reference& source) {
    return source.authors + " " + std::to_string(source.year) + (source.id.empty() ? "" : ", " + source.id);
}

/// The page of the equation index: a table for each paper of which places are named, by year, then one of other papers and
/// one of programs.
inline std::string index_page(const equation_index& index) {
    std::map<std::pair<int, std::string>, std::string> papers, wholes;
    std::string programs;
    for (const index_row& row : index.rows) {
        const reference& source = row.source;
        const std::string label = source.label.empty() ? "" : " (" + source.label + ")";
        if (!source.is_paper()) {
            programs += "| " + cell(source.text + label) + " | " + index_cells(row);
        } else if (source.places.empty()) {
            wholes[{source.year, paper_of(source)}] += "| " + cell(paper_of(source) + label) + " | " + index_cells(row);
        } else {
            papers[{source.year, paper_of(source)}] += "| " + cell(source.places + label) + " | " + index_cells(row);
        }
    }
    const std::string columns = " | function or type | header | tests |\n|---|---|---|---|\n";
    std::string page =
        "# Equation index {#equations}\n\nWhich function or type implements which equation of which paper, and which "
        "test "
        "files name it. It is made from what the docstrings have under Source: " +
        counts_of(index) + ".\n\n";
    for (const auto& [key, rows] : papers) {
        const std::size_t id = key.second.find("arXiv ");
        page += "## " + key.second + "\n\n" +
                (id == std::string::npos ? "" : "https://arxiv.org/abs/" + key.second.substr(id + 6) + "\n\n") +
                "| place" + columns + rows + "\n";
    }
    page += "## Other papers\n\n| paper" + columns;
    for (const auto& [key, rows] : wholes) {
        page += rows;
    }
    return page + "\n## Programs and standards\n\n| source" + columns + programs;
}

/// A Markdown page of ours with its formulas marked. The first cell of a table's row is one; indented lines are code.
inline std::string page_with_formulas(std::string_view markdown) {
    std::string out;
    for (const std::string& line : lines_of(markdown)) {
        std::size_t start = 0;
        if (line.starts_with("| ")) {
            start = line.find(" |", 2);
            const std::u32string symbol = decode(line.substr(2, start - 2));
            const auto tex = formula_reader(symbol, formula_place::block).whole();
            const bool word = !tex || tex->starts_with("\\text");
            out += "| " + (word ? line.substr(2, start - 2) : "\\f$" + *tex + "\\f$");
        }
        const std::string rest = line.substr(start);
        out += (line.starts_with("    ") ? rest : with_inline_formulas(rest)) + "\n";
    }
    return out;
}

/// The first picture of a README that lies in the repository: its path and its description; empty if there is none.
struct picture {
    std::string path;
    std::string description;
};

inline picture picture_of(std::string_view readme) {
    for (std::size_t start = 0; (start = readme.find("![", start)) != std::string_view::npos; ++start) {
        const std::size_t middle = readme.find("](", start);
        const std::string path(readme.substr(middle + 2, readme.find(')', middle) - middle - 2));
        if (path.find("://") == std::string::npos) {
            return {path, std::string(readme.substr(start + 2, middle - start - 2))};
        }
    }
    return {};
}

/// Copies the picture beside the pages, and gives the command that shows it.
inline std::string copied(const picture& one, const std::filesystem::path& root, const std::filesystem::path& folder) {
    if (one.path.empty()) {
        return "";
    }
    const std::filesystem::path name = std::filesystem::path(one.path).filename();
    std::filesystem::copy_file(root / one.path, folder / name, std::filesystem::copy_options::overwrite_existing);
    return "\\image html " + name.string() + " \"" + one.description + "\" width=360px";
}

}  // namespace docs
