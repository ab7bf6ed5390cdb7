// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "formula.hpp"
#include "text.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace docs {

/// Where a formula may begin in a sentence.
inline bool may_begin(const std::u32string& text, std::size_t i) {
    const auto at = [&](std::size_t k) { return k < text.size() ? text[k] : U'\0'; };
    const auto is_space = [](char32_t c) { return c == ' ' || c == '\n'; };
    const char32_t before = i == 0 ? U' ' : text[i - 1];
    if (is_space(text[i]) || (!is_space(before) && before != '(' && before != '[')) {
        return false;
    }
    if (!is_letter(text[i]) || !is_space(at(i + 1))) {
        return true;
    }
    // A letter alone is no factor if it is an article, or the name of a matrix whose shape follows: b D × N.
    const sign* next = find_sign(at(i + 2));
    const bool operation = next != nullptr && (next->kind == sign_kind::binary || next->kind == sign_kind::relation);
    if (text[i] == 'a' || text[i] == 'A' || text[i] == 'I') {
        return operation;
    }
    return !(is_space(at(i + 3)) && at(i + 4) == U'×');
}

/// Marks the formulas of a sentence for Doxygen: \f$…\f$. Code, between backticks or in the brackets of a call, stays. A
/// formula that spans lines moves to the line on which it begins, so that every other line keeps its number.
inline std::string with_inline_formulas(std::string_view sentence) {
    const std::u32string text = decode(sentence);
    std::u32string out;
    bool code = false;
    int call = 0;             // how many brackets of calls are open
    std::size_t stopped = 0;  // before it stands a formula that was refused, no part of which is one
    for (std::size_t i = 0; i < text.size();) {
        std::optional<std::string> tex;
        formula_reader reader(text, formula_place::line, i);
        if (!code && call == 0 && i >= stopped && may_begin(text, i)) {
            tex = reader.longest();
            std::size_t k = i;
            while (k > 0 && (text[k - 1] == ' ' || text[k - 1] == '\n')) {
                --k;
            }
            const sign* left = k == 0 ? nullptr : find_sign(text[k - 1]);
            const bool continues = k > 0 && (text[k - 1] == '/' || text[k - 1] == '*' || text[k - 1] == '^' ||
                                             (left != nullptr && left->kind != sign_kind::symbol));
            if (!tex || continues) {
                stopped = reader.stopped_at();
                tex.reset();
            }
        }
        if (!tex) {
            const bool opens = text[i] == '(' || text[i] == '[', closes = text[i] == ')' || text[i] == ']';
            const bool named = i > 0 && text[i - 1] < 0x80 && is_identifier_char(static_cast<char>(text[i - 1]));
            call += opens && (call > 0 || named) ? 1 : closes && call > 0 ? -1 : 0;
            code = code != (text[i] == '`');
            if (text[i] == '<' && !code && i + 1 < text.size() && is_letter(text[i + 1])) {
                out += '\\';  // no tag of HTML
            }
            out += text[i++];
            continue;
        }
        out += decode("\\f$" + *tex + "\\f$");
        const std::size_t spanned =
            static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(i),
                                                text.begin() + static_cast<std::ptrdiff_t>(reader.position()), U'\n'));
        i = reader.position();
        if (spanned > 0) {
            while (i < text.size() && text[i] != ' ' && text[i] != '\n') {
                out += text[i++];  // the punctuation after it
            }
            const bool ends = i == text.size() || text[i] == '\n';
            for (std::size_t line = 1; line <= spanned; ++line) {
                out += line < spanned || ends ? U"\n <!-- -->" : U"\n";
            }
        }
    }
    return encode(out);
}

/// The formulas on lines of their own as one displayed formula that takes as many lines; nothing if one is not understood.
inline std::optional<std::vector<std::string>> displayed(const std::vector<std::string>& lines) {
    std::size_t indent = std::string::npos;
    for (const std::string& line : lines) {
        indent = std::min(indent, line.find_first_not_of(' '));
    }
    std::vector<std::string> rows;
    for (const std::string& line : lines) {
        const std::size_t first = line.find_first_not_of(' ');
        const std::u32string text = decode(std::string_view(line).substr(first));
        const std::optional<std::string> tex = formula_reader(text, formula_place::block).whole();
        if (!tex) {
            return std::nullopt;
        }
        rows.push_back((lines.size() > 1 ? "& " : "") + std::string(first > indent ? "\\quad " : "") + *tex);
    }
    if (rows.size() > 1) {
        for (std::size_t k = 0; k + 1 < rows.size(); ++k) {
            rows[k] += " \\\\";
        }
        rows.front().insert(0, "\\begin{aligned}");
        rows.back() += "\\end{aligned}";
    }
    rows.front().insert(0, "\\f[");
    rows.back() += "\\f]";
    return rows;
}

/// What the filter makes of one comment: its lines, each without the slashes. A block that is not understood is left as it
/// is, and then `refused` gets its lines.
inline std::vector<std::string> filtered_comment(const std::vector<std::string>& lines,
                                                 std::vector<std::string>& refused) {
    std::vector<std::string> out;
    std::string sentence;
    bool in_tag = false;
    const auto flush = [&] {
        if (!sentence.empty()) {
            sentence.pop_back();
            for (std::string& line : split(with_inline_formulas(sentence), '\n')) {
                out.push_back(std::move(line));
            }
            sentence.clear();
        }
    };
    const auto is_block = [&](const std::string& line) { return line.starts_with("     ") && !in_tag; };
    for (std::size_t k = 0; k < lines.size();) {
        const std::string text = trimmed(lines[k]);
        in_tag = text.starts_with("@") || text.starts_with("- ") || (in_tag && !text.empty());
        if (!is_block(lines[k])) {
            if (text.starts_with("@") || text.starts_with("- ")) {
                flush();
            }
            // Doxygen's own command takes the first word after it for the name of an exception.
            sentence += replaced(lines[k++], " @throws ", " @raises ") + "\n";
            continue;
        }
        flush();
        std::vector<std::string> block;
        while (k < lines.size() && is_block(lines[k])) {
            block.push_back(lines[k++]);
        }
        if (const auto rows = displayed(block)) {
            for (const std::string& row : *rows) {
                out.push_back(" " + row);
            }
        } else {
            refused.insert(refused.end(), block.begin(), block.end());
            out.insert(out.end(), block.begin(), block.end());
        }
    }
    flush();
    return out;
}

/// A header as Doxygen is to read it, line by line the same: formulas in TeX.
inline std::string filtered(std::string_view header, std::vector<std::string>& refused) {
    std::string out;
    const std::vector<std::string> lines = lines_of(header);
    for (std::size_t k = 0; k < lines.size();) {
        const std::size_t indent = lines[k].find_first_not_of(' ');
        const std::size_t trailing = lines[k].find("///<");
        if (trailing != std::string::npos) {
            out += lines[k].substr(0, trailing + 4) + with_inline_formulas(lines[k].substr(trailing + 4)) + "\n";
            ++k;
            continue;
        }
        if (indent == std::string::npos || lines[k].compare(indent, 3, "///") != 0) {
            out += lines[k++] + "\n";
            continue;
        }
        const std::string start = lines[k].substr(0, indent + 3);
        std::vector<std::string> comment;
        while (k < lines.size() && lines[k].starts_with(start) && lines[k].find("///<") == std::string::npos) {
            comment.push_back(lines[k++].substr(start.size()));
        }
        for (const std::string& line : filtered_comment(comment, refused)) {
            out += start + line + "\n";
        }
    }
    return out;
}

}  // namespace docs
