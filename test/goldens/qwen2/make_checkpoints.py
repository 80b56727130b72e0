#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

QWEN2 = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "attention_dropout": 0.0, "bos_token_id": 1,
         "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 48,
         "max_position_embeddings": 128, "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-6,
         "use_cache": True, "vocab_size": 128}

CHECKPOINTS = {
    # A window that is there but off. q, k and v have a bias that no key tells of, o has none.
    "tied_f32": QWEN2 | {
        "num_hidden_layers": 2, "rope_theta": 1000000.0, "sliding_window": 8, "max_window_layers": 1,
        "use_sliding_window": False, "tie_word_embeddings": True, "torch_dtype": "float32"},
    # The first max_window_layers layers see everything, those after them 8 positions.
    "window8_bf16": QWEN2 | {
        "num_hidden_layers": 3, "rope_theta": 10000.0, "sliding_window": 8, "max_window_layers": 1,
        "use_sliding_window": True, "tie_word_embeddings": False, "torch_dtype": "bfloat16"},
    "yarn_saved_f16": QWEN2 | {
        "num_hidden_layers": 2, "rope_theta": 10000.0, "sliding_window": None, "max_window_layers": 2,
        "use_sliding_window": False, "tie_word_embeddings": False, "torch_dtype": "float16",
        "rope_scaling": {"factor": 4.0, "original_max_position_embeddings": 32, "type": "yarn"}},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
