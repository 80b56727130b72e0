#!/usr/bin/env python3
"""Writes rope_goldens.json: RoPE inverse frequencies of Llama configurations, computed by transformers.

    python3 make_rope_goldens.py

Each case holds a config.json, the inverse frequencies and the attention scaling as transformers computes them in
float32 ("float32"), and by the same code with float32 spelt float64 ("float64"). Needs torch and transformers;
neither is needed to build or test.
"""

import json
import pathlib
import sys

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[1] / "goldens"))

import torch
import transformers
from make_goldens import float64_everywhere
from transformers.models.llama import modeling_llama

SHAPE = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 128, "hidden_size": 256,
         "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 8192}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}

CASES = {
    "default": {"head_dim": 64},
    "default_theta_in_rope_parameters": {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
    "null_scaling": {"head_dim": 128, "rope_theta": 100000, "rope_scaling": None},
    "linear_old_key": {"rope_theta": 10000.0, "rope_scaling": {"type": "linear", "factor": 2.5}},
    "linear_new_key": {"rope_parameters": {"rope_type": "linear", "factor": 4, "rope_theta": 5e5}},
    "llama_3_1": {"head_dim": 128, "rope_theta": 5e5, "max_position_embeddings": 131072, "rope_scaling": LLAMA3},
    "llama_3_2": {"head_dim": 64, "rope_theta": 5e5, "max_position_embeddings": 131072,
                  "rope_scaling": LLAMA3 | {"factor": 32.0}},
    "llama3_in_rope_parameters": {"head_dim": 64, "max_position_embeddings": 131072,
                                  "rope_parameters": LLAMA3 | {"factor": 32.0, "rope_theta": 5e5}},
    "llama3_narrow_band": {"head_dim": 32, "rope_theta": 5e5, "max_position_embeddings": 512,
                           "rope_scaling": LLAMA3 | {"low_freq_factor": 1.5, "high_freq_factor": 2,
                                                     "original_max_position_embeddings": 64}},
    "yarn": {"head_dim": 64, "max_position_embeddings": 16384, "rope_theta": 10000.0, "rope_scaling": YARN},
    "yarn_without_truncation": {"head_dim": 128, "max_position_embeddings": 16384, "rope_theta": 150000.0,
                                "rope_scaling": YARN | {"truncate": False, "beta_fast": 16.0, "beta_slow": 2.0}},
    "yarn_attention_factor": {"head_dim": 64, "max_position_embeddings": 16384, "rope_theta": 1e6,
                              "rope_scaling": YARN | {"attention_factor": 1.25}},
    "yarn_mscale": {"head_dim": 64, "max_position_embeddings": 163840, "rope_theta": 10000.0,
                    "rope_scaling": YARN | {"factor": 40.0, "mscale": 0.707, "mscale_all_dim": 1.0}},
    "yarn_factor_from_lengths": {"head_dim": 64, "max_position_embeddings": 32768, "rope_theta": 1e6,
                                 "rope_scaling": YARN | {"factor": None}},
}


def compute(config):
    rope = modeling_llama.LlamaRotaryEmbedding(transformers.LlamaConfig(**json.loads(json.dumps(config))))
    return {"inverse_frequencies": rope.inv_freq.tolist(), "attention_scaling": float(rope.attention_scaling)}


def main():
    cases = []
    for name, keys in CASES.items():
        config = SHAPE | keys
        case = {"name": name, "config": config, "float32": compute(config)}
        with float64_everywhere():
            case["float64"] = compute(config)
        cases.append(case)
    golden = {"made_with": {"torch": torch.__version__, "transformers": transformers.__version__}, "cases": cases}
    (here / "rope_goldens.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
