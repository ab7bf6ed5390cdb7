// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Compiles a few programs and compares the compiler's processor time with that for Eigen/Dense alone in the same run,
// and its peak memory with a limit. Arguments: the compiler, the folders of the library's and of Eigen's headers, the
// README's program, a folder to work in, then flags for the compiler.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace {

struct cost {
    double seconds;    // of the processor, for the user and the system
    double megabytes;  // of the largest process
};

cost compile(const std::vector<std::string>& command) {
    const pid_t child = fork();
    if (child == 0) {
        std::vector<char*> arguments;
        for (const std::string& argument : command) {
            arguments.push_back(const_cast<char*>(argument.c_str()));
        }
        arguments.push_back(nullptr);
        execvp(arguments[0], arguments.data());
        std::_Exit(127);
    }
    int status = 0;
    rusage used{};
    if (child < 0 || wait4(child, &status, 0, &used) != child || status != 0) {
        std::fprintf(stderr, "%s does not compile\n", command.back().c_str());
        std::exit(1);
    }
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return {seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<double>(used.ru_maxrss) / 1024};
}

struct program {
    const char* name;
    std::string text;
    double most;       // times Eigen/Dense
    double megabytes;  // at most; 0: any
    std::vector<std::string> flags;
};

// How far above its limit a figure may lie before the test fails: what busy machines, and processors, differ by.
constexpr double margin = 1.25;

}  // namespace

int main(int count, char** arguments) {
    if (count < 6) {
        std::fprintf(stderr, "usage: compile_cost COMPILER INCLUDE EIGEN README_PROGRAM FOLDER [FLAG...]\n");
        return 2;
    }
    const std::string compiler = arguments[1], include = arguments[2], eigen = arguments[3], readme = arguments[4],
                      folder = arguments[5];
    const auto measure = [&](const program& p) {
        const std::string source = folder + "/" + p.name + ".cpp";
        std::ofstream(source) << p.text;
        std::vector<std::string> command{compiler, "-std=c++20", "-O2", "-I" + include, "-isystem", eigen};
        command.insert(command.end(), arguments + 6, arguments + count);
        command.insert(command.end(), p.flags.begin(), p.flags.end());
        command.insert(command.end(), {"-c", "-o", folder + "/" + p.name + ".o", source});
        return compile(command);
    };
    const program unit{"eigen", "#include <Eigen/Dense>\n", 1, 0, {}};
    const program programs[] = {
        {"umbrella", "#include <ddpm/ddpm.hpp>\n", 4.2, 500, {}},
        {"q_sample",
         "#include <ddpm/process/forward.hpp>\n"
         "#include <ddpm/schedule/noise_schedule.hpp>\n"
         "ddpm::batch<float> noised(const ddpm::batch<float>& x0, const ddpm::batch<float>& eps) {\n"
         "    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};\n"
         "    return ddpm::q_sample(schedule, x0, 500, eps);\n"
         "}\n",
         2,
         0,
         {}},
        {"ddim",
         "#include <ddpm/sampler/ddim.hpp>\n"
         "#include <ddpm/sampler/sample.hpp>\n"
         "#include <ddpm/schedule/noise_schedule.hpp>\n"
         "ddpm::batch<float> drawn() {\n"
         "    const ddpm::noise_schedule schedule{ddpm::cosine_beta{}, 1000};\n"
         "    const auto eps = [](const auto& xt, const auto&, const auto& out) { out.prediction.array() = xt.array() "
         "/ 2; };\n"
         "    return ddpm::sample(ddpm::ddim{}, schedule, eps, {.steps = 20, .count = 4, .shape = 2});\n"
         "}\n",
         4.5,
         0,
         {}},
        {"readme", "#include \"" + readme + "\"\n", 16, 0, {}},
        {"readme_with_compiled", "#include \"" + readme + "\"\n", 8, 0, {"-DDDPM_COMPILED"}},
    };
    // Each time between two compilations of Eigen alone, since a busy machine adds to both; once where that is little
    // enough.
    constexpr int most_times = 4;
    bool within = true;
    cost before = measure(unit);
    for (const program& p : programs) {
        double seconds = 0, ratio = 1e9, megabytes = 0;
        bool fits = false;
        for (int times = 0; times < most_times && !fits; ++times) {
            const cost c = measure(p), after = measure(unit);
            if (const double now = 2 * c.seconds / (before.seconds + after.seconds); now < ratio) {
                seconds = c.seconds;
                ratio = now;
            }
            megabytes = c.megabytes;
            before = after;
            fits = ratio <= margin * p.most && (p.megabytes == 0 || megabytes <= margin * p.megabytes);
        }
        std::printf("%-20s %6.2f s of the processor, %5.2f times Eigen/Dense (at most %g), %4.0f MB%s\n", p.name,
                    seconds, ratio, p.most, megabytes, fits ? "" : "  TOO MUCH");
        within = within && fits;
    }
    return within ? 0 : 1;
}
