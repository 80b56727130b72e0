#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

# Heads of 20, of which eight features turn; attention and MLP read the same norm; lm_head has a bias too.
PHI = {"architectures": ["PhiForCausalLM"], "model_type": "phi", "attention_dropout": 0.0, "bos_token_id": 1,
       "embd_pdrop": 0.0, "eos_token_id": 2, "hidden_act": "gelu_new", "hidden_size": 40, "initializer_range": 0.02,
       "intermediate_size": 64, "layer_norm_eps": 1e-5, "max_position_embeddings": 128, "num_attention_heads": 2,
       "num_hidden_layers": 2, "partial_rotary_factor": 0.4, "resid_pdrop": 0.1, "rope_scaling": None,
       "rope_theta": 10000.0, "tie_word_embeddings": False, "use_cache": True, "vocab_size": 128}

CHECKPOINTS = {
    # As Phi-2, whose hidden layer is four times as wide: GGUF files say no other.
    "mha_f16": PHI | {
        "intermediate_size": 160, "num_key_value_heads": None, "qk_layernorm": False, "torch_dtype": "float16"},
    # A layer norm with bias over each head of q and k, before they turn.
    "qk_norm_gqa_saved_f32": PHI | {
        "num_attention_heads": 4, "num_key_value_heads": 2, "qk_layernorm": True, "torch_dtype": "float32"},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
