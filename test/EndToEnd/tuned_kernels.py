"""`quipu compile --tune`: the same text, findings that are kept and used by --tune alone, and a choice that can be read and
compiled again."""
import re

import case_runner
import checkpoints
from quipu_command import CommandTest

DEMO = checkpoints.ROOT / "models" / "demo"
# Few variants: each takes a fraction of a second.
FLAGS = [DEMO, "--max-sequences", "1", "--max-batch-tokens", "16", "--threads", "1", "--tune"]


class TunedKernels(CommandTest):
    def tune(self, *arguments, name="tuned.qpu"):
        """Artifact, choices, those other than the cost model's, those measured now."""
        artifact = self.folder / name
        ran = self.run_well("compile", *FLAGS, "-o", artifact, *arguments, env={"QUIPU_CACHE_DIR": str(self.folder / "cache")})
        counts = re.search(rb"^tuned: (\d+) choices, (\d+) other than the cost model's, (\d+) measured now$", ran.stderr, re.MULTILINE)
        self.assertTrue(counts, ran.stderr)
        lines = re.findall(rb"^tuned, \d+ rows: (\w+)(?: then (\w+))? takes", ran.stderr, re.MULTILINE)
        choices, changed, measured = map(int, counts.groups())
        self.assertEqual(len(lines), changed, ran.stderr)
        return artifact, choices, {symbol.decode() for line in lines for symbol in line if symbol}, measured

    def test_text_is_that_of_the_plain_compile(self):
        plain = self.compile(DEMO, "--storage", "f32")
        tuned, choices, chosen, measured = self.tune("--storage", "f32")
        self.assertGreater(choices, 8)
        self.assertEqual(measured, choices)
        for prompt in ("ROMEO:\n", "KING"):
            arguments = ["-p", prompt, "-n", "32", "--temperature", "0", "--threads", "1"]
            self.assertEqual(self.run_json("run", tuned, *arguments)["ids"], self.run_json("run", plain, *arguments)["ids"])
        # The artifact says which kernels were taken.
        (target,) = self.run_json("inspect", tuned)["targets"]
        self.assertLessEqual(chosen, {kernel["symbol"] for kernel in target["kernels"]})

    def test_what_was_found_is_not_measured_again(self):
        first, choices, chosen, measured = self.tune("--storage", "q8_0")
        self.assertEqual(measured, choices)
        second, again, chosen_again, measured = self.tune("--storage", "q8_0", name="second.qpu")
        self.assertEqual((again, chosen_again, measured), (choices, chosen, 0))
        self.assertEqual(first.read_bytes(), second.read_bytes())
        # Without the flag findings change nothing.
        flags = [flag for flag in FLAGS if flag != "--tune"] + ["--storage", "q8_0"]
        plain = []
        for cache in ("cache", "other-cache"):
            plain.append(self.folder / f"{cache}.qpu")
            self.run_well("compile", *flags, "-o", plain[-1], env={"QUIPU_CACHE_DIR": str(self.folder / cache)})
        self.assertEqual(plain[0].read_bytes(), plain[1].read_bytes())
        # A finding that is damaged is made again, the others are not.
        entry = min(path for path in (self.folder / "cache" / "tuning").rglob("*") if path.is_file())
        entry.write_bytes(entry.read_bytes()[:-1] + b"?")
        self.assertEqual(self.tune("--storage", "q8_0")[3], 1)

    def test_choices_can_be_read_and_compiled_again(self):
        tuned, *_ = self.tune()
        kernels = self.folder / "kernels.mlir"
        env = {"QUIPU_CACHE_DIR": str(self.folder / "cache")}
        kernels.write_bytes(self.run_well("compile", *FLAGS, "--compile-to", "kernels", env=env).stdout)
        again = self.folder / "again.qpu"
        self.run_well("compile", DEMO, "--compile-from", "kernels", "--ir", kernels, "-o", again)
        self.assertEqual(again.read_bytes(), tuned.read_bytes())


if __name__ == "__main__":
    case_runner.main()
