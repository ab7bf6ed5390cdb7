// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// This program too counts its allocations.

#include "sampler/allocations.cpp"  // NOLINT(bugprone-suspicious-include)
