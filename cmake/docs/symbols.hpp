// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace docs {

/// What a sign is in a formula.
enum class sign_kind {
    symbol,   ///< stands for a value: α
    prefix,   ///< goes before a value: ∇, ∫
    binary,   ///< stands between two values: ·
    relation  ///< as `binary`; makes a statement of two expressions: =
};

struct sign {
    sign_kind kind;
    const char* tex;
};

/// The signs of the docstrings' formulas, but for letters, digits, brackets, roots, scripts and accents.
inline const sign* find_sign(char32_t c) {
    using enum sign_kind;
    static const std::map<char32_t, sign> signs{
        {U'α', {symbol, "\\alpha"}},
        {U'β', {symbol, "\\beta"}},
        {U'γ', {symbol, "\\gamma"}},
        {U'δ', {symbol, "\\delta"}},
        {U'ε', {symbol, "\\varepsilon"}},
        {U'η', {symbol, "\\eta"}},
        {U'θ', {symbol, "\\theta"}},
        {U'κ', {symbol, "\\kappa"}},
        {U'λ', {symbol, "\\lambda"}},
        {U'μ', {symbol, "\\mu"}},
        {U'π', {symbol, "\\pi"}},
        {U'ρ', {symbol, "\\rho"}},
        {U'σ', {symbol, "\\sigma"}},
        {U'τ', {symbol, "\\tau"}},
        {U'φ', {symbol, "\\varphi"}},
        {U'ω', {symbol, "\\omega"}},
        {U'Δ', {prefix, "\\Delta"}},
        {U'Φ', {symbol, "\\Phi"}},
        {U'ℓ', {symbol, "\\ell"}},
        {U'∞', {symbol, "\\infty"}},
        {U'½', {symbol, "\\tfrac{1}{2}"}},
        {U'¼', {symbol, "\\tfrac{1}{4}"}},
        {U'∇', {prefix, "\\nabla"}},
        {U'∂', {prefix, "\\partial"}},
        {U'∫', {prefix, "\\int"}},
        {U'Π', {prefix, "\\prod"}},
        {U'+', {binary, "+"}},
        {U'−', {binary, "-"}},
        {U'·', {binary, "\\cdot"}},
        {U'×', {binary, "\\times"}},
        {U'±', {binary, "\\pm"}},
        {U'∓', {binary, "\\mp"}},
        {U'∣', {binary, "\\mid"}},
        {U'…', {binary, "\\ldots"}},
        {U'=', {relation, "="}},
        {U'≠', {relation, "\\neq"}},
        {U'<', {relation, "\\lt"}},
        {U'>', {relation, "\\gt"}},
        {U'≤', {relation, "\\leq"}},
        {U'≥', {relation, "\\geq"}},
        {U'≈', {relation, "\\approx"}},
        {U'←', {relation, "\\leftarrow"}},
        {U'→', {relation, "\\to"}},
        {U'∈', {relation, "\\in"}},
        {U'∝', {relation, "\\propto"}},
    };
    const auto found = signs.find(c);
    return found == signs.end() ? nullptr : &found->second;
}

/// The accent of a combining mark, or nullptr.
inline const char* find_accent(char32_t c) {
    return c == 0x0302 ? "\\hat" : c == 0x0303 ? "\\tilde" : c == 0x0304 ? "\\bar" : c == 0x0307 ? "\\dot" : nullptr;
}

/// A raised or lowered character as it stands in a script, or nullptr.
inline const char* find_script(char32_t c, bool raised) {
    static const std::map<char32_t, const char*> upper{
        {U'⁰', "0"}, {U'¹', "1"}, {U'²', "2"}, {U'³', "3"}, {U'⁴', "4"}, {U'⁵', "5"}, {U'⁶', "6"},
        {U'⁷', "7"}, {U'⁸', "8"}, {U'⁹', "9"}, {U'⁻', "-"}, {U'⁺', "+"}, {U'ⁿ', "n"}, {U'ᵀ', "\\mathsf{T}"}};
    static const std::map<char32_t, const char*> lower{{U'₀', "0"}, {U'₁', "1"}, {U'₂', "2"}, {U'₃', "3"}, {U'₄', "4"},
                                                       {U'₅', "5"}, {U'₆', "6"}, {U'₇', "7"}, {U'₈', "8"}, {U'₉', "9"},
                                                       {U'ᵢ', "i"}, {U'ⱼ', "j"}, {U'ₙ', "n"}, {U'ₜ', "t"}};
    const auto& scripts = raised ? upper : lower;
    const auto found = scripts.find(c);
    return found == scripts.end() ? nullptr : found->second;
}

/// The TeX of a function's name, or "" for any other word.
inline std::string_view find_function(std::string_view word) {
    static const std::map<std::string, std::string, std::less<>> functions{{"ln", "\\ln"},
                                                                           {"log", "\\log"},
                                                                           {"exp", "\\exp"},
                                                                           {"min", "\\min"},
                                                                           {"max", "\\max"},
                                                                           {"sin", "\\sin"},
                                                                           {"cos", "\\cos"},
                                                                           {"tanh", "\\tanh"},
                                                                           {"tan", "\\tan"},
                                                                           {"atan", "\\arctan"},
                                                                           {"sgn", "\\operatorname{sgn}"},
                                                                           {"KL", "\\operatorname{KL}"},
                                                                           {"sigmoid", "\\operatorname{sigmoid}"},
                                                                           {"softmax", "\\operatorname{softmax}"}};
    const auto found = functions.find(word);
    return found == functions.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace docs
