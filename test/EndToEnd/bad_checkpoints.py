"""Checkpoints that are damaged, incomplete or not understood, through `quipu compile`: one line that names what is at fault,
and nothing written."""
import json
import os
import shutil
import struct

import case_runner
import checkpoints
from quipu_command import CommandTest

Q_PROJ = "model.layers.0.self_attn.q_proj.weight"
NORM = "model.layers.1.input_layernorm.weight"


def head(length, content=b""):
    return struct.pack("<Q", length) + content


# name -> (bytes of a file from those of the sound one, what the error names beside the file)
DAMAGED_FILES = {
    "empty file": (lambda good: b"", ()),
    "four bytes": (lambda good: good[:4], ()),
    "header length alone": (lambda good: good[:8], ()),
    "header length 2^60": (lambda good: head(2**60, good[8:]), ()),
    "header length 2^63": (lambda good: head(2**63, good[8:]), ()),
    "header length 2^64 - 1": (lambda good: head(2**64 - 1, good[8:]), ()),
    "header length of the whole file": (lambda good: head(len(good), good[8:]), ()),
    "header length zero": (lambda good: head(0, good[8:]), ()),
    "header cut": (lambda good: good[:100], ()),
    "header not JSON": (lambda good: head(16, b"{\"a\": [1, 2, 3, ") + good, ()),
    "header a list": (lambda good: head(2, b"[]"), ()),
    "header not UTF-8": (lambda good: head(10, b'{"\xff\xfe": 1}'), ()),
    "header deeply nested": (lambda good: checkpoints.safetensors(b"[" * 100000 + b"]" * 100000, b""), ()),
    "one byte cut": (lambda good: good[:-1], ()),
    "half cut": (lambda good: good[:len(good) // 2], ()),
    "bytes after the data": (lambda good: good + bytes(16), ()),
}

# name -> (change of the header of the small checkpoint, what the error names)
DAMAGED_HEADERS = {
    "unknown dtype": (lambda header: header[Q_PROJ].update(dtype="Q7"), (Q_PROJ, "Q7")),
    "dtype not a string": (lambda header: header[Q_PROJ].update(dtype=7), (Q_PROJ,)),
    "integer matrix": (lambda header: header[Q_PROJ].update(dtype="I32"), (Q_PROJ, "I32")),
    "dtype missing": (lambda header: header[Q_PROJ].pop("dtype"), (Q_PROJ,)),
    "shape missing": (lambda header: header[Q_PROJ].pop("shape"), (Q_PROJ,)),
    "shape not a list": (lambda header: header[Q_PROJ].update(shape=1024), (Q_PROJ,)),
    "shape negative": (lambda header: header[Q_PROJ].update(shape=[-32, -32]), (Q_PROJ,)),
    "shape of 2^62": (lambda header: header[Q_PROJ].update(shape=[2**62, 4]), (Q_PROJ,)),
    "shape of a fraction": (lambda header: header[Q_PROJ].update(shape=[32.0, 32]), (Q_PROJ,)),
    "shape does not fit the offsets": (lambda header: header[Q_PROJ].update(shape=[32, 31]), (Q_PROJ,)),
    "transposed to a vector": (lambda header: header[Q_PROJ].update(shape=[1024]), (Q_PROJ, "1024")),
    "misshapen": (lambda header: header[Q_PROJ].update(shape=[64, 16]), (Q_PROJ, "64", "32")),
    "norm misshapen": (lambda header: header[NORM].update(shape=[1, 32]), (NORM,)),
    "matrix missing": (lambda header: header.update(other=header.pop(Q_PROJ)), (Q_PROJ,)),
    "norm missing": (lambda header: header.update(other=header.pop(NORM)), (NORM,)),
    "offsets missing": (lambda header: header[Q_PROJ].pop("data_offsets"), (Q_PROJ,)),
    "offsets not a pair": (lambda header: header[Q_PROJ].update(data_offsets=[0]), (Q_PROJ,)),
    "offsets negative": (lambda header: header[Q_PROJ].update(data_offsets=[-4096, 0]), (Q_PROJ,)),
    "offsets reversed": (lambda header: header[Q_PROJ]["data_offsets"].reverse(), (Q_PROJ,)),
    "offsets beyond the end": (lambda header: header[Q_PROJ].update(data_offsets=[2**40, 2**40 + 4096]), (Q_PROJ,)),
    "offsets of 2^64 - 1": (lambda header: header[Q_PROJ].update(data_offsets=[2**64 - 4096, 2**64 - 1]), (Q_PROJ,)),
    "overlap": (lambda header: header[Q_PROJ].update(data_offsets=header["model.layers.0.self_attn.o_proj.weight"]["data_offsets"]),
                ("model.layers.0.self_attn.",)),
    "tensor not an object": (lambda header: header.update({Q_PROJ: 1}), (Q_PROJ,)),
}

# key of config.json -> values that are refused; `...` removes the key
BAD_VALUES = {
    "architectures": [["UnheardOfForCausalLM"], "LlamaForCausalLM", [3]],
    "vocab_size": [0, -1, 2**40, 2**64, 1.5, "96", [], ...],
    "hidden_size": [0, -32, 2**31, 33, "32", ...],
    "intermediate_size": [0, -1, 2**62, ...],
    "num_hidden_layers": [0, -2, 2**31, ...],
    "num_attention_heads": [0, -4, 3, 2**32, ...],
    "num_key_value_heads": [0, -2, 3, 8, 2**32],
    "head_dim": [0, -8, 7, 2**31],
    "max_position_embeddings": [0, -1, 2**40, "many"],
    "rms_norm_eps": [0, -1e-5, 2, 1e300, "small"],
    "rope_theta": [0, -1, "large"],
    "hidden_act": ["tanhexp", 3],
    "tie_word_embeddings": ["yes", 1],
    "attention_bias": ["yes"],
    "rope_scaling": ["linear", {"rope_type": "unheard-of", "factor": 2.0}, {"rope_type": "linear"}, {"rope_type": "linear", "factor": 0},
                     {"rope_type": "llama3", "factor": 8.0}],
    "bos_token_id": [96, -1, 2**40, "1"],
    "eos_token_id": [96, -1, [1, 2**40], "2"],
}


class BadCheckpoints(CommandTest):
    def setUp(self):
        super().setUp()
        self.model = checkpoints.copy_checkpoint(checkpoints.SMALL, self.folder)
        self.weights = self.model / "model.safetensors"
        self.output = self.folder / "out"
        self.output.mkdir()

    def assert_compile_refused(self, *names, model=None):
        self.assert_refused(["compile", model or self.model, "-o", self.output / "model.qpu"], *names)
        self.assertEqual(list(self.output.iterdir()), [])

    def check_file(self, change, names):
        self.weights.write_bytes(change(self.weights.read_bytes()))
        self.assert_compile_refused(self.weights, *names)

    def check_header(self, change, names):
        header, data = checkpoints.read_safetensors(self.weights)
        change(header)
        self.weights.write_bytes(checkpoints.safetensors(header, data))
        self.assert_compile_refused(self.model, *names)

    def check_key(self, key):
        for value in BAD_VALUES[key]:
            with self.subTest(value=value):
                checkpoints.change_config(self.model, json.loads((checkpoints.SMALL / "config.json").read_text()) | {key: value})
                # A size that is possible in itself shows where the tensors do not fit it.
                named = "config.json" if value != 8 else ""
                self.assert_compile_refused(named, self.model)

    def check_config(self, content):
        (self.model / "config.json").write_bytes(content)
        self.assert_compile_refused(self.model / "config.json")

    def check_index(self, index, *names):
        model = self.folder / "sharded"
        shutil.copytree(checkpoints.GOLDENS / "llama" / "mha_sharded_f32", model)
        path = model / "model.safetensors.index.json"
        if isinstance(index, bytes):
            path.write_bytes(index)
        else:
            content = json.loads(path.read_text())
            index(content["weight_map"])
            path.write_text(json.dumps(content))
        self.assert_compile_refused(*names, model=model)

    def test_shard_missing(self):
        self.check_index(lambda shards: shards.update({NORM: "model-00003-of-00002.safetensors"}), "model-00003-of-00002.safetensors")

    def test_shard_outside_the_folder(self):
        self.check_index(lambda shards: shards.update({NORM: "../model/model.safetensors"}), NORM, "../model/model.safetensors")

    def test_tensor_in_another_shard(self):
        self.check_index(lambda shards: shards.update({key: "model-00001-of-00002.safetensors" for key in shards}),
                         "model-00001-of-00002.safetensors")

    def test_index_not_json(self):
        self.check_index(b"{", "model.safetensors.index.json")

    def test_index_empty(self):
        self.check_index(b"{}", "model.safetensors.index.json", "weight_map")

    def test_two_tensors_of_one_name(self):
        header, data = checkpoints.read_safetensors(self.weights)
        text = json.dumps(header)[:-1] + f', "{Q_PROJ}": {json.dumps(header[Q_PROJ])}}}'
        self.weights.write_bytes(checkpoints.safetensors(text.encode(), data))
        self.assert_compile_refused(self.weights)

    def test_no_weights(self):
        self.weights.unlink()
        self.assert_compile_refused(self.model, "model.safetensors")

    def test_weights_are_a_folder(self):
        self.weights.unlink()
        self.weights.mkdir()
        self.assert_compile_refused(self.weights)

    def test_no_config(self):
        (self.model / "config.json").unlink()
        self.assert_compile_refused(self.model, "config.json")

    def test_unknown_model_type_and_architecture(self):
        checkpoints.change_config(self.model, {"model_type": "unheard-of", "architectures": ["UnheardOfForCausalLM"]})
        self.assert_compile_refused("config.json", "UnheardOfForCausalLM")

    def test_key_that_changes_the_model(self):
        checkpoints.change_config(self.model, {"final_logit_softcapping": 30.0})
        self.assert_compile_refused("config.json", "final_logit_softcapping")

    def test_quantised_checkpoint(self):
        checkpoints.change_config(self.model, {"quantization_config": {"quant_method": "awq", "bits": 4}})
        self.assert_compile_refused("config.json", "quantization_config")

    def test_checkpoint_absent(self):
        missing = self.folder / "missing"
        self.assert_compile_refused(missing, model=missing)

    def test_checkpoint_is_a_file(self):
        self.assert_compile_refused(self.weights, model=self.weights)

    def test_checkpoint_cannot_be_read(self):
        if os.geteuid() == 0:
            self.skipTest("root reads every file")
        self.weights.chmod(0)
        self.assert_compile_refused(self.weights)


class BadTokenizers(CommandTest):
    def check_tokenizer(self, change):
        model = checkpoints.copy_checkpoint(checkpoints.ROOT / "models" / "demo", self.folder)
        path = model / "tokenizer.json"
        path.write_bytes(change(path.read_bytes()))
        output = self.folder / "model.qpu"
        self.assert_refused(["compile", model, "-o", output], path)
        self.assertFalse(output.exists())

    def change_json(self, change):
        def changed(content):
            tokenizer = json.loads(content)
            change(tokenizer)
            return json.dumps(tokenizer).encode()
        self.check_tokenizer(changed)

    def test_not_json(self):
        self.check_tokenizer(lambda content: b"\x00\x01\x02")

    def test_empty(self):
        self.check_tokenizer(lambda content: b"")

    def test_cut(self):
        self.check_tokenizer(lambda content: content[:len(content) // 2])

    def test_unknown_model(self):
        self.change_json(lambda tokenizer: tokenizer["model"].update(type="Unigrams"))

    def test_no_model(self):
        self.change_json(lambda tokenizer: tokenizer.pop("model"))

    def test_ids_that_are_not_numbers(self):
        self.change_json(lambda tokenizer: tokenizer["model"]["vocab"].update({"x": "y"}))

    def test_ids_outside_the_vocabulary_of_the_model(self):
        self.change_json(lambda tokenizer: tokenizer["model"]["vocab"].update({"beyond the embedding table": 2**31 - 1}))

    def test_merge_of_unknown_tokens(self):
        self.change_json(lambda tokenizer: tokenizer["model"]["merges"].append(["no such token \u2603", "nor this"]))

    def test_unknown_pre_tokenizer(self):
        self.change_json(lambda tokenizer: tokenizer.update(pre_tokenizer={"type": "UnheardOf"}))

    def test_regex_that_does_not_compile(self):
        self.change_json(lambda tokenizer: tokenizer.update(
            pre_tokenizer={"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": False}))

    def test_sentencepiece_cut(self):
        model = checkpoints.shared_models()[1]
        if not model.is_there:
            self.skipTest(f"{model.folder} is not here")
        folder = checkpoints.copy_checkpoint(model.folder, self.folder)
        path = folder / "tokenizer.model"
        path.write_bytes(path.read_bytes()[:500])
        self.assert_refused(["compile", folder, "-o", self.folder / "model.qpu"], path)


class Output(CommandTest):
    def assert_output_refused(self, path, *names, arguments=(), **options):
        """Nothing new is left behind, neither at the path nor among temporary files."""
        environment = os.environ | {"TMPDIR": str(self.folder)}
        before = sorted(self.folder.rglob("*"))
        self.assert_refused(["compile", checkpoints.SMALL, "-o", path, *arguments], *names, env=environment, **options)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def assert_path_refused(self, path):
        self.assert_output_refused(path, path)

    def test_folder_missing(self):
        self.assert_path_refused(self.folder / "missing" / "model.qpu")

    def test_is_a_folder(self):
        (self.folder / "model.qpu").mkdir()
        self.assert_path_refused(self.folder / "model.qpu")

    def test_is_below_a_file(self):
        self.assert_path_refused(checkpoints.SMALL / "config.json" / "model.qpu")

    def test_cannot_be_written(self):
        self.assert_path_refused("/proc/model.qpu")

    def test_is_a_device(self):
        self.assert_path_refused("/dev/full")

    def test_disk_full(self):
        """At several places, by a limit on the size of files: temporary files of the linker first, then the artifact."""
        sound = self.compile(checkpoints.SMALL)
        size = sound.stat().st_size
        for limit in (0, 1, 100, size // 4, size // 2, size - 1):
            with self.subTest(limit=limit):
                self.assert_output_refused(self.folder / "full.qpu", "File too large", file_size=limit)

    def test_older_artifact_stays_when_the_disk_is_full(self):
        artifact = self.compile(checkpoints.SMALL)
        content = artifact.read_bytes()
        self.assert_output_refused(artifact, artifact, file_size=len(content) - 1)
        self.assertEqual(artifact.read_bytes(), content)

    def test_disk_full_for_weights_beside_the_artifact(self):
        self.compile(checkpoints.SMALL, "--weights", "file")
        largest = max(path.stat().st_size for path in self.folder.iterdir())
        self.assert_output_refused(self.folder / "beside.qpu", "beside", arguments=["--weights", "file"], file_size=largest - 1)

    def test_kernel_cache_cannot_be_written(self):
        """The cache only saves time: without it the same artifact is made."""
        sound = self.compile(checkpoints.SMALL).read_bytes()
        environment = os.environ | {"QUIPU_CACHE_DIR": "/proc/no-cache"}
        self.run_well("compile", checkpoints.SMALL, "-o", self.folder / "uncached.qpu", env=environment)
        self.assertEqual((self.folder / "uncached.qpu").read_bytes(), sound)


def add_cases():
    for name, (change, names) in DAMAGED_FILES.items():
        case_runner.add_case(BadCheckpoints, name, BadCheckpoints.check_file, change, names)
    for name, (change, names) in DAMAGED_HEADERS.items():
        case_runner.add_case(BadCheckpoints, name, BadCheckpoints.check_header, change, names)
    for key in BAD_VALUES:
        case_runner.add_case(BadCheckpoints, f"config {key}", BadCheckpoints.check_key, key)
    for name, content in {"empty": b"", "a list": b"[]", "cut": b'{"vocab_size": 9', "binary": bytes(range(256)),
                          "deeply nested": b'{"a":' * 100000, "not UTF-8": b'{"\xff": 1}'}.items():
        case_runner.add_case(BadCheckpoints, f"config {name}", BadCheckpoints.check_config, content)


if __name__ == "__main__":
    add_cases()
    case_runner.main()
