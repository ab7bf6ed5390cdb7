# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Times PyTorch, and other packages where they are installed, on the cases of ddpm_bench.

ddpm_bench starts it (--peer-program) and speaks with it as include/ddpm/bench/peer_program.hpp says. Everything runs
in inference mode where there is no gradient, and in float and eagerly unless the name says otherwise. Peers:

torch          the expression as one writes it, results newly allocated
torch_out      results into memory that is there, in as few passes as PyTorch has
torch_compile  a network by torch.compile
torch_bf16     a network whose parameters and input are bfloat16; in training products in bfloat16 (autocast)
torch_bf16_compile  the same in training by torch.compile
diffusers      the schedulers' step
onednn         PyTorch's oneDNN product with the weights packed beforehand
openblas       NumPy's product, where NumPy is built on OpenBLAS
onnxruntime    a network exported to ONNX Runtime
openvino_f32   the same file in OpenVINO, in float
openvino       in the precision that OpenVINO chooses; its note says which that is
"""

import copy
import ctypes
import functools
import importlib
import math
import os
import sys
import tempfile
import time
import warnings

import torch
import torch.nn.functional as F
from torch import nn

CASES = {}
MI = 1 << 20


class Case:
    def __init__(self, make, threads=1, grad=False):
        self.make = make
        self.threads = threads
        self.grad = grad
        self.error = ""  # why it cannot run


def add(name, peer, make, **options):
    """make() sets up and returns the function to time."""
    CASES[name, peer] = Case(make, **options)


@functools.cache
def has(package):
    """Whether it can be imported. Where it cannot, a line says so."""
    try:
        importlib.import_module(package)
    except ImportError:
        print(f"No {package} beside: {sys.executable} cannot import it.", file=sys.stderr)
        return False
    return True


def timesteps(count):
    return torch.randint(0, 1000, (count,))


def cosine_alpha_bar(steps=1000):
    def f(u):
        return math.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1 - f((t + 1) / steps) / f(t / steps), 0.999) for t in range(steps)]
    return torch.cumprod(1 - torch.tensor(betas, dtype=torch.float64), 0)


# ---- random and forward ------------------------------------------------------------------------------------------


def add_random(dimension, count):
    def normal():
        out = torch.empty(count, dimension)
        return lambda: out.normal_()

    size = f"{dimension}x{count}"
    add(f"random/philox_normal/{size}", "torch", normal)
    if (dimension, count) == (1 << 14, 1 << 10):
        add(f"random/torch_normal/{size}", "torch", normal)


def add_forward(dimension, count):
    size = f"{dimension}x{count}"
    alpha_bar = cosine_alpha_bar()

    def case(name, signal, sigma, fresh, preallocated):
        def make():
            x0, eps, out = (torch.randn(count, dimension) for _ in range(3))
            t = timesteps(count)
            a_of = signal.to(torch.float32)
            s_of = sigma.to(torch.float32)

            def expression():
                noise = torch.randn_like(x0) if fresh else eps
                return a_of[t][:, None] * x0 + s_of[t][:, None] * noise

            def into_memory():
                if fresh:
                    eps.normal_()
                torch.mul(x0, a_of[t][:, None], out=out)
                out.addcmul_(eps, s_of[t][:, None])

            return into_memory if preallocated else expression

        add(f"forward/{name}/{size}", "torch_out" if preallocated else "torch", make)

    previous = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    alpha = alpha_bar / previous
    to_x0 = previous.sqrt() * (1 - alpha) / (1 - alpha_bar)
    to_xt = alpha.sqrt() * (1 - previous) / (1 - alpha_bar)
    for preallocated in (False, True):
        for name, fresh in (("q_sample", False), ("q_sample_fresh", True), ("q_sample_fresh_kept", True)):
            case(name, alpha_bar.sqrt(), (1 - alpha_bar).sqrt(), fresh, preallocated)
        case("q_step", alpha.sqrt(), (1 - alpha).sqrt(), False, preallocated)
        case("q_posterior", to_x0, to_xt, False, preallocated)


# ---- sampler -----------------------------------------------------------------------------------------------------


def add_sampler():
    size = "3072x64"
    shape = (64, 3, 32, 32)

    def make_torch(noise):
        """The step of DDPM written out, without a library around it."""

        def make():
            xt, eps, z = (torch.randn(shape) for _ in range(3))
            betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
            bar = torch.cumprod(1 - betas, 0)
            t = 500
            a, a_previous = bar[t].item(), bar[t - 1].item()
            beta = 1 - a / a_previous
            c_x0 = math.sqrt(a_previous) * beta / (1 - a)
            c_xt = math.sqrt(1 - beta) * (1 - a_previous) / (1 - a)
            sigma = math.sqrt(beta * (1 - a_previous) / (1 - a))

            def step():
                x0 = ((xt - math.sqrt(1 - a) * eps) / math.sqrt(a)).clamp_(-1, 1)
                mean = c_x0 * x0 + c_xt * xt
                if noise == "none":
                    return mean
                return mean + sigma * (torch.randn_like(mean) if noise == "fresh" else z)

            return step

        return make

    for noise in ("fresh", "given", "none"):
        add(f"sampler/reverse_step_{noise}/{size}", "torch", make_torch(noise))

    def make_quantile():
        x = torch.randn(64, 3072)
        return lambda: torch.quantile(x.abs(), 0.995, dim=1)

    add(f"sampler/absolute_quantile/{size}", "torch", make_quantile)

    if not has("diffusers"):
        return
    from diffusers import DDIMScheduler, DDPMScheduler
    from diffusers.schedulers import scheduling_ddpm

    randn = scheduling_ddpm.randn_tensor

    def make_ddpm(noise):
        def make():
            scheduler = DDPMScheduler(num_train_timesteps=1000, clip_sample=True)
            xt, eps, z = (torch.randn(shape) for _ in range(3))
            # It has no argument for noise that is there already.
            scheduling_ddpm.randn_tensor = (lambda *_, **__: z) if noise == "given" else randn
            t = 0 if noise == "none" else 500
            return lambda: scheduler.step(eps, t, xt)

        return make

    for noise in ("fresh", "given", "none"):
        add(f"sampler/reverse_step_{noise}/{size}", "diffusers", make_ddpm(noise))

    def make_ddim():
        scheduler = DDIMScheduler(num_train_timesteps=1000, clip_sample=True)
        scheduler.set_timesteps(50)
        xt, eps = torch.randn(shape), torch.randn(shape)
        return lambda: scheduler.step(eps, 500, xt, eta=0.0)

    add(f"sampler/ddim_step/{size}", "diffusers", make_ddim)


# ---- arrays ------------------------------------------------------------------------------------------------------


def add_arrays():
    size = 64 * MI

    def full(count):
        return [torch.full((size,), 0.5) for _ in range(count)]

    def make_linear(terms, preallocated):
        factors = (0.25, 0.5, 0.125, 0.0625)[:terms]

        def make():
            arrays = full(terms)
            out = torch.empty(size)

            def expression():
                total = factors[0] * arrays[0]
                for factor, array in zip(factors[1:], arrays[1:]):
                    total = total + factor * array
                return total

            def into_memory():
                torch.mul(arrays[0], factors[0], out=out)
                for factor, array in zip(factors[1:], arrays[1:]):
                    out.add_(array, alpha=factor)

            return into_memory if preallocated else expression

        return make

    for terms in (2, 3, 4):
        name = f"array/linear_combination_{terms}/{size}"
        add(name, "torch", make_linear(terms, False))
        add(name, "torch_out", make_linear(terms, True))

    def make_ema():
        average, target = full(2)
        return lambda: average.lerp_(target, 1e-4)

    def make_adam():
        parameter = nn.Parameter(torch.full((size,), 0.5))
        parameter.grad = torch.full((size,), 0.25)
        optimizer = torch.optim.AdamW([parameter], lr=1e-3, fused=True)
        return optimizer.step

    def make_norm():
        (x,) = full(1)
        return lambda: torch.linalg.vector_norm(x).item()

    add(f"array/ema/{size}", "torch", make_ema)
    add(f"array/adam/{size}", "torch", make_adam)
    add(f"array/sum_of_squares/{size}", "torch", make_norm)


# ---- losses ------------------------------------------------------------------------------------------------------


def add_loss(dimension, count):
    size = f"{dimension}x{count}"

    def make_mse():
        predicted = torch.rand(count, dimension).requires_grad_()
        target = torch.rand(count, dimension)

        def forward_and_backward():
            predicted.grad = None
            F.mse_loss(predicted, target).backward()

        return forward_and_backward

    def make_weighted():
        predicted, target = torch.rand(count, dimension), torch.rand(count, dimension)
        weight = torch.full((count,), 0.5)
        return lambda: weight * F.mse_loss(predicted, target, reduction="none").mean(1)

    def make_kl():
        m1, lv1, m2, lv2 = (torch.rand(count, dimension) for _ in range(4))

        def kl():
            return (0.5 * (-1.0 + lv2 - lv1 + torch.exp(lv1 - lv2) + (m1 - m2) ** 2 * torch.exp(-lv2))).sum(1)

        return kl

    add(f"loss/mse_gradient/{size}", "torch", make_mse, grad=True)
    add(f"loss/weighted_mse/{size}", "torch", make_weighted)
    add(f"loss/kl/{size}", "torch", make_kl)


# ---- elementary functions ----------------------------------------------------------------------------------------


def add_elementary():
    size = 65536

    def make(function):
        def set_up():
            x, y = torch.rand(size), torch.empty(size)
            return lambda: function(x, y)

        return set_up

    for name in ("exp", "log", "sin", "cos", "tanh", "sigmoid", "rsqrt"):
        function = getattr(torch, name)
        add(f"elementary/{name}/{size}", "torch_out", make(lambda x, y, f=function: f(x, out=y)))
    for name in ("silu", "mish", "gelu"):
        function = getattr(F, name)
        add(f"elementary/{name}/{size}", "torch", make(lambda x, _, f=function: f(x)))


# ---- products ----------------------------------------------------------------------------------------------------


def openblas_threads():
    """The function that sets the thread count of NumPy's OpenBLAS, or None."""
    if not has("numpy") or not os.path.exists("/proc/self/maps"):
        return None
    with open("/proc/self/maps", encoding="utf-8") as maps:
        libraries = {line.split()[-1] for line in maps if "openblas" in line}
    for library in libraries:
        loaded = ctypes.CDLL(library)
        for name in ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads64_", "openblas_set_num_threads"):
            if hasattr(loaded, name):
                return getattr(loaded, name)
    return None


def add_products():
    set_openblas_threads = openblas_threads()

    # Column-major c = a · b is row-major cᵀ = bᵀ · aᵀ: the same memory, read as its transpose.
    def factors(m, n, k, kind, dtype):
        at = torch.randint(-3, 4, (k, m)).to(dtype)
        bt = torch.randint(-2, 3, (n, k)).to(dtype)
        if kind[0] == "t":
            at = at.t().contiguous().t()
        if kind[1] == "t":
            bt = bt.t().contiguous().t()
        return at, bt, torch.empty(n, m, dtype=dtype)

    def case(name, m, n, k, kind="nn", dtype=torch.float32, threads=1):
        name = f"product/{name}/{m}x{n}x{k}"

        def make_mm():
            at, bt, out = factors(m, n, k, kind, dtype)
            return lambda: torch.mm(bt, at, out=out)

        def make_onednn():
            at, bt, _ = factors(m, n, k, kind, dtype)
            packed = torch.ops.mkldnn._reorder_linear_weight(at.t().contiguous(), n)
            return lambda: torch.ops.mkldnn._linear_pointwise(bt, packed, None, "none", [], "")

        def make_openblas():
            import numpy

            at, bt, out = (array.numpy() for array in factors(m, n, k, kind, dtype))
            set_openblas_threads(threads)
            return lambda: numpy.matmul(bt, at, out=out)

        add(name, "torch_out", make_mm, threads=threads)
        has_onednn = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
        if has_onednn and dtype == torch.float32 and kind == "nn":
            add(name, "onednn", make_onednn, threads=threads)
        if set_openblas_threads is not None:
            add(name, "openblas", make_openblas, threads=threads)

    for name, threads in (("float_nn", 1), ("float_nn_2_threads", 2)):
        for m, n, k in ((128, 1024, 1152), (256, 256, 2304), (256, 64, 2304)):
            case(name, m, n, k, threads=threads)
        for n in (512, 1024, 2048):
            case(name, n, n, n, threads=threads)
    case("float_nt", 512, 512, 512, kind="nt")
    case("float_tn", 512, 512, 512, kind="tn")
    case("double_nn", 512, 512, 512, dtype=torch.float64)


# ---- networks ----------------------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.linear_1 = nn.Linear(size, size)
        self.linear_2 = nn.Linear(size, size)

    def forward(self, h, time_embedding):
        return h + self.linear_2(F.silu(self.linear_1(self.norm(h)) + time_embedding))


class Denoiser(nn.Module):
    """The same network as ddpm::nn::mlp."""

    def __init__(self, dim=64, hidden=256, blocks=3, embedding=64):
        super().__init__()
        half = embedding // 2
        self.register_buffer("frequencies", torch.exp(-math.log(10000) * torch.arange(half) / (half - 1)))
        self.time_1 = nn.Linear(embedding, hidden)
        self.time_2 = nn.Linear(hidden, hidden)
        self.input = nn.Linear(dim, hidden)
        self.blocks = nn.ModuleList(Block(hidden) for _ in range(blocks))
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, dim)

    def forward(self, x, t):
        angles = t[:, None] * self.frequencies
        embedded = torch.cat([angles.sin(), angles.cos()], 1)
        time_embedding = F.silu(self.time_2(F.silu(self.time_1(embedded))))
        h = self.input(x)
        for block in self.blocks:
            h = block(h, time_embedding)
        return self.output(F.silu(self.norm(h)))


def training(net, data, batch, steps_at_once, call=None, precision=None):
    """Steps with batch, loss, gradient, clipping, optimizer and average. call: the network as it is called."""
    alpha_bar = cosine_alpha_bar().to(torch.float32)
    call = net if call is None else call  # a compiled network has no truth value
    average = copy.deepcopy(net)
    parameters, averages = list(net.parameters()), list(average.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.0, fused=True)
    order = torch.randperm(len(data))
    position = 0

    def steps():
        nonlocal order, position
        for _ in range(steps_at_once):
            if position + batch > len(data):
                order, position = torch.randperm(len(data)), 0
            x0 = data[order[position : position + batch]]
            position += batch
            t = timesteps(batch)
            eps = torch.randn_like(x0)
            bar = alpha_bar[t].reshape(-1, *(1 for _ in x0.shape[1:]))
            xt = bar.sqrt() * x0 + (1 - bar).sqrt() * eps
            with torch.autocast("cpu", precision, enabled=precision is not None):
                predicted = call(xt, t.to(torch.float32))
            loss = F.mse_loss(predicted.float(), eps)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(averages, parameters, 1e-4)
        return loss.item()

    return steps


def make_training():
    """Eight steps of the digits example."""
    return training(Denoiser(), torch.randn(1797, 64), 128, 8)


def add_networks():
    def make_plain(batch):
        def make():
            sizes = (34, 128, 128, 128, 2)
            layers = []
            for inputs, outputs in zip(sizes, sizes[1:]):
                layers += [nn.Linear(inputs, outputs), nn.SiLU(inplace=True)]
            net = nn.Sequential(*layers[:-1])
            x = torch.randn(batch, 34)
            return lambda: net(x)

        return make

    def make_forward(batch):
        def make():
            net = Denoiser()
            x = torch.randn(batch, 64)
            t = torch.full((1,), 500.0)  # one time for all, embedded once, as in a sampler
            return lambda: net(x, t)

        return make

    for batch in (1, 1024):
        add(f"mlp/plain_forward/34-128-128-128-2-batch{batch}", "torch", make_plain(batch))
    for batch in (1, 128, 1024):
        add(f"mlp/forward/64-256x3-batch{batch}", "torch", make_forward(batch))
    add("mlp/train/64-256x3-batch128", "torch", make_training, grad=True)
    add("mlp/train_2_threads/64-256x3-batch128", "torch", make_training, threads=2, grad=True)


UNETS = {
    "cifar10-32": dict(
        size=32, image_channels=3, channels=(128, 256, 256, 256), attention=(False, True, False, False), layers=2,
        groups=32, eps=1e-6, pads_after=True,
    ),
    "digits-28": dict(
        size=28, image_channels=1, channels=(32, 64, 64), attention=(False, True, False), layers=1,
        groups=8, eps=1e-5, pads_after=False,
    ),
}


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, embedding, groups, eps):
        super().__init__()
        self.norm_1 = nn.GroupNorm(groups, inputs, eps)
        self.conv_1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(embedding, outputs)
        self.norm_2 = nn.GroupNorm(groups, outputs, eps)
        self.conv_2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, embedded):
        h = self.conv_1(F.silu(self.norm_1(x))) + self.time(F.silu(embedded))[:, :, None, None]
        return self.shortcut(x) + self.conv_2(F.silu(self.norm_2(h)))


class Attention(nn.Module):
    def __init__(self, channels, groups, eps):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps)
        self.query, self.key, self.value, self.output = (nn.Linear(channels, channels) for _ in range(4))

    def forward(self, x, _):
        pixels = self.norm(x).flatten(2).transpose(1, 2)[:, None]  # of one head
        h = F.scaled_dot_product_attention(self.query(pixels), self.key(pixels), self.value(pixels))
        return x + self.output(h[:, 0]).transpose(1, 2).reshape(x.shape)


class UNet(nn.Module):
    """The same compute as ddpm::nn::unet."""

    def __init__(self, size, image_channels, channels, attention, layers, groups, eps, pads_after):
        super().__init__()
        first, embedding = channels[0], 4 * channels[0]
        half = first // 2
        self.register_buffer("frequencies", torch.exp(-math.log(10000) * torch.arange(half) / half))
        self.time_1, self.time_2 = nn.Linear(first, embedding), nn.Linear(embedding, embedding)
        self.input = nn.Conv2d(image_channels, first, 3, padding=1)

        def layer(inputs, outputs, attends):
            parts = [ResidualBlock(inputs, outputs, embedding, groups, eps)]
            return nn.ModuleList(parts + [Attention(outputs, groups, eps)] if attends else parts)

        width, skips = first, [first]
        self.down = nn.ModuleList()
        for level, outputs in enumerate(channels):
            for _ in range(layers):
                self.down.append(layer(width, outputs, attention[level]))
                width = outputs
                skips.append(width)
            if level + 1 < len(channels):
                self.down.append(nn.Conv2d(width, width, 3, stride=2, padding=0 if pads_after else 1))
                skips.append(width)
        self.middle = nn.ModuleList([*layer(width, width, True), *layer(width, width, False)])
        self.up = nn.ModuleList()
        for level, outputs in reversed(list(enumerate(channels))):
            for _ in range(layers + 1):
                self.up.append(layer(width + skips.pop(), outputs, attention[level]))
                width = outputs
            if level > 0:
                self.up.append(nn.Conv2d(width, width, 3, padding=1))
        self.norm = nn.GroupNorm(groups, first, eps)
        self.output = nn.Conv2d(first, image_channels, 3, padding=1)
        self.pads_after = pads_after

    def forward(self, x, t):
        angles = t[:, None] * self.frequencies
        embedded = torch.cat([angles.sin(), angles.cos()], 1).to(x.dtype)
        embedded = self.time_2(F.silu(self.time_1(embedded)))
        h = self.input(x)
        skips = [h]
        for stage in self.down:
            if isinstance(stage, nn.Conv2d):
                h = stage(F.pad(h, (0, 1, 0, 1)) if self.pads_after else h)
            else:
                for part in stage:
                    h = part(h, embedded)
            skips.append(h)
        for part in self.middle:
            h = part(h, embedded)
        for stage in self.up:
            if isinstance(stage, nn.Conv2d):
                h = stage(F.interpolate(h, scale_factor=2.0, mode="nearest"))
            else:
                h = torch.cat([h, skips.pop()], 1)
                for part in stage:
                    h = part(h, embedded)
        return self.output(F.silu(self.norm(h)))


@functools.cache
def unet(name):
    return UNet(**UNETS[name]).eval()


def unet_inputs(name, batch):
    size = UNETS[name]["size"]
    return torch.randn(batch, UNETS[name]["image_channels"], size, size), torch.full((batch,), 500)


def unet_torch(name, batch, _):
    net, (x, t) = unet(name), unet_inputs(name, batch)
    return lambda: net(x, t)


@functools.cache
def unet_compiled(name):
    """It keeps what it compiled, for each batch size and number of threads, from round to round."""
    torch._dynamo.config.recompile_limit = 64
    return torch.compile(unet(name), dynamic=False)


def unet_torch_compile(name, batch, _):
    net, (x, t) = unet_compiled(name), unet_inputs(name, batch)
    return lambda: net(x, t)


def unet_torch_bf16(name, batch, _):
    net, (x, t) = copy.deepcopy(unet(name)).bfloat16(), unet_inputs(name, batch)
    x = x.bfloat16()
    return lambda: net(x, t)


@functools.cache
def onnx_folder():
    return tempfile.TemporaryDirectory()


@functools.cache
def unet_onnx(name, batch):
    """The file of the network."""
    path = os.path.join(onnx_folder().name, f"{name}-batch{batch}.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that takes PyTorch's older versions is deprecated
        inputs = unet_inputs(name, batch)
        torch.onnx.export(unet(name), inputs, path, opset_version=17, input_names=["x", "t"], dynamo=False)
    return path


def unet_onnx_feed(name, batch):
    return {key: value.numpy() for key, value in zip("xt", unet_inputs(name, batch))}


def unet_onnxruntime(name, batch, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Its idle threads would spin beside whoever is measured next.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if threads > 1 else "0")
    session = onnxruntime.InferenceSession(unet_onnx(name, batch), options, providers=["CPUExecutionProvider"])
    feed = unet_onnx_feed(name, batch)
    return lambda: session.run(None, feed)


def unet_openvino(name, batch, threads, **settings):
    import openvino

    settings.update(INFERENCE_NUM_THREADS=threads, NUM_STREAMS=1)
    model = openvino.Core().compile_model(unet_onnx(name, batch), "CPU", settings)
    request, feed = model.create_infer_request(), unet_onnx_feed(name, batch)

    def infer():
        request.infer(feed)

    infer.note = model.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    return infer


def unet_training(name, batch, compiled=False, precision=None):
    """A step with the network and its images in the order in which PyTorch is fastest, channels last."""
    x, _ = unet_inputs(name, 256)
    net = UNet(**UNETS[name]).to(memory_format=torch.channels_last)
    data = x.contiguous(memory_format=torch.channels_last)
    return training(net, data, batch, 4, torch.compile(net, dynamic=False) if compiled else net, precision)


def add_unets():
    engines = {"torch": unet_torch, "torch_compile": unet_torch_compile, "torch_bf16": unet_torch_bf16}
    if has("onnx"):
        if has("onnxruntime"):
            engines["onnxruntime"] = unet_onnxruntime
        if has("openvino"):
            engines["openvino_f32"] = functools.partial(unet_openvino, INFERENCE_PRECISION_HINT="f32")
            engines["openvino"] = unet_openvino
    # Beside the network in 16 bits everything runs, beside the others what computes in float.
    beside = {
        "forward": ("torch", "onnxruntime"),
        "packed_forward": ("torch", "torch_compile", "onnxruntime", "openvino_f32"),
        "packed_forward_bf16": tuple(engines),
    }
    for threads, suffix in ((1, ""), (2, "_2_threads")):
        for name, batches in (("cifar10-32", (1, 4, 16)), ("digits-28", (1, 16))):
            for batch in batches:
                for operation, peers in beside.items():
                    for peer in engines.keys() & peers:
                        make = functools.partial(engines[peer], name, batch, threads)
                        add(f"unet/{operation}{suffix}/{name}-batch{batch}", peer, make, threads=threads)
        trainings = {
            "train": {"torch": {}, "torch_compile": {"compiled": True}},
            "train_bf16": {
                "torch_bf16": {"precision": torch.bfloat16},
                "torch_bf16_compile": {"compiled": True, "precision": torch.bfloat16},
            },
        }
        for name, batches in (("cifar10-32", (4, 16)), ("digits-28", (16, 128))):
            for batch in batches:
                for operation, peers in trainings.items():
                    for peer, options in peers.items():
                        make = functools.partial(unet_training, name, batch, **options)
                        add(f"unet/{operation}{suffix}/{name}-batch{batch}", peer, make, threads=threads, grad=True)


# ---- the dialogue with ddpm_bench --------------------------------------------------------------------------------


def seconds(function, iterations):
    start = time.perf_counter()
    for _ in range(iterations):
        function()
    return time.perf_counter() - start


def about():
    parts = [f"PyTorch {torch.__version__}"]
    parts += ["MKL"] if torch.backends.mkl.is_available() else []
    for name in ("diffusers", "numpy", "onnxruntime", "openvino"):
        if has(name):
            version = importlib.import_module(name).__version__.split("-")[0]  # without OpenVINO's commit
            parts.append(f"{name} {version}")
    return ", ".join(parts)


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no answer
    torch.manual_seed(1)
    torch.set_num_threads(1)
    for dimension, count in ((64, 64), (3072, 64), (1 << 14, 1 << 10)):
        add_random(dimension, count)
        add_forward(dimension, count)
    for dimension, count in ((3072, 64), (1 << 16, 1 << 10)):
        add_loss(dimension, count)
    add_sampler()
    add_arrays()
    add_elementary()
    add_products()
    add_networks()
    add_unets()

    print(f"about {about()}", file=answers)
    for name, peer in CASES:
        print(f"case {name} {peer}", file=answers)
    print("ready", file=answers)

    current, function = None, None
    for line in sys.stdin:
        name, peer, iterations = line.split()
        case = CASES[name, peer]
        if case.error:
            print("error", case.error, file=answers)
            continue
        with torch.inference_mode(not case.grad):
            try:
                if current != (name, peer):
                    current, function = None, None  # gives back its memory first
                    torch.set_num_threads(case.threads)
                    function = case.make()
                    function()
                    current = name, peer
                taken = seconds(function, int(iterations))
            except Exception as problem:  # such as no compiler for torch.compile
                current, function = None, None
                case.error = " ".join(str(problem).split())[:200] or type(problem).__name__
                print(f"No {peer} beside {name}: {case.error}", file=sys.stderr)
                print("error", case.error, file=answers)
                continue
            if case.threads > 1:
                time.sleep(0.3)  # its idle threads spin for a while: not beside the library's next turn
            print(taken, getattr(function, "note", ""), file=answers)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # Ctrl-C reaches both programs; ddpm_bench is the one to speak
        sys.exit(130)
