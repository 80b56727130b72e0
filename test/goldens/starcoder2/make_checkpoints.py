#!/usr/bin/env python3
"""Makes the tiny random checkpoints of this folder and their golden.json (see ../README.md).

    python3 make_checkpoints.py [NAME...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from random_checkpoints import main  # noqa: E402

STARCODER2 = {"architectures": ["Starcoder2ForCausalLM"], "model_type": "starcoder2", "attention_dropout": 0.1,
              "bos_token_id": 1, "embedding_dropout": 0.1, "eos_token_id": 2, "hidden_act": "gelu_pytorch_tanh",
              "hidden_size": 32, "initializer_range": 0.018, "intermediate_size": 64, "max_position_embeddings": 128,
              "mlp_type": "default", "norm_epsilon": 1e-5, "norm_type": "layer_norm", "num_attention_heads": 4,
              "num_hidden_layers": 2, "num_key_value_heads": 2, "residual_dropout": 0.1, "rope_theta": 999999.4,
              "use_cache": True, "vocab_size": 128}

CHECKPOINTS = {
    # The 3B model says nothing of tied embeddings, which means that they are.
    "bias_window8_tied_f32": STARCODER2 | {"sliding_window": 8, "use_bias": True, "torch_dtype": "float32"},
    "bias_untied_bf16": STARCODER2 | {
        "sliding_window": None, "tie_word_embeddings": False, "use_bias": True, "torch_dtype": "bfloat16"},
    "no_bias_saved_bf16": STARCODER2 | {
        "sliding_window": 8, "tie_word_embeddings": True, "use_bias": False, "torch_dtype": "bfloat16"},
}

if __name__ == "__main__":
    main(__file__, CHECKPOINTS)
