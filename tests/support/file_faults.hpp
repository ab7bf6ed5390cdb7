// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ddpm::test {

/// What befalls one of the operating system's calls on files.
enum class file_fault {
    error,        ///< it fails; a write puts half of its bytes into the file before
    short_call,   ///< a read or a write handles only half of its bytes, and succeeds
    interrupted,  ///< a signal interrupts it before it does anything
    crash         ///< it fails, and from then on no call has any effect
};

/// While one lives, the k-th call (from 0) that this program makes to open, read, write, sync, lock, rename or remove a
/// file, to change its permissions or to make a folder meets a fault, and nothing is synced to the disk. The test
/// program must hold a source that includes support/file_faults.inl.hpp, which stands in the place of the operating
/// system's functions.
class file_fault_at {
public:
    file_fault_at(file_fault kind, int call, int code) noexcept;
    file_fault_at(const file_fault_at&) = delete;
    file_fault_at& operator=(const file_fault_at&) = delete;
    ~file_fault_at();

    /// Whether there were so many calls that the fault was met.
    [[nodiscard]] bool was_met() const noexcept;
};

/// While one lives, something happens before the k-th such call.
class before_file_call {
public:
    before_file_call(int call, std::function<void()> happens);
    before_file_call(const before_file_call&) = delete;
    before_file_call& operator=(const before_file_call&) = delete;
    ~before_file_call();

    /// Whether there were so many calls.
    [[nodiscard]] bool was_met() const noexcept;
};

/// One of the calls on files that were made.
struct file_call_made {
    std::string name;  ///< of the operating system's function
    ino_t inode;       ///< of the file or folder that its first argument names, 0 if there is none
};

/// While one lives, it records all such calls, those that fail too. No other thread may make one meanwhile.
class recorded_file_calls {
public:
    recorded_file_calls() noexcept;
    recorded_file_calls(const recorded_file_calls&) = delete;
    recorded_file_calls& operator=(const recorded_file_calls&) = delete;
    ~recorded_file_calls();

    [[nodiscard]] const std::vector<file_call_made>& made() const noexcept { return made_; }

private:
    std::vector<file_call_made> made_;
};

}  // namespace ddpm::test
