// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace docs {

/// What one part of a @source line names: a place of a paper, or a program whose results the code has.
struct reference {
    std::string label{};    ///< what it is the source of, if not of everything: "rescaling"
    std::string authors{};  ///< "Ho et al."; "" for a program
    int year = 0;
    std::string id{};      ///< "arXiv 2006.11239", "doi …", or where the paper stands
    std::string places{};  ///< "equations 6 and 7"; "" for the paper as a whole
    std::string text{};    ///< of a program: the words that name it
    [[nodiscard]] bool is_paper() const { return year != 0; }
};

namespace sources {

constexpr std::array place_words{"equation", "algorithm", "table",    "theorem",    "proposition",
                                 "lemma",    "section",   "appendix", "appendices", "figure"};

/// The programs and standards that a @source may name.
constexpr std::array programs{"diffusers",   "k-diffusion", "torch",     "PyTorch",     "NumPy",
                              "safetensors", "RFC",         "Random123", "lucidrains'", "ISO",
                              "W3C",         "OpenVINO",    "IDX",       "PNG",         "zlib"};

/// Where a paper stands, other than arXiv.
constexpr std::array journals{"JMLR", "doi", "SIGGRAPH"};

inline bool is_year(std::string_view word) {
    return word.size() == 4 && (word.starts_with("19") || word.starts_with("20")) &&
           is_digit(static_cast<unsigned char>(word[2])) && is_digit(static_cast<unsigned char>(word[3]));
}

inline bool is_arxiv_id(std::string_view word) {
    if ((word.size() != 9 && word.size() != 10) || word[4] != '.') {
        return false;
    }
    for (std::size_t k = 0; k < word.size(); ++k) {
        if (k != 4 && !is_digit(static_cast<unsigned char>(word[k]))) {
            return false;
        }
    }
    return true;
}

inline bool is_place_word(std::string_view word) {
    for (const std::string_view place : place_words) {
        if (word == place || (word.size() == place.size() + 1 && word.starts_with(place) && word.ends_with("s"))) {
            return true;
        }
    }
    return false;
}

/// Whether a word numbers a place: 7, 3.2, D.2, IV.2, B.
inline bool is_number(std::string_view word) {
    bool digit_or_capital = !word.empty();
    for (std::size_t k = 0; k < word.size(); ++k) {
        const auto c = static_cast<unsigned char>(word[k]);
        digit_or_capital = digit_or_capital && (is_digit(c) || (c >= 'A' && c <= 'Z') || (c == '.' && k > 0));
    }
    return digit_or_capital && (word.size() <= 2 || word.find('.') != std::string_view::npos ||
                                is_digit(static_cast<unsigned char>(word[0])));
}

/// A word without the punctuation and brackets around it.
inline std::string bare(std::string_view word) {
    const std::size_t first = word.find_first_not_of("(\"");
    return first == std::string_view::npos
               ? std::string()
               : std::string(word.substr(first, word.find_last_not_of(",;:)\".") + 1 - first));
}

/// The places named from word k on: "equations 6 and 7", "algorithms 2 and 4 (variance exploding), 3 and 5".
inline std::string places_from(const std::vector<std::string>& words, std::size_t k) {
    std::string places, pending;
    bool in_brackets = false, in_place = false;
    for (; k < words.size() && !is_arxiv_id(bare(words[k])); ++k) {
        const std::string word = bare(words[k]);
        const bool opens = words[k].starts_with("("), closes = words[k].find(')') != std::string::npos;
        if (in_brackets || opens) {
            in_brackets = !closes;
            continue;
        }
        if (is_place_word(word) && k + 1 < words.size() && is_number(bare(words[k + 1]))) {
            places += (places.empty() ? "" : pending == "and" ? " and " : ", ") + word;
            in_place = true;
            pending.clear();
        } else if (in_place && (word == "and" || word == "to")) {
            pending = word;
        } else if (in_place && is_number(word)) {
            places += (pending.empty() ? is_place_word(bare(words[k - 1])) ? " " : ", " : " " + pending + " ") + word;
            pending.clear();
        } else {
            in_place = false;
        }
    }
    return places;
}

/// Whether a part of a @source line names a program or a standard.
inline bool names_program(std::string_view part) {
    if (part.starts_with("https://") || part.find("authors' code") != std::string_view::npos ||
        part.find("' code") != std::string_view::npos) {
        return true;
    }
    return std::any_of(programs.begin(), programs.end(),
                       [&](std::string_view name) { return part.find(name) != std::string_view::npos; });
}

inline std::vector<std::string> words_of(std::string_view part) {
    std::vector<std::string> words = split(part, ' ');
    std::erase(words, "");
    return words;
}

/// The reference to a paper whose year is words[year]: one for each arXiv id.
inline void add_papers(std::string_view part, std::size_t year, const std::string& label, std::vector<reference>& all) {
    const std::vector<std::string> words = words_of(part);
    reference found;
    found.label = label;
    for (std::size_t k = 0; k < year; ++k) {
        found.authors += (k == 0 ? "" : " ") + words[k];
    }
    found.year = std::stoi(bare(words[year]));
    for (const std::string_view journal : journals) {
        const std::size_t at = part.find(journal);
        if (at != std::string_view::npos) {
            found.id = part.substr(at, part.find(", ", at) - at);
        }
    }
    std::vector<std::size_t> starts;
    for (std::size_t k = year + 1; k < words.size(); ++k) {
        if (is_arxiv_id(bare(words[k]))) {
            starts.push_back(k);
        }
    }
    if (starts.empty()) {
        starts.push_back(year);
    }
    for (const std::size_t start : starts) {
        reference one = found;
        one.id = start == year ? found.id : "arXiv " + bare(words[start]);
        one.places = places_from(words, start + 1);
        if (one.places.empty() && part.find("code") != std::string_view::npos) {
            one.places = "the authors' code";
        }
        all.push_back(one);
    }
}

}  // namespace sources

/// The references of a @source line, whose parts are separated by semicolons. A part that names neither a paper with authors
/// and year nor a known program goes to `unknown`.
inline std::vector<reference> references_of(std::string_view source, std::vector<std::string>& unknown) {
    using namespace sources;
    std::vector<reference> all;
    for (const std::string& piece : split(source, ';')) {
        std::string part = trimmed(piece), label;
        const std::size_t colon = part.find(": ");
        if (colon != std::string::npos && part.find_first_of("0123456789") > colon && part.find("et al.") > colon &&
            !names_program(part.substr(0, colon))) {
            label = part.substr(0, colon);
            part = part.substr(colon + 2);
        }
        const std::vector<std::string> words = words_of(part);
        std::size_t year = 0;
        while (year < words.size() && !is_year(bare(words[year]))) {
            ++year;
        }
        const bool has_id =
            std::any_of(words.begin(), words.end(), [](const std::string& w) { return is_arxiv_id(bare(w)); });
        if (year > 0 && year < words.size()) {
            add_papers(part, year, label, all);
        } else if (!has_id && names_program(part)) {
            reference found;
            found.label = label;
            found.text = part;
            all.push_back(found);
        } else {
            unknown.push_back(part);
        }
    }
    return all;
}

}  // namespace docs
