// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// The second half of formula.hpp, which includes this file: how values are read.

#include "formula.hpp"

namespace docs {

// A value: a letter, a number, a root or what is in brackets, with its accents, scripts and arguments.
inline auto formula_reader::read_value() -> std::optional<piece> {
    const std::size_t start = at_;
    std::optional<piece> value = read_base();
    if (!value || (read_scripts(*value), is_letter(peek()) && is_letter(text_[at_ - 1])) || is_name(start)) {
        at_ = start;
        return std::nullopt;
    }
    if (value->fraction && !value->bare.empty()) {
        value->tex = value->bare;
    }
    while (value->letter && (peek() == '(' || peek() == '[')) {
        std::optional<piece> arguments = peek() == '(' ? read_bracketed(')', "(", ")") : read_bracketed(']', "[", "]");
        if (!arguments) {
            at_ = start;
            return std::nullopt;
        }
        value->tex += arguments->tex;
        value->kind = piece_kind::value;
        value->bare.clear();
        value->special = value->special || arguments->special;
        read_scripts(*value);
    }
    return value;
}

// Whether what was read since `start` is a name of the code, such as d_mean, rather than a symbol such as L_simple.
inline bool formula_reader::is_name(std::size_t start) const {
    const char32_t first = text_[start];
    return peek() == '_' || (!in_block() && is_letter(first) && first != 'L' && first != 'C' && first != 'c' &&
                             at_ - start > 3 && text_[start + 1] == '_' && is_letter(text_[start + 2]) &&
                             (is_letter(text_[start + 3]) || is_digit(text_[start + 3])));
}

inline auto formula_reader::read_base() -> std::optional<piece> {
    const char32_t c = peek();
    if (c == '(') {
        return read_bracketed(')', "(", ")");
    }
    if (c == '[') {
        return read_bracketed(']', "[", "]");
    }
    if (c == U'‖') {
        return read_bracketed(U'‖', "\\lVert ", "\\rVert ");
    }
    if (c == U'⟨') {
        return read_bracketed(U'⟩', "\\langle ", "\\rangle ");
    }
    if (c == U'⌊') {
        return read_bracketed(U'⌋', "\\lfloor ", "\\rfloor ");
    }
    if (c == U'√') {
        ++at_;
        std::optional<piece> under = peek() == '(' ? read_base() : read_value();
        if (!under) {
            return std::nullopt;
        }
        return piece{piece_kind::value, "\\sqrt{" + (under->bare.empty() ? under->tex : under->bare) + "}", "", false,
                     true};
    }
    if (is_digit(c)) {
        return read_number();
    }
    if (is_letter(c)) {
        return read_name();
    }
    if (c == U'ᾱ') {
        ++at_;
        return piece{piece_kind::value, "\\bar{\\alpha}", "", true, true};
    }
    if (const sign* found = find_sign(c); found != nullptr && found->kind == sign_kind::symbol) {
        ++at_;
        const char* accent = find_accent(peek());
        at_ += accent == nullptr ? 0 : 1;
        return piece{piece_kind::value, accent == nullptr ? found->tex : accent + ("{" + std::string(found->tex) + "}"),
                     "", c != U'½' && c != U'¼', true};
    }
    return std::nullopt;
}

inline auto formula_reader::read_number() -> std::optional<piece> {
    std::string digits;
    while (is_digit(peek()) || (peek() == '.' && is_digit(peek(1)))) {
        digits += static_cast<char>(text_[at_++]);
    }
    if (peek() == 'e' && peek(1) == '-' && is_digit(peek(2))) {
        at_ += 2;
        std::string power;
        while (is_digit(peek())) {
            power += static_cast<char>(text_[at_++]);
        }
        return piece{piece_kind::value, (digits == "1" ? "" : digits + " \\cdot ") + "10^{-" + power + "}"};
    }
    const sign* next = find_sign(peek());
    if (is_letter(peek()) || (next != nullptr && next->kind == sign_kind::symbol)) {
        std::optional<piece> product = read_value();  // 2h is one value, also below a fraction's line
        if (product) {
            product->tex = digits + " " + product->tex;
            product->bare.clear();
        }
        return product;
    }
    return piece{piece_kind::value, digits};
}

inline auto formula_reader::read_name() -> std::optional<piece> {
    std::string word;
    while (is_letter(peek())) {
        word += static_cast<char>(text_[at_++]);
    }
    if (is_digit(peek())) {
        return std::nullopt;
    }
    if (word.size() > 1) {
        const std::string_view function = find_function(word);
        if (function.empty() || peek() == '_') {
            return std::nullopt;
        }
        piece one{piece_kind::prefix, std::string(function)};  // a value with its argument
        one.letter = true;
        return one;
    }
    const char* accent = find_accent(peek());
    at_ += accent == nullptr ? 0 : 1;
    return piece{piece_kind::value, accent == nullptr ? word : accent + ("{" + word + "}"), "", true,
                 accent != nullptr};
}

inline auto formula_reader::read_bracketed(char32_t close, const char* left, const char* right)
    -> std::optional<piece> {
    ++at_;
    std::vector<piece> inside;
    if (!read_until(close, inside) || inside.empty()) {
        return std::nullopt;
    }
    const std::string content = tex_of(inside);
    const bool tall = content.find("\\frac") != std::string::npos || content.find("\\sqrt") != std::string::npos;
    piece group{piece_kind::value, tall ? "\\left" + (left + content) + "\\right" + right : left + content + right};
    if (close == ')') {  // a norm keeps its bars below a root or in a fraction
        group.bare = content;
        group.fraction = inside.size() == 1 && content.starts_with("\\frac");
    }
    for (const piece& p : inside) {
        group.statement = group.statement || p.kind == piece_kind::relation;
        group.special = group.special || p.special || (p.letter && inside.size() > 1);
    }
    return group;
}

// Scripts and primes that follow a value.
inline void formula_reader::read_scripts(piece& value) {
    while (true) {
        const char32_t c = peek();
        const bool raised = find_script(c, true) != nullptr;
        if (raised || find_script(c, false) != nullptr) {
            std::string script;
            while (const char* next = find_script(peek(), raised)) {
                script += next;
                ++at_;
            }
            value.tex += (raised ? "^{" : "_{") + script + "}";
        } else if (c == '_' || c == '^') {
            ++at_;
            const std::optional<std::string> script = read_script();
            if (!script) {
                --at_;
                return;
            }
            value.tex += static_cast<char>(c) + ("{" + *script + "}");
        } else if ((c == '\'' || c == U'′') && !is_letter(peek(1))) {
            ++at_;
            value.tex += "'";
        } else if (c == '!' && value.letter) {
            ++at_;
            value.tex += "!";
        } else {
            return;
        }
        value.special = value.special || c != '!';
        value.bare.clear();
    }
}

inline std::optional<std::string> formula_reader::read_script() {
    const std::size_t start = at_;
    ++script_;
    std::vector<piece> inside;
    std::optional<std::string> script;
    if (peek() == '{') {
        ++at_;
        if (read_until('}', inside)) {
            script = tex_of(inside);
        }
    } else if (is_letter(peek()) || is_digit(peek())) {
        std::string word;
        while (is_letter(peek()) || is_digit(peek())) {
            word += static_cast<char>(text_[at_++]);
        }
        script = word.size() == 1 || is_digit(static_cast<unsigned char>(word[0])) ? word : "\\text{" + word + "}";
    } else {
        const bool minus = peek() == U'−';
        at_ += minus ? 1 : 0;
        if (const auto value = read_base()) {
            script = (minus ? "-" : "") + (value->bare.empty() ? value->tex : value->bare);
        }
    }
    --script_;
    if (!script) {
        at_ = start;
    }
    return script;
}

}  // namespace docs
