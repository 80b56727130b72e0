"""Checkpoints and goldens of the tests, changed copies of checkpoints, and the file forms around them."""
import dataclasses
import json
import math
import os
import pathlib
import shutil
import struct

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDENS = ROOT / "test" / "goldens"
SHARED_DATA = pathlib.Path(os.environ.get("QUIPU_SHARED_DATA") or ROOT.parent / "shared" / "data")
REAL_MODELS = pathlib.Path(os.environ["QUIPU_MODELS"]) if os.environ.get("QUIPU_MODELS") else None
SMALL = GOLDENS / "llama" / "gqa_tied_f32"  # the checkpoint that the tests of bad input change


@dataclasses.dataclass(frozen=True)
class GoldenModel:
    """A checkpoint and what an independent program computed from it."""

    name: str
    folder: pathlib.Path
    golden: pathlib.Path

    def cases(self):
        return json.loads(self.golden.read_text())["cases"]

    @property
    def is_there(self):
        return self.golden.is_file()


def own_models():
    llama = [GoldenModel(path.parent.name, path.parent, path) for path in sorted(GOLDENS.glob("llama/*/golden.json"))]
    return llama + [GoldenModel("demo", ROOT / "models" / "demo", GOLDENS / "demo" / "golden.json")]


def shared_models():
    folders = [SHARED_DATA / "models" / name for name in ("stories260k", "babyllama-tok105")]
    return [GoldenModel(folder.name, folder, folder / "golden.json") for folder in folders]


def read_npy(path):
    """Rows of a two-dimensional float32 .npy file."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    (length,) = struct.unpack_from("<H", data, 8)
    assert (10 + length) % 64 == 0
    header = data[10:10 + length].decode("ascii")
    assert "'descr': '<f4'" in header and "'fortran_order': False" in header
    rows, columns = (int(size) for size in header.split("(")[1].split(")")[0].split(","))
    values = struct.unpack(f"<{rows * columns}f", data[10 + length:])
    return [values[row * columns:(row + 1) * columns] for row in range(rows)]


def relative_error(values, golden):
    """Largest difference over the largest magnitude of the golden; infinite for values that are not numbers."""
    assert len(values) == len(golden)
    differences = [abs(a - b) for a, b in zip(values, golden)]
    if any(difference != difference for difference in differences):
        return float("inf")
    return max(differences) / max(map(abs, golden))


def read_safetensors(path):
    """Header as a dict without metadata, and the data after it."""
    content = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    return header, content[8 + length:]


def safetensors(header, data):
    """The bytes of a file; `header` may be a dict or bytes of any kind."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def copy_checkpoint(source, folder):
    """A copy with everything but goldens, whose files a test may change."""
    target = folder / "model"
    target.mkdir()
    for path in source.iterdir():
        if path.is_file() and path.name != "golden.json":
            shutil.copy(path, target / path.name)
            (target / path.name).chmod(0o644)
    return target


def shape_checkpoint(folder, config):
    """A checkpoint of a Llama shape whose weights are a hole in the file: to compile with --weights none."""
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    queries, cached = (config[key] * config["head_dim"] for key in ("num_attention_heads", "num_key_value_heads"))
    tensors = {"model.embed_tokens.weight": [vocab, hidden], "model.norm.weight": [hidden]}
    if not config["tie_word_embeddings"]:
        tensors["lm_head.weight"] = [vocab, hidden]
    for layer in range(config["num_hidden_layers"]):
        shapes = {"input_layernorm": [hidden], "post_attention_layernorm": [hidden], "self_attn.q_proj": [queries, hidden],
                  "self_attn.k_proj": [cached, hidden], "self_attn.v_proj": [cached, hidden],
                  "self_attn.o_proj": [hidden, queries], "mlp.gate_proj": [inner, hidden], "mlp.up_proj": [inner, hidden],
                  "mlp.down_proj": [hidden, inner]}
        tensors |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in shapes.items()}
    header, end = {}, 0
    for name, shape in tensors.items():
        begin, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    start = safetensors(header, b"")
    (folder / "model.safetensors").write_bytes(start)
    os.truncate(folder / "model.safetensors", len(start) + end)
    return folder


def change_config(model, changes):
    """Sets keys of config.json; a value of `...` removes the key."""
    path = model / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not ...}))
