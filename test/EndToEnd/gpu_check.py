"""tools/gpu-check on the host: a small folder packed for the device that runs GPU kernels without a GPU, and run there."""
import json
import pathlib
import subprocess
import tempfile
import unittest

import case_runner
import quipu_command

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET, DEVICE = "simt:sm_90a", "simt"


def gpu_check(program, *arguments):
    return subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=600, check=False)


class GpuCheck(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="quipu-test-")
        cls.addClassCleanup(temporary.cleanup)
        cls.pack = pathlib.Path(temporary.name) / "pack"
        build = quipu_command.program.resolve().parents[1]
        packed = gpu_check(ROOT / "tools" / "gpu-check", "--pack", cls.pack, "--build", build, "--target", TARGET, "--only",
                           "rms_norm_n64", "--goldens", "gqa_tied_f32", "--no-shapes")
        if packed.returncode:
            raise AssertionError(packed.stdout + packed.stderr)

    def check(self, *arguments):
        return gpu_check(self.pack / "gpu-check", self.pack, "--device", DEVICE, *arguments)

    def change(self, name, content):
        """Other content of a file of the folder, for one case."""
        path = self.pack / name
        before = path.read_bytes()
        self.addCleanup(path.write_bytes, before)
        path.write_bytes(content(before))

    def assert_failed(self, ran, row, *words):
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        rows = [line for line in ran.stdout.splitlines() if "| FAILED |" in line]
        self.assertTrue(any(line.startswith(f"| {row}") and all(word in line for word in words) for line in rows), ran.stdout)

    def test_a_device_that_is_right_passes(self):
        file = self.pack / "results.json"
        ran = self.check("--json", file)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertTrue(ran.stdout.strip().endswith("gpu-check: 5 passed, 0 failed"), ran.stdout)
        rows = json.loads(file.read_text())["rows"]
        self.assertEqual([row["stage"] for row in rows],
                         ["conformance", "goldens", "goldens", "several sequences", "several sequences"])

    def change_golden(self, change):
        def changed(content):
            manifest = json.loads(content)
            change(manifest["goldens"][0]["cases"][0])
            return json.dumps(manifest).encode()
        self.change("manifest.json", changed)

    def test_logits_that_differ_are_named(self):
        self.change_golden(lambda case: case["last_logits"].__setitem__(3, case["last_logits"][3] + 0.01))
        self.assert_failed(self.check(), "goldens", "gqa_tied_f32 f32", "logits differ by")

    def test_ids_that_differ_are_named(self):
        self.change_golden(lambda case: case["greedy_ids"].__setitem__(0, case["greedy_ids"][0] + 1))
        ran = self.check()
        self.assert_failed(ran, "goldens", "gqa_tied_f32 f32", "greedy ids are")
        self.assert_failed(ran, "several sequences", "gqa_tied_f32 f32", "goes on as")

    def test_a_damaged_conformance_artifact_fails(self):
        self.change("conformance.qpu", lambda content: content[:-1])
        self.assert_failed(self.check(), "conformance", "is damaged")

    def test_what_is_not_built_is_named_and_nothing_made(self):
        folder = self.pack.parent / "unbuilt"
        ran = gpu_check(ROOT / "tools" / "gpu-check", "--pack", folder, "--build", self.pack)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("tools/build release gpu-conformance-artifact", ran.stdout)
        self.assertFalse(folder.exists())

    def test_wrong_arguments_are_refused(self):
        for arguments, words in [([], "--pack DIR"), (["--device", DEVICE], "--pack DIR"),
                                 ([ROOT, "--device", DEVICE], "is no folder that --pack wrote"),
                                 ([self.pack, "--device", "cuda:99"], "there is no device cuda:99"),
                                 (["--pack", self.pack, "--target", TARGET], "is not empty")]:
            ran = gpu_check(ROOT / "tools" / "gpu-check", *arguments)
            self.assertNotEqual(ran.returncode, 0)
            self.assertIn(words, ran.stdout + ran.stderr)


if __name__ == "__main__":
    case_runner.main()
