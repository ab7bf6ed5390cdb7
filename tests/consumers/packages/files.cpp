// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/io/idx.hpp>
#include <ddpm/io/npy.hpp>
#include <ddpm/io/safetensors.hpp>
#include <ddpm/kernels/target.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace {

int failures = 0;

void check(bool holds, const char* what) {
    if (!holds) {
        std::printf("failed: %s\n", what);
        ++failures;
    }
}

template <class F>
bool throws_io_error(const F& f) {
    try {
        f();
    } catch (const ddpm::io_error&) {
        return true;
    }
    return false;
}

void write_and_read_npy(const std::string& path) {
    for (const float value : {1.5F, -2.25F}) {  // the second replaces the first
        const ddpm::batch<float> x = Eigen::ArrayXf::LinSpaced(21, value, value + 10).reshaped(7, 3);
        ddpm::io::write_npy(path, x);
        check((ddpm::io::read_npy<float>(path) == x).all(), "an array is read as it was written");
    }
}

void write_and_read_safetensors() {
    std::vector<float> values(100000);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>(i) + 0.5F;
    }
    const std::vector<std::int64_t> whole{-1, 10, 13, 26, 1LL << 40};  // with bytes that end lines or a text
    const std::vector<ddpm::io::tensor_source> tensors{{"a", {100, 1000}, std::span<const float>(values)},
                                                       {"b", {5}, std::span<const std::int64_t>(whole)}};
    ddpm::io::write_safetensors("tensors.safetensors", tensors, {{"note", "a\r\nb"}}, {.checksum = true});
    const auto file = ddpm::io::safetensors_file::open("tensors.safetensors");
    file.verify_checksum();
    check(file.metadata().at("note") == "a\r\nb", "a text is read as it was written");
    std::vector<std::int64_t> integers(5);
    file.read<std::int64_t>("b", integers);
    check(integers == whole, "integers are read as they were written");
    std::atomic<int> wrong{0};
    ddpm::parallel_for(64, 1, [&](ddpm::isize first, ddpm::isize) {  // by several threads at a time
        const auto at = static_cast<std::size_t>(first) * 1000;
        std::vector<float> part(1000);
        file.read_bytes("a", at * sizeof(float), std::as_writable_bytes(std::span(part)));
        wrong += part.front() != values[at] || part.back() != values[at + 999];
    });
    check(wrong == 0, "threads read one file at the same time");

    const std::vector<ddpm::io::tensor_source> wrong_size{{"a", {3}, std::span<const std::int64_t>(whole)}};
    try {
        ddpm::io::write_safetensors("tensors.safetensors", wrong_size);
        check(false, "a tensor of another size is refused");
    } catch (const ddpm::value_error&) {  // the old file stays, and no temporary one
        ddpm::io::safetensors_file::open("tensors.safetensors").verify_checksum();
    }

    std::ifstream stream("tensors.safetensors", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    const auto memory = ddpm::io::safetensors_file::parse(std::as_bytes(std::span(bytes)), "bytes");
    memory.verify_checksum();
    check(throws_io_error([&] {
              static_cast<void>(ddpm::io::safetensors_file::parse(std::as_bytes(std::span(bytes).first(99)), "bytes"));
          }),
          "a truncated file in memory is an io_error");
}

void read_idx() {
    std::ofstream("labels", std::ios::binary) << std::string("\0\0\x08\x01\0\0\0\x03\x01\x1a\x0a", 11);
    check(ddpm::io::read_idx_labels("labels") == std::vector<std::uint8_t>{1, 26, 10}, "labels are read");
    check(throws_io_error([] { static_cast<void>(ddpm::io::read_idx_images("labels")); }), "labels are no images");
}

}  // namespace

/// Writes files of each format in the current folder and reads them.
int main() {
    ddpm::set_thread_count(4);
    std::filesystem::create_directory("folder");
    write_and_read_npy("array.npy");
    write_and_read_npy("folder/array.npy");
#if defined(_WIN32)
    write_and_read_npy("folder\\other.npy");
    check(ddpm::simd_target() == ddpm::instruction_set::baseline, "kernels are those of the baseline");
#endif
    write_and_read_safetensors();
    read_idx();
    const ddpm::batch<float> x = ddpm::batch<float>::Zero(2, 2);
    check(throws_io_error([&] { ddpm::io::write_npy("no folder/array.npy", x); }), "there is no such folder");
    check(throws_io_error([&] { ddpm::io::write_npy("folder", x); }), "a folder is not replaced");
    check(throws_io_error([] { static_cast<void>(ddpm::io::read_npy<float>("folder")); }), "a folder is no file");
    check(throws_io_error([] { static_cast<void>(ddpm::io::read_npy<float>("absent")); }), "there is no such file");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(".")) {
        check(entry.path().extension() != ".tmp", "no temporary file stays");
    }
    return failures == 0 ? 0 : 1;
}
