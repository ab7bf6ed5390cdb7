// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Makes small changes to headers, one at a time, and looks whether a test fails: see run.sh in this folder.
//
//     mutate [--list] [--all] [--seed=N] [--count=N] [--from=N] [--jobs=N] [FILE...]
//
// The tests of a header are tried in this order until one fails: the file of tests/ with its path; those that tests.tsv lists;
// the others of its room that include it, directly or not. The changed header lies in a folder that comes first in the
// include path.

#include "command.hpp"
#include "mutations.hpp"
#include "settings.hpp"  // made by mutation.cmake

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using ddpm::mutation::change;
using ddpm::mutation::outcome;
using ddpm::mutation::run;
using ddpm::mutation::seconds;

// From settings.hpp.
const fs::path source_folder = DDPM_SOURCE_FOLDER;
const fs::path work_folder = DDPM_MUTATION_WORK;
const std::string compiler = DDPM_MUTATION_COMPILER;
// An index beyond an array ends the program, as it does in the build with sanitizers.
const std::string flags =
    "-std=c++20 -O0 -w -pthread -D_GLIBCXX_ASSERTIONS -fsanitize=bounds "
    "-fsanitize-undefined-trap-on-error " DDPM_MUTATION_FLAGS " -DDDPM_SOURCE_FOLDER='\"" DDPM_SOURCE_FOLDER
    "\"'"
    " -DDDPM_EXAMPLES_DATA='\"" DDPM_SOURCE_FOLDER "/examples/data\"'";
const std::string libraries = DDPM_MUTATION_LIBRARIES " -pthread";

constexpr int compile_limit = 600, run_limit = 300;  // seconds

const std::vector<std::string> default_folders = {"schedule",
                                                  "process",
                                                  "sampler",
                                                  "loss",
                                                  "train/adam.hpp",
                                                  "kernels/detail/adam.hpp",
                                                  "kernels/detail/adam.inl.hpp"};

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw std::runtime_error("cannot read " + path.string());
    }
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out << text;
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + path.string());
    }
}

/// The headers and tests, and what includes what.
class project {
public:
    project() {
        for (const char* const folder : {"include", "tests"}) {
            for (const auto& entry : fs::recursive_directory_iterator(source_folder / folder)) {
                const fs::path& path = entry.path();
                if (path.extension() == ".hpp" || path.extension() == ".cpp") {
                    add(fs::relative(path, source_folder).generic_string());
                }
            }
        }
    }

    /// Whether compiling `file` reads `header`.
    [[nodiscard]] bool reaches(const std::string& file, const std::string& header) {
        return closure(file).count(header) != 0;
    }

    [[nodiscard]] const std::map<std::string, std::set<std::string>>& files() const { return includes_; }

private:
    void add(const std::string& file) {
        static const std::regex include("(?:#include|DDPM_KERNEL_BODY) +[<\"]([^>\"]+)[>\"]");
        const std::string text = read(source_folder / file);
        std::set<std::string>& found = includes_[file];
        for (std::sregex_iterator i(text.begin(), text.end(), include), end; i != end; ++i) {
            const std::string name = (*i)[1];
            for (const fs::path& folder : {fs::path("include"), fs::path("tests"), fs::path(file).parent_path()}) {
                if (fs::exists(source_folder / folder / name)) {
                    found.insert((folder / name).lexically_normal().generic_string());
                }
            }
        }
    }

    const std::set<std::string>& closure(const std::string& file) {
        const auto [at, is_new] = closures_.try_emplace(file);
        if (is_new) {
            std::set<std::string> all{file};
            std::vector<std::string> open{file};
            while (!open.empty()) {
                const std::string one = open.back();
                open.pop_back();
                for (const std::string& next : includes_[one]) {
                    if (all.insert(next).second) {
                        open.push_back(next);
                    }
                }
            }
            closures_[file] = all;
        }
        return closures_[file];
    }

    std::map<std::string, std::set<std::string>> includes_, closures_;
};

/// A change of a header, with the lines around it, shortened to one.
struct mutant {
    std::string header;  // from the source folder on
    change made;
    std::size_t line = 0;
    std::string before, after;
};

std::string one_line(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const bool space = c == ' ' || c == '\n' || c == '\t';
        if (!space) {
            out += c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    while (!out.empty() && out.back() == ' ') {
        out.pop_back();
    }
    return out;
}

mutant make_mutant(const std::string& header, const std::string& text, const change& c) {
    const std::size_t begin = text.rfind('\n', c.offset) + 1;
    const std::size_t end = std::min(text.find('\n', c.offset + c.length), text.size());
    const std::string before = text.substr(begin, end - begin);
    const std::string after = ddpm::mutation::changed(before, {c.offset - begin, c.length, c.replacement});
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(c.offset), '\n');
    return {header, c, static_cast<std::size_t>(line), one_line(before), one_line(after)};
}

std::string described(const mutant& m) {
    return m.header + ":" + std::to_string(m.line) + ": " + m.before + "  ->  " + m.after;
}

std::vector<std::vector<std::string>> read_table(const fs::path& path, std::size_t columns) {
    std::vector<std::vector<std::string>> rows;
    std::istringstream in(read(path));
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') {
            continue;
        }
        std::vector<std::string> row;
        std::istringstream cells(line);
        for (std::string cell; std::getline(cells, cell, '\t');) {
            row.push_back(cell);
        }
        if (row.size() != columns) {
            throw std::runtime_error(path.string() + ": not " + std::to_string(columns) + " columns: " + line);
        }
        rows.push_back(row);
    }
    return rows;
}

/// The part of a header's path that its tests share: schedule/beta for include/ddpm/schedule/beta.hpp.
std::string name_of(const std::string& header) {
    std::string name = header.substr(std::string("include/ddpm/").size());
    for (const std::string end : {".hpp", ".inl"}) {
        if (name.ends_with(end)) {
            name.resize(name.size() - end.size());
        }
    }
    return name;
}

std::string room_of(const std::string& test) { return test.substr(6, test.find('/', 6) - 6); }

enum class verdict { killed, survived, not_compiled };

struct result {
    verdict is;
    std::string by;  // the test that failed
};

class session {
public:
    explicit session(const std::vector<std::string>& headers)
        : headers_(headers), more_tests_(read_table(source_folder / "tests/mutation/tests.tsv", 2)) {
        fs::create_directories(work_folder);
    }

    /// Compiles what the changes do not reach once: Catch2, Eigen, the headers of the lower rooms.
    void precompile() {
        std::ostringstream text;
        text << "#include <support/catch.hpp>\n#include <Eigen/Core>\n#include <functional>\n#include <random>\n";
        for (const auto& entry : project_.files()) {
            const std::string& file = entry.first;  // Clang 14 captures no structured binding
            const bool lower = std::regex_search(file, std::regex("^include/ddpm/(core|kernels|random|nn)/"));
            const bool fragment = file.ends_with(".inl.hpp") || file.ends_with("foreach_target.hpp");
            const bool reached = std::any_of(headers_.begin(), headers_.end(),
                                             [&](const std::string& h) { return project_.reaches(file, h); });
            if (lower && !fragment && !reached) {
                text << "#include <" << file.substr(8) << ">\n";
            }
        }
        const fs::path header = work_folder / "precompiled.hpp";
        write(header, text.str());
        const std::string command = compiler + " " + flags + include_path() + " -x c++-header " + header.string() +
                                    " -o " + header.string() + ".gch";
        const fs::path log = work_folder / "precompiled.log";
        if (run(command, log, compile_limit, false).status != 0) {
            throw std::runtime_error("the precompiled header: " + read(log));
        }
    }

    /// The tests of a header, those that are the likeliest to see a change first.
    [[nodiscard]] std::vector<std::string> tests_of(const std::string& header) {
        std::vector<std::string> out;
        const auto add = [&](const std::string& test) {
            if (fs::exists(source_folder / test) && std::find(out.begin(), out.end(), test) == out.end()) {
                out.push_back(test);
            }
        };
        const std::string name = name_of(header);
        add("tests/" + name + ".cpp");
        for (const std::vector<std::string>& row : more_tests_) {
            if (row[0] == name) {
                std::istringstream tests(row[1]);
                for (std::string test; tests >> test;) {
                    add("tests/" + test + ".cpp");
                }
            }
        }
        const std::string folder = "tests/" + name.substr(0, name.find('/') + 1);
        for (const auto& [file, includes] : project_.files()) {
            if (file.starts_with(folder) && file.ends_with(".cpp") && project_.reaches(file, header) &&
                has_tests(file)) {
                add(file);
            }
        }
        return out;
    }

    result try_mutant(const mutant& m, const std::vector<std::string>& tests, const fs::path& folder) {
        const fs::path overlay = folder / "include";
        fs::remove_all(overlay);
        write(overlay / m.header.substr(8), ddpm::mutation::changed(read(source_folder / m.header), m.made));
        bool compiled = false;
        for (const std::string& test : tests) {
            if (!build(test, folder, overlay)) {
                const std::string log = read(folder / "compile.log");
                if (std::regex_search(log, std::regex("static assertion failed|static_assert failed"))) {
                    return {verdict::killed, test + ", when compiled"};
                }
                if (!compiled) {
                    static_cast<void>(passes_unchanged(test));
                    return {verdict::not_compiled, ""};
                }
                return {verdict::killed, test + ", which does not compile"};
            }
            compiled = true;
            const outcome end = run_test(folder);
            if (end.status != 0 && passes_unchanged(test)) {
                return {verdict::killed, test + (end.timed_out ? ", which hangs" : "")};
            }
        }
        return {verdict::survived, ""};
    }

private:
    [[nodiscard]] static std::string include_path() {
        return " -I " + (source_folder / "include").string() + " -I " + (source_folder / "tests").string() + " ";
    }

    [[nodiscard]] static bool has_tests(const std::string& file) {
        return read(source_folder / file).find("TEST_CASE(") != std::string::npos;
    }

    bool build(const std::string& test, const fs::path& folder, const fs::path& overlay) {
        const std::string helpers = helpers_of(room_of(test));
        const std::string program = (folder / "test").string();
        const std::string object = (folder / "test.o").string();
        const std::string precompiled = (work_folder / "precompiled.hpp").string();
        const std::string command = compiler + " " + flags + (overlay.empty() ? "" : " -I " + overlay.string()) +
                                    include_path() + "-include " + precompiled + " -c " +
                                    (source_folder / test).string() + " -o " + object + " && " + compiler + " " +
                                    object + helpers + " " + libraries + " -o " + program;
        return run(command, folder / "compile.log", compile_limit, false).status == 0;
    }

    static outcome run_test(const fs::path& folder) {
        return run("cd " + folder.string() + " && exec ./test --abort '~[slow]~[.]'", folder / "run.log", run_limit,
                   true);
    }

    /// The objects of the files of a room that hold no tests, but replace functions of the system.
    std::string helpers_of(const std::string& room) {
        const std::lock_guard lock(mutex_);
        const auto [at, is_new] = helpers_.try_emplace(room);
        if (is_new) {
            for (const auto& [file, includes] : project_.files()) {
                if (file.starts_with("tests/" + room + "/") && file.ends_with(".cpp") && !has_tests(file)) {
                    const fs::path object =
                        work_folder / "helpers" / (room + "_" + fs::path(file).stem().string() + ".o");
                    fs::create_directories(object.parent_path());
                    const std::string command = compiler + " " + flags + include_path() + " -c " +
                                                (source_folder / file).string() + " -o " + object.string();
                    if (run(command, work_folder / "helpers.log", compile_limit, false).status != 0) {
                        throw std::runtime_error(file + ": " + read(work_folder / "helpers.log"));
                    }
                    at->second += " " + object.string();
                }
            }
        }
        return at->second;
    }

    /// Whether a test passes without the change, which is looked up once. One that takes too long without optimization is
    /// left out.
    bool passes_unchanged(const std::string& test) {
        const std::lock_guard lock(unchanged_mutex_);
        const auto [at, is_new] = passing_.try_emplace(test, true);
        if (is_new) {
            const fs::path folder = work_folder / "unchanged";
            fs::create_directories(folder);
            const outcome end = build(test, folder, {}) ? run_test(folder) : outcome{1, false};
            if (end.status != 0 && !end.timed_out) {
                throw std::runtime_error(test + " fails without any change: see " + folder.string());
            }
            at->second = !end.timed_out;
            if (end.timed_out) {
                std::printf("left out, since it takes too long without optimization: %s\n", test.c_str());
            }
        }
        return at->second;
    }

    project project_;
    std::vector<std::string> headers_;
    std::vector<std::vector<std::string>> more_tests_;
    std::map<std::string, std::string> helpers_;
    std::map<std::string, bool> passing_;
    std::mutex mutex_, unchanged_mutex_;
};

struct options {
    bool list = false, all = false;
    std::uint64_t seed = 1;
    std::size_t count = 150, from = 1;
    unsigned jobs = 0;
    std::vector<std::string> files;
};

std::vector<std::string> headers_of(const options& o) {
    std::vector<std::string> out;
    for (const std::string& file : o.files) {
        out.push_back(fs::relative(fs::absolute(file), source_folder).generic_string());
        if (!out.back().starts_with("include/ddpm/")) {
            throw std::runtime_error("not a header of include/ddpm: " + file);
        }
    }
    if (out.empty()) {
        for (const std::string& name : default_folders) {
            const fs::path path = source_folder / "include/ddpm" / name;
            if (!fs::is_directory(path)) {
                out.push_back("include/ddpm/" + name);
                continue;
            }
            for (const auto& entry : fs::recursive_directory_iterator(path)) {
                if (entry.path().extension() == ".hpp") {
                    out.push_back(fs::relative(entry.path(), source_folder).generic_string());
                }
            }
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

/// The first `count` of all changes in an order that the seed determines, the same with every standard library.
std::vector<mutant> sample(std::vector<mutant> all, std::uint64_t seed, std::size_t count) {
    std::mt19937_64 random(seed);
    for (std::size_t i = all.size(); i > 1; --i) {
        std::swap(all[i - 1], all[random() % i]);
    }
    all.resize(std::min(all.size(), count));
    return all;
}

double percent(std::size_t part, std::size_t whole) {
    return whole == 0 ? 100 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

int mutate(const options& o) {
    const std::vector<std::string> headers = headers_of(o);
    std::vector<mutant> mutants;
    for (const std::string& header : headers) {
        const std::string text = read(source_folder / header);
        for (const change& c : ddpm::mutation::changes_of(text)) {
            mutants.push_back(make_mutant(header, text, c));
        }
    }
    const std::size_t possible = mutants.size();
    if (!o.all) {
        mutants = sample(std::move(mutants), o.seed, o.count);
    }
    mutants.erase(mutants.begin(), mutants.begin() + static_cast<std::ptrdiff_t>(std::min(o.from - 1, mutants.size())));
    if (o.list) {
        for (const mutant& m : mutants) {
            std::printf("%s\n", described(m).c_str());
        }
        return 0;
    }

    std::map<std::vector<std::string>, std::string> reasons;
    for (const std::vector<std::string>& row : read_table(source_folder / "tests/mutation/survivors.tsv", 4)) {
        reasons[{"include/ddpm/" + row[0], row[1], row[2]}] = row[3];
    }
    session tests(headers);
    tests.precompile();
    std::map<std::string, std::vector<std::string>> tests_of;
    for (const std::string& header : headers) {
        tests_of[header] = tests.tests_of(header);
    }

    std::atomic<std::size_t> next{0}, done{0};
    std::size_t not_compiled = 0, killed = 0, explained = 0;
    std::vector<std::string> survivors;
    std::string failure;
    std::mutex mutex;
    const auto work = [&](unsigned worker) {
        const fs::path folder = work_folder / ("worker" + std::to_string(worker));
        fs::create_directories(folder);
        for (std::size_t i = next++; i < mutants.size(); i = next++) {
            const mutant& m = mutants[i];
            const bool has_reason =
                reasons.count({m.header, m.before, m.after}) != 0 || reasons.count({m.header, m.before, "*"}) != 0;
            result end{verdict::survived, ""};
            try {
                if (!has_reason) {
                    end = tests.try_mutant(m, tests_of[m.header], folder);
                }
            } catch (const std::exception& e) {
                const std::lock_guard lock(mutex);
                failure = e.what();
                next = mutants.size();
                return;
            }
            const std::lock_guard lock(mutex);
            std::string what = "killed by " + end.by;
            if (has_reason) {
                ++explained;
                what = "explained";
            } else if (end.is == verdict::not_compiled) {
                ++not_compiled;
                what = "not compiled";
            } else if (end.is == verdict::killed) {
                ++killed;
            } else {
                what = "SURVIVED";
                survivors.push_back(described(m));
            }
            std::printf("[%zu/%zu] %s: %s\n", ++done, mutants.size(), what.c_str(), described(m).c_str());
            std::fflush(stdout);
        }
    };
    std::vector<std::thread> workers;
    for (unsigned w = 0; w < o.jobs; ++w) {
        workers.emplace_back(work, w);
    }
    for (std::thread& w : workers) {
        w.join();
    }
    if (!failure.empty()) {
        throw std::runtime_error(failure);
    }

    std::sort(survivors.begin(), survivors.end());
    std::printf("\n%zu mutants of %zu possible ones (seed %llu)\n", mutants.size(), possible,
                static_cast<unsigned long long>(o.seed));
    std::printf("not compiling %zu, killed %zu, survived %zu, explained in survivors.tsv %zu\n", not_compiled, killed,
                survivors.size(), explained);
    const double score = percent(killed, killed + survivors.size());
    std::printf("killed of those that compile: %.1f %% without the explained ones, %.1f %% with them\n", score,
                percent(killed, killed + survivors.size() + explained));
    for (const std::string& s : survivors) {
        std::printf("survived: %s\n", s.c_str());
    }
    return score >= 95 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
    options o;
    try {
        for (int i = 1; i < count; ++i) {
            const std::string a = arguments[i];
            const std::string value = a.substr(std::min(a.size(), a.find('=') + 1));
            if (a == "--list") {
                o.list = true;
            } else if (a == "--all") {
                o.all = true;
            } else if (a.starts_with("--seed=")) {
                o.seed = std::stoull(value);
            } else if (a.starts_with("--count=")) {
                o.count = std::stoul(value);
            } else if (a.starts_with("--from=")) {
                o.from = std::max<std::size_t>(1, std::stoul(value));
            } else if (a.starts_with("--jobs=")) {
                o.jobs = static_cast<unsigned>(std::stoul(value));
            } else if (a.starts_with("-")) {
                throw std::runtime_error("unknown argument " + a);
            } else {
                o.files.push_back(a);
            }
        }
        if (o.jobs == 0) {
            o.jobs = std::max(1u, std::thread::hardware_concurrency());
        }
        return mutate(o);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "mutate: %s\n", e.what());
        return 2;
    }
}
