// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/io/atomic_file.hpp>

#include <fstream>
#include <iterator>
#include <span>
#include <string>

namespace examples {

/// Replaces what stands in a file between the lines `<!-- name -->` and `<!-- /name -->` by a text that ends with a line
/// break.
/// @throws ddpm::io_error if the file cannot be read or written, or has no such lines
inline void replace_marked(const std::string& path, const std::string& name, const std::string& text) {
    std::ifstream file(path);
    std::string content{std::istreambuf_iterator<char>(file), {}};
    const std::string first = "<!-- " + name + " -->\n", last = "<!-- /" + name + " -->\n";
    const std::size_t begin = content.find(first);
    const std::size_t end = begin == std::string::npos ? begin : content.find(last, begin);
    if (!file || end == std::string::npos) {
        throw ddpm::io_error(path, "has no lines " + first + " and " + last);
    }
    content.replace(begin + first.size(), end - begin - first.size(), "\n" + text + "\n");
    ddpm::io::atomic_file out(path);
    out.write(std::as_bytes(std::span(content)));
    out.commit();
}

}  // namespace examples
