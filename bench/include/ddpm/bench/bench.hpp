// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// Benchmarks of your own, on the library's terms. A whole program:
//
//     #include <ddpm/bench/bench.hpp>
//
//     const ddpm::bench::group mine{[] {
//         const ddpm::bench::work one_pass{.items = 1024, .passes = {{.floats = 1024, .updated = 1}}};
//         ddpm::bench::add("mine", "square", "1024", one_pass, [] {
//             return [x = Eigen::ArrayXf::Ones(1024).eval()]() mutable { x = x.square(); };
//         }).peer("loop", [] {
//             return [x = std::vector<float>(1024, 1)]() mutable { for (float& v : x) { v *= v; } };
//         });
//     }};
//
//     int main(int argc, char** argv) { return ddpm::bench::run(argc, argv); }
//
// It prints the time, the share of the machine's limit and the ratio to the peer; --help tells more.

#include <ddpm/bench/add.hpp>
#include <ddpm/bench/roofline.hpp>
#include <ddpm/bench/run.hpp>
#include <ddpm/bench/scratch.hpp>
#include <ddpm/bench/work.hpp>
