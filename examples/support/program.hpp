// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

namespace examples {

/// Parses the command line, runs the program, and turns what goes wrong into a line on stderr and an exit code: 2 for a
/// wrong command line, 1 for everything else.
template <class Run>
int run_program(CLI::App& app, int argc, char** argv, Run run) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;  // --help comes here too, with 0
    }
    try {
        return run();
    } catch (const std::exception& error) {
        std::fflush(stdout);
        std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), error.what());
        return 1;
    }
}

}  // namespace examples
