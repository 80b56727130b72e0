"""Artifacts that are damaged, cut or do not fit this machine, through every command that reads one: one line that names
the file at fault."""
import shutil
import struct

import case_runner
import checkpoints
import quipu_command
from quipu_command import CommandTest

HEADER_BYTES, SECTION_BYTES = 64, 40
FLIPS = 300
PROMPT = ["--prompt-ids", "1,2,3", "-n", "2"]


def commands_of(artifact, folder):
    """Every way to read an artifact."""
    text = folder / "text.txt"
    text.write_text("some text\n")
    ways = {
        "run": ["run", artifact, *PROMPT],
        "plan": ["plan", artifact],
        "inspect": ["inspect", artifact],
        "inspect --json": ["inspect", artifact, "--json"],
        "inspect --dump-kernels": ["inspect", artifact, "--dump-kernels", folder / "kernels"],
        "eval": ["eval", "perplexity", artifact, "--text", text],
        "bench": ["bench", artifact, "-p", "4", "-n", "2", "-r", "1"],
    }
    return ways


def section_boundaries(content):
    """Offsets at which the header, the section table and each section start and end."""
    (count,) = struct.unpack_from("<I", content, 12)
    boundaries = {0, HEADER_BYTES, HEADER_BYTES + count * SECTION_BYTES, len(content)}
    for index in range(count):
        offset, size = struct.unpack_from("<QQ", content, HEADER_BYTES + index * SECTION_BYTES + 8)
        boundaries |= {offset, offset + size}
    return sorted(boundaries)


class BadArtifacts(CommandTest):
    @classmethod
    def setUpClass(cls):
        cls.sound = {placement: cls.compile_for_class(checkpoints.SMALL, "--weights", placement).parent
                     for placement in ("embed", "file", "none")}

    def copy(self, placement="embed"):
        for path in self.sound[placement].iterdir():
            shutil.copy(path, self.folder / path.name)
        return self.folder / "model.qpu"

    def assert_all_refuse(self, artifact, *names):
        for command, arguments in commands_of(artifact, self.folder).items():
            with self.subTest(command=command):
                self.assert_refused(arguments, *names)
        self.assertFalse((self.folder / "kernels").exists() and list((self.folder / "kernels").iterdir()))

    def test_sound_artifact_is_accepted(self):
        artifact = self.copy()
        for command, arguments in commands_of(artifact, self.folder).items():
            if command != "eval":  # this model has no tokenizer
                with self.subTest(command=command):
                    self.run_well(*arguments)

    def test_cut_at_and_around_every_section(self):
        artifact = self.copy()
        content = artifact.read_bytes()
        for boundary in section_boundaries(content):
            for length in (boundary - 1, boundary, boundary + 1):
                if not 0 <= length < len(content):
                    continue
                artifact.write_bytes(content[:length])
                with self.subTest(length=length):
                    self.assert_refused(["run", artifact, *PROMPT], artifact)
                    self.assert_refused(["inspect", artifact], artifact)
                    self.assert_refused(["plan", artifact], artifact)

    def test_flipped_bytes(self):
        """Spread evenly, and every byte of header and section table; `run` reads all of the file, so it finds every one."""
        artifact = self.copy()
        content = bytearray(artifact.read_bytes())
        positions = {len(content) * step // FLIPS for step in range(FLIPS)} | set(range(0, section_boundaries(content)[2], 3))
        for position in sorted(positions):
            flipped = bytearray(content)
            flipped[position] ^= 1 << position % 8
            artifact.write_bytes(flipped)
            with self.subTest(position=position):
                self.assert_refused(["run", artifact, *PROMPT], artifact)

    def test_flipped_bytes_never_crash_what_reads_no_weights(self):
        artifact = self.copy()
        content = artifact.read_bytes()
        for position in range(0, len(content), len(content) // 60):
            artifact.write_bytes(content[:position] + bytes([content[position] ^ 0x81]) + content[position + 1:])
            for command in ("plan", "inspect"):
                with self.subTest(position=position, command=command):
                    ran = quipu_command.run(command, artifact)
                    if ran.returncode:
                        self.assert_refused([command, artifact], artifact)

    def test_bytes_after_the_end(self):
        artifact = self.copy()
        artifact.write_bytes(artifact.read_bytes() + b"\0")
        self.assert_all_refuse(artifact, artifact)

    def test_empty(self):
        artifact = self.folder / "model.qpu"
        artifact.write_bytes(b"")
        self.assert_all_refuse(artifact, artifact)

    def test_other_kind_of_file(self):
        artifact = self.folder / "model.qpu"
        shutil.copy(checkpoints.SMALL / "model.safetensors", artifact)
        self.assert_all_refuse(artifact, artifact, "is not a Quipu artifact")

    def test_other_version(self):
        artifact = self.copy()
        content = bytearray(artifact.read_bytes())
        struct.pack_into("<I", content, 8, 99)
        artifact.write_bytes(content)
        self.assert_all_refuse(artifact, artifact, "version 99")

    def test_absent(self):
        self.assert_all_refuse(self.folder / "missing.qpu", self.folder / "missing.qpu")

    def test_device(self):
        self.assert_all_refuse("/dev/zero", "/dev/zero")

    def test_weights_left_out(self):
        artifact = self.copy("none")
        self.run_well("plan", artifact)
        self.run_well("inspect", artifact)
        self.assert_refused(["run", artifact, *PROMPT], artifact, "weights")

    def weights_file(self):
        (path,) = (path for path in self.folder.iterdir() if path.name not in ("model.qpu", "text.txt"))
        return path

    def test_weights_beside_the_artifact(self):
        self.run_well("run", self.copy("file"), *PROMPT)

    def test_weights_file_absent(self):
        artifact = self.copy("file")
        weights = self.weights_file()
        weights.unlink()
        self.assert_refused(["run", artifact, *PROMPT], weights)
        self.run_well("plan", artifact)

    def test_weights_file_cut_or_longer(self):
        artifact = self.copy("file")
        weights = self.weights_file()
        content = weights.read_bytes()
        for changed in (b"", content[:-1], content + b"\0"):
            weights.write_bytes(changed)
            self.assert_refused(["run", artifact, *PROMPT], weights)

    def test_weights_file_changed(self):
        artifact = self.copy("file")
        weights = self.weights_file()
        content = weights.read_bytes()
        for position in range(0, len(content), len(content) // 20):
            weights.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1:])
            self.assert_refused(["run", artifact, *PROMPT], weights)

    def test_weights_file_of_another_model(self):
        artifact = self.copy("file")
        self.weights_file().write_bytes(b"\1" * self.weights_file().stat().st_size)
        self.assert_refused(["run", artifact, *PROMPT], self.weights_file())


if __name__ == "__main__":
    case_runner.main()
