# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Prints the numbers that guidance.cpp and projected_guidance.cpp compare with (diffusers 0.42.1, in double)."""

import torch
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer, normalized_guidance
from diffusers.guiders.guider_utils import rescale_noise_cfg

SAMPLES, ELEMENTS, CALLS = 2, 6, 3


def predictions(call):
    """The conditional and the unconditional prediction of an evaluation, samples first."""
    n = torch.arange(SAMPLES, dtype=torch.float64)[:, None]
    i = torch.arange(ELEMENTS, dtype=torch.float64)[None, :]
    place = 1 + i + 10 * n + 100 * call
    return torch.sin(place) + 0.3, torch.cos(2 * place)


def show(name, tensor):
    print(f"{name}: {', '.join(repr(x) for x in tensor.flatten().tolist())}")


def guided(scale, rescale):
    conditional, unconditional = predictions(0)
    result = unconditional + scale * (conditional - unconditional)
    return rescale_noise_cfg(result, conditional, rescale)


def projected(scale, eta, norm, momentum, original, rescale=0.0):
    """The last of CALLS evaluations of one run."""
    buffer = MomentumBuffer(momentum) if momentum is not None else None
    for call in range(CALLS):
        conditional, unconditional = predictions(call)
        # The original formulation's scale is ours less 1.
        result = normalized_guidance(conditional, unconditional, scale - 1 if original else scale, buffer, eta, norm, original)
    return rescale_noise_cfg(result, conditional, rescale)


for scale, rescale in ((7.5, 0.0), (7.5, 0.7), (3.0, 1.0)):
    show(f"guided, scale {scale}, rescale {rescale}", guided(scale, rescale))
for case in (
    (7.5, 1.0, 15.0, None, False),
    (7.5, 0.0, 1.5, None, False),
    (4.0, 0.25, 2.5, -0.5, False),
    (4.0, 0.25, 0.0, -0.75, False),
    (4.0, 0.0, 2.5, -0.5, True),
    (7.5, 0.5, 2.0, -0.5, True, 0.7),
):
    show("projected, scale, eta, norm, momentum, original, rescale = " + ", ".join(map(str, case)), projected(*case))
