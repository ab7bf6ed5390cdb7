// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/io/dtype.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::test {

/// A safetensors file whose header says that it has that length.
[[nodiscard]] inline std::string safetensors_text(std::uint64_t header_length, std::string_view rest) {
    std::string file(8, '\0');
    std::memcpy(file.data(), &header_length, 8);
    return file.append(rest);
}

/// A valid header of three tensors and metadata; 65 bytes of data belong to it.
inline constexpr std::string_view three_tensors =
    R"({"__metadata__":{"format":"pt","k":"v"},"a.weight":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]},)"
    R"("b":{"dtype":"F32","shape":[4],"data_offsets":[48,64]},"c":{"dtype":"U8","shape":[],"data_offsets":[64,65]}})";

/// A tensor as the rules read it.
struct ruled_tensor {
    io::dtype type;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin, end;
};

/// The rules of the format once more, on another JSON library and in another way: counts how often each byte of the data
/// is covered.
/// @returns the tensors, or nothing if the file breaks a rule
[[nodiscard]] inline std::optional<std::map<std::string, ruled_tensor>> read_by_rules(const std::string& file) {
    using peer = nlohmann::json;
    std::uint64_t length = 0;
    if (file.size() < 8) {
        return std::nullopt;
    }
    std::memcpy(&length, file.data(), 8);
    if (length > 100'000'000 || length > file.size() - 8) {
        return std::nullopt;
    }
    const std::string text = file.substr(8, static_cast<std::size_t>(length));
    if (text.find('\0') != text.npos || text.starts_with("\xef\xbb\xbf") || !peer::accept(text)) {
        return std::nullopt;
    }
    bool strict = true;
    std::vector<std::set<std::string>> keys;
    const auto watch = [&](int, peer::parse_event_t event, peer& token) {
        if (event == peer::parse_event_t::object_start || event == peer::parse_event_t::array_start) {
            keys.emplace_back();
            strict = strict && keys.size() <= 8;
        } else if (event == peer::parse_event_t::object_end || event == peer::parse_event_t::array_end) {
            keys.pop_back();
        } else if (event == peer::parse_event_t::key) {
            strict = strict && keys.back().insert(token.get<std::string>()).second;
        }
        return true;
    };
    const peer header = peer::parse(text, watch);
    if (!strict || !header.is_object()) {
        return std::nullopt;
    }
    const std::uint64_t data_size = file.size() - 8 - length;
    std::vector<int> covered(static_cast<std::size_t>(data_size), 0);
    std::set<std::uint64_t> ends{0};
    std::map<std::string, ruled_tensor> tensors;
    for (const auto& [name, tensor] : header.items()) {
        if (name == "__metadata__") {
            if (!tensor.is_null() && !tensor.is_object()) {
                return std::nullopt;
            }
            for (const auto& entry : tensor) {
                if (!entry.is_string()) {
                    return std::nullopt;
                }
            }
            continue;
        }
        if (!tensor.is_object() || name.size() > 4096 || !tensor.contains("dtype") || !tensor.contains("shape") ||
            !tensor.contains("data_offsets")) {
            return std::nullopt;
        }
        const peer& type = tensor["dtype"];
        const peer& shape = tensor["shape"];
        const peer& offsets = tensor["data_offsets"];
        if (!type.is_string() || !io::dtype_named(type.get<std::string>()) || !shape.is_array() || shape.size() > 8 ||
            !offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
            !offsets[1].is_number_unsigned()) {
            return std::nullopt;
        }
        long double elements = 1;
        bool empty = false;
        for (const peer& extent : shape) {
            if (!extent.is_number_unsigned()) {
                return std::nullopt;
            }
            const auto value = extent.get<std::uint64_t>();
            empty = empty || value == 0;
            elements *= value == 0 ? 1 : static_cast<long double>(value);
        }
        if (elements >= 0x1p63L ||
            elements * static_cast<long double>(io::bits(*io::dtype_named(type.get<std::string>()))) >= 0x1p64L) {
            return std::nullopt;
        }
        const auto size_in_bits =
            empty ? 0 : static_cast<std::uint64_t>(elements) * io::bits(*io::dtype_named(type.get<std::string>()));
        const auto begin = offsets[0].get<std::uint64_t>();
        const auto end = offsets[1].get<std::uint64_t>();
        if (begin > end || end > data_size || size_in_bits % 8 != 0 || size_in_bits / 8 != end - begin) {
            return std::nullopt;
        }
        for (std::uint64_t i = begin; i < end; ++i) {
            ++covered[static_cast<std::size_t>(i)];
        }
        tensors.emplace(name, ruled_tensor{*io::dtype_named(type.get<std::string>()),
                                           shape.get<std::vector<std::uint64_t>>(), begin, end});
        if (begin < end) {
            ends.insert(end);
        }
    }
    for (const int times : covered) {
        if (times != 1) {
            return std::nullopt;
        }
    }
    for (const auto& [name, tensor] : tensors) {
        if (!ends.contains(tensor.begin)) {
            return std::nullopt;
        }
    }
    return tensors;
}

}  // namespace ddpm::test
