// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

struct work_result {
    std::vector<float> noise;                 // the same bits on every instruction set
    std::vector<std::vector<float>> rounded;  // equal up to rounding
};

work_result plain();
work_result native();
