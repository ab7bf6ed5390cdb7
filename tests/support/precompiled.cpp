// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The precompiled header of the tests belongs to a target, and a target needs a source.
