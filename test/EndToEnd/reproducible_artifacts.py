"""The same input and the same flags give the same bytes, whichever way the compile takes, and artifacts that differ only in
where their weights lie run alike."""
import case_runner
import checkpoints
from quipu_command import CommandTest

MODELS = [model for model in checkpoints.own_models() if model.name in ("gqa_tied_f32", "bias_untied_bf16", "demo")]
TARGETS = ["--target", "cpu:x86-64-v3", "--target", "cpu:x86-64-v4"]


class ReproducibleArtifacts(CommandTest):
    def check_twice(self, model, *flags):
        """The second time in a cold cache and on another number of threads."""
        first = self.compile(model.folder, *flags, "--threads", "1", name="first.qpu")
        second = self.folder / "second.qpu"
        self.run_well("compile", model.folder, "-o", second, *flags, "--threads", "3",
                      env={"QUIPU_CACHE_DIR": str(self.folder / "cache")})
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def check_phase(self, model, phase):
        """Stopping after a phase and going on from its text is the same as not stopping."""
        flags = ["--storage", "f32", *TARGETS, "--max-context", "64", "--max-sequences", "3", "--max-batch-tokens", "40"]
        whole = self.compile(model.folder, *flags, name="whole.qpu")
        ir = self.folder / "model.mlir"
        ir.write_bytes(self.run_well("compile", model.folder, *flags, "--compile-to", phase).stdout)
        rest = {"definition": flags, "specialised": flags[2:], "kernels": []}[phase]
        resumed = self.compile(model.folder, "--compile-from", phase, "--ir", ir, *rest, name="resumed.qpu")
        self.assertEqual(whole.read_bytes(), resumed.read_bytes())
        again = self.run_well("compile", model.folder, "--compile-from", phase, "--ir", ir, "--compile-to", phase, *rest)
        self.assertEqual(again.stdout, ir.read_bytes())

    def check_placements(self, model):
        """Weights in a file beside the artifact are the bytes that are embedded else, and the answers are the same."""
        arguments = ["--prompt-ids", "1,2,3", "--temperature", "0", "-n", "12", "--threads", "1"]
        answers = []
        for placement in ("embed", "file"):
            artifact = self.compile(model.folder, "--weights", placement, name=f"{placement}.qpu")
            logits = self.folder / f"{placement}.npy"
            answers.append((self.run_json("run", artifact, *arguments, "--logits", logits)["ids"], logits.read_bytes()))
        self.assertEqual(*answers)
        (weights,) = (path for path in self.folder.iterdir() if path.suffix not in (".qpu", ".npy"))
        self.assertTrue((self.folder / "embed.qpu").read_bytes().endswith(weights.read_bytes()))
        without = self.compile(model.folder, "--weights", "none", name="none.qpu")
        self.assertLess(without.stat().st_size, (self.folder / "file.qpu").stat().st_size + 4096)
        plans = [self.run_json("plan", self.folder / f"{placement}.qpu") for placement in ("embed", "file", "none")]
        self.assertEqual(plans[0], plans[1])
        self.assertEqual(plans[0], plans[2])

    def test_kernels_are_those_of_the_target(self):
        artifact = self.compile(MODELS[0].folder, *TARGETS)
        targets = self.run_json("inspect", artifact)["targets"]
        self.assertEqual([target["target"] for target in targets], ["cpu:x86-64-v3", "cpu:x86-64-v4"])
        self.assertFalse(any("avx512" in feature for feature in targets[0]["features"]))
        self.run_well("inspect", artifact, "--dump-kernels", self.folder / "kernels")
        for target in targets:
            code = (self.folder / "kernels" / f"{target['target'].replace(':', '-')}.so").read_bytes()
            self.assertEqual(code[:4], b"\x7fELF")
            self.assertEqual(len(code), target["code_bytes"])

    def test_same_seed_same_text(self):
        artifact = self.compile(checkpoints.ROOT / "models" / "demo")
        texts = [self.run_json("run", artifact, "-p", "KING", "-n", "24", "--threads", "1", "--temperature", "1", "--seed", seed)["text"]
                 for seed in ("7", "7", "8")]
        self.assertEqual(texts[0], texts[1])
        self.assertNotEqual(texts[0], texts[2])

    def test_text_is_streamed_as_json_has_it(self):
        artifact = self.compile(checkpoints.ROOT / "models" / "demo")
        arguments = ["run", artifact, "-p", "ROMEO:\n", "-n", "40", "--threads", "1", "--temperature", "0"]
        self.assertEqual(self.run_well(*arguments).stdout.decode(), self.run_json(*arguments)["text"] + "\n")


def add_cases():
    for model in MODELS:
        case_runner.add_case(ReproducibleArtifacts, f"{model.name} twice", ReproducibleArtifacts.check_twice, model)
        for phase in ("definition", "specialised", "kernels"):
            case_runner.add_case(ReproducibleArtifacts, f"{model.name} from {phase}", ReproducibleArtifacts.check_phase, model, phase)
    case_runner.add_case(ReproducibleArtifacts, "two targets twice", ReproducibleArtifacts.check_twice, MODELS[0], *TARGETS)
    case_runner.add_case(ReproducibleArtifacts, "bf16 twice", ReproducibleArtifacts.check_twice, MODELS[0], "--storage", "bf16")
    for model in MODELS:
        case_runner.add_case(ReproducibleArtifacts, f"{model.name} with weights elsewhere", ReproducibleArtifacts.check_placements, model)


if __name__ == "__main__":
    add_cases()
    case_runner.main()
