#!/usr/bin/env python3
"""Writes goldens.json: blocks of GGUF's types as the gguf package decodes them, and how far ggml's own quantisers are off.

    python3 make_goldens.py libggml-base.so

`decode`: per format the bytes of some blocks (any bytes, scales of any sign, one subnormal) and their values, both in hex
(values are little-endian float32). `encode`: per format the squared error that ggml's reference quantiser leaves on the
values of samples() below, plain and with weights for those that take an importance matrix; EncodeTest.cpp makes the same
samples. Needs gguf, numpy and ggml's base library (llama.cpp, cmake -DBUILD_SHARED_LIBS=ON, target ggml-base); none of
them is needed to build or test.
"""

import ctypes
import json
import pathlib
import sys

import gguf
import numpy as np

FORMATS = {name: name.upper() for name in ["q8_0", "q4_0", "q4_k", "q6_k", "iq4_nl", "q4_1", "q5_0", "q5_1", "q5_k", "q2_k",
                                           "q3_k", "iq4_xs", "mxfp4"]}
# Where f16 scales are; mxfp4's is a byte of which all values are numbers.
SCALE_BYTES = {"q8_0": [0], "q4_0": [0], "q4_k": [0, 2], "q6_k": [208], "iq4_nl": [0], "q4_1": [0, 2], "q5_0": [0],
               "q5_1": [0, 2], "q5_k": [0, 2], "q2_k": [80, 82], "q3_k": [108], "iq4_xs": [0], "mxfp4": []}
ROWS, COLUMNS = 16, 512


def type_of(name):
    return getattr(gguf.GGMLQuantizationType, FORMATS[name])


def decode_golden(name, random):
    block = gguf.GGML_QUANT_SIZES[type_of(name)][1]
    blocks = random.integers(0, 256, (4 if block > 100 else 8, block), dtype=np.uint8)
    for number, row in enumerate(blocks):
        for place in SCALE_BYTES[name]:
            scale = np.float16(3e-6 if number == 1 else random.normal() * 0.02)
            row[place : place + 2] = np.frombuffer(scale.tobytes(), np.uint8)
    if name == "mxfp4":
        blocks[:3, 0] = [0, 1, 255]
    values = gguf.quants.dequantize(blocks, type_of(name)).astype("<f4")
    return {"blocks": blocks.tobytes().hex(), "values": values.tobytes().hex()}


def uniform(count, seed):
    """splitmix64 as numbers of [-1, 1)."""
    state = seed + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def samples():
    """Rows like those of weights: near normal, with some elements up to five times as large; row r has the scale 2^-(r // 2)."""
    count = ROWS * COLUMNS
    x = uniform(count, 1) + uniform(count, 2) + uniform(count, 3)
    x = np.where(np.abs(uniform(count, 4)) > 0.99, x * 5.0, x)
    importance = 0.01 + uniform(COLUMNS, 5) ** 4
    scales = 2.0 ** -(np.arange(ROWS) // 2)
    return (x.reshape(ROWS, COLUMNS) * scales[:, None]).astype(np.float32), importance.astype(np.float32)


def error_of(blocks, name, x, weights):
    """Per row: squared error over squared values, so that all rows count alike."""
    back = gguf.quants.dequantize(blocks, type_of(name)).astype(np.float64)
    return float((((back - x) ** 2 * weights).sum(1) / (x.astype(np.float64) ** 2 * weights).sum(1)).mean())


def encode_golden(name, ggml):
    x, importance = samples()
    elements, size = gguf.GGML_QUANT_SIZES[type_of(name)]
    blocks = np.zeros((ROWS, COLUMNS // elements * size), np.uint8)
    pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)
    name_there = name.replace("_k", "_K")
    getattr(ggml, f"quantize_row_{name_there}_ref")(pointer(x), pointer(blocks), ctypes.c_int64(x.size))
    golden = {"error": error_of(blocks, name, x, 1.0)}
    if name != "q8_0":
        quantise = getattr(ggml, f"quantize_{name_there}")
        quantise.restype = ctypes.c_size_t
        quantise(pointer(x), pointer(blocks), ctypes.c_int64(ROWS), ctypes.c_int64(COLUMNS), pointer(importance))
        golden["weighted_error"] = error_of(blocks, name, x, importance.astype(np.float64))
    return golden


def main():
    ggml = ctypes.CDLL(sys.argv[1])
    random = np.random.default_rng(7)
    goldens = {"decode": {name: decode_golden(name, random) for name in FORMATS},
               "encode": {name: encode_golden(name, ggml) for name in FORMATS}}
    path = pathlib.Path(__file__).resolve().parent / "goldens.json"
    path.write_text(json.dumps(goldens, indent=1) + "\n")


if __name__ == "__main__":
    main()
