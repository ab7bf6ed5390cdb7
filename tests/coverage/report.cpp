// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Sums up what llvm-cov exported:
//
//     coverage_report EXPORT.json FOLDER EXCLUDED.tsv REPORT.txt MINIMUM_LINES MINIMUM_BRANCHES
//
// FOLDER is include/. Prints lines and branches of each folder of it, writes those that nothing reached to REPORT.txt, and
// ends with 1 below one of the minima, in percent, or if an entry of EXCLUDED.tsv fits no line.
//
// A line is covered if something that begins or lasts on it was executed. A branch is one of the two outcomes of a condition,
// or of an operand of && and ||. Instances of one template are one: it is enough that one of them was executed. Conditions
// that are constants when compiled, and those in macros, such as assertions, are no branches.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using position = std::pair<std::size_t, std::size_t>;  // line and column, from 1

/// From here to the next segment the source was executed `count` times.
struct segment {
    position at;
    std::uint64_t count;
    bool has_count, begins_region, is_gap;
};

struct branch {
    std::uint64_t taken = 0, passed = 0;
};

struct totals {
    std::size_t lines = 0, lines_covered = 0, branches = 0, branches_covered = 0, lines_excluded = 0;

    void add(const totals& more) {
        lines += more.lines;
        lines_covered += more.lines_covered;
        branches += more.branches;
        branches_covered += more.branches_covered;
        lines_excluded += more.lines_excluded;
    }
};

/// A line of EXCLUDED.tsv: a file, a line of it without the spaces around it, and the reason. A line that ends with { stands
/// for all to the } that closes it; * stands for the whole file.
struct exclusion {
    std::string file, text, reason;
    bool used = false;
};

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
    std::ifstream in(path);
    if (!in) {
        throw std::runtime_error("cannot read " + path.string());
    }
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::vector<exclusion> read_exclusions(const char* path) {
    std::vector<exclusion> found;
    for (const std::string& line : lines_of(path)) {
        if (line.empty() || line[0] == '#') {
            continue;
        }
        exclusion e;
        std::istringstream in(line);
        if (!std::getline(in, e.file, '\t') || !std::getline(in, e.text, '\t') || !std::getline(in, e.reason)) {
            throw std::runtime_error("not file, line and reason, parted by tabs: " + line);
        }
        found.push_back(e);
    }
    return found;
}

/// The lines of a file that are left out, by number.
std::set<std::size_t> excluded_lines(std::vector<exclusion>& exclusions, const std::string& file,
                                     const std::vector<std::string>& text) {
    std::set<std::size_t> out;
    for (exclusion& e : exclusions) {
        if (e.file != file) {
            continue;
        }
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (e.text != "*" && trimmed(text[i]) != e.text) {
                continue;
            }
            e.used = true;
            out.insert(i + 1);
            if (e.text.back() == '{') {
                const std::string end = text[i].substr(0, text[i].find_first_not_of(" \t")) + "}";
                for (std::size_t k = i + 1; k < text.size(); ++k) {
                    out.insert(k + 1);
                    if (text[k].compare(0, end.size(), end) == 0) {
                        break;
                    }
                }
            }
        }
    }
    return out;
}

/// How often each line was executed; lines without code are missing.
std::map<std::size_t, std::uint64_t> executed_lines(const std::vector<segment>& segments, std::size_t lines) {
    std::map<std::size_t, std::uint64_t> out;
    const segment* before = nullptr;  // the one that lasts from an earlier line
    std::size_t next = 0;
    for (std::size_t line = 1; line <= lines; ++line) {
        const std::size_t first = next;
        while (next < segments.size() && segments[next].at.first == line) {
            ++next;
        }
        const auto begins = [](const segment& s) { return s.has_count && s.begins_region && !s.is_gap; };
        bool has_code = before != nullptr && before->has_count;
        std::uint64_t count = has_code ? before->count : 0;
        for (std::size_t i = first; i < next; ++i) {
            if (begins(segments[i])) {
                has_code = true;
                count = std::max(count, segments[i].count);
            }
        }
        const bool skipped = first < next && !segments[first].has_count && segments[first].begins_region;
        if (has_code && !skipped) {
            out[line] = count;
        }
        if (first < next) {
            before = &segments[next - 1];
        }
    }
    return out;
}

/// How often the code at a position was executed.
std::uint64_t count_at(const std::vector<segment>& segments, position at) {
    const auto after =
        std::upper_bound(segments.begin(), segments.end(), at, [](position p, const segment& s) { return p < s.at; });
    return after == segments.begin() ? 0 : std::prev(after)->count;
}

std::string percent(std::size_t part, std::size_t whole) {
    char text[16];
    std::snprintf(text, sizeof text, "%.1f",
                  whole == 0 ? 100. : 100. * static_cast<double>(part) / static_cast<double>(whole));
    return text;
}

bool reaches(std::size_t part, std::size_t whole, double minimum) {
    return 100. * static_cast<double>(part) >= minimum * static_cast<double>(whole);
}

int report(char** arguments) {
    const std::filesystem::path folder = std::filesystem::canonical(arguments[2]);
    std::vector<exclusion> exclusions = read_exclusions(arguments[3]);
    std::ifstream in(arguments[1]);
    const nlohmann::json exported = nlohmann::json::parse(in);
    std::ofstream out(arguments[4]);

    std::map<std::string, totals> folders;
    totals all;
    for (const nlohmann::json& file : exported.at("data").at(0).at("files")) {
        const std::filesystem::path path = file.at("filename").get<std::string>();
        const std::string name = std::filesystem::path(path).lexically_relative(folder).generic_string();
        if (name.empty() || name[0] == '.') {
            continue;
        }
        const std::vector<std::string> text = lines_of(path);
        const std::set<std::size_t> excluded = excluded_lines(exclusions, name, text);
        std::vector<segment> segments;
        for (const nlohmann::json& s : file.at("segments")) {
            segments.push_back({{s[0], s[1]}, s[2], s[3], s[4], s[5]});
        }
        std::map<position, branch> branches;
        for (const nlohmann::json& b : file.at("branches")) {
            branch& one = branches[{b[0], b[1]}];
            one.taken += b[4].get<std::uint64_t>();
            one.passed += b[5].get<std::uint64_t>();
        }

        totals sum;
        std::map<std::size_t, std::string> uncovered;  // the remark of a line
        for (const auto& [line, count] : executed_lines(segments, text.size())) {
            if (excluded.count(line) != 0) {
                ++sum.lines_excluded;
                continue;
            }
            ++sum.lines;
            if (count != 0) {
                ++sum.lines_covered;
            } else {
                uncovered[line] = "not executed";
            }
        }
        for (const auto& [at, b] : branches) {
            const bool constant = b.taken == 0 && b.passed == 0 && count_at(segments, at) != 0;
            if (constant || excluded.count(at.first) != 0) {
                continue;
            }
            sum.branches += 2;
            sum.branches_covered += (b.taken != 0 ? 1u : 0u) + (b.passed != 0 ? 1u : 0u);
            if (b.taken == 0 && b.passed == 0) {
                uncovered.insert({at.first, "condition not reached"});
            } else if (b.taken == 0 || b.passed == 0) {
                std::string& remark = uncovered[at.first];
                remark += (remark.empty() ? "column " : ", column ") + std::to_string(at.second) +
                          (b.taken == 0 ? " never true" : " never false");
            }
        }
        if (!uncovered.empty()) {
            out << name << ": " << percent(sum.lines_covered, sum.lines) << " % of " << sum.lines << " lines, "
                << percent(sum.branches_covered, sum.branches) << " % of " << sum.branches << " branches\n";
            for (const auto& [line, remark] : uncovered) {
                out << "    " << line << ": " << trimmed(text[line - 1]) << "  <- " << remark << '\n';
            }
        }
        all.add(sum);
        // ddpm/schedule/beta.hpp counts for ddpm/schedule, ddpm/ddpm.hpp for ddpm.
        const std::size_t layer = name.find('/', name.find('/') + 1);
        folders[name.substr(0, layer == std::string::npos ? name.find('/') : layer)].add(sum);
    }

    const auto print = [](const std::string& name, const totals& t) {
        std::printf("%-18s %6zu of %6zu lines (%5s %%), %5zu of %5zu branches (%5s %%)\n", name.c_str(),
                    t.lines_covered, t.lines, percent(t.lines_covered, t.lines).c_str(), t.branches_covered, t.branches,
                    percent(t.branches_covered, t.branches).c_str());
    };
    for (const auto& [name, sum] : folders) {
        print(name, sum);
    }
    print("all", all);
    std::printf("left out: %zu lines, by %zu entries of %s\nnot covered: %s\n", all.lines_excluded, exclusions.size(),
                arguments[3], arguments[4]);
    bool failed = all.lines == 0 || !reaches(all.lines_covered, all.lines, std::stod(arguments[5])) ||
                  !reaches(all.branches_covered, all.branches, std::stod(arguments[6]));
    for (const exclusion& e : exclusions) {
        if (!e.used) {
            std::printf("%s: no line of %s is: %s\n", arguments[3], e.file.c_str(), e.text.c_str());
            failed = true;
        }
    }
    return failed ? 1 : 0;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 7) {
        std::fprintf(stderr, "usage: coverage_report EXPORT FOLDER EXCLUDED REPORT MINIMUM_LINES MINIMUM_BRANCHES\n");
        return 2;
    }
    try {
        return report(arguments);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "coverage_report: %s\n", e.what());
        return 2;
    }
}
