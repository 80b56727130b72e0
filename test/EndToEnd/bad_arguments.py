"""Arguments that are wrong, missing or contradict each other, prompts that cannot be run, output that cannot be written: one
line that names the flag or the value."""
import os

import case_runner
import checkpoints
import quipu_command
from quipu_command import CommandTest

DEMO = checkpoints.ROOT / "models" / "demo"
MODEL = "MODEL"  # stands for the artifact of the demo model in the tables below
COMPILE = ["compile", checkpoints.SMALL]
COMMANDS = ["compile", "run", "bench", "eval", "inspect", "plan", "tokenize", "verify"]
CUDA_CHIPS = ["sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120a"]
HIP_CHIPS = ["gfx90a", "gfx942", "gfx950", "gfx1030", "gfx1100", "gfx1151", "gfx1200", "gfx1201"]

# name -> (arguments, what the error names)
REFUSED = {
    "no command": ([], ["--help"]),
    "unknown command": (["frobnicate"], ["frobnicate", "--help"]),
    "help of an unknown command": (["frobnicate", "--help"], ["frobnicate", "no such command"]),
    "unknown flag with a value": (["run", MODEL, "-p", "x", "--temp", "0.8"], ["--temp: quipu run has no such flag", "quipu run --help"]),
    "command half spelt": (["comp"], ["comp"]),
    "flag before any command": (["--frobnicate"], ["--frobnicate"]),
    "eval of nothing": (["eval"], ["--help"]),
    "run without a model": (["run", "-p", "x"], ["model"]),
    "run without a prompt": (["run", MODEL], ["-p", "-f", "--prompt-ids"]),
    "two prompts": (["run", MODEL, "-p", "x", "--prompt-ids", "1"], ["-p", "--prompt-ids"]),
    "prompt twice from file and ids": (["run", MODEL, "-f", "/dev/null", "--prompt-ids", "1"], ["-f", "--prompt-ids"]),
    "id outside the vocabulary": (["run", MODEL, "--prompt-ids", "1,1000000"], ["1000000"]),
    "id below zero": (["run", MODEL, "--prompt-ids=-1"], ["-1"]),
    "id beyond 32 bits": (["run", MODEL, "--prompt-ids", "4294967296"], ["4294967296"]),
    "id not a number": (["run", MODEL, "--prompt-ids", "1,x"], ["--prompt-ids", "x"]),
    "no ids": (["run", MODEL, "--prompt-ids", ""], ["--prompt-ids"]),
    "invalid UTF-8": (["run", MODEL, "-p", b"ab\xffcd"], ["-p", "UTF-8"]),
    "UTF-8 cut": (["run", MODEL, "-p", b"ab\xe2\x82"], ["-p", "UTF-8"]),
    "prompt file absent": (["run", MODEL, "-f", "/no/such/file"], ["/no/such/file"]),
    "prompt file a folder": (["run", MODEL, "-f", "/tmp"], ["/tmp"]),
    "no new tokens": (["run", MODEL, "-p", "x", "-n", "0"], ["-n", "0"]),
    "new tokens below zero": (["run", MODEL, "-p", "x", "-n", "-5"], ["-n", "-5"]),
    "new tokens not a number": (["run", MODEL, "-p", "x", "-n", "many"], ["-n", "many"]),
    "temperature below zero": (["run", MODEL, "-p", "x", "--temperature", "-1"], ["temperature", "-1"]),
    "temperature not a number": (["run", MODEL, "-p", "x", "--temperature", "nan"], ["temperature", "nan"]),
    "temperature infinite": (["run", MODEL, "-p", "x", "--temperature", "inf"], ["temperature", "inf"]),
    "top-p zero": (["run", MODEL, "-p", "x", "--top-p", "0"], ["top-p", "0"]),
    "top-p above one": (["run", MODEL, "-p", "x", "--top-p", "1.5"], ["top-p", "1.5"]),
    "min-p above one": (["run", MODEL, "-p", "x", "--min-p", "2"], ["min-p", "2"]),
    "top-k below zero": (["run", MODEL, "-p", "x", "--top-k", "-3"], ["--top-k", "-3"]),
    "repetition penalty zero": (["run", MODEL, "-p", "x", "--repetition-penalty", "0"], ["repetition penalty", "0"]),
    "seed not a number": (["run", MODEL, "-p", "x", "--seed", "dice"], ["--seed", "dice"]),
    "unknown device": (["run", MODEL, "-p", "x", "--device", "abacus"], ["abacus", "cpu"]),
    "too many threads": (["run", MODEL, "-p", "x", "--threads", "100000"], ["--threads", "100000"]),
    "threads below zero": (["run", MODEL, "-p", "x", "--threads", "-1"], ["--threads", "-1"]),
    "context above the model's": (["run", MODEL, "-p", "x", "--max-context", "1000000"], ["1000000"]),
    "context beyond 32 bits": (["plan", MODEL, "--max-context", "99999999999"], ["--max-context", "99999999999"]),
    "context above the model's for plan": (["plan", MODEL, "--max-context", "1000000"], ["1000000"]),
    "more sequences than memory": (["run", MODEL, "-p", "x", "--max-sequences", "4000000"], ["sequences"]),
    "logits into a missing folder": (["run", MODEL, "-p", "x", "--logits", "/no/such/folder/x.npy"], ["/no/such/folder/x.npy"]),
    "logits into a folder": (["run", MODEL, "-p", "x", "--logits", "/tmp"], ["/tmp"]),
    "eval without a text": (["eval", "perplexity", MODEL], ["--text"]),
    "eval of an absent text": (["eval", "perplexity", MODEL, "--text", "/no/such/text"], ["/no/such/text"]),
    "eval of a short text": (["eval", "perplexity", MODEL, "--text", "/dev/null"], ["/dev/null"]),
    "eval window too small": (["eval", "perplexity", MODEL, "--text", __file__, "--window", "3"], ["--window", "3"]),
    "quality of an artifact": (["eval", "quality", MODEL, "--storage", "q8_0", "--text", __file__], ["checkpoint"]),
    "quality of no format": (["eval", "quality", DEMO, "--text", __file__], ["--storage"]),
    "quality without a text": (["eval", "quality", DEMO, "--storage", "q8_0"], ["--text"]),
    "eval window above the context": (["eval", "perplexity", MODEL, "--text", __file__, "--window", "100000"], ["--window", "100000"]),
    "weights mapped for no CPU": (["run", MODEL, "--prompt-ids", "1", "--device", "null", "--map-weights"], ["--map-weights", "--device"]),
    "bench of nothing": (["bench", MODEL, "-p", "0", "-n", "0"], ["-p 0", "-n 0"]),
    "bench of no runs": (["bench", MODEL, "-r", "0"], ["-r", "0"]),
    "bench with a trace in no folder": (["bench", MODEL, "-p", "0", "-n", "1", "-r", "1", "--trace", "absent/t.json"], ["absent/t.json"]),
    "bench beyond the context": (["bench", MODEL, "-p", "100000"], ["100000", "raise --max-context"]),
    "bench after more than the context": (["bench", MODEL, "--context", "100000"], ["--context 100000"]),
    "bench of no sequences": (["bench", MODEL, "--sequences", "0"], ["--sequences", "0"]),
    "bench of more sequences than there is room for": (
        ["bench", MODEL, "--max-sequences", "2", "--sequences", "3", "-p", "0", "-n", "1", "-r", "1"], ["--sequences 3", "raise --max-sequences"]),
    "devices of something": (["devices", "gpu"], ["gpu", "--help"]),
    "unknown flag of devices": (["devices", "--all"], ["--all"]),
    "launches checked one by one, of no model": (["run", "/no/such/model", "-p", "x", "--check-launches"], ["/no/such/model"]),
    "a value for --check-launches": (["run", MODEL, "-p", "x", "--check-launches=all"], ["--check-launches"]),
    "random weights for text": (["run", MODEL, "-p", "x", "--random-weights"], ["--random-weights"]),
    "a value for --random-weights": (["bench", MODEL, "--random-weights=some"], ["--random-weights"]),
    "a device that is not here": (["run", MODEL, "-p", "x", "--device", "cuda:99"], ["cuda:99"]),
    "a device's number that is none": (["run", MODEL, "-p", "x", "--device", "hip:first"], ["hip:first"]),
    "kernels as JSON": (["inspect", MODEL, "--json", "--dump-kernels", "/tmp/kernels"], ["--json", "--dump-kernels"]),
    "kernels into a file": (["inspect", MODEL, "--dump-kernels", "/dev/null/kernels"], ["/dev/null/kernels"]),
    "kernels where nothing can be written": (["inspect", MODEL, "--dump-kernels", "/proc"], ["/proc"]),
}
# Those that compile; they run with the program that has a compiler.
REFUSED_COMPILES = {
    "no output": (COMPILE, ["-o"]),
    "output and a phase before it": ([*COMPILE, "-o", "/tmp/x.qpu", "--compile-to", "kernels"], ["-o", "--compile-to"]),
    "unknown phase": ([*COMPILE, "--compile-to", "nirvana"], ["--compile-to", "nirvana", "specialised"]),
    "unknown phase to go on from": ([*COMPILE, "-o", "/tmp/x.qpu", "--compile-from", "nirvana", "--ir", "/dev/null"], ["nirvana"]),
    "phase without IR": ([*COMPILE, "-o", "/tmp/x.qpu", "--compile-from", "kernels"], ["--compile-from", "--ir"]),
    "IR without phase": ([*COMPILE, "-o", "/tmp/x.qpu", "--ir", "/dev/null"], ["--compile-from", "--ir"]),
    "IR absent": ([*COMPILE, "-o", "/tmp/x.qpu", "--compile-from", "kernels", "--ir", "/no/such/ir"], ["/no/such/ir"]),
    "IR that is no MLIR": ([*COMPILE, "-o", "/tmp/x.qpu", "--compile-from", "specialised", "--ir", __file__], [__file__]),
    "unknown target": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "tpu:v7"], ["--target", "tpu:v7"]),
    "unknown chip": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "cpu:z80"], ["--target", "z80", "x86-64-v3"]),
    "CUDA without a chip": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "cuda"], ["--target", *CUDA_CHIPS]),
    "unknown CUDA chip": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "cuda:sm_12"], ["--target", "sm_12", *CUDA_CHIPS]),
    "HIP without a chip": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "hip"], ["--target", *HIP_CHIPS]),
    "unknown HIP chip": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "hip:gfx803"], ["--target", "gfx803", *HIP_CHIPS]),
    "chip of the other vendor": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "hip:sm_80"], ["--target", "sm_80", *HIP_CHIPS]),
    "simt without a chip": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "simt"], ["--target", *CUDA_CHIPS, *HIP_CHIPS]),
    "PTX without a CUDA target": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "cpu", "--ptx"], ["--ptx", "cuda:sm_80"]),
    "PTX of a chip that none follows": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "cuda:sm_90a", "--ptx"], ["--ptx", "sm_90a"]),
    # No machine is both.
    "tuning for other chips": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "cpu:haswell", "--target", "cpu:znver1", "--tune"],
                               ["--tune", "cpu:"]),
    "tuning for a GPU": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "simt:sm_90a", "--tune"], ["--tune", "simt:sm_90a"]),
    "tuning for a GPU beside this machine": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "cpu", "--target", "hip:gfx942", "--tune"],
                                             ["--tune", "hip:gfx942"]),
    "tuning without kernels": ([*COMPILE, "--compile-to", "specialised", "--tune"], ["--tune", "--compile-to specialised"]),
    "empty chip": ([*COMPILE, "-o", "/tmp/x.qpu", "--target", "cpu:"], ["--target"]),
    "unknown storage": ([*COMPILE, "-o", "/tmp/x.qpu", "--storage", "q3"], ["--storage", "q3"]),
    "unknown storage of some weights": ([*COMPILE, "-o", "/tmp/x.qpu", "--storage-of", "*=q3"], ["--storage-of", "q3"]),
    "storage of no weight": ([*COMPILE, "-o", "/tmp/x.qpu", "--storage-of", "nothing=q8_0"], ["--storage-of", "nothing"]),
    "storage of a weight by its GGUF name": ([*COMPILE, "-o", "/tmp/x.qpu", "--storage-of", "blk.0.*=q8_0"],
                                             ["blk.0.*=q8_0", "model.layers.*.mlp.down_proj.weight"]),
    "storage without a pattern": ([*COMPILE, "-o", "/tmp/x.qpu", "--storage-of", "q8_0"], ["--storage-of", "PATTERN=FORMAT"]),
    "KV storage in blocks": ([*COMPILE, "-o", "/tmp/x.qpu", "--kv-storage", "q4_k"], ["--kv-storage", "q4_k"]),
    "storage no GPU has kernels for": ([*COMPILE, "-o", "/tmp/x.qpu", "--storage", "q8_0", "--target", "simt:sm_90a"],
                                       ["--storage", "q8_0", "simt:sm_90a"]),
    "calibration without storage": ([*COMPILE, "-o", "/tmp/x.qpu", "--calibrate", __file__], ["--calibrate", "--storage"]),
    "calibration of what is not in blocks": (["compile", DEMO, "-o", "/tmp/x.qpu", "--storage", "bf16", "--calibrate", __file__],
                                             ["--calibrate", "blocks"]),
    "calibration for a target that is none": (["compile", DEMO, "-o", "/tmp/x.qpu", "--storage", "q8_0", "--calibrate", __file__,
                                               "--target", "cpu:z80"], ["--target", "z80"]),
    "calibration by an absent text": (["compile", DEMO, "-o", "/tmp/x.qpu", "--storage", "q8_0", "--calibrate", "/no/such/text"],
                                      ["--calibrate", "/no/such/text"]),
    "calibration without a tokenizer": ([*COMPILE, "-o", "/tmp/x.qpu", "--storage", "q8_0", "--calibrate", __file__],
                                        ["--calibrate", "tokenizer"]),
    "calibration of no weights": ([*COMPILE, "-o", "/tmp/x.qpu", "--storage", "q8_0", "--calibrate", __file__, "--weights", "none"],
                                  ["--calibrate"]),
    "unknown place of weights": ([*COMPILE, "-o", "/tmp/x.qpu", "--weights", "cloud"], ["--weights", "cloud"]),
    "pass that is not optional": ([*COMPILE, "-o", "/tmp/x.qpu", "--disable-pass", "insert-kv-cache"], ["--disable-pass", "insert-kv-cache"]),
    "context above the checkpoint's": ([*COMPILE, "-o", "/tmp/x.qpu", "--max-context", "129"], ["--max-context", "129", "128"]),
    "context below zero": ([*COMPILE, "-o", "/tmp/x.qpu", "--max-context", "-1"], ["--max-context", "-1"]),
    "too many sequences": ([*COMPILE, "-o", "/tmp/x.qpu", "--max-sequences", "4000000000"], ["--max-sequences", "4000000000"]),
    "too many tokens in a step": ([*COMPILE, "-o", "/tmp/x.qpu", "--max-batch-tokens", "4000000000"],
                                  ["--max-batch-tokens", "4000000000"]),
    "verify of nothing": (["verify", "/no/such/model"], ["/no/such/model"]),
    "verify of a target on another device": (["verify", checkpoints.SMALL, "--target", "hip:gfx942"], ["hip:gfx942", "--device hip", "cpu"]),
    "verify of an unknown target": (["verify", checkpoints.SMALL, "--target", "cpu:z80"], ["z80"]),
    "verify of ids outside the vocabulary": (["verify", checkpoints.SMALL, "--prompt-ids", "1000"], ["1000"]),
}


class BadArguments(CommandTest):
    @classmethod
    def setUpClass(cls):
        cls.demo = cls.compile_for_class(DEMO)

    def check(self, arguments, names, **options):
        arguments = [self.demo if argument is MODEL else argument for argument in arguments]
        self.assert_refused(arguments, *names, cwd=self.folder, **options)
        self.assertEqual(list(self.folder.iterdir()), [])

    def check_compile(self, arguments, names):
        arguments = [self.folder / "x.qpu" if argument == "/tmp/x.qpu" else argument for argument in arguments]
        self.check(arguments, names, command=quipu_command.compiling_program)

    def check_unknown_flag(self, command):
        arguments = {"eval": ["eval", "perplexity", MODEL, "--text", __file__], "run": ["run", MODEL, "-p", "x"]}
        self.check([*arguments.get(command, [command, MODEL]), "--frobnicate", "3"], ["--frobnicate"])

    def check_surplus(self, command):
        arguments = {"eval": ["eval", "perplexity", MODEL, "--text", __file__], "run": ["run", MODEL, "-p", "x"]}
        self.check([*arguments.get(command, [command, MODEL]), "surplus-word"], ["surplus-word"])

    def test_prompt_longer_than_the_context(self):
        context = self.run_json("plan", self.demo)["max_context"]
        for count in (context + 1, 10 * context):
            self.check(["run", MODEL, "--prompt-ids", ",".join(["7"] * count)], [str(count), str(context)])
        self.check(["run", MODEL, "--prompt-ids", "7,7,7,7,7", "--max-context", "4"], ["5", "4"])
        long_text = self.folder / "long.txt"
        long_text.write_text("Now is the winter of our discontent " * 1000)
        self.assert_refused(["run", self.demo, "-f", long_text], "context", str(context))

    def test_prompt_as_long_as_the_context_gives_one_token(self):
        result = self.run_json("run", self.demo, "--prompt-ids", "7,7,7,7", "--max-context", "4", "-n", "9", "--ignore-eos")
        self.assertEqual(len(result["ids"]), 1)

    def test_model_behind_a_list_is_no_part_of_it(self):
        result = self.run_json("run", "-n", "1", "--prompt-ids", "7,7", self.demo)
        self.assertEqual(result["prompt_ids"], [7, 7])
        self.run_well("compile", "--target", "cpu", checkpoints.SMALL, "-o", self.folder / "x.qpu",
                      command=quipu_command.compiling_program)

    def test_prompt_from_standard_input(self):
        path = self.folder / "prompt.txt"
        path.write_text("ROMEO:")
        with open(path, "rb") as standard_input:
            result = self.run_json("run", self.demo, "-n", "1", "-f", "-", stdin=standard_input)
        self.assertEqual(result["prompt_ids"], self.run_json("run", self.demo, "-n", "1", "-f", path)["prompt_ids"])

    def test_invalid_utf8_in_a_file(self):
        path = self.folder / "latin1.txt"
        path.write_bytes("Gr\u00fc\u00dfe".encode("latin-1"))
        self.assert_refused(["run", self.demo, "-f", path], path, "UTF-8")
        self.assert_refused(["eval", "perplexity", self.demo, "--text", path], path, "UTF-8")

    def test_text_for_a_model_without_tokenizer(self):
        artifact = self.compile(checkpoints.SMALL)
        self.assert_refused(["run", artifact, "-p", "text"], artifact, "--prompt-ids")
        self.assert_refused(["eval", "perplexity", artifact, "--text", __file__], artifact, "tokenizer")

    def test_logits_when_the_disk_is_full(self):
        path = self.folder / "logits.npy"
        limit = 1 << 20  # above what loading writes: the code goes to a file in memory
        self.check(["run", MODEL, "-p", "x", "-n", "400", "--ignore-eos", "--json", "--logits", path], [path], file_size=limit)

    def test_checkpoint_without_a_folder_for_its_artifact(self):
        """Not one in /tmp: others could put code there."""
        homeless = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME", "QUIPU_CACHE_DIR")}
        self.assert_refused(["run", DEMO, "-p", "x"], "HOME", "QUIPU_CACHE_DIR", env=homeless,
                            command=quipu_command.compiling_program)

    def test_edited_kernels_that_do_not_fit_their_operands(self):
        text = self.run_well(*COMPILE, "--compile-to", "kernels", command=quipu_command.compiling_program).stdout.decode()
        for before, after, said in [("k = 32,", "k = 32000000,", "k is 32000000"), ("n = 64,", "n = 6400,", "n * (1 + gated) is 6400"),
                                    ("kv_heads = 2,", "kv_heads = 1,", "* dim is 48"),
                                    ('storage = "f32"', 'storage = "bf16"', "storage is bf16"),
                                    ('elem = "f32"', 'elem = "bf16"', "elem is bf16")]:
            with self.subTest(after=after):
                self.assertIn(before, text)
                edited = self.folder / "edited.mlir"
                edited.write_text(text.replace(before, after, 1))
                self.assert_refused([*COMPILE, "-o", self.folder / "x.qpu", "--compile-from", "kernels", "--ir", edited],
                                    edited, said, command=quipu_command.compiling_program)

    def test_standard_output_full(self):
        for arguments in (["run", self.demo, "-p", "x", "-n", "2", "--json"], ["plan", self.demo], ["inspect", self.demo], ["--help"]):
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                self.assert_refused(arguments, "No space left", stdout=full)

    def test_standard_output_closed(self):
        """As `quipu inspect model.qpu | head -1` has it: an error or the signal, no message of a crash."""
        reader, writer = os.pipe()
        os.close(reader)
        ran = quipu_command.run("inspect", self.demo, "--json", stdout=writer)
        os.close(writer)
        self.assertIn(ran.returncode, (-13, 1))
        self.assertLessEqual(ran.stderr.count(b"\n"), 1)

    def test_help_of_every_command(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assertIn(b"--help", self.run_well(command, "--help").stdout)

    def test_no_progress_bar_in_a_pipe(self):
        ran = self.run_well("compile", DEMO, "-o", self.folder / "model.qpu", command=quipu_command.compiling_program)
        self.assertNotIn(b"\r", ran.stderr)
        ran = self.run_well("run", self.demo, "-p", "ROMEO:", "-n", "4")
        self.assertNotIn(b"\r", ran.stderr + ran.stdout)
        self.assertNotIn(b"\x1b", ran.stderr + ran.stdout)


def add_cases():
    for name, (arguments, names) in REFUSED.items():
        case_runner.add_case(BadArguments, name, BadArguments.check, arguments, names)
    for name, (arguments, names) in REFUSED_COMPILES.items():
        case_runner.add_case(BadArguments, name, BadArguments.check_compile, arguments, names)
    for command in COMMANDS:
        case_runner.add_case(BadArguments, f"unknown flag of {command}", BadArguments.check_unknown_flag, command)
        case_runner.add_case(BadArguments, f"surplus argument of {command}", BadArguments.check_surplus, command)


if __name__ == "__main__":
    add_cases()
    case_runner.main()
