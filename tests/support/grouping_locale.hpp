// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <clocale>
#include <locale>
#include <string>

namespace ddpm::test {

/// While it lives, streams write 1.234.567,5 and accept no other numbers, and C's functions write a decimal comma where
/// the machine has a locale that does.
class grouping_locale {
public:
    grouping_locale() : before_(std::locale::global(std::locale(std::locale::classic(), new punctuation))) {
        c_before_ = std::setlocale(LC_ALL, nullptr);
        for (const char* const name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"}) {
            if (std::setlocale(LC_ALL, name) != nullptr) {
                break;
            }
        }
    }
    grouping_locale(const grouping_locale&) = delete;
    grouping_locale& operator=(const grouping_locale&) = delete;
    ~grouping_locale() {
        std::setlocale(LC_ALL, c_before_.c_str());
        std::locale::global(before_);
    }

private:
    struct punctuation : std::numpunct<char> {
        char do_thousands_sep() const override { return '.'; }
        char do_decimal_point() const override { return ','; }
        std::string do_grouping() const override { return "\3"; }
        std::string do_truename() const override { return "wahr"; }
        std::string do_falsename() const override { return "falsch"; }
    };

    std::locale before_;
    std::string c_before_;
};

}  // namespace ddpm::test
