// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// What cmake/docs makes of formulas.

#include "docs/comments.hpp"
#include "docs/formula.hpp"
#include "docs/text.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace docs {
namespace {

std::string block(const std::string& formula) {
    return formula_reader(decode(formula), formula_place::block).whole().value_or("REFUSED");
}

}  // namespace

TEST_CASE("text goes through code points and back", "[docs]") {
    for (const std::string text : {"", "plain", "√ᾱ_t x̂_0 − ε²", "𝒩"}) {
        CHECK(encode(decode(text)) == text);
    }
    CHECK(decode("√ᾱ").size() == 2);
}

TEST_CASE("roots, accents and scripts become TeX", "[docs]") {
    CHECK(block("√ᾱ_t x_0 + √(1 − ᾱ_t) ε") ==
          "\\sqrt{\\bar{\\alpha}_{t}} x_{0} + \\sqrt{1 - \\bar{\\alpha}_{t}} \\varepsilon");
    CHECK(block("x̂_0") == "\\hat{x}_{0}");
    CHECK(block("β̃_{t−1}") == "\\tilde{\\beta}_{t - 1}");
    CHECK(block("ε̄ + x'") == "\\bar{\\varepsilon} + x'");
    CHECK(block("σ_s² z") == "\\sigma_{s}^{2} z");
    CHECK(block("10⁻³⁰") == "10^{-30}");
    CHECK(block("1e-20 + 2.5e-7") == "10^{-20} + 2.5 \\cdot 10^{-7}");
    CHECK(block("e^{−τ²h}") == "e^{- \\tau^{2} h}");
    CHECK(block("∫₀¹ e^{h(1−θ)} dθ") == "\\int_{0}^{1} e^{h(1 - \\theta)} d \\theta");
    CHECK(block("Σ_j w_j") == "\\sum_{j} w_{j}");
    CHECK(block("scale · Σ · x") == "\\text{scale } \\cdot \\Sigma \\cdot x");
    CHECK(block("s_noise ρ_up") == "s_{\\text{noise}} \\rho_{\\text{up}}");
    CHECK(block("‖z‖²") == "\\lVert z\\rVert ^{2}");
    CHECK(block("KL(q(x_t|x_0) ‖ p(x))") == "\\operatorname{KL}(q(x_{t} | x_{0}) \\,\\|\\, p(x))");
}

TEST_CASE("a quotient of two values is a fraction, but not in scripts", "[docs]") {
    CHECK(block("(α_s/α_t) x_t") == "\\frac{\\alpha_{s}}{\\alpha_{t}} x_{t}");
    CHECK(block("(α_s/α_t)² x") == "\\left(\\frac{\\alpha_{s}}{\\alpha_{t}}\\right)^{2} x");
    CHECK(block("a β/(1 − ᾱ)") == "a \\frac{\\beta}{1 - \\bar{\\alpha}}");
    CHECK(block("s(x)/a") == "\\frac{s(x)}{a}");
    CHECK(block("e^{h/2}") == "e^{h / 2}");
    CHECK(block("(e^h − 1)/(2h/3)") == "\\frac{e^{h} - 1}{2 h / 3}");
    CHECK(block("‖z‖/‖s(x)‖") == "\\frac{\\lVert z\\rVert }{\\lVert s(x)\\rVert }");
    CHECK(block("3/2 σ") == "\\frac{3}{2} \\sigma");
}

TEST_CASE("a block may hold words", "[docs]") {
    CHECK(block("x with y") == "x \\text{ with } y");
    CHECK(block("order 2: low  x") == "\\text{order } 2 {:}\\; \\text{ low }\\quad  x");
    CHECK(block("element_weight(i, n)") == "\\text{element_weight} (i ,\\; n)");
}

TEST_CASE("what is no formula is refused", "[docs]") {
    for (const char* text : {"(x", "x)", "x_{t", "√", "x = \"a\"", "{x}", "x @ y"}) {
        INFO(text);
        CHECK(block(text) == "REFUSED");
    }
}

TEST_CASE("formulas are found in sentences", "[docs]") {
    const auto same = [](const char* text) {
        INFO(text);
        CHECK(with_inline_formulas(text) == text);
    };
    CHECK(with_inline_formulas("x_t = α x_0 + σ ε, for") ==
          "\\f$x_{t} = \\alpha x_{0} + \\sigma \\varepsilon\\f$, for");
    CHECK(with_inline_formulas("unless 0 ≤ t < T.") == "unless \\f$0 \\leq t \\lt T\\f$.");
    CHECK(with_inline_formulas("(at t = 0)") == "(at \\f$t = 0\\f$)");
    CHECK(with_inline_formulas("the ε of x_0") == "the \\f$\\varepsilon\\f$ of \\f$x_{0}\\f$");
    CHECK(with_inline_formulas("to [−c, c]") == "to \\f$[- c ,\\; c]\\f$");
    CHECK(with_inline_formulas("a β is") == "a \\f$\\beta\\f$ is");
    CHECK(with_inline_formulas("a D × N, b D × M") == "a \\f$D \\times N\\f$, b \\f$D \\times M\\f$");
    CHECK(with_inline_formulas("at σ = 0 (x_0 = x_t)") == "at \\f$\\sigma = 0\\f$ \\f$(x_{0} = x_{t})\\f$");
    CHECK(with_inline_formulas("γ = −ln SNR, −ln(σ)") == "γ = −ln SNR, \\f$- \\ln(\\sigma)\\f$");
    // Code, words that are operands, names, and C++.
    same("out = signal · x + sigma · y");
    same("`x_t = α`, level_of(n, α)");
    same("q_sample and d_xt, x0_xt · p");
    same("uniform in ±1/√fan_in, 1/√(variance + eps)");
    same("T = steps() and 10⁻³⁰ ≤ lowest ≤ highest");
    same("C++20 and y += W x");
    same("a step of order 2 at t, or b");
}

TEST_CASE("a formula over two lines leaves the others where they are", "[docs]") {
    CHECK(with_inline_formulas(" so x_t = a x_s +\n √v z. A step") ==
          " so \\f$x_{t} = a x_{s} + \\sqrt{v} z\\f$.\n A step");
    CHECK(with_inline_formulas(" so x_t = a x_s +\n √v z.\n Next") ==
          " so \\f$x_{t} = a x_{s} + \\sqrt{v} z\\f$.\n <!-- -->\n Next");
}

TEST_CASE("a header keeps its lines, and code its text", "[docs]") {
    const std::string header =
        "#pragma once\n"
        "/// DDIM: x_s = α_s x̂_0, that is\n"
        "///     x = √ᾱ x_0\n"
        "///     with d = η.\n"
        "/// η = 0 is deterministic, for batch_view<S>.\n"
        "/// @throws value_error unless η ≥ 0\n"
        "///     and more\n"
        "struct ddim {\n"
        "    double eta = 0;  ///< η ≥ 0\n"
        "};  // x_t = √α\n";
    std::vector<std::string> refused;
    const std::vector<std::string> lines = lines_of(filtered(header, refused));
    REQUIRE(lines.size() == 10);
    CHECK(refused.empty());
    CHECK(lines[1] == "/// DDIM: \\f$x_{s} = \\alpha_{s} \\hat{x}_{0}\\f$, that is");
    CHECK(lines[2] == "/// \\f[\\begin{aligned}& x = \\sqrt{\\bar{\\alpha}} x_{0} \\\\");
    CHECK(lines[3] == "/// & \\text{with } d = \\eta .\\end{aligned}\\f]");
    CHECK(lines[4] == "/// \\f$\\eta = 0\\f$ is deterministic, for batch_view\\<S>.");
    CHECK(lines[5] == "/// @raises value_error unless \\f$\\eta \\geq 0\\f$");
    CHECK(lines[6] == "///     and more");
    CHECK(lines[8] == "    double eta = 0;  ///< \\f$\\eta \\geq 0\\f$");
    CHECK(lines[9] == "};  // x_t = √α");
}

TEST_CASE("a block that is no formula stays, and is told", "[docs]") {
    std::vector<std::string> refused;
    const std::string header = "/// Such as\n///     f{x};\n";
    CHECK(filtered(header, refused) == header);
    CHECK(refused == std::vector<std::string>{"     f{x};"});
}

}  // namespace docs
