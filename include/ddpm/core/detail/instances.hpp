// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// Instances that the library ddpm::compiled holds. A program that links it defines DDPM_COMPILED and only declares
// them; DDPM_COMPILE_INSTANCES compiles them. A program that defines neither compiles what it uses, as header-only.

#if defined(DDPM_COMPILE_INSTANCES)
#define DDPM_INSTANCE_OF template
#elif defined(DDPM_COMPILED)
#define DDPM_INSTANCE_OF extern template
#endif

// DDPM_INSTANCE is an instance of a function template, such as f<float>. DDPM_CLASS_INSTANCE is one of a class template
// with its key, such as class nn::mlp<float>: all its members that are not templates. Small inline members are still
// compiled where they are used.
#if defined(DDPM_INSTANCE_OF)
#define DDPM_INSTANCE(...) DDPM_INSTANCE_OF decltype(__VA_ARGS__) __VA_ARGS__;
#define DDPM_CLASS_INSTANCE(...) DDPM_INSTANCE_OF __VA_ARGS__;
#else
#define DDPM_INSTANCE(...)
#define DDPM_CLASS_INSTANCE(...)
#endif
