// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "work.hpp"

#include <cmath>
#include <cstddef>
#include <cstdio>

int main() {
    const work_result a = plain();
    const work_result b = native();
    if (a.noise != b.noise) {
        std::puts("the noise differs");
        return 1;
    }
    for (std::size_t part = 0; part < a.rounded.size(); ++part) {
        const std::vector<float>& x = a.rounded[part];
        const std::vector<float>& y = b.rounded[part];
        if (x.size() != y.size()) {
            std::printf("part %zu: %zu and %zu elements\n", part, x.size(), y.size());
            return 1;
        }
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (!(std::abs(x[i] - y[i]) <= 1e-5F)) {
                std::printf("part %zu, element %zu: %.9g and %.9g\n", part, i, static_cast<double>(x[i]),
                            static_cast<double>(y[i]));
                return 1;
            }
        }
    }
    return 0;
}
