// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace docs {

/// The code points of UTF-8 text. The headers are valid UTF-8; a stray byte stays a code point of its own.
inline std::u32string decode(std::string_view bytes) {
    std::u32string text;
    for (std::size_t i = 0; i < bytes.size();) {
        const auto first = static_cast<unsigned char>(bytes[i++]);
        const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
        char32_t value = more == 0 ? first : first & (0x3fU >> more);
        for (int k = 0; k < more && i < bytes.size(); ++k) {
            value = (value << 6) | (static_cast<unsigned char>(bytes[i++]) & 0x3fU);
        }
        text += value;
    }
    return text;
}

inline std::string encode(std::u32string_view text) {
    std::string bytes;
    const auto push = [&](char32_t value) { bytes += static_cast<char>(static_cast<unsigned char>(value)); };
    for (const char32_t c : text) {
        if (c < 0x80) {
            push(c);
        } else if (c < 0x800) {
            push(0xc0 | (c >> 6));
            push(0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
            push(0xe0 | (c >> 12));
            push(0x80 | ((c >> 6) & 0x3f));
            push(0x80 | (c & 0x3f));
        } else {
            push(0xf0 | (c >> 18));
            push(0x80 | ((c >> 12) & 0x3f));
            push(0x80 | ((c >> 6) & 0x3f));
            push(0x80 | (c & 0x3f));
        }
    }
    return bytes;
}

inline bool is_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
inline bool is_identifier_char(char c) {
    const auto point = static_cast<unsigned char>(c);
    return is_letter(point) || is_digit(point) || c == '_';
}

inline std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\n");
    return first == std::string_view::npos
               ? std::string()
               : std::string(text.substr(first, text.find_last_not_of(" \t\n") + 1 - first));
}

inline std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    for (std::size_t end; (end = text.find(separator, start)) != std::string_view::npos; start = end + 1) {
        parts.emplace_back(text.substr(start, end - start));
    }
    parts.emplace_back(text.substr(start));
    return parts;
}

/// The lines of a text, without a last empty one.
inline std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines = split(text, '\n');
    if (lines.back().empty()) {
        lines.pop_back();
    }
    return lines;
}

inline std::string replaced(std::string text, std::string_view what, std::string_view by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
        text.replace(at, what.size(), by);
    }
    return text;
}

/// Whether `name` stands in the text as a whole identifier.
inline bool names(std::string_view text, std::string_view name) {
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string_view::npos; ++at) {
        const std::size_t end = at + name.size();
        if ((at == 0 || !is_identifier_char(text[at - 1])) && (end == text.size() || !is_identifier_char(text[end]))) {
            return true;
        }
    }
    return false;
}

inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path.string());
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::filesystem::path& path, std::string_view text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

/// The files below a folder whose names end so, sorted.
inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder,
                                                      const std::vector<std::string>& endings) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        const std::string ending = entry.path().extension().string();
        if (entry.is_regular_file() && std::find(endings.begin(), endings.end(), ending) != endings.end()) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace docs
