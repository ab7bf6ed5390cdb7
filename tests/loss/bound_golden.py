# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Writes bound_golden.hpp: the variational bound and the losses on it by improved-diffusion's formulas, in torch 2.13.

The "network" is a table of numbers, the same as in bound_patterns.hpp. Everything is in float64, tables too."""

import math
from pathlib import Path

import torch

T, D, N = 12, 6, 4


def curve(u):
    return math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2


beta = torch.tensor([min(1 - curve((t + 1) / T) / curve(t / T), 0.999) for t in range(T)], dtype=torch.float64)
alpha_bar = torch.cumprod(1 - beta, 0)
previous = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
posterior_variance = beta * (1 - previous) / (1 - alpha_bar)
posterior_log_variance = torch.log(torch.cat([posterior_variance[1:2], posterior_variance[1:]]))
coefficient_x0 = beta * previous.sqrt() / (1 - alpha_bar)
coefficient_xt = (1 - previous) * (1 - beta).sqrt() / (1 - alpha_bar)
fixed_large_log_variance = torch.log(torch.cat([posterior_variance[1:2], beta[1:]]))

n_, i_ = torch.meshgrid(torch.arange(N), torch.arange(D), indexing="ij")


def table(t, a, b, c, modulus, divisor):
    return ((i_ * a + n_ * b + t.view(-1, 1) * c) % modulus).double() / divisor


def every(t):
    return torch.full((N,), t)


x0 = 2 * ((i_ * 51 + n_ * 102) % 256).double() / 255 - 1
noise = lambda t: table(t, 37, 101, 53, 41, 16) - 1.25
prediction = lambda t: table(t, 29, 71, 17, 37, 18) - 1
head = lambda t: table(t, 31, 43, 19, 33, 16) - 1


def at(values, t):
    return values[t].view(-1, 1)


def mean_flat(x):
    return x.mean(1)


def normal_kl(mean1, logvar1, mean2, logvar2):
    return 0.5 * (-1.0 + logvar2 - logvar1 + torch.exp(logvar1 - logvar2) + (mean1 - mean2) ** 2 * torch.exp(-logvar2))


def approx_standard_normal_cdf(x):
    return 0.5 * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


def discretized_gaussian_log_likelihood(x, means, log_scales):
    centered = x - means
    inv_stdv = torch.exp(-log_scales)
    cdf_plus = approx_standard_normal_cdf(inv_stdv * (centered + 1.0 / 255.0))
    cdf_min = approx_standard_normal_cdf(inv_stdv * (centered - 1.0 / 255.0))
    log_cdf_plus = torch.log(cdf_plus.clamp(min=1e-12))
    log_one_minus_cdf_min = torch.log((1.0 - cdf_min).clamp(min=1e-12))
    cdf_delta = cdf_plus - cdf_min
    return torch.where(
        x < -0.999,
        log_cdf_plus,
        torch.where(x > 0.999, log_one_minus_cdf_min, torch.log(cdf_delta.clamp(min=1e-12))),
    )


def model_moments(kind, variance, xt, t, predicted, values, clip):
    if variance == "learned":
        log_variance = 2 * values - 5
    elif variance == "learned_range":
        part = (values + 1) / 2
        log_variance = part * at(torch.log(beta), t) + (1 - part) * at(posterior_log_variance, t)
    else:
        of = posterior_log_variance if variance == "fixed_small" else fixed_large_log_variance
        log_variance = at(of, t).expand(xt.shape)
    if kind == "epsilon":
        start = at((1 / alpha_bar).sqrt(), t) * xt - at((1 / alpha_bar - 1).sqrt(), t) * predicted
    else:
        start = predicted
    if clip:
        start = start.clamp(-1, 1)
    return at(coefficient_x0, t) * start + at(coefficient_xt, t) * xt, log_variance, start


def vb_terms_bpd(kind, variance, xt, t, predicted, values, clip):
    mean, log_variance, start = model_moments(kind, variance, xt, t, predicted, values, clip)
    true_mean = at(coefficient_x0, t) * x0 + at(coefficient_xt, t) * xt
    kl = mean_flat(normal_kl(true_mean, at(posterior_log_variance, t), mean, log_variance)) / math.log(2.0)
    nll = mean_flat(-discretized_gaussian_log_likelihood(x0, mean, 0.5 * log_variance)) / math.log(2.0)
    return torch.where(t == 0, nll, kl), start


def q_sample(t):
    return at(alpha_bar.sqrt(), t) * x0 + at((1 - alpha_bar).sqrt(), t) * noise(t)


def calc_bpd_loop(kind, variance):
    vb, x0_error, eps_error = [], [], []
    for step in reversed(range(T)):
        t = every(step)
        xt = q_sample(t)
        term, start = vb_terms_bpd(kind, variance, xt, t, prediction(t), head(t), True)
        eps = (at((1 / alpha_bar).sqrt(), t) * xt - start) / at((1 / alpha_bar - 1).sqrt(), t)
        vb.append(term)
        x0_error.append(mean_flat((start - x0) ** 2))
        eps_error.append(mean_flat((eps - noise(t)) ** 2))
    last = every(T - 1)
    log_variance = torch.log(1 - alpha_bar)
    prior = mean_flat(normal_kl(at(alpha_bar.sqrt(), last) * x0, at(log_variance, last), 0.0, torch.zeros(())))
    prior = prior / math.log(2.0)
    vb, x0_error, eps_error = (torch.stack(x, 1) for x in (vb, x0_error, eps_error))
    return vb.sum(1) + prior, prior, vb, x0_error, eps_error


weight = torch.tensor([1, 0.5, 2, 1.25], dtype=torch.float64)
steps = torch.tensor([0, 1, 5, 11])


def training_losses(loss, kind, variance):
    xt = q_sample(steps)
    predicted = prediction(steps).requires_grad_()
    values = head(steps).requires_grad_()
    if loss == "vlb":  # RESCALED_KL
        losses = vb_terms_bpd(kind, variance, xt, steps, predicted, values, False)[0] * T
    else:  # RESCALED_MSE
        target = noise(steps) if kind == "epsilon" else x0
        term = vb_terms_bpd(kind, variance, xt, steps, predicted.detach(), values, False)[0] * T / 1000.0
        losses = mean_flat((target - predicted) ** 2) + term
    (losses * weight).mean().backward()
    factor = 2 if variance == "learned" else 1  # of the head in the log-variance
    return losses.detach(), predicted.grad, values.grad / factor


lines = []


def show(values):
    rows, row = [], "        "
    for v in values.flatten().tolist():
        item = f"{v:.9g}, "
        if len(row) + len(item) > 119:
            rows.append(row.rstrip())
            row = "        "
        row += item
    lines.extend(["    {"] + rows + [row.rstrip(), "    },"])


variances = ("fixed_small", "fixed_large", "learned", "learned_range")
for kind in ("epsilon", "x0"):
    for variance in variances:
        total, prior, vb, x0_error, eps_error = calc_bpd_loop(kind, variance)
        lines.append(f"    // {kind}, {variance}")
        ends = torch.stack([total.mean(), prior.mean(), total.std() / N**0.5])
        show(torch.cat([ends, vb.mean(0), x0_error.mean(0), eps_error.mean(0)]))
bounds, lines = lines, []
for loss in ("hybrid", "vlb"):
    for kind in ("epsilon", "x0"):
        for variance in ("learned", "learned_range"):
            losses, d_predicted, d_head = training_losses(loss, kind, variance)
            lines.append(f"    // {loss}, {kind}, {variance}")
            show(torch.cat([losses, d_predicted.flatten(), d_head.flatten()]))

newline = "\n"
text = f"""// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// Written by bound_golden.py.

namespace ddpm::test {{

// Bits: the mean of total and prior, the error of the total, the terms; then the errors of x_0 and eps; by falling t.
inline constexpr double golden_bounds[8][{3 + 3 * T}] = {{
{newline.join(bounds)}
}};

// The samples' losses, then the gradients of their weighted mean by the prediction and by the head.
inline constexpr double golden_losses[8][{N + 2 * N * D}] = {{
{newline.join(lines)}
}};

}}  // namespace ddpm::test
"""
Path(__file__).with_name("bound_golden.hpp").write_text(text)
