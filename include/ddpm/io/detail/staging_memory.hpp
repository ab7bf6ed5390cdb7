// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <new>

#include <sys/mman.h>

namespace ddpm::io::detail {

/// Memory for what is on its way from a file to its place, not cleared. It is in large pages where the system gives
/// them on request: most of what such memory costs is the first touch of each page.
class staging_memory {
public:
    explicit staging_memory(std::size_t bytes) : data_(static_cast<std::byte*>(::operator new(bytes, page))) {
#ifdef MADV_HUGEPAGE
        static_cast<void>(::madvise(data_, bytes, MADV_HUGEPAGE));
#endif
    }
    staging_memory(const staging_memory&) = delete;
    staging_memory& operator=(const staging_memory&) = delete;
    ~staging_memory() { ::operator delete(data_, page); }

    [[nodiscard]] std::byte* data() const noexcept { return data_; }

private:
    static constexpr std::align_val_t page{std::size_t{1} << 21};

    std::byte* data_;
};

}  // namespace ddpm::io::detail
