// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <system_error>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace ddpm::test {

/// An array that is larger than memory: the same 4 MiB at all addresses but the last ones, whose elements are stored by
/// themselves.
template <class S>
class repeated_memory {
public:
    /// `repeated` elements, then `own` ones; both fill whole pages.
    /// @throws std::system_error where the operating system cannot do that, or refuses the addresses
    repeated_memory(isize repeated, isize own) : repeated_(repeated), own_(own) {
#if defined(__linux__)
        bytes_ = bytes_of(repeated + own);
        void* const begin = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (begin == MAP_FAILED) {
            throw std::system_error(errno, std::generic_category(), "address space of an array larger than memory");
        }
        data_ = static_cast<S*>(begin);
        const int file = memfd_create("repeated_memory", MFD_CLOEXEC);
        bool done = file >= 0 && ftruncate(file, static_cast<off_t>(bytes_of(period + own))) == 0;
        for (isize at = 0; done && at < repeated; at += period) {
            done = place(at, std::min(period, repeated - at), file, 0);
        }
        done = done && place(repeated, own, file, period);
        const int error = errno;
        if (file >= 0) {
            close(file);
        }
        if (!done) {
            munmap(data_, bytes_);
            throw std::system_error(error, std::generic_category(), "memory at many addresses");
        }
#else
        throw std::system_error(std::make_error_code(std::errc::not_supported), "memory at many addresses");
#endif
    }
    repeated_memory(const repeated_memory&) = delete;
    repeated_memory& operator=(const repeated_memory&) = delete;
    ~repeated_memory() {
#if defined(__linux__)
        munmap(data_, bytes_);
#endif
    }

    [[nodiscard]] S* data() const { return data_; }
    /// The elements that are stored by themselves.
    [[nodiscard]] S* own() const { return data_ + repeated_; }
    [[nodiscard]] isize own_size() const { return own_; }
    /// Gives all repeated elements a value.
    void fill(S value) { std::fill_n(data_, std::min(period, repeated_), value); }

private:
    static constexpr isize period = (isize{4} << 20) / static_cast<isize>(sizeof(S));

    static std::size_t bytes_of(isize size) { return static_cast<std::size_t>(size) * sizeof(S); }

#if defined(__linux__)
    /// Lets elements of the array be elements of the file; all pages at once, since a fault for each takes longer.
    bool place(isize at, isize size, int file, isize from) {
        return mmap(data_ + at, bytes_of(size), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, file,
                    static_cast<off_t>(bytes_of(from))) != MAP_FAILED;
    }
#endif

    isize repeated_, own_;
    std::size_t bytes_ = 0;
    S* data_ = nullptr;
};

}  // namespace ddpm::test
