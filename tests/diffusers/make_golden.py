# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Writes data/, which the tests of this folder read, and prints the numbers that stand in them.

Made with torch 2.13.0 and diffusers 0.42.1. Usage: python make_golden.py
"""

import json
import pathlib
import shutil

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel

data = pathlib.Path(__file__).parent / "data"


def small_net():
    torch.manual_seed(0)
    return UNet2DModel(
        sample_size=8,
        block_out_channels=(4, 8),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )


def digits(values):
    return ", ".join(f"{v:.9g}" for v in values)


def first_and_last(net):
    """A few numbers of the loaded weights, in torch's order."""
    state = net.state_dict()
    for name in ("conv_in.weight", "mid_block.attentions.0.to_q.weight", "up_blocks.0.resnets.0.conv1.weight"):
        flat = state[name].float().flatten()
        print(name, tuple(state[name].shape), digits(flat[[0, 1, 2, -1]].tolist()))


def folders():
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    net = small_net()
    DDPMPipeline(net, DDPMScheduler(variance_type="fixed_large")).save_pretrained(data / "pipeline")
    first_and_last(net)
    net.half().save_pretrained(data / "sharded", max_shard_size="12KB")
    print(sorted(p.name for p in (data / "sharded").iterdir()))
    config = json.loads((data / "sharded" / "config.json").read_text())
    print("sharded config keys", len(config))
    DDIMScheduler(beta_schedule="scaled_linear", steps_offset=1, set_alpha_to_one=False).save_pretrained(data / "ddim")


def starts():
    for name, layer in (
        ("Linear(3, 5)", lambda: torch.nn.Linear(3, 5)),
        ("Conv2d(2, 3, 2)", lambda: torch.nn.Conv2d(2, 3, 2)),
        ("Linear(7, 2) double", lambda: torch.nn.Linear(7, 2, dtype=torch.float64)),
    ):
        torch.manual_seed(1)
        made = layer()
        print(name)
        for values in (made.weight, made.bias):
            print("   ", ", ".join(float(v).hex() for v in values.detach().flatten()))
    torch.manual_seed(1)
    print("Embedding(4, 5)", digits(torch.nn.Embedding(4, 5).weight.detach().flatten().tolist()))


def schedules():
    cases = {
        "linear": {},
        "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
        "squaredcos_cap_v2": {"beta_schedule": "squaredcos_cap_v2"},
        "sigmoid": {"beta_schedule": "sigmoid"},
        "laplace": {"beta_schedule": "laplace"},
        "zero snr": {"rescale_betas_zero_snr": True},
        "trained": {"trained_betas": [0.1, 0.25, 0.5], "num_train_timesteps": 3},
    }
    for name, options in cases.items():
        scheduler = DDPMScheduler(**options)
        last = scheduler.config.num_train_timesteps - 1
        at = [0, 1, last // 2, last - 1, last]
        print(name, at)
        print("    beta", digits(scheduler.betas[at].tolist()))
        print("    alpha_bar", digits(scheduler.alphas_cumprod[at].tolist()))


def timesteps():
    for spacing in ("leading", "trailing", "linspace"):
        for count in (1, 3, 7, 10, 16):
            scheduler = DDIMScheduler(timestep_spacing=spacing, steps_offset=1, num_train_timesteps=100)
            scheduler.set_timesteps(count)
            print(spacing, count, scheduler.timesteps.tolist())


def loops():
    """The published loops of diffusers' scheduler tests, and the spacings that are not published."""

    def model(sample, t):
        return sample * t / (t + 1)

    def start():
        n = 4 * 3 * 8 * 8
        return (torch.arange(n).reshape(3, 8, 8, 4) / n).permute(3, 0, 1, 2)

    for kind, options, count, eta in (
        (DDPMScheduler, {"variance_type": "fixed_large", "timestep_spacing": "trailing"}, 7, None),
        (DDPMScheduler, {"variance_type": "fixed_small_log", "steps_offset": 1}, 10, None),
        (DDIMScheduler, {"timestep_spacing": "linspace", "clip_sample": False}, 7, 0.5),
        (DDIMScheduler, {"timestep_spacing": "trailing", "set_alpha_to_one": False}, 9, 0.0),
        (DDIMScheduler, {"steps_offset": 1, "beta_schedule": "scaled_linear", "prediction_type": "v_prediction"}, 10, 0.0),
    ):
        scheduler = kind(**options)
        scheduler.set_timesteps(count)
        generator = torch.manual_seed(0)
        sample = start()
        extra = {} if eta is None else {"eta": eta}
        for t in scheduler.timesteps:
            sample = scheduler.step(model(sample, t), t, sample, generator=generator, **extra).prev_sample
        print(kind.__name__, options, count, eta, "sum|x|", f"{sample.abs().double().sum().item():.9g}")


if __name__ == "__main__":
    folders()
    starts()
    schedules()
    timesteps()
    loops()
