#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import torch  # noqa: E402
from random_checkpoints import fill_from_model, main  # noqa: E402

GPT2 = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new",
        "attn_pdrop": 0.1, "bos_token_id": 1, "embd_pdrop": 0.1, "eos_token_id": 2, "initializer_range": 0.02,
        "layer_norm_epsilon": 1e-5, "n_ctx": 64, "n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 64,
        "resid_pdrop": 0.1, "summary_activation": None, "summary_first_dropout": 0.1, "summary_proj_to_labels": True,
        "summary_type": "cls_index", "summary_use_proj": True, "vocab_size": 128}

CHECKPOINTS = {
    # As published: no prefix before the names, and the causal mask of each layer among the tensors.
    "published_f32": GPT2 | {"torch_dtype": "float32", "task_specific_params": {"text-generation": {"do_sample": True}}},
    # Scores of layer i are divided by i + 1 too, the hidden layer is not four times as wide, lm_head is apart.
    "inverse_layer_untied_saved_bf16": GPT2 | {
        "n_inner": 48, "n_layer": 3, "scale_attn_by_inverse_layer_idx": True, "tie_word_embeddings": False,
        "torch_dtype": "bfloat16"},
}


def fill(weights, config):
    fill_from_model(weights, config)
    if "task_specific_params" not in config:
        return
    for name in list(weights):
        weights[name.removeprefix("transformer.")] = weights.pop(name)
    for i in range(config["n_layer"]):
        mask = torch.ones(config["n_ctx"], config["n_ctx"], dtype=weights.dtype).tril()
        weights[f"h.{i}.attn.bias"] = mask[None, None].contiguous()


if __name__ == "__main__":
    main(__file__, CHECKPOINTS, fill)
