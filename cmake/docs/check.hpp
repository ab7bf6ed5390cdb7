// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "pages.hpp"
#include "text.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace docs {

/// The names between backticks in the third column of the symbols table.
inline std::vector<std::string> names_in_code(std::string_view symbols) {
    std::vector<std::string> found;
    for (const std::string& line : lines_of(symbols)) {
        const std::vector<std::string> cells = split(line, '|');
        if (cells.size() < 5) {
            continue;
        }
        const std::vector<std::string> parts = split(cells[3], '`');
        for (std::size_t k = 1; k < parts.size(); k += 2) {
            found.push_back(parts[k]);
        }
    }
    return found;
}

/// The words of a name in code that no public header has: schedule.alpha_bar(t) has schedule, alpha_bar and t.
inline std::vector<std::string> symbol_errors(const std::filesystem::path& root) {
    std::string headers;
    for (const auto& path : files_below(root / "include", {".hpp"})) {
        if (path.generic_string().find("/detail/") == std::string::npos) {
            headers += code_of(read_file(path));
        }
    }
    std::vector<std::string> errors;
    const std::vector<std::string> all = names_in_code(read_file(root / "cmake/docs/symbols.md"));
    for (const std::string& name : all) {
        std::string words = name;
        for (char& c : words) {
            c = is_identifier_char(c) ? c : ' ';
        }
        for (const std::string& word : sources::words_of(words)) {
            if (!is_digit(static_cast<unsigned char>(word[0])) && !names(headers, word)) {
                errors.push_back("cmake/docs/symbols.md: no header has " + word + " of " + name);
            }
        }
    }
    if (all.empty()) {
        errors.push_back("cmake/docs/symbols.md: no table with names in code");
    }
    return errors;
}

/// The formulas on lines of their own, in public headers, that are not understood.
inline std::vector<std::string> formula_errors(const std::filesystem::path& root) {
    std::vector<std::string> errors;
    for (const auto& path : files_below(root / "include", {".hpp"})) {
        if (path.generic_string().find("/detail/") != std::string::npos) {
            continue;
        }
        std::vector<std::string> refused;
        filtered(read_file(path), refused);
        for (const std::string& line : refused) {
            errors.push_back(header_of(path.generic_string()) + ": no formula: " + trimmed(line));
        }
    }
    return errors;
}

/// The folders without a row in the table of rooms, and the rows without a folder.
inline std::vector<std::string> room_errors(const std::filesystem::path& root) {
    std::set<std::string> folders{"bench"}, rows;
    for (const auto& entry : std::filesystem::directory_iterator(root / "include/ddpm")) {
        if (entry.is_directory()) {
            folders.insert(entry.path().filename().string());
        }
    }
    for (const room& one : rooms_of(read_file(root / ".github/CONTRIBUTING.md"))) {
        rows.insert(one.name);
    }
    std::vector<std::string> errors;
    for (const std::string& folder : folders) {
        if (!rows.contains(folder)) {
            errors.push_back(".github/CONTRIBUTING.md: the table of rooms has no row for " + folder);
        }
    }
    for (const std::string& row : rows) {
        if (!folders.contains(row)) {
            errors.push_back(".github/CONTRIBUTING.md: there is no folder for the room " + row);
        }
    }
    return errors;
}

}  // namespace docs
