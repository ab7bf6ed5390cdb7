// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/usable_cores.hpp>

#include "support/catch.hpp"

#include <thread>

#if defined(__linux__)

#include "support/temporary_folder.hpp"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#endif

namespace ddpm::test {
namespace {

#if defined(__linux__)

using detail::cores_granted;
using detail::unlimited_cores;

/// A folder that stands for the root of a file system.
class system_root {
public:
    using files = std::vector<std::pair<std::string, std::string>>;

    explicit system_root(const files& all) {
        for (const auto& [path, content] : all) {
            const std::string whole = folder_ / path.substr(1);
            std::filesystem::create_directories(std::filesystem::path(whole).parent_path());
            write_text(whole, content);
        }
    }

    [[nodiscard]] isize cores() const { return cores_granted((folder_ / "").substr(0, (folder_ / "").size() - 1)); }

private:
    temporary_folder folder_{place_in_memory()};
};

isize granted(const system_root::files& all) { return system_root(all).cores(); }

const std::string other_mounts =
    "22 27 0:21 / /proc rw,relatime shared:12 - proc proc rw\n"
    "23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n";
const std::string unified_mount =
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string processor_mount =
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup rw,cpu,cpuacct\n";

/// What version 2 grants a process of the group /a/b.
isize granted_by_unified(const std::string& a, const std::string& b) {
    return granted({{"/proc/self/cgroup", "0::/a/b\n"},
                    {"/proc/self/mountinfo", other_mounts + unified_mount},
                    {"/sys/fs/cgroup/a/cpu.max", a},
                    {"/sys/fs/cgroup/a/b/cpu.max", b}});
}

#endif

}  // namespace

#if defined(__linux__)

TEST_CASE("control groups of version 2: the smallest quota of the group and those above it", "[core]") {
    CHECK(granted_by_unified("max 100000\n", "max 100000\n") == unlimited_cores);
    CHECK(granted_by_unified("max 100000\n", "300000 100000\n") == 3);
    CHECK(granted_by_unified("200000 100000\n", "max 100000\n") == 2);
    CHECK(granted_by_unified("200000 100000\n", "300000 100000\n") == 2);
    CHECK(granted_by_unified("400000 100000\n", "300000 100000\n") == 3);
    // Inside of a container that has a name space of its own the group is the root of what is mounted.
    CHECK(granted({{"/proc/self/cgroup", "0::/\n"},
                   {"/proc/self/mountinfo", other_mounts + unified_mount},
                   {"/sys/fs/cgroup/cpu.max", "200000 50000\n"}}) == 4);
}

TEST_CASE("a quota is rounded up to whole cores", "[core]") {
    for (const auto& [line, cores] :
         std::vector<std::pair<std::string, isize>>{{"1000 100000", 1},
                                                    {"50000 100000", 1},
                                                    {"100000 100000", 1},
                                                    {"100001 100000", 2},
                                                    {"150000 100000", 2},
                                                    {"200000 100000", 2},
                                                    {"250000 100000", 3},
                                                    {"7000 2000", 4},
                                                    {"999999999999999 1", 999999999999999}}) {
        CAPTURE(line);
        CHECK(granted_by_unified("max 100000\n", line + "\n") == cores);
    }
}

TEST_CASE("control groups of version 1: the quota of the processor controller", "[core]") {
    const auto cores = [](const std::string& quota, const std::string& above) {
        return granted(
            {{"/proc/self/cgroup", "12:memory:/other\n4:cpu,cpuacct:/docker/a\n1:name=systemd:/docker/a\n"},
             {"/proc/self/mountinfo",
              other_mounts + processor_mount + "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"},
             {"/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", above},
             {"/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n"},
             {"/sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us", quota},
             {"/sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_period_us", "50000\n"}});
    };
    CHECK(cores("-1\n", "-1\n") == unlimited_cores);
    CHECK(cores("100000\n", "-1\n") == 2);
    CHECK(cores("120000\n", "-1\n") == 3);
    CHECK(cores("200000\n", "100000\n") == 1);
    // A container sees its own group as the one that is mounted.
    CHECK(granted({{"/proc/self/cgroup", "4:cpu:/docker/a\n"},
                   {"/proc/self/mountinfo", "32 31 0:29 /docker/a /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n"},
                   {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n"},
                   {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}) == 3);
}

TEST_CASE("both versions of control groups at once: the controller is in one of them", "[core]") {
    const system_root::files common{
        {"/proc/self/cgroup", "3:cpuset:/c\n2:cpu,cpuacct:/a\n0::/b\n"},
        {"/proc/self/mountinfo", other_mounts + processor_mount +
                                     "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
                                     "42 31 0:39 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"}};
    system_root::files first = common, second = common;
    first.emplace_back("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n");
    first.emplace_back("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    first.emplace_back("/sys/fs/cgroup/unified/b/cgroup.procs", "1\n");
    CHECK(granted(first) == 3);
    second.emplace_back("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
    second.emplace_back("/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    second.emplace_back("/sys/fs/cgroup/unified/b/cpu.max", "200000 100000\n");
    CHECK(granted(second) == 2);
}

TEST_CASE("only the groups of the process limit it", "[core]") {
    const auto cores = [](const std::string& groups, const std::string& mounted) {
        return granted({{"/proc/self/cgroup", groups},
                        {"/proc/self/mountinfo", "31 23 0:28 " + mounted + " /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"},
                        {"/sys/fs/cgroup/cpu.max", "500000 100000\n"},
                        {"/sys/fs/cgroup/a/cpu.max", "200000 100000\n"}});
    };
    CHECK(cores("0::/a\n", "/") == 2);
    CHECK(cores("0::/b\n", "/") == 5);
    CHECK(cores("0::/pod/a\n", "/pod") == 2);
    CHECK(cores("0::/pod\n", "/pod") == 5);
    CHECK(cores("0::/podium/a\n", "/pod") == unlimited_cores);
    CHECK(cores("0::/other\n", "/pod") == unlimited_cores);
    CHECK(cores("0::/\n", "/pod") == unlimited_cores);
    CHECK(cores("0::/../a\n", "/") == unlimited_cores);
    CHECK(cores("0::/a/..\n", "/") == unlimited_cores);
    CHECK(cores("0::/a..b\n", "/") == 5);
}

TEST_CASE("blanks and colons in paths", "[core]") {
    CHECK(granted({{"/proc/self/cgroup", "0::/a:b c\n"},
                   {"/proc/self/mountinfo", "31 23 0:28 / /my\\040groups\\134\\04 rw - cgroup2 none rw\n"},
                   {"/my groups\\\\04/a:b c/cpu.max", "200000 100000\n"}}) == 2);
    CHECK(granted({{"/proc/self/cgroup", "0::/a b/c\n"},
                   {"/proc/self/mountinfo", "31 23 0:28 /a\\040b /groups rw - cgroup2 none rw\n"},
                   {"/groups/c/cpu.max", "200000 100000\n"}}) == 2);
}

TEST_CASE("missing and malformed files set no limit", "[core]") {
    CHECK(granted({}) == unlimited_cores);
    CHECK(granted({{"/proc/self/cgroup", "0::/\n"}}) == unlimited_cores);
    CHECK(granted({{"/proc/self/mountinfo", unified_mount}, {"/sys/fs/cgroup/cpu.max", "100000 100000\n"}}) ==
          unlimited_cores);
    for (const char* const line :
         {"", "\n", " ", "max", "100000", "100000 ", " 100000", "0 100000", "100000 0", "-1 100000", "1e5 100000",
          "100000 100000 100000", "100000.0 100000", "9999999999999999 1", "99999999999999999999 100000", "\xff\xfe"}) {
        CAPTURE(line);
        CHECK(granted_by_unified("max 100000\n", line) == unlimited_cores);
        CHECK(granted_by_unified("300000 100000\n", line) == 3);
    }
    for (const char* const groups : {"", "\n", "0", "0:", "0::", "0::a/b\n", "::/a/b\n", "cpu\n", "0:cpu", ":::::"}) {
        CAPTURE(groups);
        CHECK(granted({{"/proc/self/cgroup", groups},
                       {"/proc/self/mountinfo", unified_mount + processor_mount},
                       {"/sys/fs/cgroup/a/b/cpu.max", "100000 100000\n"},
                       {"/sys/fs/cgroup/cpu.max", "100000 100000\n"}}) == unlimited_cores);
    }
    for (const char* const mounts :
         {"", "\n", " - ", " - cgroup2", " - cgroup2 x rw", "31 23 0:28 / /sys/fs/cgroup rw cgroup2 cgroup2 rw\n",
          "31 23 0:28 / /sys/fs/cgroup rw - cgroup cgroup rw\n", "31 23 0:28 - cgroup2 cgroup2 rw\n",
          "31 23 0:28 / /elsewhere rw - cgroup2 cgroup2 rw\n", "31 23 0:28 / /sys\\0 rw - cgroup2 cgroup2 rw\\"}) {
        CAPTURE(mounts);
        CHECK(granted({{"/proc/self/cgroup", "0::/a\n1:cpu:/a\n"},
                       {"/proc/self/mountinfo", mounts},
                       {"/sys/fs/cgroup/a/cpu.max", "100000 100000\n"}}) == unlimited_cores);
    }
}

TEST_CASE("files that are as long as those of a machine with many mounts are read", "[core]") {
    std::string mounts;
    for (int i = 0; i < 5000; ++i) {
        mounts += std::to_string(100 + i) + " 23 0:28 / /var/lib/layer" + std::to_string(i) + " rw - overlay none rw\n";
    }
    CHECK(granted({{"/proc/self/cgroup", "0::/a\n"},
                   {"/proc/self/mountinfo", mounts + unified_mount},
                   {"/sys/fs/cgroup/a/cpu.max", "200000 100000\n"}}) == 2);
}

TEST_CASE("the cores that a thread may run on, of any number", "[core]") {
    for (const std::size_t machine : {2u, 1024u, 1025u, 5000u, 1u << 20}) {
        const std::size_t least_bytes = (machine + 7) / 8;
        const auto read = [&](std::size_t bytes, unsigned long* mask) {
            if (bytes < least_bytes) {
                errno = EINVAL;
                return -1;
            }
            mask[0] = 0b1011;
            mask[(machine - 1) / 64] |= 1ul << (machine - 1) % 64;
            return 0;
        };
        CAPTURE(machine);
        CHECK(detail::cores_of_affinity(read) == (machine == 2 ? 3 : 4));
    }
    const auto fails = [](int code) {
        return detail::cores_of_affinity([code](std::size_t, unsigned long*) {
            errno = code;
            return -1;
        });
    };
    CHECK(fails(EINVAL) == 0);
    CHECK(fails(EPERM) == 0);
}

TEST_CASE("a thread that may run on one core uses one", "[core]") {
    isize cores = 0;
    std::thread([&] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
        cores = ::sched_setaffinity(0, sizeof one, &one) == 0 ? detail::usable_cores() : -1;
    }).join();
    CHECK(cores == 1);
}

#endif

TEST_CASE("at least one core is usable, and no more than the machine has", "[core]") {
    CHECK(detail::usable_cores() >= 1);
    if (const unsigned machine = std::thread::hardware_concurrency(); machine > 0) {
        CHECK(detail::usable_cores() <= static_cast<isize>(machine));
    }
}

}  // namespace ddpm::test
