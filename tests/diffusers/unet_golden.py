# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Writes unet_golden.json: what diffusers' UNet2DModel gives for configurations that span its options.

    python unet_golden.py     (diffusers 0.42.1, torch 2.13)

Computed in double. Parameters, samples and the gradient of the output are hashes of their place, which the test makes
anew; of each parameter's gradient the file has its sum of squares and its product with such hashes. For some networks it
also has, in the order of the names, the products of such hashes and the parameters that follow from seed 0.
"""

import json
import pathlib

import torch
from diffusers import UNet2DModel

DOWN, ATTENTION_DOWN, UP, ATTENTION_UP = "DownBlock2D", "AttnDownBlock2D", "UpBlock2D", "AttnUpBlock2D"
RESNET_DOWN, RESNET_UP = "ResnetDownsampleBlock2D", "ResnetUpsampleBlock2D"

CONFIGS = [
    dict(  # of diffusers' own pipeline test
        sample_size=8, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=4,
        down_block_types=(DOWN, ATTENTION_DOWN), up_block_types=(ATTENTION_UP, UP),
    ),
    dict(  # as google/ddpm-cifar10-32, smaller
        sample_size=16, block_out_channels=(8, 16, 16, 16), layers_per_block=2, norm_num_groups=4, norm_eps=1e-6,
        freq_shift=1, flip_sin_to_cos=False, downsample_padding=0, attention_head_dim=None, in_channels=1, out_channels=1,
        down_block_types=(DOWN, ATTENTION_DOWN, DOWN, DOWN), up_block_types=(UP, UP, ATTENTION_UP, UP),
    ),
    dict(
        sample_size=8, block_out_channels=(8, 12, 16), layers_per_block=1, norm_num_groups=2, attention_head_dim=4,
        resnet_time_scale_shift="scale_shift", downsample_type="resnet", upsample_type="resnet",
        mid_block_scale_factor=1.4142135, attn_norm_num_groups=8,
        down_block_types=(ATTENTION_DOWN, ATTENTION_DOWN, ATTENTION_DOWN), up_block_types=(ATTENTION_UP, ATTENTION_UP, ATTENTION_UP),
    ),
    dict(
        sample_size=8, block_out_channels=(6, 6), layers_per_block=2, norm_num_groups=3, time_embedding_type="fourier",
        center_input_sample=True, add_attention=False, attention_head_dim=3,
        down_block_types=(DOWN, ATTENTION_DOWN), up_block_types=(ATTENTION_UP, UP),
    ),
    dict(
        sample_size=8, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=8, time_embedding_type="learned",
        num_train_timesteps=50, in_channels=1, out_channels=2, class_embed_type="timestep",
        down_block_types=(DOWN, DOWN), up_block_types=(UP, UP),
    ),
    dict(
        sample_size=(8, 12), block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, time_embedding_dim=24,
        num_class_embeds=5, attention_head_dim=2, down_block_types=(ATTENTION_DOWN, DOWN), up_block_types=(UP, ATTENTION_UP),
    ),
    dict(
        sample_size=8, block_out_channels=(4, 4, 8), layers_per_block=3, norm_num_groups=4, class_embed_type="timestep",
        mid_block_type=None, freq_shift=1, in_channels=2, out_channels=1, attention_head_dim=4,
        down_block_types=(DOWN, DOWN, ATTENTION_DOWN), up_block_types=(UP, ATTENTION_UP, UP),
    ),
    dict(
        sample_size=4, block_out_channels=(8,), layers_per_block=1, norm_num_groups=4, class_embed_type="identity",
        attn_norm_num_groups=2, act_fn="swish", down_block_types=(ATTENTION_DOWN,), up_block_types=(ATTENTION_UP,),
    ),
    dict(
        sample_size=4, block_out_channels=(8,), layers_per_block=2, norm_num_groups=4, attention_head_dim=2,
        resnet_time_scale_shift="scale_shift", dropout=0.1, down_block_types=(DOWN,), up_block_types=(UP,),
    ),
    dict(
        sample_size=8, block_out_channels=(5, 10), layers_per_block=1, norm_num_groups=5, attention_head_dim=5,
        downsample_type="resnet", downsample_padding=0, down_block_types=(ATTENTION_DOWN, DOWN),
        up_block_types=(ATTENTION_UP, ATTENTION_UP),
    ),
    dict(
        sample_size=8, block_out_channels=(4, 8, 8), layers_per_block=1, norm_num_groups=4, in_channels=1, out_channels=1,
        attention_head_dim=4, down_block_types=(RESNET_DOWN, ATTENTION_DOWN, RESNET_DOWN),
        up_block_types=(RESNET_UP, ATTENTION_UP, RESNET_UP),
    ),
    dict(  # as the networks of consistency models and of guided diffusion, smaller
        sample_size=8, block_out_channels=(4, 8), layers_per_block=2, norm_num_groups=2, in_channels=1, out_channels=2,
        resnet_time_scale_shift="scale_shift", downsample_type="resnet", upsample_type="resnet", num_class_embeds=5,
        attn_norm_num_groups=2, attention_head_dim=4, down_block_types=(RESNET_DOWN, ATTENTION_DOWN),
        up_block_types=(ATTENTION_UP, RESNET_UP),
    ),
    dict(
        sample_size=8, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, in_channels=1, out_channels=1,
        act_fn="mish", class_embed_type="timestep", attention_head_dim=4, down_block_types=(RESNET_DOWN, ATTENTION_DOWN),
        up_block_types=(ATTENTION_UP, UP),
    ),
    dict(
        sample_size=8, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, in_channels=1, out_channels=1,
        act_fn="gelu", resnet_time_scale_shift="scale_shift", attention_head_dim=4,
        down_block_types=(DOWN, ATTENTION_DOWN), up_block_types=(ATTENTION_UP, RESNET_UP),
    ),
    dict(
        sample_size=4, block_out_channels=(6,), layers_per_block=1, norm_num_groups=3, in_channels=1, out_channels=1,
        act_fn="ReLU", add_attention=False, attention_head_dim=3, down_block_types=(DOWN,), up_block_types=(UP,),
    ),
]


def hashes(count, stream):
    """Numbers in [-0.5, 0.5) for places 0 ... count - 1."""
    mask = 0xFFFFFFFF
    h = (torch.arange(count, dtype=torch.int64) * 2654435761 + stream * 2246822519 + 12345) & mask
    h = h ^ (h >> 15)
    h = ((h & 0xFFFF) * 2246822519 + (((h >> 16) * 2246822519 & 0xFFFF) << 16)) & mask
    h = h ^ (h >> 13)
    return h.to(torch.float64) / 2**32 - 0.5


def case(config):
    net = UNet2DModel(**config).eval().double()
    if config.get("class_embed_type") == "timestep":  # diffusers casts the embedded time, but not this
        net.class_embedding.register_forward_pre_hook(lambda _, inputs: (inputs[0].double(),))
    for stream, (name, p) in enumerate(sorted(net.named_parameters())):
        values = hashes(p.numel(), stream)
        if p.dim() > 1:
            values = values * (3 / (p.numel() / p.shape[0]) ** 0.5)
        else:
            values = values * 0.4 + (1 if "norm" in name and name.endswith("weight") else 0)
        p.data = values.reshape(p.shape)
    size = config["sample_size"]
    height, width = (size, size) if isinstance(size, int) else size
    x = (3 * hashes(2 * net.config.in_channels * height * width, 1000)).reshape(2, -1, height, width).requires_grad_()
    learned = config.get("time_embedding_type") == "learned"
    t = torch.tensor([7, 41]) if learned else torch.tensor([3.0, 601.0], dtype=torch.float64)
    labels = None
    if config.get("class_embed_type") == "identity":
        labels = (2 * hashes(2 * 4 * config["block_out_channels"][0], 1002)).reshape(2, -1)
    elif config.get("class_embed_type") == "timestep" or config.get("num_class_embeds"):
        labels = torch.tensor([3, 1])
    y = net(x, t, class_labels=labels).sample
    dy = hashes(y.numel(), 1001).reshape(y.shape)
    (y * dy).sum().backward()
    gradients = {}
    for stream, (name, p) in enumerate(sorted(net.named_parameters())):
        g = torch.zeros_like(p) if p.grad is None else p.grad
        gradients[name] = [(g**2).sum().item(), (g.flatten() * hashes(p.numel(), 2000 + stream)).sum().item()]
    return {
        "config": {**config, "_class_name": "UNet2DModel", **({} if "attention_head_dim" in config else {"attention_head_dim": 8})},
        "t": t.tolist(),
        "y": y.flatten().tolist(),
        "dx": x.grad.flatten().tolist(),
        "gradients": gradients,
        **({"start": start(config)} if RESNET_DOWN in config["down_block_types"] else {}),
    }


def start(config):
    torch.manual_seed(0)
    parameters = sorted(UNet2DModel(**config).named_parameters())
    return [(p.double().flatten() * hashes(p.numel(), stream)).sum().item() for stream, (_, p) in enumerate(parameters)]


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, (list, tuple)):
        return [rounded(v) for v in value]
    return {k: rounded(v) for k, v in value.items()} if isinstance(value, dict) else value


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("unet_golden.json")
    with path.open("w") as file:
        for config in CONFIGS:
            file.write(json.dumps(rounded(case(config)), separators=(",", ":")) + "\n")
