// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/core/detail/checked.hpp>
#include <ddpm/core/detail/json_reader.hpp>
#include <ddpm/core/detail/json_writer.hpp>
#include <ddpm/core/detail/shape_text.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/dtype.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace ddpm::io {

/// The limits of reader and writer. Only header_bytes is part of the format; the others are far beyond any real model.
/// While a header is parsed it needs at most five times its size of memory, 160 bytes for each text of the metadata,
/// and 80 bytes for each unknown member.
struct safetensors_limits {
    static constexpr std::uint64_t header_bytes = 100'000'000;
    static constexpr std::size_t dimensions = 8;
    static constexpr std::size_t name_bytes = 4096;
    static constexpr std::size_t tensors = 1'000'000;
    static constexpr std::size_t metadata = 100'000;   ///< text entries
    static constexpr std::size_t members = 5'000'000;  ///< of all objects in total; a tensor has four
    static constexpr int depth = 8;
};

/// A tensor's type, shape and position in the file: row-major, the last dimension fastest.
struct tensor_info {
    dtype type = dtype::f32;
    std::vector<isize> shape;  ///< empty for a scalar (one element)
    std::uint64_t begin = 0;   ///< position of the first byte, from the start of the data
    std::uint64_t end = 0;     ///< one past the last byte

    /// The number of elements.
    [[nodiscard]] isize size() const noexcept {
        isize product = 1;
        for (const isize extent : shape) {
            product *= extent;
        }
        return product;
    }
};

/// The validated header of a safetensors file.
struct safetensors_header {
    std::map<std::string, tensor_info, std::less<>> tensors;
    std::map<std::string, std::string, std::less<>> metadata;
    std::uint64_t data_start = 0;  ///< position of the data in the file
};

namespace detail {

/// The number of bytes of a tensor, or nullopt if its shape overflows or it ends inside a byte. An extent of 0 does not
/// hide an overflow of the others.
[[nodiscard]] inline std::optional<std::uint64_t> tensor_bytes(dtype type, std::span<const isize> shape) noexcept {
    std::uint64_t elements = 1;
    bool empty = false;
    for (const isize extent : shape) {
        if (extent < 0) {
            return std::nullopt;
        }
        empty = empty || extent == 0;
        const auto product =
            ddpm::detail::checked_multiply(elements, extent == 0 ? 1 : static_cast<std::uint64_t>(extent));
        if (!product || *product > static_cast<std::uint64_t>(std::numeric_limits<isize>::max())) {
            return std::nullopt;
        }
        elements = *product;
    }
    const auto size_in_bits = ddpm::detail::checked_multiply(elements, bits(type));
    if (!size_in_bits) {
        return std::nullopt;
    }
    if (empty) {
        return 0;
    }
    return *size_in_bits % 8 == 0 ? std::optional(*size_in_bits / 8) : std::nullopt;
}

class safetensors_parser {
public:
    explicit safetensors_parser(std::string_view where) : where_(where) {}

    /// The header's length, from the first 8 bytes of the file.
    [[nodiscard]] std::uint64_t header_length(std::span<const std::byte> prefix, std::uint64_t file_size) const {
        if (file_size < 8 || prefix.size() < 8) {
            throw io_error(where_, "too short for a safetensors file", "at least 8 bytes", file_size);
        }
        const auto length = ddpm::detail::load_little<std::uint64_t>(prefix.data());
        if (length > safetensors_limits::header_bytes) {
            throw io_error(where_, "safetensors header too long",
                           ddpm::detail::text("at most ", safetensors_limits::header_bytes, " bytes"), length);
        }
        const auto start = ddpm::detail::checked_add(length, 8);
        if (!start || *start > file_size) {
            throw io_error(where_, "safetensors header reaches past the end of the file",
                           ddpm::detail::text("at most ", file_size - 8, " bytes"), length);
        }
        return length;
    }

    [[nodiscard]] safetensors_header parse(std::string_view text, std::uint64_t file_size) const {
        safetensors_header header;
        header.data_start = 8 + text.size();
        ddpm::detail::json_reader reader(text, where_, safetensors_limits::depth, safetensors_limits::members);
        reader.object([&](const std::string& key) {
            if (key == "__metadata__") {
                header.metadata = read_metadata(reader);
                return;
            }
            if (key.size() > safetensors_limits::name_bytes) {
                reader.fail(ddpm::detail::text("a name of at most ", safetensors_limits::name_bytes, " bytes"),
                            key.size());
            }
            if (header.tensors.size() == safetensors_limits::tensors) {
                reader.fail(ddpm::detail::text("at most ", safetensors_limits::tensors, " tensors"), "one more");
            }
            header.tensors.emplace(key, read_tensor(reader, key));
        });
        reader.end();
        require_tiling(header, file_size - header.data_start);
        return header;
    }

private:
    static std::map<std::string, std::string, std::less<>> read_metadata(ddpm::detail::json_reader& reader) {
        std::map<std::string, std::string, std::less<>> metadata;
        if (reader.peek() == ddpm::detail::json_kind::null) {
            reader.null();
        } else {
            reader.object([&](const std::string& key) {
                if (metadata.size() == safetensors_limits::metadata) {
                    reader.fail(ddpm::detail::text("at most ", safetensors_limits::metadata, " entries of metadata"),
                                "one more");
                }
                metadata.emplace(key, reader.string());
            });
        }
        return metadata;
    }

    tensor_info read_tensor(ddpm::detail::json_reader& reader, const std::string& tensor_name) const {
        tensor_info info;
        bool has_type = false;
        bool has_shape = false;
        bool has_offsets = false;
        reader.object([&](const std::string& member) {
            if (member == "dtype") {
                has_type = true;
                info.type = read_type(reader, tensor_name);
            } else if (member == "shape") {
                has_shape = true;
                info.shape = read_shape(reader);
            } else if (member == "data_offsets") {
                has_offsets = true;
                std::tie(info.begin, info.end) = read_offsets(reader);
            } else {
                reader.skip();
            }
        });
        if (!has_type || !has_shape || !has_offsets) {
            throw io_error(where_, ddpm::detail::text("tensor ", ddpm::detail::quoted(tensor_name), " lacks a member"),
                           "dtype, shape and data_offsets",
                           !has_type    ? "no dtype"
                           : !has_shape ? "no shape"
                                        : "no data_offsets");
        }
        return info;
    }

    dtype read_type(ddpm::detail::json_reader& reader, const std::string& tensor_name) const {
        const std::string type_name = reader.string();
        if (const auto type = dtype_named(type_name)) {
            return *type;
        }
        throw io_error(where_, ddpm::detail::text("tensor ", ddpm::detail::quoted(tensor_name), " has an unknown type"),
                       "a dtype of the format", ddpm::detail::quoted(type_name));
    }

    static std::vector<isize> read_shape(ddpm::detail::json_reader& reader) {
        std::vector<isize> shape;
        reader.array([&] {
            if (shape.size() == safetensors_limits::dimensions) {
                reader.fail(ddpm::detail::text("at most ", safetensors_limits::dimensions, " dimensions"), "one more");
            }
            const std::uint64_t extent = reader.unsigned_integer();
            if (extent > static_cast<std::uint64_t>(std::numeric_limits<isize>::max())) {
                reader.fail("an extent below 2^63", extent);
            }
            shape.push_back(static_cast<isize>(extent));
        });
        return shape;
    }

    static std::pair<std::uint64_t, std::uint64_t> read_offsets(ddpm::detail::json_reader& reader) {
        std::array<std::uint64_t, 2> offsets{};
        std::size_t count = 0;
        reader.array([&] {
            if (count == 2) {
                reader.fail("two offsets", "one more");
            }
            offsets[count++] = reader.unsigned_integer();
        });
        if (count != 2) {
            reader.fail("two offsets", count);
        }
        return {offsets[0], offsets[1]};
    }

    /// Requires that the tensors cover the data without gaps or overlaps.
    void require_tiling(const safetensors_header& header, std::uint64_t data_size) const {
        using entry = std::pair<const std::string, tensor_info>;
        std::vector<const entry*> by_position;
        by_position.reserve(header.tensors.size());
        for (const entry& tensor : header.tensors) {
            by_position.push_back(&tensor);
        }
        std::sort(by_position.begin(), by_position.end(), [](const entry* a, const entry* b) {
            return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
        });
        std::uint64_t position = 0;
        for (const entry* tensor : by_position) {
            const tensor_info& info = tensor->second;
            const auto say = [&](std::string_view what) {
                return ddpm::detail::text("tensor ", ddpm::detail::quoted(tensor->first), " ", what);
            };
            if (info.begin != position) {
                throw io_error(where_,
                               say(info.begin > position ? "leaves a hole before it" : "overlaps the one before it"),
                               ddpm::detail::text("begin ", position), info.begin);
            }
            if (info.end < info.begin) {
                throw io_error(where_, say("ends before it begins"), ddpm::detail::text("end >= ", info.begin),
                               info.end);
            }
            const auto size = tensor_bytes(info.type, info.shape);
            const std::string element =
                ddpm::detail::text(name_of(info.type), " ", ddpm::detail::shape_text(info.shape));
            if (!size) {
                throw io_error(where_, say("has an impossible size"), "a whole number of bytes below 2^63", element);
            }
            if (*size != info.end - info.begin) {
                throw io_error(where_, say("has a shape that does not fit its offsets"),
                               ddpm::detail::text(*size, " bytes for ", element), info.end - info.begin);
            }
            position = info.end;
        }
        if (position > data_size) {
            throw io_error(where_, "the data is truncated", ddpm::detail::text(position, " bytes after the header"),
                           data_size);
        }
        if (position < data_size) {
            throw io_error(where_, ddpm::detail::text(data_size - position, " surplus bytes after the last tensor"),
                           ddpm::detail::text(position, " bytes after the header"), data_size);
        }
    }

    std::string_view where_;
};

}  // namespace detail

/// Parses and checks the header of a whole safetensors file in memory; `where` names it in messages. Allocates nothing
/// before the header's length has been checked against the file size, and nothing larger than the header after that.
/// @throws io_error unless the file obeys every rule of the format; also for duplicate names and members, gaps,
/// overlaps, surplus bytes, shapes that do not fit, unknown types, and more than safetensors_limits
/// @source safetensors, SafeTensors::read_metadata and Metadata::validate
[[nodiscard]] inline safetensors_header parse_safetensors(std::span<const std::byte> file, std::string_view where) {
    const detail::safetensors_parser parser(where);
    const std::uint64_t length = parser.header_length(file.first(std::min<std::size_t>(file.size(), 8)), file.size());
    return parser.parse(ddpm::detail::text_of(file.subspan(8, static_cast<std::size_t>(length))), file.size());
}

}  // namespace ddpm::io
