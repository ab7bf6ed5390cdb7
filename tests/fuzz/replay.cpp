// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Runs every target on its committed inputs: replay FOLDER, which holds a folder for each target. Any compiler builds it.
#include "fuzz/targets.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: replay FOLDER\n");
        return 2;
    }
    for (const ddpm::fuzz::target& one : ddpm::fuzz::targets) {
        std::vector<std::filesystem::path> files;
        for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(arguments[1]) / one.name)) {
            files.push_back(entry.path());
        }
        std::sort(files.begin(), files.end());
        for (const std::filesystem::path& file : files) {
            const std::string content = ddpm::test::read_text(file.string());
            one.run(std::as_bytes(std::span<const char>(content.data(), content.size())));
        }
        std::printf("%s: %zu inputs\n", one.name, files.size());
        if (files.empty()) {
            return 1;
        }
    }
    return 0;
}
