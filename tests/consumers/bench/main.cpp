// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/bench.hpp>

namespace {

const ddpm::bench::group mine{[] {
    ddpm::bench::add("mine", "square", "1024", {.items = 1024, .bytes = 2 * 4096, .flops = 1024},
                     [] { return [x = Eigen::ArrayXf::Ones(1024).eval()]() mutable { x = x.square().eval(); }; });
}};

}  // namespace

int main(int argc, char** argv) { return ddpm::bench::run(argc, argv); }
