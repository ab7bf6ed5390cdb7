// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace ddpm::detail {

/// A position in a text from a file, with the operations of a parser. Both texts must outlive it.
class text_cursor {
public:
    /// `what` names the text in messages, `where` the file.
    text_cursor(std::string_view text, std::string_view where, const char* what) noexcept
        : text_(text), where_(where), what_(what) {}

    [[nodiscard]] std::size_t position() const noexcept { return at_; }
    [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }

    /// The current character, or NUL at the end.
    [[nodiscard]] char current() const noexcept { return at_end() ? '\0' : text_[at_]; }
    [[nodiscard]] bool at_digit() const noexcept { return current() >= '0' && current() <= '9'; }

    [[nodiscard]] std::string_view rest() const noexcept { return text_.substr(at_); }
    [[nodiscard]] std::string_view since(std::size_t start) const noexcept { return text_.substr(start, at_ - start); }

    void move_to(std::size_t position) noexcept { at_ = position; }
    void advance(std::size_t count = 1) noexcept { at_ += count; }

    void skip_space() noexcept {
        while (current() == ' ' || current() == '\n' || current() == '\r' || current() == '\t') {
            ++at_;
        }
    }

    /// Skips a character if it is the current one; returns whether it was.
    bool accept(char c) noexcept {
        const bool matches = !at_end() && text_[at_] == c;
        at_ += matches ? 1 : 0;
        return matches;
    }

    /// Skips white space, and then a character if it is the current one.
    bool accept_token(char c) noexcept {
        skip_space();
        return accept(c);
    }

    /// Skips a word if it comes next; returns whether it did.
    bool accept_word(std::string_view word) noexcept {
        const bool matches = rest().substr(0, word.size()) == word;
        at_ += matches ? word.size() : 0;
        return matches;
    }

    /// Skips white space and a character.
    /// @throws io_error unless the character is there
    void expect_token(char c) {
        if (!accept_token(c)) {
            fail(std::string{'\'', c, '\''}, found());
        }
    }

    /// A description of what comes next, for messages.
    [[nodiscard]] std::string found() const {
        if (at_end()) {
            return "the end of the text";
        }
        const char c = text_[at_];
        if (c > ' ' && c <= '~') {
            return std::string{'\'', c, '\''};
        }
        constexpr std::string_view hex = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        return std::string("byte 0x") + hex[byte >> 4] + hex[byte & 15];
    }

    /// Throws an io_error with the position.
    template <class Expected, class Got>
    [[noreturn]] void fail(const Expected& expected, const Got& got) const {
        throw io_error(where_, text(what_, " byte ", at_), expected, got);
    }

private:
    std::string_view text_;
    std::string_view where_;
    const char* what_;
    std::size_t at_ = 0;
};

}  // namespace ddpm::detail
