"""Searches seeds for tiny random checkpoints and writes them with their golden.json. <family>/make_checkpoints.py says
what they look like and calls `main`."""

import json
import math
import pathlib
import sys
import tempfile

import torch
import transformers
from make_goldens import float64_everywhere, forward, golden, load, write
from safetensors.torch import load_file, save_file

PROMPT_LENGTHS = (1, 5, 33)
NEW_TOKENS = 24
MIN_MARGIN = 0.02
# How far rounded weights, keys and values may move the logits, relative to the largest: four fifths of what tests allow.
ROUNDED = {torch.float16: 4e-3, torch.bfloat16: 2.4e-2}
KEYS_AND_VALUES = ("k_proj", "v_proj", "qkv_proj", "query_key_value", "c_attn")


class RandomWeights(dict):
    """Tensors by name, in the config's dtype, from one generator: the order of the calls is part of the result."""

    def __init__(self, config, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        self.dtype = getattr(torch, config.get("torch_dtype") or config["dtype"])

    def draw(self, *shape, std, mean=0.0):
        return (torch.randn(*shape, generator=self.generator) * std + mean).to(self.dtype)

    def normal(self, name, *shape, std, mean=0.0):
        self[name] = self.draw(*shape, std=std, mean=mean)

    def norm(self, name, width):
        self.normal(f"{name}.weight", width, std=0.2, mean=1.0)

    def linear(self, name, rows, cols, bias, gain=1.5):
        self.normal(f"{name}.weight", rows, cols, std=gain / math.sqrt(cols))
        if bias:
            self.normal(f"{name}.bias", rows, std=0.5)


def moments(module, name, tensor, given):
    """Standard deviation and mean of a parameter or buffer. Attention stays peaked and each layer moves the residual
    stream, so that every op shows in the logits; what is initialised to one value, 0 or 1, must not stay there. `given`
    holds those of names that contain its keys."""
    for part, std_and_mean in given.items():
        if part in name:
            return std_and_mean
    if tensor.dim() == 1:
        values = tensor.detach().float()
        mean = values[0].item() if values.min() == values.max() else 0.0
        return (0.2 if name.endswith(("weight", "e_score_correction_bias")) else 0.5), mean
    if isinstance(module, torch.nn.Embedding):
        return 0.4, 0.0
    inputs = tensor.shape[0] if isinstance(module, transformers.pytorch_utils.Conv1D) else tensor.shape[-1]
    return (2.5 if name.startswith("lm_head") else 1.5) / math.sqrt(inputs), 0.0


def fill_from_model(weights, config, given=None):
    """Every parameter and saved buffer of transformers' model of this config, as its save_pretrained writes them."""
    settings = transformers.AutoConfig.for_model(**config)
    model = getattr(transformers, config["architectures"][0])._from_config(settings, dtype=weights.dtype)
    saved = model.state_dict(keep_vars=True)
    filled = set()
    for prefix, module in model.named_modules():
        tensors = list(module.named_parameters(recurse=False)) + list(module.named_buffers(recurse=False))
        for key, tensor in tensors:
            name = f"{prefix}.{key}"
            if name not in saved or id(tensor) in filled or not tensor.is_floating_point():
                continue
            filled.add(id(tensor))
            std, mean = moments(module, name, tensor, given or {})
            tensor.data.copy_(weights.draw(*tensor.shape, std=std, mean=mean))
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        weights.update(load_file(pathlib.Path(folder) / "model.safetensors"))
        weights.saved_config = json.loads((pathlib.Path(folder) / "config.json").read_text())


def save(directory, config, weights):
    """`saved` in the name: config.json as save_pretrained of this transformers writes it, else as it is given."""
    directory.mkdir(exist_ok=True)
    if "saved" in directory.name:
        config = weights.saved_config
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    metadata = {"format": "pt"}
    if "sharded" not in directory.name:
        save_file(weights, directory / "model.safetensors", metadata)
        (directory / "model.safetensors").chmod(0o644)
        return
    names = list(weights)
    half = len(names) // 2
    files = {"model-00001-of-00002.safetensors": names[:half], "model-00002-of-00002.safetensors": names[half:]}
    for file, part in files.items():
        save_file({n: weights[n] for n in part}, directory / file, metadata)
    index = {"metadata": {"total_size": sum(t.nbytes for t in weights.values())},
             "weight_map": {n: file for file, part in files.items() for n in part}}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


def prompts(config, lengths):
    text = config.get("text_config", config)
    generator = torch.Generator().manual_seed(text["vocab_size"])
    body = [torch.randint(3, text["vocab_size"], (n - 1,), generator=generator).tolist() for n in lengths]
    return [(None, [text["bos_token_id"]] + ids) for ids in body]


def usable(case):
    return (len(case["greedy_ids"]) == NEW_TOKENS and case["min_top2_margin"] >= MIN_MARGIN and
            len(set(case["greedy_ids"])) >= 6)


def stands_rounding(model, cases, dtype):
    """Whether the logits are about the same with weights, keys and values of fewer bits: an expert that is chosen by a
    hair's breadth, say, would make them others."""
    def round_output(_module, _inputs, output):
        return output.to(dtype).double()

    hooks = [m.register_forward_hook(round_output) for name, m in model.named_modules() if name.endswith(KEYS_AND_VALUES)]
    exact = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.data.copy_(parameter.to(dtype))
    worst = 0.0
    with float64_everywhere():
        for case in cases:
            expected = torch.tensor(case["last_logits"], dtype=torch.float64)
            error = (forward(model, case["prompt_ids"])[-1] - expected).abs().max() / expected.abs().max()
            worst = max(worst, error.item())
    for name, parameter in model.named_parameters():
        parameter.data.copy_(exact[name])
    for hook in hooks:
        hook.remove()
    return worst <= ROUNDED[dtype]


def make(directory, config, fill, lengths, max_context):
    for seed in range(400):
        weights = RandomWeights(config, seed)
        fill(weights, config)
        save(directory, config, weights)
        model = load(directory)
        result = golden(model, prompts(config, lengths), NEW_TOKENS, usable=usable)
        if result and all(stands_rounding(model, result["cases"], dtype) for dtype in ROUNDED):
            result["seed"] = seed
            if max_context:
                result["max_context"] = max_context
            write(result, directory / "golden.json")
            closest = min(c["min_top2_margin"] for c in result["cases"])
            largest = max(max(map(abs, c["last_logits"])) for c in result["cases"])
            print(f"{directory.parent.name}/{directory.name}: seed {seed}, closest top-2 margin {closest:.3f}, largest "
                  f"logit {largest:.1f}", flush=True)
            return
    sys.exit(f"{directory.name}: no usable seed below 400")


def main(script, checkpoints, fill=fill_from_model, lengths=None, max_context=None):
    """checkpoints: config.json by name. fill(weights, config) adds all tensors to a RandomWeights. lengths: of the
    prompts of checkpoints, by name, where not PROMPT_LENGTHS. max_context: positions that the model must be compiled
    for, by name, where the goldens hold for no other. Arguments: names."""
    torch.set_num_threads(1)  # sums in one order, so that the files come out the same everywhere
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for wanted in sys.argv[1:] or checkpoints:
        make(pathlib.Path(script).resolve().parent / wanted, checkpoints[wanted], fill,
             (lengths or {}).get(wanted, PROMPT_LENGTHS), (max_context or {}).get(wanted))
