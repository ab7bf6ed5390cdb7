// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A process that saves again and again, killed at any moment.

#include <ddpm/io/safetensors.hpp>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ddpm::test {
namespace {

/// Saves a file of which every number is `version`.
void save_version(const std::string& path, float version) {
    const std::vector<float> values(200'000, version);
    const std::vector<io::tensor_source> tensors{{"a", {200'000}, std::span<const float>(values)}};
    io::write_safetensors(path, tensors, {}, {.checksum = true});
}

[[noreturn]] void save_for_ever(const std::string& path) noexcept {
    for (float version = 0;; ++version) {
        save_version(path, version);
    }
}

/// Whether the file is whole and of one version.
bool is_whole(const std::string& path) {
    const io::safetensors_file file = io::safetensors_file::open(path);
    file.verify_checksum();
    std::vector<float> values(200'000);
    file.read<float>("a", values);
    return std::all_of(values.begin(), values.end(), [&](float x) { return x == values.front(); });
}

std::ptrdiff_t temporaries(const std::string& folder) {
    const std::filesystem::directory_iterator entries(folder);
    return std::count_if(begin(entries), end(entries),
                         [](const auto& entry) { return entry.path().filename().string().starts_with(".ddpm-"); });
}

void kill_while_saving(int times) {
    const temporary_folder folder;
    const std::string path = folder / "model.safetensors";
    save_version(path, 0);
    std::minstd_rand random(7);
    int left = 0;
    for (int i = 0; i < times; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            save_for_ever(path);
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
        REQUIRE(::kill(child, SIGKILL) == 0);
        REQUIRE(::waitpid(child, nullptr, 0) == child);
        CAPTURE(i);
        CHECK(is_whole(path));
        CHECK(temporaries(folder / "") <= 1);
        left += temporaries(folder / "") > 0 ? 1 : 0;
    }
    CHECK(left > times / 4);  // or the moments were no test
    save_version(path, 1);
    CHECK(folder.entries() == 1);
}

TEST_CASE("a process killed while it saves leaves a whole file, and at most one temporary", "[io]") {
    kill_while_saving(50);
}

TEST_CASE("a process killed while it saves leaves a whole file, a thousand times", "[io][slow]") {
    kill_while_saving(1000);
}

}  // namespace
}  // namespace ddpm::test
