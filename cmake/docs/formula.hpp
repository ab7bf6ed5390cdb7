// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "symbols.hpp"
#include "text.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace docs {

/// Whether a formula may hold words, and what becomes of a quotient.
enum class formula_place {
    line,  ///< within a sentence: a word ends the formula, and a quotient keeps its slash
    block  ///< on lines of its own: words stand in the formula, and a/b is a fraction
};

/// Reads a formula written as Unicode text, such as √ᾱ_t x_0 + √(1 − ᾱ_t) ε, and gives its TeX.
class formula_reader {
public:
    formula_reader(std::u32string_view text, formula_place place, std::size_t at = 0)
        : text_(text), place_(place), at_(at) {}

    /// The whole text, or nothing if a part of it is not understood.
    std::optional<std::string> whole() {
        std::vector<piece> pieces;
        if (!read_until(0, pieces)) {
            return std::nullopt;
        }
        return tex_of(pieces);
    }

    /// The longest formula from here on that ends with a value, or nothing if there is none that is told from a sentence.
    std::optional<std::string> longest() {
        std::vector<piece> pieces;
        std::size_t end = at_, count = 0;
        read_pieces(0, pieces, [&] {
            end = at_;
            count = pieces.size();
        });
        // What comes before the place where reading stopped was read, but is not all of the formula.
        stopped_at_ = std::max(end, at_);
        pieces.resize(count);
        if (pieces.empty() || !may_start(pieces) || is_word_article(pieces.back(), end)) {
            return std::nullopt;
        }
        bool letter = false, special = false, operation = false;
        for (const piece& p : pieces) {
            letter = letter || p.letter;
            special = special || p.special;
            operation = operation || p.kind == piece_kind::binary || p.kind == piece_kind::relation;
        }
        if (!(special || (letter && operation)) || followed_by_more(end)) {
            return std::nullopt;
        }
        at_ = end;
        return tex_of(pieces);
    }

    [[nodiscard]] std::size_t position() const { return at_; }
    [[nodiscard]] std::size_t stopped_at() const { return stopped_at_; }

private:
    enum class piece_kind { value, prefix, binary, relation, slash, text, gap };
    struct piece {
        piece_kind kind;
        std::string tex;
        std::string bare{};  ///< of a value in brackets, what is in them
        bool letter = false;
        bool special = false;
        bool tight = false;      ///< of an operator: no space after it
        bool fraction = false;   ///< of a value in brackets: it is one fraction
        bool statement = false;  ///< of a value in brackets: it holds a relation
    };

    char32_t peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : 0; }
    static bool is_space(char32_t c) { return c == ' ' || c == '\n'; }
    bool in_block() const { return place_ == formula_place::block; }

    static std::string tex_of(const std::vector<piece>& pieces) {
        std::string tex;
        for (const piece& p : pieces) {
            tex += (tex.empty() || p.kind == piece_kind::gap ? "" : " ") + p.tex;
        }
        return tex;
    }

    // A formula may start with a sign, but not with an operator whose left side is a word.
    bool may_start(const std::vector<piece>& pieces) const {
        const piece& first = pieces.front();
        return first.kind == piece_kind::value || first.kind == piece_kind::prefix ||
               (first.tight && (first.tex == "-" || first.tex == "\\pm"));
    }

    // Whether the last value is the article of the word after it.
    bool is_word_article(const piece& last, std::size_t end) const {
        return last.tex == "a" && end + 2 < text_.size() && is_space(text_[end]) && is_letter(text_[end + 1]) &&
               is_letter(text_[end + 2]);
    }

    // Whether the text goes on as if the formula did: with an operator, a bracket or a part of a name.
    bool followed_by_more(std::size_t end) const {
        if (end >= text_.size()) {
            return false;
        }
        const char32_t next = text_[end];
        if (is_letter(next) || is_digit(next) || next == '_' || next == '(' || next == '[' || next == '/' ||
            next == '^' || next == '`' || next == '|' || next == '{') {
            return true;
        }
        std::size_t k = end;
        while (k < text_.size() && is_space(text_[k])) {
            ++k;
        }
        const sign* found = k < text_.size() ? find_sign(text_[k]) : nullptr;
        return k < text_.size() &&
               (text_[k] == '/' || (k > end && text_[k] == '*') ||
                (found != nullptr && (found->kind == sign_kind::binary || found->kind == sign_kind::relation)));
    }

    // Reads up to `stop`, or to the end of the text if that is 0, all of which must be understood.
    bool read_until(char32_t stop, std::vector<piece>& pieces) {
        read_pieces(stop, pieces, [] {});
        if (peek() != stop || (stop == 0 && at_ < text_.size())) {
            return false;
        }
        at_ += stop == 0 ? 0 : 1;
        return true;
    }

    template <class AtValue>
    void read_pieces(char32_t stop, std::vector<piece>& pieces, const AtValue& at_value) {
        depth_ += stop == 0 ? 0 : 1;
        while (at_ < text_.size() && peek() != stop) {
            const std::size_t before = at_;
            if (!read_piece(stop, pieces)) {
                at_ = before;
                break;
            }
            if (!pieces.empty() && pieces.back().kind == piece_kind::value) {
                at_value();
            }
        }
        depth_ -= stop == 0 ? 0 : 1;
    }

    bool read_piece(char32_t stop, std::vector<piece>& pieces) {
        std::size_t spaces = 0;
        while (is_space(peek())) {
            ++at_;
            ++spaces;
        }
        if (peek() == 0 || peek() == stop) {
            return true;
        }
        if (spaces > 1 && in_block() && !pieces.empty()) {
            pieces.push_back({piece_kind::gap, "\\quad "});
        }
        if (const sign* found = find_sign(peek()); found != nullptr && found->kind != sign_kind::symbol) {
            ++at_;
            const auto kind = found->kind == sign_kind::prefix   ? piece_kind::prefix
                              : found->kind == sign_kind::binary ? piece_kind::binary
                                                                 : piece_kind::relation;
            piece one{kind, found->tex};
            one.special = kind == piece_kind::prefix;
            one.tight = !is_space(peek());
            const bool again = !pieces.empty() && pieces.back().kind == piece_kind::binary && pieces.back().tex == "+";
            if (kind == piece_kind::binary && (peek() == '=' || again)) {
                return false;  // += and C++
            }
            read_scripts(one);
            pieces.push_back(one);
            return true;
        }
        if (peek() == U'Σ') {
            pieces.push_back(read_sum());
            return true;
        }
        if (peek() == '/') {
            ++at_;
            pieces.push_back({piece_kind::slash, "/"});
            return true;
        }
        if (peek() == U'‖' && is_space(peek(1))) {
            ++at_;
            pieces.push_back({piece_kind::relation, "\\,\\|\\,"});
            return depth_ > 0;
        }
        if (peek() == ',' || peek() == ';' || peek() == '|' || peek() == ':' || peek() == '.') {
            return read_punctuation(pieces);
        }
        if (!in_block() && depth_ == 0 && spaces > 0 && is_article(pieces)) {
            return false;
        }
        const int below = !pieces.empty() && pieces.back().kind == piece_kind::slash ? 1 : 0;
        script_ += below;  // no fraction below a fraction's line
        auto value = read_value();
        script_ -= below;
        if (value && !in_block() && depth_ == 0 && spaces > 0 && value->statement) {
            return false;  // a remark in brackets
        }
        if (value) {
            add_value(pieces, std::move(*value));
            return true;
        }
        return in_block() && read_word(pieces, spaces > 0);
    }

    // Whether the letter here, after a value and a space, is an article of the sentence.
    bool is_article(const std::vector<piece>& pieces) const {
        return (peek() == 'a' || peek() == 'A' || peek() == 'I') && !is_letter(peek(1)) && peek(1) != '_' &&
               (pieces.empty() || pieces.back().kind == piece_kind::value);
    }

    piece read_sum() {
        ++at_;
        std::size_t k = at_;
        while (k < text_.size() && is_space(text_[k])) {
            ++k;
        }
        const sign* next = k < text_.size() ? find_sign(text_[k]) : nullptr;
        const bool is_matrix = k == text_.size() || (next != nullptr && next->kind != sign_kind::symbol);
        piece one{is_matrix ? piece_kind::value : piece_kind::prefix, is_matrix ? "\\Sigma" : "\\sum"};
        one.special = true;
        read_scripts(one);
        return one;
    }

    bool read_punctuation(std::vector<piece>& pieces) {
        const char32_t c = peek();
        if (!in_block() && (depth_ == 0 || c == ':' || c == '.')) {
            return false;
        }
        ++at_;
        const bool space = is_space(peek());
        pieces.push_back({piece_kind::binary, c == '|'   ? "|"
                                              : c == ':' ? "{:}\\;"
                                              : c == '.' ? "."
                                              : c == ';' ? ";\\quad"
                                              : space    ? ",\\;"
                                                         : ","});
        return true;
    }

    void add_value(std::vector<piece>& pieces, piece value) const {
        const std::size_t n = pieces.size();
        const bool over = n >= 2 && pieces[n - 1].kind == piece_kind::slash && pieces[n - 2].kind == piece_kind::value;
        if (!in_block() || script_ > 0 || !over) {
            pieces.push_back(std::move(value));
            return;
        }
        const piece& above = pieces[n - 2];
        piece fraction{piece_kind::value, "\\frac{" + (above.bare.empty() ? above.tex : above.bare) + "}{" +
                                              (value.bare.empty() ? value.tex : value.bare) + "}"};
        fraction.letter = fraction.special = true;
        pieces.resize(n - 2);
        pieces.push_back(std::move(fraction));
    }

    bool read_word(std::vector<piece>& pieces, bool after_space) {
        std::string word;
        while (is_letter(peek()) || is_digit(peek()) || peek() == '_') {
            word += static_cast<char>(text_[at_++]);
        }
        if (word.empty()) {
            return false;
        }
        const bool joined = !pieces.empty() && pieces.back().kind == piece_kind::text;
        if (joined) {
            pieces.back().tex.insert(pieces.back().tex.size() - 1, (is_space(peek()) ? word + " " : word));
            return true;
        }
        pieces.push_back({piece_kind::text, std::string("\\text{") + (after_space ? " " : "") + word +
                                                (is_space(peek()) ? " " : "") + "}"});
        return true;
    }

    std::optional<piece> read_value();
    std::optional<piece> read_base();
    std::optional<piece> read_number();
    std::optional<piece> read_name();
    std::optional<piece> read_bracketed(char32_t close, const char* left, const char* right);
    bool is_name(std::size_t start) const;
    void read_scripts(piece& value);
    std::optional<std::string> read_script();

    std::u32string_view text_;
    formula_place place_;
    std::size_t at_;
    std::size_t stopped_at_ = 0;
    int depth_ = 0;
    int script_ = 0;  // in how many scripts, where a quotient keeps its slash
};

}  // namespace docs

#include "formula_values.hpp"
