// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// What cmake/docs reads in docstrings and tests, and the pages that it makes of them.

#include "docs/check.hpp"
#include "docs/entities.hpp"
#include "docs/index.hpp"
#include "docs/pages.hpp"
#include "docs/sources.hpp"

#include "support/catch.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace docs {
namespace {

reference only(const std::string& source) {
    std::vector<std::string> unknown;
    const std::vector<reference> all = references_of(source, unknown);
    INFO(source);
    REQUIRE(unknown.empty());
    REQUIRE(all.size() == 1);
    return all.front();
}

/// A folder with a header, a test, a table of symbols and one of rooms, removed at the end.
struct small_project {
    std::filesystem::path root = std::filesystem::temp_directory_path() / "ddpm_docs_index";

    small_project(const std::string& header, const std::string& test) {
        std::filesystem::remove_all(root);
        for (const char* folder : {"include/ddpm/process", "tests/process", "cmake/docs", ".github"}) {
            std::filesystem::create_directories(root / folder);
        }
        write_file(root / "include/ddpm/process/forward.hpp", header);
        write_file(root / "tests/process/forward.cpp", test);
        write_file(root / "cmake/docs/symbols.md",
                   "| s | m | name | t |\n|---|---|---|---|\n| x_t | x | `q_sample(x)` | 0 |\n");
        write_file(root / ".github/CONTRIBUTING.md",
                   "| `process` | The process | – |\n| `bench` | Benchmarks | all |\n");
    }
    ~small_project() { std::filesystem::remove_all(root); }
};

const std::string forward =
    "#pragma once\nnamespace ddpm {\n"
    "/// Samples x_t. And more.\n"
    "/// @source Ho et al. 2020, arXiv 2006.11239, equation\n"
    "/// 4\n"
    "/// @complexity linear\n"
    "template <class X>\n    requires(sizeof(X) > 1)\n[[nodiscard]] int q_sample(const X& x);\n"
    "}  // namespace ddpm\n";

}  // namespace

TEST_CASE("a source is a paper with its places", "[docs]") {
    const reference ho = only("Ho et al. 2020, arXiv 2006.11239, equations 6 and 7, with ᾱ_t/ᾱ_s for α_t");
    CHECK(ho.authors == "Ho et al.");
    CHECK(ho.year == 2020);
    CHECK(ho.id == "arXiv 2006.11239");
    CHECK(ho.places == "equations 6 and 7");
    CHECK(only("Kingma et al. 2021, arXiv 2107.00630, equation 4 and section 3.2").places ==
          "equation 4 and section 3.2");
    CHECK(only("Kingma et al. 2021, arXiv 2107.00630, equations 22 to 24").places == "equations 22 to 24");
    CHECK(only("Song et al. 2020, arXiv 2011.13456, algorithms 2 and 4 (variance exploding), 3 and 5 (preserving)")
              .places == "algorithms 2 and 4, 3 and 5");
    CHECK(only("Lugmayr et al. 2022, arXiv 2201.09865, algorithm 1 and appendix B").places ==
          "algorithm 1 and appendix B");
    CHECK(only("Hutchinson 1990, doi 10.1080/03610919008812866").id == "doi 10.1080/03610919008812866");
    CHECK(only("Zaremba et al. 2013, arXiv 1307.1954").id == "arXiv 1307.1954");
    CHECK(only("Nichol and Dhariwal 2021, arXiv 2102.09672, the authors' code").places == "the authors' code");
    const reference optimal = only("optimal: Bao et al. 2022, arXiv 2201.06503, theorem 1");
    CHECK(optimal.label == "optimal");
    CHECK(optimal.authors == "Bao et al.");
}

TEST_CASE("a source is also a program, or several", "[docs]") {
    CHECK(only("torch.nn.utils.clip_grad_norm_: largest / (norm + 1e-6), at most 1").text.starts_with("torch"));
    CHECK_FALSE(only("diffusers 0.42.1").is_paper());
    CHECK(only("clipping: the authors' code").label == "clipping");
    std::vector<std::string> unknown;
    const auto two =
        references_of("Lu et al. 2022, arXiv 2206.00927, algorithm 1, and 2211.01095, algorithm 2", unknown);
    REQUIRE(two.size() == 2);
    CHECK(two[0].places == "algorithm 1");
    CHECK(two[1].id == "arXiv 2211.01095");
    CHECK(two[1].places == "algorithm 2");
    CHECK(unknown.empty());
    references_of("diffusers; some blog; Heusel et al., arXiv 1706.08500; arXiv 2206.07309, section 3", unknown);
    CHECK(unknown ==
          std::vector<std::string>{"some blog", "Heusel et al., arXiv 1706.08500", "arXiv 2206.07309, section 3"});
}

TEST_CASE("equations are counted one by one", "[docs]") {
    CHECK(equations_in("equations 5 to 8 and table 1") == std::set<std::string>{"5", "6", "7", "8"});
    CHECK(equations_in("equation 4, section 3.2, appendix B").size() == 1);
    CHECK(equations_in("equations A.1 and 2").size() == 2);
    CHECK(equations_in("algorithms 2 and 4").empty());
}

TEST_CASE("declarations are found below their docstrings", "[docs]") {
    const std::vector<entity> all =
        entities_of("ddpm/a/b.hpp",
                    "namespace ddpm {\nnamespace detail {\n/// Hidden.\nint inside();\n}  // namespace detail\n" +
                        forward.substr(29) +
                        "namespace ddpm::nn {\n/// A layer: with\n///     x = y\n/// more.\nstruct layer {\n    /// "
                        "Its value.\n    int value = 0;\n"
                        "    /// Makes it.\n    layer();\n    /// Element k.\n    int operator[](int k) const;\n};\n"
                        "/// A class.\ntemplate <class A>\nclass part<A, true> {\n    /// Private.\n    int "
                        "f();\npublic:\n    /// Public.\n    int g();\n};\n"
                        "}  // namespace ddpm::nn\n");
    std::vector<std::string> names;
    for (const entity& found : all) {
        if (found.is_public) {
            names.push_back(found.scope + "|" + found.owner + "|" + found.name);
        }
    }
    CHECK(names == std::vector<std::string>{"ddpm||q_sample", "ddpm::nn||layer", "ddpm::nn|layer|value",
                                            "ddpm::nn|layer|layer", "ddpm::nn|layer|operator[]", "ddpm::nn||part",
                                            "ddpm::nn|part|g"});
    CHECK(all[1].summary == "Samples x_t.");
    CHECK(all[1].source == "Ho et al. 2020, arXiv 2006.11239, equation 4");
    CHECK(all[2].summary == "A layer: with");
    CHECK(all[6].specialization == "A, true");
}

TEST_CASE("the index has the test that names a function, and without one an error", "[docs]") {
    {
        const small_project project(forward, "int x = q_sample(3);\n");
        const equation_index index = make_index(project.root);
        CHECK(index.errors.empty());
        REQUIRE(index.rows.size() == 1);
        CHECK(index.rows[0].tests == std::vector<std::string>{"tests/process/forward.cpp"});
        const std::string page = index_page(index);
        CHECK(page.find("| equation 4 | \\ref ddpm::q_sample \"q_sample\" | `ddpm/process/forward.hpp` | "
                        "`tests/process/forward.cpp` |") != std::string::npos);
        CHECK(counts_of(index).starts_with("1 equations, 1 papers"));
        CHECK(symbol_errors(project.root).empty());
        CHECK(formula_errors(project.root).empty());
        CHECK(room_errors(project.root).empty());
    }
    // A comment or a text does not count, nor a longer name.
    for (const char* test : {"// q_sample\n", "auto x = \"q_sample\";\n", "int y = q_sample_backward(1);\n"}) {
        const small_project project(forward, test);
        REQUIRE(make_index(project.root).errors.size() == 1);
        CHECK(make_index(project.root).errors[0] == "ddpm/process/forward.hpp:3: no test names q_sample");
    }
    {
        const small_project project(replaced(forward, "Ho et al. 2020", "Ho et al."), "q_sample();\n");
        CHECK(make_index(project.root).errors.size() == 1);
    }
    {
        const small_project project(
            forward + replaced(replaced(forward, "Ho et al.", "Song et al."), "q_sample", "q_step"),
            "q_sample(), q_step();\n");
        const std::vector<std::string> errors = make_index(project.root).errors;
        REQUIRE(errors.size() == 1);
        CHECK(errors[0].find("is of Song et al. 2020, elsewhere of Ho et al. 2020") != std::string::npos);
    }
}

TEST_CASE("wrong symbols, formulas and rooms are errors", "[docs]") {
    const small_project project(
        "#pragma once\nnamespace ddpm {\n/// Such as\n///     f{x};\nint q_sample(int x);\n}  // namespace ddpm\n", "");
    CHECK(symbol_errors(project.root).empty());
    CHECK(formula_errors(project.root) == std::vector<std::string>{"ddpm/process/forward.hpp: no formula: f{x};"});
    write_file(project.root / "cmake/docs/symbols.md", "| s | m | `gone::x` | t |\n");
    CHECK(symbol_errors(project.root) ==
          std::vector<std::string>{"cmake/docs/symbols.md: no header has gone of gone::x"});
    write_file(project.root / ".github/CONTRIBUTING.md",
               "| `proces` | The process | – |\n| `bench` | Benchmarks | all |\n");
    CHECK(room_errors(project.root).size() == 2);
}

TEST_CASE("what a header declares goes to its page", "[docs]") {
    const std::string text =
        "#pragma once\n\nnamespace ddpm::nn {\n\n/// A layer.\nstruct layer {};\n\n}  // namespace ddpm::nn\n";
    const std::vector<std::string> lines = lines_of(for_doxygen("/x/include/ddpm/nn/layers/dense.hpp", text));
    REQUIRE(lines.size() == 8);
    CHECK(lines[2] == "namespace ddpm::nn { /** \\addtogroup header_ddpm_nn_layers_dense_hpp");
    CHECK(lines[3] == "\\{ */ ");
    CHECK(lines[7] == "/** \\} */ }  // namespace ddpm::nn");
    CHECK(room_of("ddpm/ddpm.hpp").empty());
    const picture first = picture_of("# ddpm\n![CI](https://a.b/c.svg)\n![Digits](examples/a.png)\n![More](b.png)");
    CHECK(first.path == "examples/a.png");
    CHECK(first.description == "Digits");
    CHECK(picture_of("no picture").path.empty());
}

}  // namespace docs
