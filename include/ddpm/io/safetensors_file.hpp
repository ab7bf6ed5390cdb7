// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/input_file.hpp>
#include <ddpm/io/detail/byte_source.hpp>
#include <ddpm/io/detail/checksum.hpp>
#include <ddpm/io/detail/crc32.hpp>
#include <ddpm/io/detail/foreign_content.hpp>
#include <ddpm/io/detail/read_converted.hpp>
#include <ddpm/io/safetensors_header.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ddpm::io {

/// A safetensors file open for reading: the header is parsed, tensors are read from the file on request. The file may
/// lie in memory. Const member functions may be called concurrently.
class safetensors_file {
public:
    /// Opens a file and checks its whole header against the file size.
    /// @throws io_error if it is not a regular file or violates the format (see parse_safetensors)
    [[nodiscard]] static safetensors_file open(const std::string& path) {
        return safetensors_file(detail::byte_source(ddpm::detail::input_file(path)));
    }

    /// The same for a file that lies in memory, as in a program without a file system. The bytes are not copied: they
    /// must outlive the result. `where` is the path in messages.
    [[nodiscard]] static safetensors_file parse(std::span<const std::byte> file, std::string_view where) {
        return safetensors_file(detail::byte_source(ddpm::detail::memory_file(file, where)));
    }

    [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }

    /// The tensors by name.
    [[nodiscard]] const std::map<std::string, tensor_info, std::less<>>& tensors() const noexcept {
        return header_.tensors;
    }

    /// The text entries of the header's "__metadata__".
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& metadata() const noexcept {
        return header_.metadata;
    }

    /// A tensor's type and shape, or nullptr if there is no tensor with that name.
    [[nodiscard]] const tensor_info* find(std::string_view tensor_name) const {
        const auto found = header_.tensors.find(tensor_name);
        return found == header_.tensors.end() ? nullptr : &found->second;
    }

    /// @throws io_error if there is no tensor with that name
    [[nodiscard]] const tensor_info& info(std::string_view tensor_name) const {
        if (const tensor_info* found = find(tensor_name)) {
            return *found;
        }
        throw io_error(path(), "no such tensor", ddpm::detail::quoted(tensor_name), "none of that name");
    }

    /// Reads a tensor's values in row-major order. F64, F32, F16 and BF16 are converted to float or double (F64 to
    /// float by rounding to nearest); an integer type accepts only its own type.
    /// @throws io_error if there is no such tensor, `out` has another size, its type does not convert, or reading fails
    /// @accuracy exact; F64 read as float is the nearest
    template <class T>
    void read(std::string_view tensor_name, std::span<T> out) const {
        const tensor_info& tensor = info(tensor_name);
        if (static_cast<std::uint64_t>(tensor.size()) != out.size()) {
            throw io_error(path(),
                           ddpm::detail::text("tensor ", ddpm::detail::quoted(tensor_name), " has another size"),
                           ddpm::detail::text(out.size(), " elements"), ddpm::detail::shape_text(tensor.shape));
        }
        if (tensor.type == dtype_of<T>()) {
            file_.read(header_.data_start + tensor.begin, std::as_writable_bytes(out));
            return;
        }
        if constexpr (std::floating_point<T>) {
            const std::uint64_t position = header_.data_start + tensor.begin;
            switch (tensor.type) {
                case dtype::f64:
                    return detail::read_converted(file_, position, out, detail::convert_number<double, T>);
                case dtype::f32:
                    return detail::read_converted(file_, position, out, detail::convert_number<float, T>);
                case dtype::f16:
                    return detail::read_converted(file_, position, out, detail::convert_f16<T>);
                case dtype::bf16:
                    return detail::read_converted(file_, position, out, detail::convert_bf16<T>);
                default:
                    break;
            }
        }
        throw io_error(
            path(),
            ddpm::detail::text("tensor ", ddpm::detail::quoted(tensor_name), " has a type that does not convert"),
            name_of(dtype_of<T>()), name_of(tensor.type));
    }

    /// Reads a tensor's bytes without conversion.
    /// @throws io_error if there is no such tensor, `out` has another size, or reading fails
    void read_bytes(std::string_view tensor_name, std::span<std::byte> out) const {
        const tensor_info& tensor = info(tensor_name);
        if (tensor.end - tensor.begin != out.size()) {
            throw io_error(path(),
                           ddpm::detail::text("tensor ", ddpm::detail::quoted(tensor_name), " has another size"),
                           ddpm::detail::text(out.size(), " bytes"), tensor.end - tensor.begin);
        }
        file_.read(header_.data_start + tensor.begin, out);
    }

    /// Reads some of a tensor's bytes without conversion, starting at its byte `first`.
    /// @throws io_error if there is no such tensor, it has fewer bytes, or reading fails
    void read_bytes(std::string_view tensor_name, std::uint64_t first, std::span<std::byte> out) const {
        const tensor_info& tensor = info(tensor_name);
        const std::uint64_t size = tensor.end - tensor.begin;
        if (first > size || out.size() > size - first) {
            throw io_error(path(), ddpm::detail::text("tensor ", ddpm::detail::quoted(tensor_name), " is shorter"),
                           ddpm::detail::text(out.size(), " bytes from byte ", first), size);
        }
        file_.read(header_.data_start + tensor.begin + first, out);
    }

    /// The bytes of a tensor where they lie, if the file lies in memory; otherwise a null pointer.
    /// @throws io_error if there is no tensor with that name
    [[nodiscard]] const std::byte* bytes_in_memory(std::string_view tensor_name) const {
        const tensor_info& tensor = info(tensor_name);
        const std::byte* const data = file_.data();
        return data == nullptr ? nullptr : data + header_.data_start + tensor.begin;
    }

    /// Whether write_safetensors stored a checksum in the metadata.
    [[nodiscard]] bool has_checksum() const { return header_.metadata.contains(detail::checksum_key); }

    /// Reads the whole file once and compares it with the checksum that write_safetensors stored in the metadata.
    /// @throws io_error if the file has no checksum, or any byte of it has changed
    void verify_checksum() const {
        const auto stored = header_.metadata.find(detail::checksum_key);
        if (stored == header_.metadata.end()) {
            throw io_error(path(), "no checksum", ddpm::detail::quoted(detail::checksum_key), "no such metadata");
        }
        std::string text = ddpm::detail::read_text(file_, 0, header_.data_start);
        const std::string entry = detail::checksum_entry(stored->second);
        const std::size_t at = text.find(entry);
        const std::string blank = detail::checksum_entry(detail::blank_checksum);
        if (at == text.npos || entry.size() != blank.size()) {
            throw io_error(path(), "malformed checksum", "eight digits", ddpm::detail::quoted(stored->second));
        }
        text.replace(at, entry.size(), blank);
        detail::crc32 crc;
        crc.update(ddpm::detail::bytes_of(text));
        for (std::uint64_t position = header_.data_start; position < file_.size();) {
            std::array<std::byte, detail::chunk_bytes> chunk;
            const auto part = std::span(chunk).first(
                static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), file_.size() - position)));
            file_.read(position, part);
            crc.update(part);
            position += part.size();
        }
        if (const std::string got = detail::checksum_text(crc.value()); got != stored->second) {
            throw io_error(path(), "the file has changed since it was written: checksum", stored->second, got);
        }
    }

private:
    /// A safetensors file starts with a length whose upper four bytes are 0, then '{'.
    /// @throws io_error if the file has another known format
    static void require_own_format(std::span<const std::byte> prefix, const std::string& path) {
        const std::string_view text = ddpm::detail::text_of(prefix);
        const std::string_view content = detail::known_content(prefix);
        if (text.size() > 8 && !content.empty() && text.substr(4, 5) != std::string_view("\0\0\0\0{", 5)) {
            throw io_error(path, "not a safetensors file", "the length of a header, and '{'", content);
        }
    }

    explicit safetensors_file(detail::byte_source file) : file_(std::move(file)) {
        const detail::safetensors_parser parser(path());
        std::array<std::byte, detail::telling_bytes> buffer{};
        require_own_format(ddpm::detail::read_prefix(file_, buffer), path());
        const std::size_t length = parser.header_length(std::span(buffer).first<8>(), file_.size());
        header_ = parser.parse(ddpm::detail::read_text(file_, 8, length), file_.size());
    }

    detail::byte_source file_;
    safetensors_header header_;
};

}  // namespace ddpm::io
