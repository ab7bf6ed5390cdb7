// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace ddpm::io::detail {

/// How many of a file's first bytes known_content() reads.
inline constexpr std::size_t telling_bytes = 256;

/// The type of a file according to its first bytes, and what to do with it, for messages; empty if the type is not
/// known.
[[nodiscard]] inline std::string_view known_content(std::span<const std::byte> prefix) noexcept {
    const std::string_view text = ddpm::detail::text_of(prefix);
    struct fact {
        std::string_view begins;
        std::string_view content;
    };
    constexpr fact facts[] = {
        {"\x1f\x8b", "a file compressed by gzip: unpack it first (gunzip)"},
        {"\xfd\x37zXZ", "a file compressed by xz: unpack it first (unxz)"},
        {"BZh", "a file compressed by bzip2: unpack it first (bunzip2)"},
        {"\x28\xb5\x2f\xfd", "a file compressed by zstd: unpack it first (unzstd)"},
        {"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"},
        {"\x93NUMPY", "a NumPy array (.npy)"},
        {"\x89PNG", "a PNG image"},
        {"\xff\xd8\xff", "a JPEG image"},
        {"GIF8", "a GIF image"},
        {"RIFF", "a RIFF file, as WebP images and WAV sounds are"},
        {"GGUF", "a GGUF model"},
        {"\x89HDF", "an HDF5 file"},
        {"version https://git-lfs", "a pointer of Git LFS in the file's place: fetch the file itself (git lfs pull)"},
        {"<!DOCTYPE", "an HTML page, as a failed download leaves"},
        {"<!doctype", "an HTML page, as a failed download leaves"},
        {"<html", "an HTML page, as a failed download leaves"},
        {"\x80\x02\x8a", "a pickle of PyTorch (.bin, .pt): save it anew as safetensors"},
        {"\x80\x02}", "a pickle of Python: save it anew in another format"},
        {"\x80\x03}", "a pickle of Python: save it anew in another format"},
        {"\x80\x04\x95", "a pickle of Python: save it anew in another format"},
        {"\x80\x05\x95", "a pickle of Python: save it anew in another format"},
    };
    if (text.starts_with("PK\x03\x04")) {
        return text.find("data.pkl") != text.npos ? "a pickle of PyTorch (.bin, .pt): save it anew as safetensors"
               : text.find(".npy") != text.npos   ? "an .npz archive of NumPy arrays: unpack it first (unzip)"
                                                  : "a zip archive: unpack it first (unzip)";
    }
    for (const auto& [begins, content] : facts) {
        if (text.starts_with(begins)) {
            return content;
        }
    }
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (text.size() >= 4 && byte(0) == 0 && byte(1) == 0 && byte(2) >= 8 && byte(2) <= 14 && byte(3) >= 1 &&
        byte(3) <= 4) {
        constexpr std::string_view of_bytes[] = {
            "an IDX file of bytes in 1 dimension, as labels are", "an IDX file of bytes in 2 dimensions",
            "an IDX file of bytes in 3 dimensions, as images are", "an IDX file of bytes in 4 dimensions"};
        return byte(2) == 8 ? of_bytes[byte(3) - 1] : "an IDX file of other numbers than unsigned bytes";
    }
    if (text.size() > 8 && text[8] == '{' && text.substr(4, 4) == std::string_view("\0\0\0\0", 4)) {
        return "a safetensors file";
    }
    return text.empty() ? "an empty file" : text.front() == '{' ? "a JSON text" : "";
}

/// As above; "something else" if it is not known.
[[nodiscard]] inline std::string_view foreign_content(std::span<const std::byte> prefix) noexcept {
    const std::string_view content = known_content(prefix);
    return content.empty() ? "something else" : content;
}

}  // namespace ddpm::io::detail
