#!/usr/bin/env python3
"""Computes golden.json of a checkpoint in Hugging Face layout with transformers, in float64.

    python3 make_goldens.py DIR --prompt 1,17,4 --prompt 1 [--new-tokens 24] [--out FILE]
    python3 make_goldens.py DIR --text "First Citizen:" [--perplexity FILE --window 256]   (needs tokenizer.json in DIR)

Weights are read as they are stored (bf16, f16, f32) and widened; everything after that is float64 with eager
attention and no KV cache: each new token recomputes the whole sequence. Keys of golden.json:

    max_context               positions that the model must be compiled for, where that decides what it computes
    cases[].prompt_ids        input ids
    cases[].prompt            the text they came from, where there was one
    cases[].last_logits       logits of the last prompt position, [vocab]
    cases[].greedy_ids        greedy continuation; ends before the first EOS
    cases[].greedy_margins    largest minus second largest logit of each greedy step
    cases[].min_top2_margin   the closest of them
    trace                     activations of one case (the longest prompt of at most 8 ids), 7 digits, rows are positions:
        case                  its index in cases
        embedding             what the table holds, [T, hidden]: before a multiplier or learned positions
        layer0                outputs of the first layer's modules, by their names: input_layernorm, self_attn, mlp, ...
        layers                residual stream after each layer, [layers, T, hidden]
        final_norm            [T, hidden]
    perplexity                text (file name beside golden.json), window, windows, perplexity: the first of each
                              window's ids is replaced by BOS, its second half counts, a rest is left out

Needs torch and transformers; neither is needed to build or test.
"""

import argparse
import contextlib
import json
import math
import pathlib
import sys

import torch
import transformers
from torch.utils._python_dispatch import TorchDispatchMode


class Float64Torch:
    """The torch module with float32 spelt float64, for modules that name float32 outright."""

    float32 = torch.float64
    float = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


@contextlib.contextmanager
def float64_everywhere():
    """Transformers computes norms, softmax and RoPE in float32 whatever the model's type; here they are float64."""
    named = [m for n, m in sys.modules.items()
             if n.startswith("transformers.") and ("modeling_" in n or "masking" in n) and getattr(m, "torch", None) is torch]
    to_float32, default = torch.Tensor.float, torch.get_default_dtype()
    for module in named:
        module.torch = Float64Torch()
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)  # of quotients of whole numbers
    try:
        yield
    finally:
        torch.Tensor.float = to_float32
        torch.set_default_dtype(default)
        for module in named:
            module.torch = torch


class OnlyFloat64(TorchDispatchMode):
    """No step may give a narrower float: what float64_everywhere does not reach would be rounded in silence."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point() and tensor.dtype != torch.float64:
                raise RuntimeError(f"{function} gave {tensor.dtype}")
        return result


def load(directory):
    options = dict(dtype=torch.float64, attn_implementation="eager", local_files_only=True)
    kind = getattr(transformers, json.loads((directory / "config.json").read_text())["architectures"][0])
    kind.from_pretrained(directory, **options)  # imports the family's modules to patch
    with float64_everywhere():
        model, found = kind.from_pretrained(directory, output_loading_info=True, **options)
    if found["missing_keys"] or found["mismatched_keys"]:
        sys.exit(f"{directory}: missing {found['missing_keys']}, of another shape {found['mismatched_keys']}")
    return model.eval()


def forward(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def rounded(tensor, digits=12):
    """Nested lists of numbers with so many significant digits: 12 are far under every tolerance, half the bytes of repr."""
    if tensor.dim() == 0:
        return float(f"{tensor.item():.{digits}g}")
    return [rounded(t, digits) for t in tensor]


def eos_ids(model):
    eos = model.generation_config.eos_token_id
    return set(eos if isinstance(eos, list) else [] if eos is None else [eos])


def greedy(model, prompt_ids, new_tokens):
    ids, margins, stop = list(prompt_ids), [], eos_ids(model)
    for _ in range(new_tokens):
        top = torch.topk(forward(model, ids)[-1], 2)
        if top.indices[0].item() in stop:
            break
        ids.append(top.indices[0].item())
        margins.append(top.values[0] - top.values[1])
    return ids[len(prompt_ids):], torch.stack(margins) if margins else torch.empty(0, dtype=torch.float64)


def layers_of(model):
    """The list of decoder layers, whatever it is called: the longest list of modules in the text model."""
    text = model.get_decoder() if hasattr(model, "get_decoder") else model.base_model
    return text, max((m for m in text.children() if isinstance(m, torch.nn.ModuleList)), key=len)


def trace(model, case, ids):
    seen = {}

    def record(name):
        def hook(_module, _inputs, output):
            seen[name] = rounded((output[0] if isinstance(output, tuple) else output)[0], 7)
        return hook

    text, layers = layers_of(model)
    inside = {name: m for name, m in layers[0].named_children() if "dropout" not in name}
    final_norm = [m for name, m in text.named_children() if "norm" in name or name == "ln_f"][-1]
    modules = {"embedding": model.get_input_embeddings(), "final_norm": final_norm}
    modules |= {f"layer{i}": layer for i, layer in enumerate(layers)} | {f"layer0.{n}": m for n, m in inside.items()}
    hooks = [m.register_forward_hook(record(name)) for name, m in modules.items()]
    forward(model, ids)
    for hook in hooks:
        hook.remove()
    return {"case": case, "embedding": seen["embedding"],
            "layer0": {name: seen[f"layer0.{name}"] for name in inside if f"layer0.{name}" in seen},
            "layers": [seen[f"layer{i}"] for i in range(len(layers))],
            "final_norm": seen["final_norm"]}


def case_of(model, text, ids, new_tokens):
    logits = forward(model, ids)[-1]
    new_ids, margins = greedy(model, ids, new_tokens)
    case = {} if text is None else {"prompt": text}
    return case | {"prompt_ids": ids, "last_logits": rounded(logits), "greedy_ids": new_ids,
                   "greedy_margins": rounded(margins), "min_top2_margin": min(rounded(margins), default=None)}


def golden(model, prompts, new_tokens, with_trace=True, usable=lambda case: True):
    """prompts: list of (text or None, ids). None as soon as a case is not usable."""
    cases = []
    with float64_everywhere(), OnlyFloat64():
        for text, ids in prompts:
            cases.append(case_of(model, text, ids, new_tokens))
            if not usable(cases[-1]):
                return None
        traced = max((i for i, (_, ids) in enumerate(prompts) if len(ids) <= 8), key=lambda i: len(prompts[i][1]),
                     default=None) if with_trace else None
        result = {"note": "float64, eager attention, no KV cache; greedy_ids end before EOS",
                  "made_with": {"torch": torch.__version__, "transformers": transformers.__version__}, "cases": cases}
        if traced is not None:
            result["trace"] = trace(model, traced, prompts[traced][1])
    return result


def perplexity(model, tokenizer, file, window):
    """As llama.cpp's tool counts it."""
    ids = tokenizer(file.read_text()).input_ids
    windows, total, counted = len(ids) // window, 0.0, 0
    with float64_everywhere():
        for i in range(windows):
            part = [tokenizer.bos_token_id] + ids[i * window + 1:(i + 1) * window]
            log_probs = torch.log_softmax(forward(model, part), -1)
            for at in range(window // 2, window - 1):
                total -= log_probs[at, part[at + 1]].item()
                counted += 1
    return {"text": file.name, "window": window, "windows": windows, "perplexity": math.exp(total / counted)}


def write(result, path):
    pathlib.Path(path).write_text(json.dumps(result, separators=(",", ":")) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--prompt", action="append", default=[], help="ids, separated by commas")
    parser.add_argument("--text", action="append", default=[], help="text, with the tokenizer's special tokens added")
    parser.add_argument("--new-tokens", type=int, default=24)
    parser.add_argument("--no-trace", action="store_true", help="leave out the activations")
    parser.add_argument("--perplexity", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--out", type=pathlib.Path, help="default: DIR/golden.json")
    args = parser.parse_args()
    prompts = [(None, [int(i) for i in p.split(",")]) for p in args.prompt]
    if args.text or args.perplexity:
        tokenizer = transformers.AutoTokenizer.from_pretrained(args.dir, local_files_only=True)
        prompts += [(text, tokenizer(text).input_ids) for text in args.text]
    model = load(args.dir)
    result = golden(model, prompts, args.new_tokens, not args.no_trace)
    if args.perplexity:
        result["perplexity"] = perplexity(model, tokenizer, args.perplexity, args.window)
    write(result, args.out or args.dir / "golden.json")


if __name__ == "__main__":
    main()
