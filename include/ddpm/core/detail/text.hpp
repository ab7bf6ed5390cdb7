// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <initializer_list>
#include <locale>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

// All conversions of numbers to text, for files and messages, are done here. They do not depend on the C or C++ locale.

namespace ddpm::detail {

/// Appends a number. A floating-point number has 17 significant digits, or if `shortest` is true the fewest that read
/// back as the same number.
template <class T>
    requires(std::integral<T> || std::floating_point<T>)
void append_number(std::string& out, T value, bool shortest) {
    if constexpr (std::same_as<T, bool>) {
        out.push_back(value ? '1' : '0');
    } else {
        std::array<char, 64> digits{};
        char* const first = digits.data();
        char* const last = first + digits.size();
        std::to_chars_result end{first, std::errc{}};
        if constexpr (std::integral<T>) {
            end = std::to_chars(first, last, value);
        } else {
            end = shortest ? std::to_chars(first, last, value)
                           : std::to_chars(first, last, value, std::chars_format::general, 17);
        }
        out.append(first, end.ptr);
    }
}

/// A part of a text: a string, a character, a number, or anything that can be streamed. It refers to the original. All
/// parts have this one type, so that messages do not instantiate templates.
class text_part {
public:
    text_part(std::string_view text) noexcept : kind_(kind::text), text_(text) {}
    text_part(const char* text) noexcept : text_part(std::string_view(text)) {}
    text_part(const std::string& text) noexcept : text_part(std::string_view(text)) {}
    text_part(char character) noexcept : kind_(kind::character), character_(character) {}

    template <std::integral T>
    text_part(T value) noexcept : kind_(kind::natural), natural_(static_cast<unsigned long long>(value)) {
        if constexpr (std::signed_integral<T>) {
            if (value < 0) {
                kind_ = kind::negative;
                natural_ = ~natural_ + 1;
            }
        }
    }

    template <std::floating_point T>
    text_part(T value) noexcept : kind_(kind::real), real_(static_cast<double>(value)) {}

    template <class T>
        requires(!std::is_arithmetic_v<T> && !std::is_convertible_v<const T&, std::string_view>)
    text_part(const T& value) noexcept
        : kind_(kind::streamed), streamed_{&value, [](std::ostream& stream, const void* object) {
                                               stream << *static_cast<const T*>(object);
                                           }} {}

    __attribute__((noinline, cold)) void append_to(std::string& out) const {
        switch (kind_) {
            case kind::text:
                out.append(text_);
                break;
            case kind::character:
                out.push_back(character_);
                break;
            case kind::negative:
                out.push_back('-');
                [[fallthrough]];
            case kind::natural:
                append_number(out, natural_, false);
                break;
            case kind::real:
                append_number(out, real_, false);
                break;
            case kind::streamed: {
                std::ostringstream stream;
                stream.imbue(std::locale::classic());
                stream.exceptions(std::ios::badbit);  // a failed allocation must not result in a shorter text
                stream.precision(17);
                streamed_.write(stream, streamed_.object);
                out.append(stream.str());
            }
        }
    }

private:
    enum class kind { text, character, negative, natural, real, streamed };

    struct streamed_object {
        const void* object;
        void (*write)(std::ostream&, const void*);
    };

    kind kind_;
    union {
        std::string_view text_;
        char character_;
        unsigned long long natural_;  // of a negative number: its absolute value
        double real_;
        streamed_object streamed_;
    };
};

/// The parts one after another. Most texts are of errors, so that a compiler is told not to expect the call.
[[nodiscard]] __attribute__((noinline, cold)) inline std::string joined(std::initializer_list<text_part> parts) {
    std::string out;
    for (const text_part& part : parts) {
        part.append_to(out);
    }
    return out;
}

/// The concatenation of the parts. Taken by value, so that literals of different lengths share one instance.
template <class... Parts>
[[nodiscard]] __attribute__((noinline, cold)) std::string text(
    Parts... parts) {  // NOLINT(performance-unnecessary-value-param): as above
    return joined({text_part(parts)...});
}

/// A number as the shortest text that reads back as the same number.
template <class T>
    requires(std::integral<T> || std::floating_point<T>)
[[nodiscard]] std::string exact_text(T value) {
    std::string out;
    append_number(out, value, true);
    return out;
}

}  // namespace ddpm::detail
