#!/usr/bin/env python3
"""Writes gguf_goldens.json: logits of the quantised GGUF files of the shared data, from their decoded weights.

    python3 make_gguf_goldens.py SHARED_DATA

The weights are decoded by the gguf package; the forward pass is float64 numpy. The program first runs the float file and
stops unless its logits are those that transformers gave for the same model (golden.json). Needs gguf and numpy; neither
is needed to build or test.
"""

import json
import pathlib
import sys

import gguf
import numpy as np

MODEL = "babyllama-tok105"
FILES = [f"{MODEL}-Q8_0.gguf", f"{MODEL}-Q4_0.gguf"]
PROMPTS = 3


class Llama:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.weights = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
                        for tensor in reader.tensors}
        number = lambda key: reader.fields["llama." + key].contents()
        self.layers, self.heads = number("block_count"), number("attention.head_count")
        self.kv_heads, self.eps = number("attention.head_count_kv"), number("attention.layer_norm_rms_epsilon")
        theta = reader.fields.get("llama.rope.freq_base")
        self.theta = theta.contents() if theta else 10000.0

    def norm(self, x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps) * self.weights[name + ".weight"]

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T

    def rope(self, x, heads):
        """Pairs of neighbours, as llama.cpp's converter orders the rows of q and k."""
        count, dim = x.shape[0], x.shape[1] // heads
        angle = np.arange(count)[:, None] * self.theta ** (-np.arange(0, dim, 2) / dim)
        cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
        pairs = x.reshape(count, heads, dim // 2, 2)
        turned = np.stack([pairs[..., 0] * cos - pairs[..., 1] * sin, pairs[..., 0] * sin + pairs[..., 1] * cos], -1)
        return turned.reshape(count, heads, dim)

    def attention(self, x, layer):
        count = x.shape[0]
        q = self.rope(self.linear(x, layer + "attn_q"), self.heads)
        k = self.rope(self.linear(x, layer + "attn_k"), self.kv_heads)
        v = self.linear(x, layer + "attn_v").reshape(count, self.kv_heads, -1)
        group = self.heads // self.kv_heads
        scores = np.einsum("qhd,khd->hqk", q, np.repeat(k, group, 1)) / np.sqrt(q.shape[-1])
        scores[:, np.triu(np.ones((count, count), bool), 1)] = -np.inf
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return np.einsum("hqk,khd->qhd", shares, np.repeat(v, group, 1)).reshape(count, -1)

    def last_logits(self, ids):
        x = self.weights["token_embd.weight"][ids]
        for number in range(self.layers):
            layer = f"blk.{number}."
            x = x + self.linear(self.attention(self.norm(x, layer + "attn_norm"), layer), layer + "attn_output")
            h = self.norm(x, layer + "ffn_norm")
            gate = self.linear(h, layer + "ffn_gate")
            x = x + self.linear(gate / (1 + np.exp(-gate)) * self.linear(h, layer + "ffn_up"), layer + "ffn_down")
        head = "output" if "output.weight" in self.weights else "token_embd"
        return self.linear(self.norm(x[-1:], "output_norm"), head)[0]


def main():
    shared = pathlib.Path(sys.argv[1])
    trained = json.loads((shared / "models" / MODEL / "golden.json").read_text())["cases"][:PROMPTS]
    float_model = Llama(shared / "gguf" / f"{MODEL}-f32.gguf")
    for case in trained:
        want = np.array(case["last_logits"])
        error = np.abs(float_model.last_logits(case["prompt_ids"]) - want).max() / np.abs(want).max()
        if error > 1e-6:
            sys.exit(f"the forward pass is not that of transformers: error {error:.1e}")
    goldens = {}
    for name in FILES:
        model = Llama(shared / "gguf" / name)
        goldens[name] = [{"prompt_ids": case["prompt_ids"],
                          "last_logits": [float(f"{x:.10g}") for x in model.last_logits(case["prompt_ids"])]}
                         for case in trained]
    (pathlib.Path(__file__).resolve().parent / "gguf_goldens.json").write_text(json.dumps(goldens) + "\n")


if __name__ == "__main__":
    main()
