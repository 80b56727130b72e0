#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

PHI3 = {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": 1, "embd_pdrop": 0.0, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 32,
        "initializer_range": 0.02, "intermediate_size": 48, "num_attention_heads": 2, "num_hidden_layers": 2,
        "num_key_value_heads": 1, "pad_token_id": 0, "resid_pdrop": 0.0, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
        "use_cache": True, "vocab_size": 128}

# Of 16 features of a head twelve turn, with a factor each: as in Phi-4-mini.
SHORT = [1.0, 1.1, 1.2, 1.3, 1.5, 2.0]
LONG = [1.1, 1.5, 2.5, 5.0, 9.0, 14.0]
LONGROPE = PHI3 | {"partial_rotary_factor": 0.75, "sliding_window": 262144, "max_position_embeddings": 1024,
                   "rope_scaling": {"long_factor": LONG, "short_factor": SHORT, "type": "longrope"}}

CHECKPOINTS = {
    "window8_bf16": PHI3 | {
        "max_position_embeddings": 128, "original_max_position_embeddings": 128, "rope_scaling": None,
        "sliding_window": 8, "tie_word_embeddings": False, "torch_dtype": "bfloat16"},
    # No sequence is longer than the original context: the short factors, for a model compiled for 256 positions.
    "longrope_short_tied_f32": LONGROPE | {
        "original_max_position_embeddings": 256, "tie_word_embeddings": True, "torch_dtype": "float32"},
    # Every sequence is longer: the long factors.
    "longrope_long_saved_bf16": LONGROPE | {
        "original_max_position_embeddings": 8, "tie_word_embeddings": False, "torch_dtype": "bfloat16"},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS, lengths={"longrope_long_saved_bf16": (9, 13, 33)},
         max_context={"longrope_short_tied_f32": 256})
