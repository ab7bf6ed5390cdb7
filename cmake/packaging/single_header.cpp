// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Writes the library as one header: single_header SOURCE_FOLDER OUT.
//
// An include of the library is replaced by the file's text: of a header once, of a kernel's body each time, since it is
// compiled for several instruction sets (see kernels/detail/foreach_target.hpp). All other directives stay.

#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!(text << file.rdbuf())) {
        throw std::runtime_error("cannot read " + path);
    }
    return text.str();
}

std::string_view without_blanks(std::string_view line) {
    const std::size_t first = line.find_first_not_of(" \t");
    return first == line.npos ? std::string_view() : line.substr(first);
}

/// Whether the line is the directive `name`; `rest` is then what follows it.
bool is_directive(std::string_view line, std::string_view name, std::string_view& rest) {
    line = without_blanks(line);
    if (line.substr(0, 1) != "#" || without_blanks(line.substr(1)).substr(0, name.size()) != name) {
        return false;
    }
    rest = without_blanks(without_blanks(line.substr(1)).substr(name.size()));
    return true;
}

class expander {
public:
    expander(std::string source, std::ostream& out) : source_(std::move(source)), out_(out) {}

    void write() {
        std::istringstream license(content_of(source_ + "/LICENSE"));
        out_
            << "// SPDX-FileCopyrightText: 2026 The ddpm authors\n// SPDX-License-Identifier: MIT\n//\n"
               "// ddpm as one header, made from the files whose names stand before their parts. Do not edit it.\n//\n";
        for (std::string line; std::getline(license, line);) {
            out_ << (line.empty() ? "//" : "// ") << line << '\n';
        }
        out_ << "#pragma once\n";
        expand("ddpm/ddpm.hpp");
        if (depth_ != 0) {
            throw std::runtime_error("an #if without its #endif");
        }
    }

private:
    void expand(const std::string& name) {
        const auto [found, is_first] = texts_.try_emplace(name);
        if (is_first) {
            found->second = content_of(source_ + "/include/" + name);
        }
        const std::string& text = found->second;
        const bool is_header = text.find("\n#pragma once\n") != text.npos;
        if (is_header && !is_first) {
            return;
        }
        if (is_header && depth_ != 0) {
            throw std::runtime_error(name + " is first included under a condition, so that others might miss it");
        }
        out_ << "\n// " << name << '\n';
        std::istringstream lines(text);
        bool at_top = true;
        for (std::string line; std::getline(lines, line);) {
            // A file's own licence, and the comments of a body that has stood before.
            const std::string_view code = without_blanks(line);
            const bool is_comment = code.substr(0, 2) == "//";
            at_top = at_top && is_comment;
            if (line == "#pragma once" || (at_top && line.find("SPDX-") != line.npos) || (!is_first && is_comment) ||
                (code.empty() && last_is_empty_)) {
                continue;
            }
            if (!expand_line(line)) {
                out_ << line << '\n';
                last_is_empty_ = code.empty();
            }
        }
    }

    /// Follows a directive; returns whether it must not be written itself.
    bool expand_line(std::string_view line) {
        std::string_view rest;
        if (is_directive(line, "if", rest)) {  // #ifdef and #ifndef too
            ++depth_;
        } else if (is_directive(line, "endif", rest)) {
            --depth_;
        } else if (is_directive(line, "define", rest) && rest.substr(0, body_.size()) == body_) {
            kernel_body_ = rest.substr(body_.size());
        } else if (is_directive(line, "include", rest)) {
            if (rest == "DDPM_KERNEL_BODY") {
                rest = without_blanks(kernel_body_);
            }
            if (rest.substr(0, 6) == "<ddpm/") {
                expand(std::string(rest.substr(1, rest.find('>') - 1)));
                return true;
            }
            return depth_ == 0 && !system_.emplace(rest).second;
        }
        return false;
    }

    static constexpr std::string_view body_ = "DDPM_KERNEL_BODY";

    std::string source_;
    std::ostream& out_;
    std::map<std::string, std::string> texts_;  // of the files that were included, by name
    std::set<std::string> system_;              // headers of others that were included unconditionally
    std::string kernel_body_;                   // what DDPM_KERNEL_BODY is defined as
    int depth_ = 0;                             // of conditions
    bool last_is_empty_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: single_header SOURCE_FOLDER OUT\n";
        return 2;
    }
    try {
        std::ostringstream text;
        expander(argv[1], text).write();
        std::ofstream file(argv[2], std::ios::binary);
        if (!(file << text.str()).flush()) {
            throw std::runtime_error(std::string("cannot write ") + argv[2]);
        }
        std::printf("%s: %.1f MB\n", argv[2], static_cast<double>(text.str().size()) / 1e6);
    } catch (const std::exception& e) {
        std::cerr << "single_header: " << e.what() << '\n';
        return 1;
    }
    return 0;
}
