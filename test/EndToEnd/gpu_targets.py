"""GPU targets without a GPU: kernels of two Llama shapes compiled for every chip, none of which may spill a register or
have its wgmma run one by one; how many kernels there are; code with PTX beside it. The checkpoints are shapes alone.
"""
import re

import case_runner
import checkpoints
import quipu_command
from quipu_command import CommandTest

LLAMA_1B = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192,
            "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "num_hidden_layers": 2, "vocab_size": 128256,
            "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 5e5, "hidden_act": "silu",
            "tie_word_embeddings": True, "torch_dtype": "bfloat16"}
LLAMA_8B = LLAMA_1B | {"hidden_size": 4096, "intermediate_size": 14336, "head_dim": 128, "tie_word_embeddings": False}
CHIPS = ["sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120a",
         "gfx90a", "gfx942", "gfx950", "gfx1030", "gfx1100", "gfx1151", "gfx1200", "gfx1201"]


class GpuTargets(CommandTest):
    def compile_shape(self, config, target, *flags):
        """What the command said of the artifact and its kernels."""
        model = checkpoints.shape_checkpoint(self.folder / "shape", config)
        ran = self.run_well("compile", model, "-o", self.folder / "x.qpu", "--weights", "none", "--target", target,
                            "--print-kernels", *flags, command=quipu_command.compiling_program)
        return ran.stderr.decode()

    def known_chips(self, backend):
        ran = quipu_command.run("compile", checkpoints.SMALL, "-o", self.folder / "x.qpu", "--target", backend,
                                command=quipu_command.compiling_program)
        return ran.stderr.decode().rsplit("the known ones: ", 1)[1].split()

    def check_no_spills(self, target, storage, config):
        report = self.compile_shape(config, target, "--storage", storage, "--kv-storage", storage)
        rows = re.findall(rf"^{target} (\S+) +(\S+) +(\S+) +(\S+) +(\S+) +(\S+) +\S+$", report, re.MULTILINE)
        self.assertGreater(len(rows), 20, report)
        if all(registers == "?" for _, registers, *_ in rows):
            self.skipTest("the compiler here gives PTX, whose registers a driver allocates")
        poor = [name for name, _, _, *counts in rows if counts != ["0", "0", "0"]]  # stack, spills, serialized wgmma
        self.assertEqual(poor, [])

    def test_the_chips_here_are_all_there_are(self):
        for backend in ("cuda", "hip"):
            named = [chip.rstrip(",") for chip in self.known_chips(backend)]
            self.assertEqual(named, [chip for chip in CHIPS if chip.startswith("sm_") == (backend == "cuda")])

    def test_more_layers_are_no_more_kernels(self):
        counts = set()
        for layers in (2, 5):
            report = self.compile_shape(LLAMA_1B | {"num_hidden_layers": layers}, "hip:gfx1100")
            counts.add(re.search(r" (\d+) kernels ", report)[1])
            for path in (self.folder / "shape").iterdir():
                path.unlink()
            (self.folder / "shape").rmdir()
        self.assertEqual(len(counts), 1, counts)

    def test_ptx_is_kept_beside_the_code(self):
        artifacts = {}
        for flags in ([], ["--ptx"]):
            self.compile(checkpoints.SMALL, "--target", "cuda:sm_80", *flags)
            artifacts[bool(flags)] = (self.folder / "model.qpu").read_bytes()
        self.assertTrue(b".target sm_80" in artifacts[True])
        if b"\x7fELF" in artifacts[False]:  # made by NVRTC, not by clang
            self.assertFalse(b".target sm_80" in artifacts[False])
            self.assertTrue(b"\x7fELF" in artifacts[True])



def add_cases():
    for chip in CHIPS:
        target = f"{'cuda' if chip.startswith('sm_') else 'hip'}:{chip}"
        for name, config, storages in (("1B", LLAMA_1B, ("bf16", "f16", "f32")), ("8B", LLAMA_8B, ("bf16",))):
            for storage in storages:
                case_runner.add_case(GpuTargets, f"no spills {name} {storage} {chip}", GpuTargets.check_no_spills, target, storage,
                                     config)


if __name__ == "__main__":
    add_cases()
    case_runner.main()
