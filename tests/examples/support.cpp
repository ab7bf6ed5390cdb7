// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "examples/support/canvas.hpp"
#include "examples/support/marked_text.hpp"
#include "examples/support/output.hpp"
#include "examples/support/svg.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <sys/resource.h>

#include <clocale>
#include <csignal>
#include <string>

namespace ddpm::test {

TEST_CASE("a file that cannot be written is found out before the work", "[examples]") {
    const temporary_folder folder;
    write_text(folder / "file", "x");
    CHECK_NOTHROW(examples::require_room(folder / "new/folder/model", 1000));
    CHECK_THROWS_AS(examples::require_room(folder / "file/model", 1), io_error);  // its folder is a file
    CHECK_THROWS_AS(examples::require_room(folder / "new", 1), io_error);         // it is a folder
    CHECK_THROWS_AS(examples::require_room("/proc/ddpm/model", 1), io_error);     // no folder can be made there
    CHECK_THROWS_AS(examples::require_room("/proc/model", 1), io_error);
    CHECK(folder.entries() == 2);
    CHECK(std::filesystem::is_empty(folder / "new/folder"));
}

TEST_CASE("room for less than the file needs is found out before the work", "[examples]") {
    const temporary_folder folder;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto on_signal = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{3'000'000, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    CHECK_NOTHROW(examples::require_room(folder / "model", 2'900'000));
    CHECK_THROWS_AS(examples::require_room(folder / "model", 3'100'000), io_error);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, on_signal);
    CHECK(folder.entries() == 0);
}

TEST_CASE("images are continued by their border, and cropped", "[examples]") {
    const sample_shape small{3, 2, 1}, large{4, 4, 1};
    batch<float> images(6, 2);
    images.col(0) << 1, 2, 3, 4, 5, 6;
    images.col(1) = -images.col(0);
    const batch<float> continued = examples::on_canvas(images, small, large);
    batch<float> expected(16, 1);
    expected << 1, 2, 2, 2, 3, 4, 4, 4, 5, 6, 6, 6, 5, 6, 6, 6;
    CHECK((continued.col(0) == expected).all());
    CHECK((continued.col(1) == -expected).all());
    CHECK((examples::on_canvas(continued, large, small) == images).all());
    const sample_shape colour{1, 2, 3}, wider{1, 3, 3};
    const batch<float> pixels = batch<float>::Random(6, 1), more = examples::on_canvas(pixels, colour, wider);
    CHECK((more.topRows(6) == pixels).all());
    CHECK((more.bottomRows(3) == pixels.bottomRows(3)).all());
}

TEST_CASE("a drawing's numbers have a point, whatever the locale", "[examples]") {
    const std::string before = std::setlocale(LC_ALL, nullptr);
    for (const char* name : {"C", "de_DE.UTF-8", "fr_FR.UTF-8"}) {
        if (std::setlocale(LC_ALL, name) != nullptr) {
            CHECK(examples::number(0.5) == "0.5");
            CHECK(examples::number(1234.567) == "1235");
            CHECK(examples::number(-1e-7) == "-1e-07");
        }
    }
    std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("a table in a text is replaced between its marks", "[examples]") {
    const temporary_folder folder;
    const std::string path = folder / "text.md";
    write_text(path, "Before.\n\n<!-- a -->\nold\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\n");
    examples::replace_marked(path, "a", "| 1 |\n");
    CHECK(read_text(path) == "Before.\n\n<!-- a -->\n\n| 1 |\n\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\n");
    examples::replace_marked(path, "a", "| 2 |\n");
    CHECK(read_text(path) == "Before.\n\n<!-- a -->\n\n| 2 |\n\n<!-- /a -->\n<!-- b -->\n<!-- /b -->\n");
    CHECK_THROWS_AS(examples::replace_marked(path, "c", ""), io_error);
    CHECK_THROWS_AS(examples::replace_marked(folder / "none", "a", ""), io_error);
}

}  // namespace ddpm::test
