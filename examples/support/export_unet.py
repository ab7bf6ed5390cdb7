# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Writes engine_unet/, which the examples `openvino` and `libtorch` read: one small U-Net of diffusers with random
weights as an ONNX file, as TorchScript and as diffusers' own folder, and samples that diffusers' pipelines draw with it.

Made with torch 2.13.0, diffusers 0.42.1, onnx 1.23.2. Usage: python export_unet.py
"""

import pathlib
import shutil

import diffusers
import numpy as np
import torch

folder = pathlib.Path(__file__).resolve().parent.parent / "data" / "engine_unet"
COUNT, SIZE, STEPS, SEED = 2, 16, 20, 0


class Prediction(torch.nn.Module):
    """The network with tensors in and out, as exporters need it: sample (N, 3, H, W), timestep (N)."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, sample, timestep):
        return self.net(sample, timestep, return_dict=False)[0]


def small_net():
    torch.manual_seed(SEED)
    net = diffusers.UNet2DModel(
        sample_size=SIZE,
        block_out_channels=(8, 12),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )
    return net.eval()


def export(net):
    module = Prediction(net).eval()
    sample, timestep = torch.randn(3, 3, SIZE, SIZE), torch.tensor([7.0, 400.0, 999.0])
    with torch.no_grad():
        expected = module(sample, timestep)
        traced = torch.jit.freeze(torch.jit.trace(module, (sample, timestep)))
        traced.save(str(folder / "unet.torchscript"))
        torch.onnx.export(
            module, (sample, timestep), str(folder / "unet.onnx"), input_names=["sample", "timestep"],
            output_names=["prediction"], dynamic_axes={k: {0: "n"} for k in ("sample", "timestep", "prediction")},
            dynamo=False,
        )
        one = (sample[:1], timestep[:1])
        assert torch.allclose(torch.jit.load(str(folder / "unet.torchscript"))(*one), expected[:1], atol=1e-5)


def samples(net, name, pipeline):
    """The samples before the pipeline maps them to pictures; the pipeline's pictures must be theirs."""
    scheduler = pipeline.scheduler
    generator = torch.Generator().manual_seed(SEED)
    x = start = torch.randn((COUNT, 3, SIZE, SIZE), generator=generator)
    scheduler.set_timesteps(STEPS)
    with torch.no_grad():
        for t in scheduler.timesteps:
            x = scheduler.step(net(x, t).sample, t, x).prev_sample
    pictures = pipeline(batch_size=COUNT, num_inference_steps=STEPS, generator=torch.Generator().manual_seed(SEED),
                        output_type="np").images
    mine = (x / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()
    assert np.abs(mine - pictures).max() < 1e-6
    print(name, "largest value", x.abs().max().item(), "timesteps", scheduler.timesteps.tolist())
    np.save(folder / "noise.npy", start.numpy())
    np.save(folder / f"{name}.npy", x.numpy())


def main():
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    net = small_net()
    export(net)
    net.save_pretrained(folder / "diffusers")
    common = dict(prediction_type="v_prediction", timestep_spacing="trailing")
    ddim = diffusers.DDIMScheduler(clip_sample=False, **common)
    solver = diffusers.DPMSolverMultistepScheduler(**common)
    samples(net, "ddim", diffusers.DDIMPipeline(net, ddim))
    samples(net, "dpmpp_2m", diffusers.DDPMPipeline(net, solver))
    ddim.save_pretrained(folder / "ddim")
    solver.save_pretrained(folder / "dpmpp_2m")
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        print(path.relative_to(folder), path.stat().st_size)


if __name__ == "__main__":
    main()
