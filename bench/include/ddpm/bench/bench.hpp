// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// Benchmarks of your own, on the library's terms. A whole program:
//
//     #include <ddpm/bench/bench.hpp>
//
//     const ddpm::bench::group mine{[] {
//         ddpm::bench::add("mine", "square", "1024", {.items = 1024, .bytes = 2 * 4096, .flops = 1024}, [] {
//             return [x = Eigen::ArrayXf(1024).setOnes().eval()]() mutable { x = x.square(); };
//         });
//     }};
//
//     int main(int argc, char** argv) { return ddpm::bench::run(argc, argv); }

#include <ddpm/bench/add.hpp>
#include <ddpm/bench/roofline.hpp>
#include <ddpm/bench/run.hpp>
