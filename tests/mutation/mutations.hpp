// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// Finds the small changes (mutations) that can be made to a header. It knows just enough of C++: tokens, template lists by
// the layout of .clang-format (no space before their <, spaces around every binary operator), and statements by their form.
// A change that does not compile costs only the time to try it.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace ddpm::mutation {

/// Replaces `length` characters from `offset` on.
struct change {
    std::size_t offset, length;
    std::string replacement;
};

/// The text with the change made.
[[nodiscard]] inline std::string changed(const std::string& text, const change& c) {
    return text.substr(0, c.offset) + c.replacement + text.substr(c.offset + c.length);
}

namespace detail {

enum class kind { name, number, literal, punctuation };

struct token {
    kind is;
    std::size_t offset;
    std::string text;
    bool space_before = false, space_after = false;
    bool skipped = false;  // not to be changed
};

[[nodiscard]] inline bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// The tokens without comments and preprocessor lines.
[[nodiscard]] inline std::vector<token> tokens_of(const std::string& text) {
    std::vector<token> out;
    bool line_begins = true;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        const std::string_view rest = std::string_view(text).substr(i);
        if (std::isspace(static_cast<unsigned char>(c)) != 0) {
            line_begins = line_begins || c == '\n';
            ++i;
            continue;
        }
        if (rest.starts_with("//")) {
            i = std::min(text.find('\n', i), text.size());
            continue;
        }
        if (rest.starts_with("/*")) {
            i = text.find("*/", i) + 2;
            continue;
        }
        if (c == '#' && line_begins) {
            while (i < text.size() && (text[i] != '\n' || text[i - 1] == '\\')) {
                ++i;
            }
            continue;
        }
        line_begins = false;
        std::size_t end = i + 1;
        kind is = kind::punctuation;
        if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
            is = kind::number;
            const bool hexadecimal = rest.starts_with("0x");
            const auto is_exponent = [&](char e) { return hexadecimal ? e == 'p' || e == 'P' : e == 'e' || e == 'E'; };
            while (end < text.size() && (is_name_character(text[end]) || text[end] == '.' || text[end] == '\'' ||
                                         ((text[end] == '-' || text[end] == '+') && is_exponent(text[end - 1])))) {
                ++end;
            }
        } else if (is_name_character(c)) {
            is = kind::name;
            while (end < text.size() && is_name_character(text[end])) {
                ++end;
            }
        } else if (c == '"' || c == '\'') {
            is = kind::literal;
            while (end < text.size() && text[end] != c) {
                end += text[end] == '\\' ? 2u : 1u;
            }
            ++end;
        } else {
            static const char* const longer[] = {"<<=", ">>=", "...", "<=>", "->*", "::", "->", "++", "--",
                                                 "<=",  ">=",  "==",  "!=",  "&&",  "||", "+=", "-=", "*=",
                                                 "/=",  "%=",  "&=",  "|=",  "^=",  "<<", ">>"};
            for (const char* const operator_text : longer) {
                if (rest.starts_with(operator_text)) {
                    end = i + std::string_view(operator_text).size();
                    break;
                }
            }
        }
        const auto is_space = [&](std::size_t at) {
            return at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0;
        };
        out.push_back({is, i, text.substr(i, end - i), i > 0 && is_space(i - 1), is_space(end)});
        i = end;
    }
    return out;
}

/// The index of the bracket that closes the one at `open`, or the number of tokens.
[[nodiscard]] inline std::size_t closing(const std::vector<token>& tokens, std::size_t open) {
    int depth = 0;
    for (std::size_t i = open; i < tokens.size(); ++i) {
        const std::string& t = tokens[i].text;
        depth += t == "(" || t == "[" || t == "{" ? 1 : t == ")" || t == "]" || t == "}" ? -1 : 0;
        if (depth == 0) {
            return i;
        }
    }
    return tokens.size();
}

/// The index of the > that closes a template list, or `open` if it is none.
[[nodiscard]] inline std::size_t closing_angle(const std::vector<token>& tokens, std::size_t open) {
    int depth = 0;
    for (std::size_t i = open; i < tokens.size(); ++i) {
        const std::string& t = tokens[i].text;
        if (t == "(" || t == "[" || t == "{") {
            i = closing(tokens, i);
            continue;
        }
        if (t == ";" || t == ")" || t == "]" || t == "}") {
            break;
        }
        depth += t == "<" ? 1 : t == ">" ? -1 : t == ">>" ? -2 : 0;
        if (depth <= 0) {
            return i;
        }
    }
    return open;
}

inline void skip(std::vector<token>& tokens, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i <= last && i < tokens.size(); ++i) {
        tokens[i].skipped = true;
    }
}

/// Marks what is not changed: template lists, constraints, assertions, what is computed for error messages, and memory that is
/// reserved ahead, which changes the time only.
inline void mark_skipped(std::vector<token>& tokens) {
    static const std::set<std::string> to_the_semicolon = {"using",     "throw",  "concept",
                                                           "namespace", "friend", "typedef"};
    static const std::set<std::string> with_arguments = {"static_assert", "DDPM_ASSERT", "decltype",
                                                         "alignas",       "noexcept",    "sizeof",
                                                         "text",          "joined",      "static_cast<void>"};
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        const std::string& t = tokens[i].text;
        if (tokens[i].is == kind::name && tokens[i + 1].text == "<" &&
            (t == "template" || !tokens[i + 1].space_before)) {
            skip(tokens, i + 1, closing_angle(tokens, i + 1));
        }
        if (t == "[" && tokens[i + 1].text == "[") {
            skip(tokens, i, closing(tokens, i));
        }
        if (t == "{" && tokens[i + 1].is == kind::literal) {
            skip(tokens, i, closing(tokens, i));
        }
        if (with_arguments.count(t) != 0 && tokens[i + 1].text == "(") {
            skip(tokens, i, closing(tokens, i + 1));
        }
        if (t == "reserve" && tokens[i + 1].text == "(") {
            std::size_t first = i;
            while (first > 0 && tokens[first - 1].text.find_first_of(";{}") == std::string::npos) {
                --first;
            }
            skip(tokens, first, closing(tokens, i + 1));
        }
        if (t == "require") {  // all but the condition
            std::size_t open = i + 1;
            if (tokens[open].text == "<") {
                open = closing_angle(tokens, open) + 1;
            }
            const std::size_t close = open < tokens.size() && tokens[open].text == "(" ? closing(tokens, open) : open;
            for (std::size_t k = open + 1; k < close; ++k) {
                const std::string& inner = tokens[k].text;
                if (inner == "(" || inner == "[" || inner == "{") {
                    k = closing(tokens, k);
                } else if (inner == ",") {
                    skip(tokens, k, close);
                    break;
                }
            }
        }
        if (t == "requires") {  // an expression, or a clause with the declaration after it
            std::size_t k = tokens[i + 1].text == "{" ? closing(tokens, i + 1) : i + 1;
            while (k < tokens.size() && tokens[k].text != "{" && tokens[k].text != ";") {
                k = tokens[k].text == "(" ? closing(tokens, k) + 1 : k + 1;
            }
            skip(tokens, i, k);
        }
        if (to_the_semicolon.count(t) != 0) {
            std::size_t k = i;
            while (k < tokens.size() && tokens[k].text != ";" && !(t == "namespace" && tokens[k].text == "{")) {
                ++k;
            }
            skip(tokens, i, k);
        }
    }
}

inline void change_operators(const std::vector<token>& tokens, std::vector<change>& out) {
    static const std::map<std::string, std::vector<std::string>> replacements = {
        {"+", {"-"}},        {"-", {"+"}},       {"*", {"/"}},        {"/", {"*"}},       {"%", {"/"}},
        {"<", {"<=", ">="}}, {"<=", {"<", ">"}}, {">", {">=", "<="}}, {">=", {">", "<"}}, {"==", {"!="}},
        {"!=", {"=="}},      {"&&", {"||"}},     {"||", {"&&"}},      {"+=", {"-="}},     {"-=", {"+="}},
        {"*=", {"/="}},      {"/=", {"*="}},     {"&", {"|"}},        {"|", {"&"}},       {"^", {"&"}},
        {"<<", {">>"}},      {">>", {"<<"}},
    };
    for (std::size_t i = 1; i < tokens.size(); ++i) {
        const token& t = tokens[i];
        if (t.is != kind::punctuation || t.skipped || tokens[i - 1].text == "operator") {
            continue;
        }
        const auto found = replacements.find(t.text);
        if (found != replacements.end() && t.space_before && t.space_after) {
            for (const std::string& by : found->second) {
                out.push_back({t.offset, t.text.size(), by});
            }
        }
        // A sign or a negation.
        if ((t.text == "-" || t.text == "!") && !t.space_after && tokens[i - 1].text != ")") {
            out.push_back({t.offset, 1, ""});
        }
    }
}

inline void change_constants(const std::vector<token>& tokens, std::vector<change>& out) {
    for (const token& t : tokens) {
        if (t.skipped) {
            continue;
        }
        const auto put = [&](const std::string& by) { out.push_back({t.offset, t.text.size(), by}); };
        if (t.text == "true" || t.text == "false") {
            put(t.text == "true" ? "false" : "true");
        } else if (t.is != kind::number) {
            continue;
        } else if (t.text == "0") {
            put("1");
        } else if (t.text == "1") {
            put("0");
            put("2");
        } else {
            const bool hexadecimal = t.text.starts_with("0x");
            const bool floating = t.text.find_first_of(hexadecimal ? ".p" : ".e") != std::string::npos;
            const bool zero = t.text.find_first_of("123456789") == std::string::npos;
            put(floating && !zero ? "(2 * " + t.text + ")" : "(" + t.text + " + 1)");
        }
    }
}

/// if (c) becomes if (!(c)), where no other change of c is that already.
inline void negate_conditions(const std::string& text, const std::vector<token>& tokens, std::vector<change>& out) {
    static const std::set<std::string> negated_elsewhere = {"<", "<=", ">", ">=", "==", "!="};
    for (std::size_t i = 0; i + 2 < tokens.size(); ++i) {
        if ((tokens[i].text != "if" && tokens[i].text != "while") || tokens[i].skipped) {
            continue;
        }
        const std::size_t open = tokens[i + 1].text == "constexpr" ? i + 2 : i + 1;
        if (tokens[open].text != "(") {
            continue;
        }
        const std::size_t close = closing(tokens, open);
        std::size_t first = open + 1;
        std::size_t comparisons = 0, others = 0;
        for (std::size_t k = open + 1; k < close; ++k) {
            if (tokens[k].text == ";") {
                first = k + 1;
            }
            comparisons += negated_elsewhere.count(tokens[k].text);
            others += tokens[k].text == "&&" || tokens[k].text == "||" ? 1u : 0u;
        }
        const bool single = others == 0 && (comparisons == 1 || tokens[first].text == "!");
        if (!single && first < close) {
            const std::size_t begin = tokens[first].offset, end = tokens[close].offset;
            out.push_back({begin, end - begin, "!(" + text.substr(begin, end - begin) + ")"});
        }
    }
}

/// Removes assignments, increments and calls whose result is not used.
inline void remove_statements(const std::vector<token>& tokens, std::vector<change>& out) {
    static const std::set<std::string> no_statement = {
        "return",        "throw",    "using",  "if",       "for",       "while",     "do",       "else",
        "case",          "default",  "break",  "continue", "const",     "constexpr", "auto",     "static",
        "static_assert", "struct",   "class",  "template", "namespace", "public",    "private",  "typedef",
        "friend",        "explicit", "inline", "extern",   "enum",      "switch",    "requires", "static_cast"};
    static const std::set<std::string> assignments = {
        "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="};
    for (std::size_t i = 1; i < tokens.size(); ++i) {
        const std::string& before = tokens[i - 1].text;
        const token& first = tokens[i];
        if ((before != ";" && before != "{" && before != "}") || first.skipped || no_statement.count(first.text) != 0 ||
            first.text.starts_with("DDPM_")) {
            continue;
        }
        const bool step = first.text == "++" || first.text == "--";
        if (first.is != kind::name && first.text != "*" && !step) {
            continue;
        }
        bool assigned = false, declares = false;
        std::size_t k = i;
        for (; k < tokens.size() && tokens[k].text != ";"; ++k) {
            const std::string& t = tokens[k].text;
            if (t == "{" && !assigned) {
                declares = true;
            }
            if (t == "}" || declares || (t == ":" && !assigned)) {
                declares = true;
                break;
            }
            assigned = assigned || assignments.count(t) != 0;
            if (!assigned && k > i && tokens[k].is == kind::name) {
                const token& left = tokens[k - 1];
                const bool joined = left.text == "::" || left.text == "." || left.text == "->" ||
                                    (k == i + 1 && (step || first.text == "*"));
                declares = declares || !joined;
            }
            if (!assigned && (t == "&" || t == "&&" || (t == "*" && k > i))) {
                declares = true;
            }
            if (t == "<" && tokens[k].skipped) {
                k = closing_angle(tokens, k);
            } else if (t == "(" || t == "[" || t == "{") {
                k = closing(tokens, k);
            }
        }
        if (k >= tokens.size() || declares || k == i) {
            continue;
        }
        if (assigned || step || tokens[k - 1].text == ")") {
            out.push_back({first.offset, tokens[k].offset - first.offset, ""});
        }
    }
}

}  // namespace detail

/// All changes of a header, in the order of the text.
[[nodiscard]] inline std::vector<change> changes_of(const std::string& text) {
    std::vector<detail::token> tokens = detail::tokens_of(text);
    detail::mark_skipped(tokens);
    std::vector<change> out;
    detail::change_operators(tokens, out);
    detail::change_constants(tokens, out);
    detail::negate_conditions(text, tokens, out);
    detail::remove_statements(tokens, out);
    std::sort(out.begin(), out.end(), [](const change& a, const change& b) {
        return std::tie(a.offset, a.length, a.replacement) < std::tie(b.offset, b.length, b.replacement);
    });
    return out;
}

}  // namespace ddpm::mutation
