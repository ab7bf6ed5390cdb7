// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/utf8.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/io/atomic_file.hpp>
#include <ddpm/io/detail/checksum.hpp>
#include <ddpm/io/detail/crc32.hpp>
#include <ddpm/io/safetensors_header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm::io {

/// A tensor to be written, in the caller's memory: row-major, the last dimension fastest.
struct tensor_source {
    std::string name;
    dtype type = dtype::f32;
    std::vector<isize> shape{};
    std::span<const std::byte> bytes{};

    /// From bytes, which are in the order of the file: little-endian, without gaps.
    tensor_source(std::string name_, dtype type_, std::vector<isize> shape_, std::span<const std::byte> bytes_)
        : name(std::move(name_)), type(type_), shape(std::move(shape_)), bytes(bytes_) {}

    /// From numbers, stored without conversion.
    template <class T>
    tensor_source(std::string name_, std::vector<isize> shape_, std::span<const T> values)
        : tensor_source(std::move(name_), dtype_of<T>(), std::move(shape_), std::as_bytes(values)) {}
};

/// Options of write_safetensors.
struct safetensors_options {
    /// Adds a checksum of the whole file to the metadata, for safetensors_file::verify_checksum.
    bool checksum = false;
};

/// The text entries of a safetensors file.
using safetensors_metadata = std::map<std::string, std::string, std::less<>>;

namespace detail {

/// Sorts the tensors as the format does: by type, the widest first, then by name, so that each is aligned.
/// @throws value_error if one of them cannot be written
[[nodiscard]] inline std::vector<const tensor_source*> safetensors_order(std::span<const tensor_source> tensors) {
    constexpr std::string_view where = "write_safetensors";
    if (tensors.size() > safetensors_limits::tensors) {
        throw value_error(where, "too many tensors", safetensors_limits::tensors, tensors.size());
    }
    std::vector<const tensor_source*> order;
    for (const tensor_source& tensor : tensors) {
        if (ddpm::detail::first_invalid_utf8(tensor.name) != tensor.name.size()) {
            throw value_error(where, "a tensor's name is not UTF-8");
        }
        const std::string who = ddpm::detail::text("tensor ", ddpm::detail::quoted(tensor.name));
        if (tensor.name == "__metadata__" || tensor.name.size() > safetensors_limits::name_bytes) {
            throw value_error(where, ddpm::detail::text(who, " has a name that the format does not allow"));
        }
        if (tensor.shape.size() > safetensors_limits::dimensions) {
            throw value_error(where, ddpm::detail::text(who, " has too many dimensions"),
                              safetensors_limits::dimensions, tensor.shape.size());
        }
        const auto size = tensor_bytes(tensor.type, tensor.shape);
        if (!size || *size != tensor.bytes.size()) {
            throw value_error(where, ddpm::detail::text(who, " has a shape that does not fit its bytes"),
                              ddpm::detail::text(io::name_of(tensor.type), " ", ddpm::detail::shape_text(tensor.shape)),
                              tensor.bytes.size());
        }
        order.push_back(&tensor);
    }
    std::sort(order.begin(), order.end(), [](const tensor_source* a, const tensor_source* b) {
        return a->type != b->type ? a->type > b->type : a->name < b->name;
    });
    std::vector<std::string_view> names;
    names.reserve(order.size());
    for (const tensor_source* tensor : order) {
        names.push_back(tensor->name);
    }
    std::sort(names.begin(), names.end());
    if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end()) {
        throw value_error(where, ddpm::detail::text("two tensors have the name ", ddpm::detail::quoted(*twice)));
    }
    return order;
}

/// The header's length and JSON text, which precede the data.
/// @throws value_error if the metadata is not UTF-8 or the header too long
[[nodiscard]] inline std::string safetensors_prefix(std::span<const tensor_source* const> order,
                                                    const safetensors_metadata& metadata) {
    if (metadata.size() > safetensors_limits::metadata) {
        throw value_error("write_safetensors", "too much metadata", safetensors_limits::metadata, metadata.size());
    }
    std::string text(8, '\0');
    text.append("{\"__metadata__\":");
    char separator = '{';
    for (const auto& [key, value] : metadata) {
        text.push_back(std::exchange(separator, ','));
        ddpm::detail::append_json_string(text, key);
        text.push_back(':');
        ddpm::detail::append_json_string(text, value);
    }
    text.push_back('}');
    std::uint64_t position = 0;
    for (const tensor_source* tensor : order) {
        text.push_back(',');
        ddpm::detail::append_json_string(text, tensor->name);
        text.append(":{\"dtype\":\"").append(name_of(tensor->type)).append("\",\"shape\":[");
        for (std::size_t i = 0; i < tensor->shape.size(); ++i) {
            text.append(i == 0 ? "" : ",");
            ddpm::detail::append_number(text, tensor->shape[i], false);
        }
        const std::uint64_t end = position + tensor->bytes.size();
        text.append(ddpm::detail::text("],\"data_offsets\":[", position, ',', end, "]}"));
        position = end;
    }
    text.push_back('}');
    text.append((8 - text.size() % 8) % 8, ' ');
    const std::uint64_t length = text.size() - 8;
    if (length > safetensors_limits::header_bytes) {
        throw value_error("write_safetensors", "header too long", safetensors_limits::header_bytes, length);
    }
    std::memcpy(text.data(), &length, sizeof(length));
    return text;
}

/// Writes a safetensors file to any sink with write(bytes), tensor by tensor, without copying them. `bytes_of_tensor`
/// gives the bytes of each.
/// @throws value_error if they are not as many as the tensor's own
template <class Sink, class BytesOf>
void write_safetensors_to(Sink& sink, std::span<const tensor_source> tensors, safetensors_metadata metadata,
                          const safetensors_options& options, const BytesOf& bytes_of_tensor) {
    metadata.emplace("format", "pt");
    metadata.erase(std::string(checksum_key));
    if (options.checksum) {
        metadata.emplace(checksum_key, blank_checksum);
    }
    const std::vector<const tensor_source*> order = safetensors_order(tensors);
    std::string prefix = safetensors_prefix(order, metadata);
    if (options.checksum) {
        crc32 crc;
        crc.update(ddpm::detail::bytes_of(prefix));
        for (const tensor_source* tensor : order) {
            crc.update(bytes_of_tensor(*tensor));
        }
        const std::string blank = checksum_entry(blank_checksum);
        prefix.replace(prefix.find(blank), blank.size(), checksum_entry(checksum_text(crc.value())));
    }
    sink.write(ddpm::detail::bytes_of(prefix));
    for (const tensor_source* tensor : order) {
        const std::span<const std::byte> bytes = bytes_of_tensor(*tensor);
        if (bytes.size() != tensor->bytes.size()) {
            throw value_error("write_safetensors",
                              ddpm::detail::text("bytes made of tensor ", ddpm::detail::quoted(tensor->name)),
                              tensor->bytes.size(), bytes.size());
        }
        sink.write(bytes);
    }
}

[[nodiscard]] inline std::span<const std::byte> bytes_of_source(const tensor_source& tensor) { return tensor.bytes; }

}  // namespace detail

/// Writes a safetensors file with the layout of the reference implementation, by atomic_file: at every moment `path`
/// has the old or the new content. Adds "format": "pt" to the metadata unless it has an entry with that name.
/// @throws value_error if a tensor's shape does not fit its bytes, a name is duplicate or not allowed, or a text is not
/// UTF-8; io_error if writing fails (see atomic_file::commit)
/// @complexity no copy of the data; the checksum reads it once more
inline void write_safetensors(const std::string& path, std::span<const tensor_source> tensors,
                              const safetensors_metadata& metadata = {}, const safetensors_options& options = {}) {
    atomic_file file(path);
    detail::write_safetensors_to(file, tensors, metadata, options, detail::bytes_of_source);
    file.commit();
}

/// The same with bytes that are made while the file is written, so that they need memory for one tensor only:
/// bytes_of(tensor) returns those of one of `tensors`, as many as its own, which must stay until the next call. The
/// tensor's own are not written. The file has no checksum.
/// @throws value_error also if the bytes are more or fewer
template <class BytesOf>
    requires std::is_invocable_r_v<std::span<const std::byte>, const BytesOf&, const tensor_source&>
void write_safetensors(const std::string& path, std::span<const tensor_source> tensors,
                       const safetensors_metadata& metadata, const BytesOf& bytes_of) {
    atomic_file file(path);
    detail::write_safetensors_to(file, tensors, metadata, {}, bytes_of);
    file.commit();
}

}  // namespace ddpm::io
