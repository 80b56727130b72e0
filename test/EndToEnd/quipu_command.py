"""The quipu command as a user has it: arguments in; status, output and errors out."""
import json
import pathlib
import resource
import signal
import subprocess
import tempfile
import unittest

program = None  # path, set by case_runner
compiling_program = None

TIME_LIMIT = 120  # seconds; nothing here takes more than a few
# Far above what the small models take: a size taken unchecked from a file is refused by the kernel.
ADDRESS_SPACE = 8 << 30


def has_address_sanitizer():
    return b"__asan_init" in program.read_bytes()


def limit(address_space=None, file_size=None):
    """For preexec_fn. AddressSanitizer reserves terabytes, so that limit is for other builds only."""
    def set_limits():
        if address_space:
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
        if file_size is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    return set_limits


def run(*arguments, command=None, file_size=None, **options):
    """CompletedProcess of the command; output and errors are bytes."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": TIME_LIMIT} | options
    address_space = None if has_address_sanitizer() else ADDRESS_SPACE
    return subprocess.run([command or program, *arguments], preexec_fn=limit(address_space, file_size), **options)


class CommandTest(unittest.TestCase):
    """Cases that run the command, each in a folder of its own, `self.folder`."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="quipu-test-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    @classmethod
    def compile_for_class(cls, model, *arguments):
        """An artifact that all cases of a class read; for setUpClass."""
        folder = tempfile.TemporaryDirectory(prefix="quipu-test-")
        cls.addClassCleanup(folder.cleanup)
        artifact = pathlib.Path(folder.name) / "model.qpu"
        ran = run("compile", model, "-o", artifact, *arguments, command=compiling_program)
        if ran.returncode:
            raise AssertionError(ran.stderr.decode(errors="replace"))
        return artifact

    def run_well(self, *arguments, **options):
        ran = run(*arguments, **options)
        self.assertEqual(ran.returncode, 0, f"{arguments}\n{ran.stderr.decode(errors='replace')}")
        return ran

    def run_json(self, *arguments, **options):
        return json.loads(self.run_well(*arguments, "--json", **options).stdout)

    def compile(self, model, *arguments, name="model.qpu"):
        """Compiles into the case's folder; the artifact's path."""
        artifact = self.folder / name
        self.run_well("compile", model, "-o", artifact, *arguments, command=compiling_program)
        return artifact

    def assert_refused(self, arguments, *names, **options):
        """The command ends with an error of one line that has all `names` in it, and prints nothing else."""
        ran = run(*arguments, **options)
        errors = ran.stderr.decode(errors="replace")
        said = f"{' '.join(map(str, arguments))}\nstatus {ran.returncode}\n{errors}"
        self.assertIn(ran.returncode, (1, 2), said)
        self.assertTrue(errors.startswith("quipu: error: ") and errors.endswith("\n"), said)
        self.assertEqual(errors.count("\n"), 1, said)
        self.assertLess(len(errors), 1000, said)
        self.assertEqual(ran.stdout or b"", b"", said)
        for name in names:
            self.assertIn(str(name), errors, said)
        return errors
