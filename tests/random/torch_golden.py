# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Prints the numbers that torch_generator.cpp and torch_noise.cpp compare with (torch 2.13.0, x86-64 with AVX2)."""

import torch


def show(name, tensor):
    print(f"{name}: {', '.join(repr(x) for x in tensor.flatten().tolist())}")


def seeded(seed, draw):
    torch.manual_seed(seed)
    return draw()


double = torch.float64
for seed, count in ((0, 16), (0, 17), (0, 20), (42, 16), (1, 16)):
    show(f"randn({count}) float, seed {seed}", seeded(seed, lambda: torch.randn(count)))
show("rand(3) float, seed 7", seeded(7, lambda: torch.rand(3)))
show("rand(3) double, seed 7", seeded(7, lambda: torch.rand(3, dtype=double)))
show("uniform_(-0.333, 0.7) float, seed 7", seeded(7, lambda: torch.empty(4).uniform_(-0.333, 0.7)))
show("uniform_(-0.333, 0.7) double, seed 7", seeded(7, lambda: torch.empty(4, dtype=double).uniform_(-0.333, 0.7)))
show("randint(0, 2**28 - 1), seed 7", seeded(7, lambda: torch.randint(0, 2**28 - 1, (3,))))
show("randint(0, 2**28), seed 7", seeded(7, lambda: torch.randint(0, 2**28, (3,))))
show("randint(-2**63, 2**63 - 1), seed 7", seeded(7, lambda: torch.randint(-(2**63), 2**63 - 1, (3,))))
show("randn(17) double, seed 7", seeded(7, lambda: torch.randn(17, dtype=double)))
show("randn(5) double, seed 7", seeded(7, lambda: torch.randn(5, dtype=double)))
show("randperm(16), seed 7", seeded(7, lambda: torch.randperm(16)))
show("randn(2, 3, 2, 2) float, seed 7", seeded(7, lambda: torch.randn(2, 3, 2, 2)))
show("randn(1, 3, 2, 2) double, seed 7", seeded(7, lambda: torch.randn(1, 3, 2, 2, dtype=double)))
torch.manual_seed(7)
for draw in (1, 16, 1, 40, 2):
    show(f"then randn({draw})", torch.randn(draw)[-2:])
show("then rand(1)", torch.rand(1))
