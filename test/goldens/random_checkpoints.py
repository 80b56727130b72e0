"""Searches seeds for tiny random checkpoints and writes them with their golden.json. <family>/make_checkpoints.py says
what they look like and calls `main`."""

import json
import math
import pathlib
import sys

import torch
from make_goldens import golden, write
from safetensors.torch import save_file

PROMPT_LENGTHS = (1, 5, 33)
NEW_TOKENS = 24
MIN_MARGIN = 0.02


class RandomWeights(dict):
    """Tensors by name, in the config's dtype, from one generator: the order of the calls is part of the result."""

    def __init__(self, config, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = getattr(torch, config.get("torch_dtype") or config["dtype"])

    def normal(self, name, *shape, std, mean=0.0):
        self[name] = (torch.randn(*shape, generator=self.generator) * std + mean).to(self.dtype)

    def norm(self, name, width):
        self.normal(f"{name}.weight", width, std=0.2, mean=1.0)

    def linear(self, name, rows, cols, bias, gain=1.5):
        self.normal(f"{name}.weight", rows, cols, std=gain / math.sqrt(cols))
        if bias:
            self.normal(f"{name}.bias", rows, std=0.5)


def save(directory, config, weights):
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    metadata = {"format": "pt"}
    if "sharded" not in directory.name:
        save_file(weights, directory / "model.safetensors", metadata)
        return
    names = list(weights)
    half = len(names) // 2
    files = {"model-00001-of-00002.safetensors": names[:half], "model-00002-of-00002.safetensors": names[half:]}
    for file, part in files.items():
        save_file({n: weights[n] for n in part}, directory / file, metadata)
    index = {"metadata": {"total_size": sum(t.nbytes for t in weights.values())},
             "weight_map": {n: file for file, part in files.items() for n in part}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def prompts(config):
    generator = torch.Generator().manual_seed(config["vocab_size"])
    body = [torch.randint(3, config["vocab_size"], (n - 1,), generator=generator).tolist() for n in PROMPT_LENGTHS]
    return [(None, [config["bos_token_id"]] + ids) for ids in body]


def usable(result):
    return all(len(c["greedy_ids"]) == NEW_TOKENS and c["min_top2_margin"] >= MIN_MARGIN and
               len(set(c["greedy_ids"])) >= 6 for c in result["cases"])


def make(directory, config, fill):
    for seed in range(200):
        weights = RandomWeights(config, seed)
        fill(weights, config)
        save(directory, config, weights)
        result = golden(directory, prompts(config), NEW_TOKENS)
        if usable(result):
            result["seed"] = seed
            write(result, directory / "golden.json")
            closest = min(c["min_top2_margin"] for c in result["cases"])
            print(f"{directory.name}: seed {seed}, closest top-2 margin {closest:.3f}")
            return
    sys.exit(f"{directory.name}: no usable seed below 200")


def main(script, checkpoints, fill):
    """checkpoints: config.json by name. fill(weights, config) adds all tensors to a RandomWeights. Arguments: names."""
    torch.set_num_threads(1)  # sums in one order, so that the files come out the same everywhere
    for wanted in sys.argv[1:] or checkpoints:
        make(pathlib.Path(script).resolve().parent / wanted, checkpoints[wanted], fill)
