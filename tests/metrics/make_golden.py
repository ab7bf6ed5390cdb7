# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Prints the numbers that the tests of the metrics compare with, by the definitions in numpy 2.4 and torch 2.13."""

import numpy as np
import torch


def waves(dimension, count, which):
    i = np.arange(dimension)[:, None]
    n = np.arange(count)[None, :]
    return np.sin(1 + i + 0.37 * (which + 1) * (n * n) * (i + 1.3)) + 0.25 * which * (i % 3)


x, y = waves(4, 50, 0), waves(4, 40, 1)
px, py = torch.from_numpy(x.T.copy()), torch.from_numpy(y.T.copy())
exact = dict(compute_mode="donot_use_mm_for_euclid_dist")
dxx, dyy, dxy = (torch.cdist(a, b, **exact).numpy() for a, b in ((px, px), (py, py), (px, py)))


def estimates(kxx, kyy, kxy):
    n, m = kxy.shape
    unbiased = (
        (kxx.sum() - np.trace(kxx)) / (n * (n - 1)) + (kyy.sum() - np.trace(kyy)) / (m * (m - 1)) - 2 * kxy.mean()
    )
    return unbiased, kxx.mean() + kyy.mean() - 2 * kxy.mean()


def show(name, *values):
    print(f"{name}: {', '.join(repr(float(v)) for v in values)}")


show("energy distance, unbiased and V", *(-v for v in estimates(dxx, dyy, dxy)))

pooled = torch.pdist(torch.cat([px, py]))
median = float(np.median(pooled.numpy()))
show("median distance", median)
for bandwidths in ([median], [0.7], [0.5, 1.0, 2.0]):
    kernels = [sum(np.exp(-(d**2) / (2 * h * h)) for h in bandwidths) / len(bandwidths) for d in (dxx, dyy, dxy)]
    show(f"squared MMD, bandwidths {bandwidths}, unbiased and V", *estimates(*kernels))


def cubic(a, b):
    return (a.T @ b / a.shape[0] + 1) ** 3


def kid(a, b):
    return estimates(cubic(a, a), cubic(b, b), cubic(a, b))[0]


show("kernel distance, one block", kid(x, y))
blocks = 4  # of at least 10 of the 40
values = [
    kid(x[:, b * 50 // blocks : (b + 1) * 50 // blocks], y[:, b * 40 // blocks : (b + 1) * 40 // blocks])
    for b in range(blocks)
]
show(
    "kernel distance, 4 blocks: mean, deviation, standard error",
    np.mean(values),
    np.std(values),
    np.std(values, ddof=1) / np.sqrt(blocks),
)


def radii(d, k):
    return np.sort(d, axis=1)[:, k]  # position 0 is the sample itself


samples, real = x, y
for k in (1, 3, 5):
    in_real = dxy <= radii(dyy, k)[None, :]  # samples by real
    in_samples = dxy <= radii(dxx, k)[:, None]
    show(f"k = {k}: precision, recall", in_real.any(axis=1).mean(), in_samples.any(axis=0).mean())
    show(f"k = {k}: density, coverage", in_real.sum() / (k * x.shape[1]), in_real.any(axis=0).mean())
