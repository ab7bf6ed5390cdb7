// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/checkpoint.hpp"
#include "support/interrupt.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>

namespace examples {

/// --quick: does `less` to the settings, which other options then still change. To be added before them.
template <class Less>
void add_quick_flag(CLI::App& app, Less less) {
    app.add_flag_callback("--quick", less, "do very little, only to see that the program runs");
}

/// The options of a program that trains.
inline void add_checkpoint_options(CLI::App& app, checkpoint_options& chosen) {
    app.add_option("--save-every", chosen.save_every,
                   "the model is saved after so many training steps; 0: only at the end")
        ->check(CLI::Range(0, 1'000'000'000))
        ->capture_default_str();
    CLI::Option* const resume = app.add_flag("--resume", chosen.resume, "go on from what an earlier run has saved");
    app.add_flag("--overwrite", chosen.overwrite,
                 "replace what an earlier run has saved; without it and --resume that is kept under another name")
        ->excludes(resume);
}

/// Parses the command line, runs the program, and turns what goes wrong into a line on stderr and an exit code: 2 for a
/// wrong command line, 130 for Ctrl-C, 1 for everything else. Each line of stdout is to be seen at once, in a pipe too.
template <class Run>
int run_program(CLI::App& app, int argc, char** argv, Run run) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const auto say = [&](const std::exception& error) {
        std::fflush(stdout);
        std::fprintf(stderr, "%s: %s\n", app.get_name().c_str(), error.what());
    };
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;  // --help comes here too, with 0
    }
    try {
        return run();
    } catch (const stopped& early) {
        say(early);
        return early.exit_code();
    } catch (const std::exception& error) {
        say(error);
        return 1;
    }
}

}  // namespace examples
