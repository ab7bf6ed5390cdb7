// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/function_ref.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <thread>

#if defined(__linux__)
#include <sched.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>
#endif

namespace ddpm::detail {

/// More cores than any machine has: the limit where there is none.
inline constexpr isize unlimited_cores = std::numeric_limits<isize>::max();

#if defined(__linux__)

/// The content of a file, empty if it cannot be read.
[[nodiscard]] inline std::string content_of(const std::string& path) {
    struct closer {
        void operator()(std::FILE* open) const noexcept { std::fclose(open); }
    };
    std::string content;
    if (const std::unique_ptr<std::FILE, closer> file{std::fopen(path.c_str(), "re")}) {
        char part[4096];
        while (const std::size_t length = std::fread(part, 1, sizeof part, file.get())) {
            content.append(part, length);
        }
    }
    return content;
}

/// Removes the text before the first `end` from the front of `rest`, and `end` with it; all if there is no `end`.
[[nodiscard]] inline std::string_view cut_front(std::string_view& rest, char end) noexcept {
    const std::string_view front = rest.substr(0, rest.find(end));
    rest.remove_prefix(std::min(rest.size(), front.size() + 1));
    return front;
}

/// Whether `word` is one of the words between the commas of `list`.
[[nodiscard]] inline bool has_word(std::string_view list, std::string_view word) noexcept {
    while (!list.empty()) {
        if (cut_front(list, ',') == word) {
            return true;
        }
    }
    return false;
}

/// A number of decimal digits; 0 if the text is another, or the number is above 10^15.
[[nodiscard]] inline isize positive_number(std::string_view text) noexcept {
    isize value = 0;
    if (text.size() > 15) {
        return 0;
    }
    for (const char digit : text) {
        if (digit < '0' || digit > '9') {
            return 0;
        }
        value = 10 * value + (digit - '0');
    }
    return value;
}

/// A path of /proc/self/mountinfo, where a blank, a line's end and a backslash are written as octal numbers.
[[nodiscard]] inline std::string mounted_path(std::string_view text) {
    std::string path;
    for (std::size_t i = 0; i < text.size(); ++i) {
        int code = 0, digits = 0;
        while (text[i] == '\\' && digits < 3 && i + 1 + static_cast<std::size_t>(digits) < text.size()) {
            const char digit = text[i + 1 + static_cast<std::size_t>(digits)];
            if (digit < '0' || digit > '7') {
                break;
            }
            code = 8 * code + (digit - '0');
            ++digits;
        }
        path += digits == 3 ? static_cast<char>(code) : text[i];
        i += digits == 3 ? 3 : 0;
    }
    return path;
}

/// The paths of the control groups of this process that may limit its processor time: of version 2, and of the
/// processor controller of version 1. Empty if there is none.
struct control_groups {
    std::string unified, processor;
};

[[nodiscard]] inline control_groups control_groups_of_process(const std::string& root) {
    control_groups groups;
    const std::string lines = content_of(root + "/proc/self/cgroup");
    for (std::string_view rest = lines; !rest.empty();) {
        std::string_view path = cut_front(rest, '\n');  // number:controllers:path
        const std::string_view number = cut_front(path, ':'), controllers = cut_front(path, ':');
        if (path.substr(0, 1) == "/") {
            if (number == "0" && controllers.empty()) {
                groups.unified = path;
            } else if (has_word(controllers, "cpu")) {
                groups.processor = path;
            }
        }
    }
    return groups;
}

/// The cores that a quota of time in each period amounts to, rounded up.
[[nodiscard]] inline isize cores_of_quota(std::string_view quota, std::string_view period) noexcept {
    const isize time = positive_number(quota), whole = positive_number(period);
    return time > 0 && whole > 0 ? (time - 1) / whole + 1 : unlimited_cores;
}

/// The first line of a file.
[[nodiscard]] inline std::string first_line(const std::string& path) {
    std::string line = content_of(path);
    line.resize(std::min(line.size(), line.find('\n')));
    return line;
}

/// The limit that a control group itself has.
[[nodiscard]] inline isize cores_of_group(const std::string& folder, bool unified) {
    if (unified) {
        const std::string line = first_line(folder + "/cpu.max");  // quota and period
        std::string_view period = line;
        const std::string_view quota = cut_front(period, ' ');
        return cores_of_quota(quota, period);
    }
    return cores_of_quota(first_line(folder + "/cpu.cfs_quota_us"), first_line(folder + "/cpu.cfs_period_us"));
}

/// The smallest limit of the control group `path` and of those that it is in, up to the one that is mounted.
/// @param line of /proc/self/mountinfo: number parent device root place options … - type source options
[[nodiscard]] inline isize cores_of_mount(const std::string& root, std::string_view line,
                                          const control_groups& groups) {
    std::string_view fields = line.substr(0, line.find(" - "));
    std::string_view rest = line.substr(std::min(line.size(), fields.size() + 3));
    const std::string_view type = cut_front(rest, ' ');
    static_cast<void>(cut_front(rest, ' '));
    const bool unified = type == "cgroup2";
    if (!unified && (type != "cgroup" || !has_word(rest, "cpu"))) {
        return unlimited_cores;
    }
    for (int skipped = 0; skipped < 3; ++skipped) {
        static_cast<void>(cut_front(fields, ' '));
    }
    std::string mounted = mounted_path(cut_front(fields, ' '));
    const std::string place = root + mounted_path(cut_front(fields, ' '));
    std::string below = unified ? groups.unified : groups.processor;
    if (below.empty()) {
        return unlimited_cores;
    }
    for (std::string* const path : {&mounted, &below}) {
        if (*path == "/") {
            path->clear();
        }
    }
    // A group outside of the mounted one cannot be read there, and one above has no name here.
    if (below.compare(0, mounted.size(), mounted) != 0 ||
        (below.size() > mounted.size() && below[mounted.size()] != '/') || (below + '/').find("/../") != below.npos) {
        return unlimited_cores;
    }
    below.erase(0, mounted.size());
    isize cores = cores_of_group(place, unified);
    while (!below.empty()) {
        cores = std::min(cores, cores_of_group(place + below, unified));
        below.erase(below.rfind('/'));
    }
    return cores;
}

/// The whole cores whose time the control groups of this process grant it, at least 1: the smallest quota, of version 2
/// or 1, of its group or one that it is in. What cannot be read sets no limit.
/// @param root the folder that holds proc and the mounted folders; empty for the system's own
[[nodiscard]] inline isize cores_granted(const std::string& root) {
    isize cores = unlimited_cores;
    const control_groups groups = control_groups_of_process(root);
    const std::string lines = content_of(root + "/proc/self/mountinfo");
    for (std::string_view rest = lines; !rest.empty();) {
        cores = std::min(cores, cores_of_mount(root, cut_front(rest, '\n'), groups));
    }
    return cores;
}

/// The cores that the calling thread may run on; 0 if the system does not say.
/// @param read_mask reads a mask of so many bytes, as sched_getaffinity does
[[nodiscard]] inline isize cores_of_affinity(function_ref<int(std::size_t, unsigned long*)> read_mask) {
    constexpr std::size_t most_words = (std::size_t{1} << 20) / 64;
    for (std::size_t words = 1024 / 64; words <= most_words; words *= 2) {
        std::vector<unsigned long> mask(words, 0);
        if (read_mask(words * sizeof(unsigned long), mask.data()) == 0) {
            isize cores = 0;
            for (const unsigned long word : mask) {
                cores += std::popcount(word);
            }
            return cores;
        }
        if (errno != EINVAL) {  // which says that the machine may have more cores
            break;
        }
    }
    return 0;
}

#endif

/// How many threads can run at the same time: the cores that the calling thread may run on, or fewer if a container's
/// quota grants less. At least 1.
[[nodiscard]] inline isize usable_cores() {
#if defined(__linux__)
    const auto read_mask = [](std::size_t bytes, unsigned long* mask) {
        return ::sched_getaffinity(0, bytes, reinterpret_cast<cpu_set_t*>(mask));
    };
    const isize allowed = cores_of_affinity(read_mask), granted = cores_granted("");
#else
    const isize allowed = 0, granted = unlimited_cores;
#endif
    const isize cores = allowed > 0 ? allowed : static_cast<isize>(std::thread::hardware_concurrency());
    return std::max<isize>(1, std::min(cores, granted));
}

}  // namespace ddpm::detail
