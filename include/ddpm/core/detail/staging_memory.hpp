// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <new>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

namespace ddpm::detail {

/// Uninitialized memory for data between a file and its destination. It uses huge pages if the system offers them,
/// since most of its cost is the first access to each page.
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

}  // namespace ddpm::detail
