# SPDX-FileCopyrightText: 2026 The ddpm authors
# SPDX-License-Identifier: MIT
"""Writes scheduler_golden.json: what diffusers' schedulers do with random configurations and numbers of steps, and with
some chosen ones.

    python scheduler_golden.py [seed [times as many runs]] > scheduler_golden.json

Needs diffusers 0.42.1, torch, scipy and torchsde. A run records the keys of its config that differ from the class's
defaults, the time that the network is told at each evaluation, some of the network's inputs, and the end.
scheduler_golden.cpp has the same network and the same beginning. Configurations that meet one of BUGS are drawn again,
and counted.
"""

import json
import logging
import math
import random
import sys
import warnings

import numpy as np
import torch

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import diffusers  # noqa: E402

# torch's root of a float32 vector is not rounded correctly everywhere, which betas rescaled to zero terminal SNR
# multiply.
root = torch.Tensor.sqrt
torch.Tensor.sqrt = lambda x: root(x.double()).to(x.dtype)

BUGS = {
    "unfinished_trailing": "numpy.arange gives one timestep more than steps, t = -1, for some T/n that are not exact",
    "pndm_stride": "PNDM steps back by T//n wherever the next timestep is: linspace, and trailing unless n divides T",
    "pndm_half_stride": "PNDM's Runge-Kutta steps go to t - T//n//2; if T//n is odd, the network is told another time",
    "pndm_few": "PNDM with Runge-Kutta steps raises for fewer than 4 steps",
    "fixed_large_log": "DDPM takes the root of ln(beta): NaN",
    "learned_variance": "DDPM takes a learned log-variance for the variance, and its root: NaN where it is negative",
    "ddim_root": "DDIM with eta 1 from alpha_bar = 0 takes the root of a rounding error, NaN if it is negative",
    "inverse_at_clean": "DDIMInverse divides by 0 for sample prediction at the clean end",
    "dpm_third_sde": "DPM-Solver and EDM have no third-order step for sde algorithms, or no noise in it",
    "repeated_sigma": "a last sigma that is there twice gives 0/0, or the root of a rounding error",
    "unipc_zero": "UniPC to sigma 0 with order > 1, bh1 or noise prediction: NaN",
    "noise_thresholding": "SA-Solver and singlestep DPM-Solver index their tables by a timestep that is None",
    "inverse_sde": "DPM-Solver inverse with an sde algorithm: the root of a negative number",
    "inverse_duplicates": "DPM-Solver inverse drops a timestep that is there twice, but not its sigma, or begins at it",
    "inverse_single": "one step of DPM-Solver inverse over karras, exponential or beta sigmas goes nowhere",
    "edm_single_exponential": "EDM's exponential sigmas of one step begin at sigma_min",
    "single_stretch": "one step of a flow with shift_terminal divides by 0",
    "flow_end": "the end of a flow is sigma_0 of the betas' table, above the last sigma",
    "unclip_single": "UnCLIP divides by 0 for one step",
    "sde_ve_single": "SDE-VE's one step is from sigma_min, while the network is told sigma_max",
    "zero_snr_order": "2^-24 in the place of alpha_bar_{T-1} = 0 may be above alpha_bar_{T-2}",
    "ancestral_cancellation": "sigma_down, the root of a difference in float32, is lost or NaN where sigma falls fast",
    "third_sde_sign": "the third-order step of sde-dpmsolver++ has -1/2 where +1/2 follows from its derivation",
    "truncated_time": "times that are whole but for rounding are truncated to the timestep below",
    "float32_scale": "x of the scale of sigma_max, or scaled up by a large step, keeps its end to 6e-8 of that only",
    "shorter_than_order": "more steps than timesteps: some are there twice",
}
STEPS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 20, 21, 24, 25, 30, 33, 40, 48, 50)
SHAPE = (2, 1, 1, 4)


class Bug(Exception):
    pass


def bug(name, here=True):
    assert name in BUGS, name
    if here:
        raise Bug(name)


def model(x, t):
    t = torch.tensor(float(t), dtype=torch.float64)
    i = torch.arange(x.numel(), dtype=torch.float64).reshape(x.shape)
    return 0.5 * torch.sin(x + (0.002 * t).float()) + (0.4 * torch.cos(0.01 * t + i)).float()


def beginning():
    return torch.tensor([1.5 * math.sin(1.7 * i + 0.3) for i in range(8)], dtype=torch.float32).reshape(SHAPE)


def betas(r, curves=("linear", "scaled_linear", "squaredcos_cap_v2"), trained=True):
    c = {"num_train_timesteps": r.choice((100, 250, 1000, 1000, 1000, 1100)), "beta_schedule": r.choice(curves)}
    c["beta_start"], c["beta_end"] = r.choice(((1e-4, 0.02), (0.00085, 0.012), (0.001, 0.01)))
    if trained and r.random() < 0.04:
        c["num_train_timesteps"] = 60
        c["trained_betas"] = [round(0.001 + 0.0005 * i + 0.0002 * (i % 3), 6) for i in range(60)]
    return c


def spacing(r, names=("linspace", "leading", "trailing")):
    c = {"timestep_spacing": r.choice(names)}
    if r.random() < 0.5:
        c["steps_offset"] = 1
    return c


def predicts(r, *names):
    return {"prediction_type": r.choice(names)}


def limits(r, clip=True):
    c = {}
    if clip:
        c["clip_sample"] = r.random() < 0.5
        c["clip_sample_range"] = r.choice((1.0, 0.7, 2.0))
    if r.random() < 0.3:
        c |= {
            "thresholding": True,
            "dynamic_thresholding_ratio": r.choice((0.6, 0.9)),
            "sample_max_value": r.choice((1.0, 1.5)),
        }
    return c


def sigmas(r, *more):
    rule = r.choice((None, None, "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas") + more)
    return {rule: True} if rule else {}


def converts(c):
    return any(c.get(k) for k in ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"))


def zero_snr(r, c, any_prediction):
    if r.random() < 0.25:
        c["rescale_betas_zero_snr"] = True
        if not any_prediction and c.get("prediction_type") == "epsilon":
            c["prediction_type"] = "v_prediction"


def check_trailing(c, n):
    steps = c.get("num_train_timesteps", 1000)
    if c.get("timestep_spacing") == "trailing":
        bug("unfinished_trailing", math.ceil(steps / (steps / n)) != n)


def ddpm(r, n):
    c = betas(r, ("linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace")) | spacing(r) | limits(r)
    c |= predicts(r, "epsilon", "sample", "v_prediction")
    kinds = ("fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned", "learned_range")
    c["variance_type"] = r.choice(kinds)
    zero_snr(r, c, False)
    check_trailing(c, n)
    bug("fixed_large_log", c["variance_type"] == "fixed_large_log")
    bug("learned_variance", c["variance_type"] == "learned")
    return c


def ddim(r, n):
    c = betas(r) | spacing(r) | limits(r) | predicts(r, "epsilon", "sample", "v_prediction")
    c["set_alpha_to_one"] = r.random() < 0.5
    zero_snr(r, c, False)
    check_trailing(c, n)
    return c


def ddim_inverse(r, n):
    c = betas(r) | spacing(r, ("leading", "trailing")) | predicts(r, "epsilon", "sample", "v_prediction")
    c |= {
        "set_alpha_to_one": r.random() < 0.5,
        "clip_sample": r.random() < 0.3,
        "clip_sample_range": r.choice((1.0, 2.0)),
    }
    check_trailing(c, n)
    bug("inverse_at_clean", c["prediction_type"] == "sample" and c["set_alpha_to_one"])
    return c


def pndm(r, n):
    c = betas(r) | spacing(r) | predicts(r, "epsilon", "v_prediction")
    c |= {"set_alpha_to_one": r.random() < 0.5, "skip_prk_steps": r.random() < 0.5}
    steps = c["num_train_timesteps"]
    check_trailing(c, n)
    bug("pndm_stride", c["timestep_spacing"] == "linspace" or (c["timestep_spacing"] == "trailing" and steps % n != 0))
    bug("pndm_few", not c["skip_prk_steps"] and n < 4)
    bug(
        "float32_scale",
        c["timestep_spacing"] == "trailing" and c["beta_schedule"] == "squaredcos_cap_v2" and "trained_betas" not in c,
    )
    bug("pndm_half_stride", not c["skip_prk_steps"] and steps // n % 2 == 1)
    return c


def ratio(r, n, curves=("linear", "scaled_linear", "squaredcos_cap_v2"), kinds=("epsilon", "v_prediction")):
    c = betas(r, curves) | spacing(r) | predicts(r, *kinds)
    check_trailing(c, n)
    return c


def lms(r, n):
    return ratio(r, n, kinds=("epsilon", "v_prediction", "sample")) | sigmas(r)


def euler(r, n):
    c = ratio(r, n, kinds=("epsilon", "v_prediction", "sample")) | sigmas(r)
    if r.random() < 0.3:
        c["interpolation_type"] = "log_linear"
    if r.random() < 0.3:
        c["timestep_type"] = "continuous"
    if r.random() < 0.3:
        c["final_sigmas_type"] = "sigma_min"
    if converts(c) and r.random() < 0.5:
        c |= {"sigma_min": 0.05, "sigma_max": 10.0}
    zero_snr(r, c, True)
    return c


def euler_ancestral(r, n):
    c = ratio(r, n)
    zero_snr(r, c, True)
    return c


def heun(r, n):
    c = ratio(
        r, n, ("linear", "scaled_linear", "squaredcos_cap_v2", "exp"), ("epsilon", "v_prediction", "sample")
    ) | sigmas(r)
    if r.random() < 0.4:
        c |= {"clip_sample": True, "clip_sample_range": r.choice((1.0, 2.0))}
    return c


def kdpm2(r, n):
    return ratio(r, n) | sigmas(r)


def dpm(
    r,
    n,
    solvers=("midpoint", "heun"),
    algorithms=("dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver"),
    lu=(),
):
    c = betas(r) | spacing(r) | limits(r, clip=False) | sigmas(r, *lu)
    c |= {"solver_order": r.choice((1, 2, 2, 3)), "lower_order_final": r.random() < 0.6}
    if solvers:
        c["solver_type"] = r.choice(solvers)
    if algorithms:
        c["algorithm_type"] = r.choice(algorithms)
    noise = c.get("algorithm_type") in ("dpmsolver", "sde-dpmsolver")
    flow = r.random() < 0.2 and not converts(c)
    c |= predicts(
        r,
        "epsilon",
        "sample",
        *(() if flow else ("v_prediction",)),
        *(("flow_prediction",) if flow and not noise else ()),
    )
    if flow:
        c |= {"use_flow_sigmas": True, "flow_shift": r.choice((1.0, 3.0))}
    check_trailing(c, n)
    bug("shorter_than_order", n + 1 > c["num_train_timesteps"])
    return c


def last_is_solved(c, n):
    return not (c.get("lower_order_final", True) and n < 15) and not c.get("euler_at_final")


def check_repeated(c, n, repeats):
    curved = c.get("solver_type") == "heun" or c.get("solver_order", 2) == 3
    bug("repeated_sigma", repeats and curved and last_is_solved(c, n))
    bug("repeated_sigma", repeats and c.get("algorithm_type", "").startswith("sde"))


def flow_end(c, n):
    if c.get("use_flow_sigmas") and c.get("final_sigmas_type") == "sigma_min":
        s = getattr(diffusers, "DPMSolverMultistepScheduler")(
            **{k: v for k, v in c.items() if k.startswith(("beta", "num", "trained"))}
        )
        bug("flow_end", float(s.sigmas.min()) > (1 - 1 / c["num_train_timesteps"]) / n)


def dpm_multistep(r, n):
    c = dpm(r, n, lu=("use_lu_lambdas",))
    noise = c["algorithm_type"] in ("dpmsolver", "sde-dpmsolver")
    c["final_sigmas_type"] = "sigma_min" if noise or r.random() < 0.4 else "zero"
    c["euler_at_final"] = r.random() < 0.2
    if r.random() < 0.3:
        c["lambda_min_clipped"] = -3.0
    zero_snr(r, c, True)
    bug("dpm_third_sde", c["algorithm_type"] == "sde-dpmsolver" and c["solver_order"] == 3)
    bug("third_sde_sign", c["algorithm_type"] == "sde-dpmsolver++" and c["solver_order"] == 3)
    check_repeated(c, n, converts(c) and c["final_sigmas_type"] == "sigma_min")
    flow_end(c, n)
    return c


def dpm_inverse(r, n):
    c = dpm(r, n)
    bug("inverse_sde", c["algorithm_type"].startswith("sde"))
    c.pop("use_flow_sigmas", None)
    c["prediction_type"] = {"flow_prediction": "v_prediction"}.get(c["prediction_type"], c["prediction_type"])
    c.pop("flow_shift", None)
    if r.random() < 0.3:
        c["lambda_min_clipped"] = -3.0
    check_repeated(c, n, converts(c) or c["timestep_spacing"] == "trailing")
    bug("inverse_single", converts(c) and n == 1)
    s = diffusers.DPMSolverMultistepInverseScheduler(**c)
    s.set_timesteps(n)
    bug("inverse_duplicates", len(set(s.timesteps.tolist())) + 1 != len(s.sigmas))
    return c


def dpm_singlestep(r, n):
    c = dpm(r, n, algorithms=("dpmsolver++", "dpmsolver", "sde-dpmsolver++"))
    for key in ("timestep_spacing", "steps_offset"):
        c.pop(key, None)
    c["final_sigmas_type"] = "sigma_min" if c["algorithm_type"] == "dpmsolver" or r.random() < 0.4 else "zero"
    if r.random() < 0.3:
        c["lambda_min_clipped"] = -3.0
    bug("noise_thresholding", c["algorithm_type"] == "dpmsolver" and c.get("thresholding", False))
    bug("repeated_sigma", converts(c) and c["final_sigmas_type"] == "sigma_min")
    bug(
        "third_sde_sign",
        c["algorithm_type"] == "sde-dpmsolver++" and c["solver_order"] == 3 and c["solver_type"] == "heun",
    )
    flow_end(c, n)
    return c


def unipc(r, n):
    c = dpm(r, n, ("bh1", "bh2"), ())
    c["predict_x0"] = r.random() < 0.7 or c["prediction_type"] == "flow_prediction"
    c["final_sigmas_type"] = r.choice(("sigma_min", "zero"))
    c["disable_corrector"] = r.choice(([], [], [0], [1, 3]))
    if c.get("use_flow_sigmas"):
        if r.random() < 0.4:
            c["shift_terminal"] = 0.1
        if r.random() < 0.3:
            c["use_karras_sigmas"] = True
        if r.random() < 0.3 and not c.get("use_karras_sigmas"):
            c |= {"use_dynamic_shifting": True, "time_shift_type": r.choice(("exponential", "linear"))}
        bug("single_stretch", n == 1 and "shift_terminal" in c and not c.get("use_karras_sigmas"))
    elif converts(c) and r.random() < 0.3:
        c |= {"sigma_min": 0.05, "sigma_max": 10.0}
    zero_snr(r, c, True)
    to_zero = c["final_sigmas_type"] == "zero"
    bug(
        "unipc_zero",
        to_zero
        and (
            not c["predict_x0"]
            or c["solver_type"] == "bh1"
            or (c["solver_order"] > 1 and not c["lower_order_final"] and n > 1)
        ),
    )
    bug(
        "repeated_sigma",
        c["solver_order"] == 3
        and not to_zero
        and not c["lower_order_final"]
        and (converts(c) or "use_flow_sigmas" in c),
    )
    return c


def deis(r, n):
    c = dpm(r, n, (), ())
    if c.get("use_flow_sigmas") and r.random() < 0.3:
        c["use_dynamic_shifting"] = True
    return c


def sa_solver(r, n):
    c = dpm(r, n, (), ("data_prediction", "noise_prediction"))
    del c["solver_order"]
    c |= {"predictor_order": r.choice((1, 2, 3)), "corrector_order": r.choice((1, 2, 3))}
    if c["algorithm_type"] == "noise_prediction" and c["prediction_type"] == "flow_prediction":
        c["prediction_type"] = "epsilon"
    if r.random() < 0.3:
        c["lambda_min_clipped"] = -3.0
    bug("noise_thresholding", c["algorithm_type"] == "noise_prediction" and c.get("thresholding", False))
    bug("repeated_sigma", (converts(c) or "use_flow_sigmas" in c) and not c["lower_order_final"])
    return c


def edm(r, n):
    c = predicts(r, "epsilon", "v_prediction") | {"sigma_schedule": r.choice(("karras", "exponential"))}
    c |= {
        "final_sigmas_type": r.choice(("zero", "sigma_min")),
        "rho": r.choice((7.0, 5.0)),
        "sigma_data": r.choice((0.5, 1.0)),
    }
    if r.random() < 0.5:
        c |= {"sigma_min": 0.01, "sigma_max": 40.0}
    bug("edm_single_exponential", n == 1 and c["sigma_schedule"] == "exponential")
    return c


def edm_dpm(r, n):
    c = edm(r, n) | limits(r, clip=False)
    c |= {
        "solver_order": r.choice((1, 2, 2, 3)),
        "solver_type": r.choice(("midpoint", "heun")),
        "lower_order_final": r.random() < 0.6,
        "euler_at_final": r.random() < 0.2,
        "algorithm_type": r.choice(("dpmsolver++", "sde-dpmsolver++")),
    }
    bug("dpm_third_sde", c["algorithm_type"].startswith("sde") and c["solver_order"] == 3)
    check_repeated(c, n, c["final_sigmas_type"] == "sigma_min")
    return c


def cosine_dpm(r, n):
    c = edm(r, n) | {
        "solver_order": r.choice((1, 2)),
        "solver_type": r.choice(("midpoint", "heun")),
        "lower_order_final": r.random() < 0.6,
    }
    check_repeated(c | {"algorithm_type": "sde"}, n, c["final_sigmas_type"] == "sigma_min")
    return c


def distilled(r, n):
    c = betas(r, trained=False) | limits(r) | predicts(r, "epsilon", "sample", "v_prediction")
    c |= {"original_inference_steps": r.choice((50, 60, 100)), "timestep_scaling": r.choice((10.0, 1.0))}
    c["set_alpha_to_one"] = r.random() < 0.5
    zero_snr(r, c, False)
    return c


def consistency(r, n):
    c = {
        "num_train_timesteps": r.choice((60, 151, 201)),
        "clip_denoised": r.random() < 0.5,
        "s_noise": r.choice((1.0, 0.9)),
    }
    if r.random() < 0.4:
        c |= {"sigma_min": 0.01, "sigma_max": 40.0, "rho": 5.0, "sigma_data": 1.0}
    return c


def flow_euler(r, n):
    c = {"num_train_timesteps": r.choice((1000, 100)), "shift": r.choice((1.0, 3.0))} | sigmas(r)
    c |= {"stochastic_sampling": r.random() < 0.25, "invert_sigmas": r.random() < 0.15}
    if c["invert_sigmas"]:
        c["stochastic_sampling"] = False
    if r.random() < 0.3:
        c |= {"use_dynamic_shifting": True, "time_shift_type": r.choice(("exponential", "linear"))}
    if r.random() < 0.3:
        c["shift_terminal"] = 0.1
    bug("single_stretch", n == 1 and "shift_terminal" in c)
    return c


def flow_heun(r, n):
    return {"num_train_timesteps": r.choice((1000, 100)), "shift": r.choice((1.0, 3.0))}


def score_sde_ve(r, n):
    bug("sde_ve_single", n == 1)
    return {
        "num_train_timesteps": 100,
        "sigma_max": r.choice((3.0, 5.0)),
        "snr": r.choice((0.15, 0.1)),
        "correct_steps": r.choice((1, 2)),
    }


def repaint(r, n):
    c = betas(r, ("linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"), trained=False)
    return c | {"eta": r.choice((0.0, 0.5, 1.0)), "clip_sample": r.random() < 0.5}


def unclip(r, n):
    bug("unclip_single", n == 1)
    c = {
        "num_train_timesteps": r.choice((100, 1000)),
        "clip_sample": r.random() < 0.5,
        "clip_sample_range": r.choice((1.0, 2.0)),
    }
    return c | predicts(r, "epsilon", "sample") | {"variance_type": r.choice(("fixed_small_log", "learned_range"))}


CLASSES = {
    "DDPM": (ddpm, 10),
    "DDPMParallel": (ddpm, 4),
    "DDIM": (ddim, 10),
    "DDIMParallel": (ddim, 4),
    "DDIMInverse": (ddim_inverse, 7),
    "PNDM": (pndm, 10),
    "LMSDiscrete": (lms, 9),
    "EulerDiscrete": (euler, 14),
    "EulerAncestralDiscrete": (euler_ancestral, 8),
    "HeunDiscrete": (heun, 10),
    "KDPM2Discrete": (kdpm2, 9),
    "KDPM2AncestralDiscrete": (kdpm2, 9),
    "DPMSolverSDE": (kdpm2, 8),
    "DPMSolverMultistep": (dpm_multistep, 24),
    "DPMSolverMultistepInverse": (dpm_inverse, 8),
    "DPMSolverSinglestep": (dpm_singlestep, 16),
    "UniPCMultistep": (unipc, 20),
    "DEISMultistep": (deis, 12),
    "SASolver": (sa_solver, 14),
    "IPNDM": (lambda r, n: {}, 4),
    "EDMEuler": (edm, 6),
    "EDMDPMSolverMultistep": (edm_dpm, 10),
    "CosineDPMSolverMultistep": (cosine_dpm, 6),
    "LCM": (distilled, 7),
    "TCD": (distilled, 7),
    "CMStochasticIterative": (consistency, 6),
    "FlowMatchEulerDiscrete": (flow_euler, 12),
    "FlowMatchHeunDiscrete": (flow_heun, 4),
    "ScoreSdeVe": (score_sde_ve, 4),
    "RePaint": (repaint, 6),
    "UnCLIP": (unclip, 5),
}


class Recorder:
    def __init__(self, has_head=False):
        self.times, self.inputs, self.has_head = [], [], has_head

    def __call__(self, x, t):
        self.times.append(float(t))
        self.inputs.append(x.flatten().tolist())
        out = model(x, t)
        return torch.cat([out, 0.6 * torch.sin(2 * x + 0.01 * float(t))], dim=1) if self.has_head else out


def loop(name, scheduler, n, options, seed, net):
    """The loop of diffusers' pipelines."""
    generator = torch.Generator().manual_seed(seed)
    x = beginning()
    if name == "RePaint":
        scheduler.set_timesteps(n, options["jump_length"], options["jump_count"])
        last = scheduler.timesteps[0] + 1
        for t in scheduler.timesteps:
            if t < last:
                x = scheduler.step(net(x, t), t, x, torch.zeros(SHAPE), torch.zeros(SHAPE), generator).prev_sample
            else:
                x = scheduler.undo_step(x, last, generator)
            last = t
        return x
    if name == "ScoreSdeVe":
        scheduler.set_timesteps(n)
        scheduler.set_sigmas(n)
        x = x * scheduler.init_noise_sigma
        for i, t in enumerate(scheduler.timesteps):
            for _ in range(scheduler.config.correct_steps):
                x = scheduler.step_correct(net(x, scheduler.sigmas[i]), x, generator).prev_sample
            out = scheduler.step_pred(net(x, scheduler.sigmas[i]), t, x, generator)
            x = out.prev_sample
        return out.prev_sample_mean
    scheduler.set_timesteps(n, **({"mu": options["mu"]} if "mu" in options else {}))
    if name not in ("DDIMInverse", "DPMSolverMultistepInverse"):
        x = x * getattr(scheduler, "init_noise_sigma", 1.0)
    if name in ("SASolver", "DEISMultistep"):
        # Their integrals are differences of large numbers: in double they keep their digits.
        scheduler.sigmas = scheduler.sigmas.double()
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)
    if name in ("DPMSolverSDE", "CosineDPMSolverMultistep"):
        # Independent draws in the place of the Brownian tree.
        scheduler.noise_sampler = lambda *_: torch.randn(SHAPE, generator=generator)
    keywords = {"eta": options["eta"]} if "eta" in options else {}
    parameters = (
        type(scheduler).step.__wrapped__.__code__.co_varnames
        if hasattr(type(scheduler).step, "__wrapped__")
        else type(scheduler).step.__code__.co_varnames
    )
    if "generator" in parameters:
        keywords["generator"] = generator
    for i, t in enumerate(scheduler.timesteps):
        if name == "UnCLIP":
            keywords["prev_timestep"] = scheduler.timesteps[i + 1] if i + 1 < n else None
        scaled = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        x = scheduler.step(net(scaled, t), t, x, **keywords).prev_sample
    return x


def draw(name, r):
    make, _ = CLASSES[name]
    n = r.choice(STEPS)
    config = make(r, n)
    options = {}
    if name in ("DDIM", "DDIMParallel"):
        options["eta"] = r.choice((0.0, 0.0, 0.5, 1.0))
        bug("ddim_root", options["eta"] == 1 and "rescale_betas_zero_snr" in config)
    if name == "TCD":
        options["eta"] = r.choice((0.0, 0.3, 0.5, 1.0))
    if config.get("use_dynamic_shifting"):
        options["mu"] = r.choice((0.6, 1.1))
    if name == "RePaint":
        options |= {"jump_length": r.choice((1, 2, 3)), "jump_count": r.choice((1, 2, 3))}
        n = min(n, 10)
    return n, config, options


RATIO = (
    "LMSDiscrete",
    "EulerDiscrete",
    "EulerAncestralDiscrete",
    "HeunDiscrete",
    "KDPM2Discrete",
    "KDPM2AncestralDiscrete",
    "DPMSolverSDE",
)


def numerical_bug(name, kind, c, n, options):
    """The bugs that depend on the values of sigma and of the times."""
    if name not in RATIO and "solver_order" not in c and name != "SASolver" or name.startswith(("EDM", "Cosine")):
        return None
    s = kind(**c)
    exact = []
    to_time = getattr(s, "_sigma_to_t", None)
    s._sigma_to_t = lambda *a: exact.append(to_time(*a)) or exact[-1]
    s.set_timesteps(n, **({"mu": options["mu"]} if "mu" in options else {}))
    sigma = s.sigmas.double()
    if name != "DPMSolverMultistepInverse" and bool((sigma.diff() > 0).any()):
        return "zero_snr_order"
    if s.timesteps.dtype == torch.int64 and int(s.timesteps.min()) < 0:
        return "unfinished_trailing"
    if s.timesteps.dtype == torch.int64:
        if c.get("use_flow_sigmas"):
            exact = [v * c["num_train_timesteps"] for v in sigma[:-1]]
        if any(
            abs(float(e) - round(float(e))) < 1e-3 and round(float(e)) != int(t) for e, t in zip(exact, s.timesteps)
        ):
            return "truncated_time"
    ratio = sigma / (1 - sigma) if c.get("use_flow_sigmas") else sigma
    falls = ratio[ratio > 0]
    largest = float((falls[:-1] / falls[1:]).max()) if len(falls) > 1 else 1
    if (
        name in ("EulerAncestralDiscrete", "DPMSolverSDE")
        and largest > 30
        or name == "KDPM2AncestralDiscrete"
        and largest > 4
    ):
        return "ancestral_cancellation"
    if c.get("use_flow_sigmas") and c["prediction_type"] == "epsilon" and float(ratio.max()) > 500:
        return "float32_scale"
    table = torch.sqrt((1 - s.alphas_cumprod.double()) / s.alphas_cumprod.double())
    if c.get("rescale_betas_zero_snr") and converts(c) and bool((table.diff() < 0).any()):
        return "zero_snr_order"
    if name in RATIO and float(sigma.max()) > 200:
        return "float32_scale"
    if name == "HeunDiscrete" and len(falls) > 1 and float((falls[:-1] ** 2 / falls[1:]).max()) > 1000:
        return "float32_scale"
    of_noise = (
        name == "DEISMultistep"
        or c.get("algorithm_type") in ("dpmsolver", "sde-dpmsolver", "noise_prediction")
        or c.get("predict_x0") is False
    )
    if of_noise and (largest > 50 or float(ratio.max()) > 500):
        return "float32_scale"
    return None


BETAS = [1.0, 0.9, 0.62, 0.4, 0.15, 0.02]
MANY = {"num_train_timesteps": 10}

# Configurations that the random ones do not reach: shifts below 1, more steps than timesteps, keys that a class ignores
# or takes from another class's config.
EXTRA = [
    ("FlowMatchEulerDiscrete", {"shift": 0.2}, 10, {}),
    ("FlowMatchEulerDiscrete", {"shift": 0.07, "use_karras_sigmas": True}, 6, {}),
    ("FlowMatchEulerDiscrete", {"shift": 0.6, "shift_terminal": 0.1}, 6, {}),
    ("FlowMatchEulerDiscrete", {"use_dynamic_shifting": True}, 8, {"mu": -1.3}),
    ("FlowMatchEulerDiscrete", {"num_train_timesteps": 1}, 3, {}),
    ("FlowMatchHeunDiscrete", {"shift": 0.2}, 6, {}),
    ("DPMSolverMultistep", {"variance_type": "fixed_large"}, 8, {}),
    ("DPMSolverSinglestep", {"variance_type": "fixed_small_log"}, 8, {}),
    ("SASolver", {"variance_type": "fixed_small"}, 8, {}),
    ("DPMSolverMultistepInverse", {"variance_type": "fixed_large_log"}, 8, {}),
    ("DPMSolverSDE", {"noise_sampler_seed": 2**64 - 1}, 5, {}),
    ("IPNDM", {"trained_betas": BETAS}, 5, {}),
    ("IPNDM", {"trained_betas": BETAS[1:]}, 4, {}),
    ("IPNDM", {"trained_betas": BETAS[:0:-1]}, 4, {}),
    ("PNDM", {"skip_prk_steps": True, "num_train_timesteps": 3, "trained_betas": [0.1, 0.2, 0.3], "beta_schedule": "x"}, 3, {}),
    ("EulerDiscrete", MANY | {"use_karras_sigmas": True}, 15, {}),
    ("EulerDiscrete", MANY | {"use_exponential_sigmas": True, "timestep_spacing": "trailing"}, 15, {}),
    ("EulerDiscrete", MANY, 15, {}),
    ("HeunDiscrete", MANY | {"use_karras_sigmas": True, "timestep_spacing": "trailing"}, 15, {}),
    ("LMSDiscrete", MANY | {"use_karras_sigmas": True}, 15, {}),
    ("KDPM2Discrete", MANY | {"use_beta_sigmas": True}, 15, {}),
    ("KDPM2AncestralDiscrete", MANY | {"use_karras_sigmas": True}, 15, {}),
    ("DPMSolverSDE", MANY | {"use_exponential_sigmas": True, "timestep_spacing": "trailing"}, 15, {}),
    ("EulerAncestralDiscrete", MANY, 15, {}),
    ("KDPM2Discrete", {"use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 7.0}, 7, {}),
    ("LMSDiscrete", {"use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 7.0}, 7, {}),
    ("LMSDiscrete", {"use_exponential_sigmas": True, "sigma_min": 0.05, "sigma_max": 7.0}, 7, {}),
    ("DEISMultistep", {"use_exponential_sigmas": True, "sigma_min": 0.05}, 7, {}),
    ("SASolver", {"use_karras_sigmas": True, "sigma_max": 7.0}, 7, {}),
    ("DPMSolverMultistep", {"use_karras_sigmas": True, "sigma_max": 7.0}, 7, {}),
]


def short(values, digits=7):
    return [int(v) if v == int(v) else float(f"{v:.{digits}g}") for v in values]


def recorded(name, config, n, options, seed):
    scheduler = getattr(diffusers, name + "Scheduler").from_config(config)
    net = Recorder(config.get("variance_type") == "learned_range")
    end = loop(name, scheduler, n, options, seed, net).flatten().tolist()
    if not all(map(math.isfinite, end)):
        sys.exit(f"{name} {config} {n}: {end}")
    some = sorted({min(1, len(net.inputs) - 1), len(net.inputs) // 2, len(net.inputs) - 1})
    return {
        "config": json.dumps({"_class_name": name + "Scheduler"} | config),
        "steps": n,
        "seed": seed,
        **options,
        "times": short(net.times, 9),
        "inputs": {str(i): short(net.inputs[i]) for i in some},
        "end": short(end),
    }


def main(seed, times_as_many):
    runs, avoided, defaults = [], {}, []
    for name, (_, count) in CLASSES.items():
        kind = getattr(diffusers, name + "Scheduler")
        defaults.append(kind().to_json_string())
        r = random.Random(f"{seed} {name}")
        made = 0
        while made < count * times_as_many:
            try:
                n, config, options = draw(name, r)
            except Bug as b:
                avoided[b.args[0]] = avoided.get(b.args[0], 0) + 1
                continue
            found = numerical_bug(name, kind, config, n, options)
            if found:
                avoided[found] = avoided.get(found, 0) + 1
                continue
            runs.append(recorded(name, config, n, options, len(runs) + 1))
            made += 1
    for name, config, n, options in EXTRA:
        runs.append(recorded(name, config, n, options, len(runs) + 1))
    lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in runs)
    print(
        '{"diffusers":%s,\n"defaults":%s,\n"bugs":%s,\n"avoided":%s,\n"runs":[\n%s\n]}'
        % (
            json.dumps(diffusers.__version__),
            json.dumps(defaults),
            json.dumps(BUGS, indent=1),
            json.dumps(avoided),
            lines,
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
