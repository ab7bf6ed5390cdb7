// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "text.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace docs {

/// A function or type of a public header that has a docstring.
struct entity {
    std::string header;            ///< below include/: ddpm/process/forward.hpp
    std::string scope;             ///< namespaces and class: ddpm::nn
    std::string owner;             ///< the class of which it is a member, or ""
    std::string name;              ///< a constructor has the name of its class
    std::string specialization{};  ///< the arguments of a partial specialization, or ""
    std::string summary;           ///< the first sentence of its docstring
    std::string source;            ///< what its docstring says under @source, in one line, or ""
    std::size_t line = 0;          ///< of its docstring
    bool is_public = false;        ///< neither private nor in a namespace detail
};

namespace entities {

/// The number of brackets of a kind that are open at the end of a line.
inline int open_brackets(std::string_view line, char open, char close) {
    int depth = 0;
    for (const char c : line) {
        depth += c == open ? 1 : c == close ? -1 : 0;
    }
    return depth;
}

/// The declaration that begins at line k, without template header, requires clause and attributes, up to its body.
inline std::string declaration(const std::vector<std::string>& lines, std::size_t k) {
    int angles = 0, rounds = 0;
    bool in_requires = false;
    std::string text;
    for (; k < lines.size(); ++k) {
        std::string line = trimmed(lines[k]);
        const bool starts_template = line.starts_with("template <");
        if (starts_template || angles > 0) {
            angles += open_brackets(replaced(line, "->", ""), '<', '>');
            continue;
        }
        in_requires = in_requires || line.starts_with("requires ") || line.starts_with("requires(");
        if (in_requires) {
            rounds += open_brackets(line, '(', ')');
            in_requires = rounds > 0 || line.ends_with("&&") || line.ends_with("||");
            continue;
        }
        for (std::size_t at; (at = line.find("[[")) != std::string::npos;) {
            line.erase(at, line.find("]]", at) + 2 - at);
        }
        text += trimmed(line) + " ";
        if (line.find_first_of("{;(=") != std::string::npos || line.starts_with("///")) {
            return text;
        }
    }
    return text;
}

/// The identifier that ends at `end`.
inline std::string name_before(std::string_view text, std::size_t end) {
    std::size_t start = end;
    while (start > 0 && is_identifier_char(text[start - 1])) {
        --start;
    }
    return std::string(text.substr(start, end - start));
}

inline void name_from(std::string_view text, entity& found) {
    for (const char* keyword : {"struct ", "enum class ", "class ", "concept ", "using ", "union "}) {
        if (text.starts_with(keyword)) {
            const std::size_t start = std::string_view(keyword).size();
            std::size_t end = start;
            while (end < text.size() && is_identifier_char(text[end])) {
                ++end;
            }
            found.name = text.substr(start, end - start);
            if (end < text.size() && text[end] == '<') {
                found.specialization = text.substr(end + 1, text.rfind('>') - end - 1);
            }
            return;
        }
    }
    const std::size_t call = text.find("operator");
    const std::size_t bracket = text.find('(');
    const std::size_t value = text.find_first_of("{;=");
    if (call != std::string_view::npos) {
        found.name = text.substr(call, text.find('(', call + 9) - call);
    } else if (bracket != std::string_view::npos && bracket < value) {
        found.name = name_before(text, bracket);
    } else if (value != std::string_view::npos) {
        const std::size_t last = text.substr(0, value).find_last_not_of(' ');
        found.name = name_before(text, last == std::string_view::npos ? 0 : last + 1);
    }
}

/// The first sentence of a docstring.
inline std::string summary_of(const std::vector<std::string>& comment) {
    std::string text;
    for (const std::string& line : comment) {
        const std::string words = trimmed(line);
        if (words.empty() || words.starts_with("@") || line.starts_with("     ")) {
            break;
        }
        text += (text.empty() ? "" : " ") + words;
        const std::size_t end = text.find(". ");
        if (end != std::string::npos) {
            return text.substr(0, end + 1);
        }
    }
    return text;
}

inline std::string source_of(const std::vector<std::string>& comment) {
    std::string text;
    bool inside = false;
    for (const std::string& line : comment) {
        const std::string words = trimmed(line);
        if (words.starts_with("@")) {
            if (words.starts_with("@source")) {
                text += (text.empty() ? "" : "; ") + trimmed(words.substr(7));
            }
            inside = words.starts_with("@source");
        } else if (inside && !words.empty()) {
            text += " " + words;
        }
    }
    return text;
}

}  // namespace entities

/// All documented entities of a header, in its order. It relies on the layout that clang-format gives.
inline std::vector<entity> entities_of(const std::string& header, std::string_view text) {
    const std::vector<std::string> lines = lines_of(text);
    std::vector<entity> all;
    std::vector<std::string> spaces, comment;
    std::string owner;
    bool is_private = false;
    for (std::size_t k = 0; k < lines.size(); ++k) {
        const std::string& line = lines[k];
        if (line.starts_with("namespace ") && line.ends_with("{")) {
            spaces.push_back(trimmed(line.substr(10, line.size() - 11)));
        } else if (line.starts_with("}  // namespace") && !spaces.empty()) {
            spaces.pop_back();
        } else if (line.starts_with("};")) {
            owner.clear();
        } else if (line.starts_with("private:") || line.starts_with("public:")) {
            is_private = line.starts_with("private:");
        }
        const std::size_t indent = line.find_first_not_of(' ');
        if (indent != std::string::npos && line.compare(indent, 3, "///") == 0 &&
            line.find("///<") == std::string::npos) {
            comment.push_back(line.substr(indent + 3));
            continue;
        }
        const bool starts_type = (line.starts_with("struct ") || line.starts_with("class ")) && line.ends_with("{");
        if (!comment.empty() && indent != std::string::npos) {
            entity found;
            found.header = header;
            bool detail = false;
            for (const std::string& space : spaces) {
                detail = detail || space.ends_with("detail");
                found.scope += (found.scope.empty() ? "" : "::") + space;
            }
            found.owner = indent > 0 ? owner : "";
            found.is_public = !detail && !(indent > 0 && is_private);
            found.summary = entities::summary_of(comment);
            found.source = entities::source_of(comment);
            found.line = k + 1 - comment.size();
            entities::name_from(entities::declaration(lines, k), found);
            all.push_back(std::move(found));
            comment.clear();
        }
        if (starts_type) {
            entity type;
            entities::name_from(line, type);
            owner = type.name;
            is_private = line.starts_with("class ");
        }
    }
    return all;
}

/// The public entities of all headers below a folder that are not in a folder detail/, except fragments.
inline std::vector<entity> entities_below(const std::filesystem::path& include) {
    std::vector<entity> all;
    for (const auto& path : files_below(include, {".hpp"})) {
        const std::string header = path.lexically_relative(include).generic_string();
        if (header.find("/detail/") != std::string::npos || header.ends_with(".inl.hpp")) {
            continue;
        }
        for (entity& found : entities_of(header, read_file(path))) {
            if (found.is_public) {
                all.push_back(std::move(found));
            }
        }
    }
    return all;
}

}  // namespace docs
