// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Makes what the reference needs beyond the docstrings.
//
//     docs filter HEADER       the header as Doxygen is to read it, to standard output
//     docs pages ROOT FOLDER   the pages of rooms and headers, the equation index and the front page, into FOLDER
//     docs check ROOT          whether index, symbols, formulas and rooms are complete

#include "check.hpp"
#include "pages.hpp"

#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace {

void write_pages(const std::filesystem::path& root, const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    const std::vector<docs::room> rooms = docs::rooms_of(docs::read_file(root / ".github/CONTRIBUTING.md"));
    const docs::equation_index index = docs::make_index(root);
    std::string front = docs::page_with_formulas(docs::read_file(root / "cmake/docs/front.md"));
    front = docs::replaced(front, "@PICTURE@",
                           docs::copied(docs::picture_of(docs::read_file(root / "README.md")), root, folder));
    front = docs::replaced(front, "@ROOMS@", docs::room_table(rooms));
    front = docs::replaced(front, "@COUNTS@", docs::counts_of(index));
    docs::write_file(folder / "front.md", front);
    docs::write_file(folder / "rooms.dox", docs::room_pages(root, rooms));
    docs::write_file(folder / "equations.md", docs::index_page(index));
    docs::write_file(folder / "symbols.md", docs::page_with_formulas(docs::read_file(root / "cmake/docs/symbols.md")));
}

int check(const std::filesystem::path& root) {
    const docs::equation_index index = docs::make_index(root);
    std::vector<std::string> errors = index.errors;
    for (const auto& more : {docs::symbol_errors(root), docs::formula_errors(root), docs::room_errors(root)}) {
        errors.insert(errors.end(), more.begin(), more.end());
    }
    for (const std::string& error : errors) {
        std::cerr << error << '\n';
    }
    std::cout << docs::counts_of(index) << '\n';
    return errors.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
    const std::vector<std::string> arguments(values + 1, values + count);
    try {
        if (arguments.size() == 2 && arguments[0] == "filter") {
            std::cout << docs::for_doxygen(arguments[1], docs::read_file(arguments[1]));
            return 0;
        }
        if (arguments.size() == 3 && arguments[0] == "pages") {
            write_pages(arguments[1], arguments[2]);
            return 0;
        }
        if (arguments.size() == 2 && arguments[0] == "check") {
            return check(arguments[1]);
        }
        std::cerr << "usage: docs filter HEADER | docs pages ROOT FOLDER | docs check ROOT\n";
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
    return 2;
}
