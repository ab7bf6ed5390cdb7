// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/run.hpp>

int main(int argc, char** argv) { return ddpm::bench::run(argc, argv); }
