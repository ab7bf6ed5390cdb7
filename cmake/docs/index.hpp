// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "entities.hpp"
#include "sources.hpp"
#include "text.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace docs {

/// A row of the equation index: a place of a paper, or a program, and what implements it.
struct index_row {
    reference source;
    entity target;
    std::vector<std::string> tests;  ///< the test files that name the target
};

/// The paper, equation → function → test index, and what is wrong with it.
struct equation_index {
    std::vector<index_row> rows;
    std::vector<std::string> errors;
};

/// C++ code without its comments and the text of its strings.
inline std::string code_of(std::string_view text) {
    std::string code;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 2) == "//") {
            i = std::min(text.find('\n', i), text.size()) - 1;
        } else if (text.substr(i, 2) == "/*") {
            i = std::min(text.find("*/", i), text.size() - 2) + 1;
        } else if (text[i] == '"') {
            for (++i; i < text.size() && text[i] != '"' && text[i] != '\n'; ++i) {
                i += text[i] == '\\' ? 1U : 0U;
            }
        } else {
            code += text[i];
        }
    }
    return code;
}

/// The test files below `root`/tests by path, as code.
inline std::vector<std::pair<std::string, std::string>> read_tests(const std::filesystem::path& root) {
    std::vector<std::pair<std::string, std::string>> tests;
    for (const auto& path : files_below(root / "tests", {".cpp"})) {
        if (!path.filename().string().starts_with("docs_")) {  // those of this folder test nothing of the library
            tests.emplace_back(path.lexically_relative(root).generic_string(), code_of(read_file(path)));
        }
    }
    return tests;
}

/// The test files that name an entity, the one at the place of its header first.
inline std::vector<std::string> tests_of(const entity& target,
                                         const std::vector<std::pair<std::string, std::string>>& tests) {
    const bool by_owner = target.name == target.owner || target.name.starts_with("operator");
    std::string mirror = "tests/" + target.header.substr(target.header.find('/') + 1);
    mirror.replace(mirror.size() - 4, 4, ".cpp");
    std::vector<std::string> found;
    for (const auto& [path, code] : tests) {
        if ((target.owner.empty() || names(code, target.owner)) && (by_owner || names(code, target.name))) {
            found.insert(path == mirror ? found.begin() : found.end(), path);
        }
    }
    return found;
}

inline std::string place_of(const entity& target) { return target.header + ":" + std::to_string(target.line); }

/// The index of all public headers below `root`/include, each entity once for each place that it names.
inline equation_index make_index(const std::filesystem::path& root) {
    equation_index index;
    const auto tests = read_tests(root);
    std::map<std::string, std::string> paper_of_id;             // "arXiv …" → "Ho et al. 2020"
    std::map<std::string, std::set<std::string>> ids_of_paper;  // the other way round
    std::set<std::string> seen;
    for (const entity& target : entities_below(root / "include")) {
        if (target.source.empty()) {
            continue;
        }
        std::vector<std::string> unknown;
        const std::vector<reference> references = references_of(target.source, unknown);
        for (const std::string& part : unknown) {
            index.errors.push_back(place_of(target) +
                                   ": neither a paper with authors and year nor a known program: " + part);
        }
        if (target.name.empty()) {
            index.errors.push_back(place_of(target) + ": the declaration below the docstring is not understood");
            continue;
        }
        const std::vector<std::string> found = tests_of(target, tests);
        if (found.empty()) {
            index.errors.push_back(place_of(target) + ": no test names " + target.name);
        }
        for (const reference& source : references) {
            const std::string paper = source.authors + " " + std::to_string(source.year);
            if (source.is_paper() && !source.id.empty()) {
                const auto [known, is_new] = paper_of_id.emplace(source.id, paper);
                if (!is_new && known->second != paper && source.id.starts_with("arXiv")) {
                    index.errors.push_back(place_of(target) + ": " + source.id + " is of " + paper + ", elsewhere of " +
                                           known->second);
                }
                ids_of_paper[paper].insert(source.id);
            }
            if (seen.insert(source.id + paper + source.places + source.label + source.text + target.scope +
                            target.owner + target.name)
                    .second) {
                index.rows.push_back({source, target, found});
            }
        }
    }
    for (index_row& row : index.rows) {
        const auto& ids = ids_of_paper[row.source.authors + " " + std::to_string(row.source.year)];
        if (row.source.is_paper() && row.source.id.empty() && ids.size() == 1) {
            row.source.id = *ids.begin();
        }
    }
    return index;
}

/// The numbers of the equations that places name: "equations 5 to 8 and table 1" are 5, 6, 7 and 8.
inline std::set<std::string> equations_in(const std::string& places) {
    std::set<std::string> numbers;
    std::string last;
    bool inside = false, range = false;
    for (const std::string& word : sources::words_of(places)) {
        const std::string number = sources::bare(word);
        if (sources::is_place_word(number)) {
            inside = number.starts_with("equation");
        } else if (inside && sources::is_number(number)) {
            if (range) {
                for (int k = std::stoi(last) + 1; k < std::stoi(number); ++k) {
                    numbers.insert(std::to_string(k));
                }
            }
            numbers.insert(number);
            last = number;
        }
        range = inside && number == "to";
    }
    return numbers;
}

/// What the index holds, in one line.
inline std::string counts_of(const equation_index& index) {
    std::set<std::string> papers, equations, programs, functions, tests;
    for (const index_row& row : index.rows) {
        const std::string paper = row.source.authors + std::to_string(row.source.year) + row.source.id;
        if (row.source.is_paper()) {
            papers.insert(paper);
        } else {
            programs.insert(row.source.text);
        }
        for (const std::string& number : equations_in(row.source.places)) {
            equations.insert(paper + number);
        }
        functions.insert(row.target.scope + row.target.owner + row.target.name);
        tests.insert(row.tests.begin(), row.tests.end());
    }
    return std::to_string(equations.size()) + " equations, " + std::to_string(papers.size()) + " papers, " +
           std::to_string(programs.size()) + " programs or parts of them, " + std::to_string(functions.size()) +
           " functions and types, " + std::to_string(tests.size()) + " test files";
}

}  // namespace docs
