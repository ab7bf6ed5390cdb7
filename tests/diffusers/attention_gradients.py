# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Errors of a U-Net's gradients where attention's scores are large, ours and torch's on the same networks.

    python attention_gradients.py PROGRAM [--channels 16,32] [--scores 5e2,6e3] [--networks 20]

PROGRAM has the tests of tests/diffusers; its hidden test [attention_gradients] computes ours. (diffusers 0.42.1, torch
2.13.) The networks are drawn as diffusers draws them; then to_q is scaled so that the largest score, an argument of the
softmax, is as given. An error is the largest of all parameters' and the input's, relative to the largest gradient, both
against diffusers in double. Prints medians.
"""

import argparse
import copy
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from diffusers import UNet2DModel
from safetensors.torch import load_file, save_file


def draw(channels, score, seed):
    """A network in float, its input, and the gradient of its output."""
    torch.manual_seed(seed)
    net = UNet2DModel(
        sample_size=8 if seed % 2 else 16, block_out_channels=(channels,), layers_per_block=1, norm_num_groups=8,
        attention_head_dim=8, add_attention=False, down_block_types=("AttnDownBlock2D",), up_block_types=("UpBlock2D",),
    ).eval()
    size = net.config.sample_size
    x, dy = torch.randn(2, 3, size, size), torch.randn(2, 3, size, size)
    t = torch.tensor([40.0, 700.0])
    to_q = net.down_blocks[0].attentions[0].to_q
    factor = score / largest_score(net, x, t)
    to_q.weight.data *= factor
    to_q.bias.data *= factor
    return net, x, t, dy


def largest_score(net, x, t):
    exact = copy.deepcopy(net).double()
    found = []

    def look(module, inputs):
        h = module.group_norm(inputs[0].flatten(2)).transpose(1, 2)
        q, k = (of(h).unflatten(2, (module.heads, -1)).transpose(1, 2) for of in (module.to_q, module.to_k))
        found.append(((q @ k.transpose(2, 3)).max() * module.scale).item())

    exact.down_blocks[0].attentions[0].register_forward_pre_hook(look)
    with torch.no_grad():
        exact(x.double(), t)
    return found[0]


def gradients(net, x, t, dy):
    x = x.clone().requires_grad_()
    (net(x, t).sample * dy).sum().backward()
    return {"input": x.grad, **{name: p.grad for name, p in net.named_parameters()}}


def error(got, expected):
    largest = max(g.abs().max().item() for g in expected.values())
    return max((got[name].double() - g).abs().max().item() for name, g in expected.items()) / largest


def ours(program, folder, net, x, t, dy):
    net.save_pretrained(folder)
    pixels_first = {name: of.permute(0, 2, 3, 1).contiguous() for name, of in (("x", x), ("dy", dy))}
    save_file({**pixels_first, "t": t}, folder / "case.safetensors")
    environment = {**os.environ, "DDPM_ATTENTION_GRADIENTS": str(folder)}
    subprocess.run([program, "[attention_gradients]"], env=environment, check=True, stdout=subprocess.DEVNULL)
    got = load_file(folder / "gradients.safetensors")
    got["input"] = got["input"].permute(0, 3, 1, 2)
    return got


def main():
    numbers = lambda kind: lambda text: [kind(number) for number in text.split(",")]
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--channels", type=numbers(int), default=[16, 32, 48, 64, 128])
    parser.add_argument("--scores", type=numbers(float), default=[5e2, 2e3, 6e3, 2e5])
    parser.add_argument("--networks", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("channels  score     ours   torch's   ratio")
    with tempfile.TemporaryDirectory() as folder:
        for channels in options.channels:
            for score in options.scores:
                errors = []
                for seed in range(options.networks):
                    net, x, t, dy = draw(channels, score, seed)
                    expected = gradients(copy.deepcopy(net).double(), x.double(), t, dy.double())
                    our = ours(options.program, pathlib.Path(folder), net, x, t, dy)
                    errors.append((error(our, expected), error(gradients(net, x, t, dy), expected)))
                our, torchs = np.median(errors, axis=0)
                print(f"{channels:8} {score:6.0e}  {our:.1e}   {torchs:.1e}  {our / torchs:6.2f}", flush=True)


if __name__ == "__main__":
    main()
