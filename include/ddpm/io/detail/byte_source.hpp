// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/input_file.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace ddpm::io::detail {

/// What a file's content is read from: an open file, or memory that holds the whole file.
class byte_source {
public:
    explicit byte_source(ddpm::detail::input_file file) noexcept : source_(std::move(file)) {}
    explicit byte_source(ddpm::detail::memory_file memory) noexcept : source_(std::move(memory)) {}

    [[nodiscard]] const std::string& path() const noexcept {
        const ddpm::detail::input_file* const file = std::get_if<ddpm::detail::input_file>(&source_);
        return file != nullptr ? file->path() : std::get_if<ddpm::detail::memory_file>(&source_)->path();
    }

    [[nodiscard]] std::uint64_t size() const noexcept {
        const ddpm::detail::input_file* const file = std::get_if<ddpm::detail::input_file>(&source_);
        return file != nullptr ? file->size() : std::get_if<ddpm::detail::memory_file>(&source_)->size();
    }

    /// The content if it lies in memory, otherwise a null pointer.
    [[nodiscard]] const std::byte* data() const noexcept {
        const ddpm::detail::memory_file* const memory = std::get_if<ddpm::detail::memory_file>(&source_);
        return memory != nullptr ? memory->data() : nullptr;
    }

    /// As input_file::read. The bytes must be in [0, size()).
    void read(std::uint64_t position, std::span<std::byte> out) const {
        if (const ddpm::detail::input_file* const file = std::get_if<ddpm::detail::input_file>(&source_)) {
            file->read(position, out);
        } else {
            std::get_if<ddpm::detail::memory_file>(&source_)->read(position, out);
        }
    }

private:
    std::variant<ddpm::detail::input_file, ddpm::detail::memory_file> source_;
};

}  // namespace ddpm::io::detail
