"""What the stages of tools/check hand back, and how they run programs."""
import dataclasses
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELEASE = ROOT / "build" / "release"
ASAN = ROOT / "build" / "asan"
JOBS = len(os.sched_getaffinity(0))


@dataclasses.dataclass
class Results:
    """Counts of one stage. A failure is one or more lines: what failed, then the detail."""

    passed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)
    warnings: list = dataclasses.field(default_factory=list)
    note: str = ""

    def add(self, other):
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures
        self.warnings += other.warnings

    def claim(self, problems, label):
        """Counts one check that found `problems`."""
        if problems:
            self.failures.append(label + "\n" + "\n".join(problems))
        else:
            self.passed += 1


def run(command, **options):
    """Runs `command` in the repository root; output and errors together are in .stdout."""
    options = {"cwd": ROOT, "text": True, "errors": "replace", "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | options
    return subprocess.run([str(part) for part in command], **options)


def tracked_files():
    """The repository's files as paths relative to its root, those not yet added included, whoever owns the checkout."""
    listing = run(["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], check=True).stdout
    paths = sorted(pathlib.PurePath(name) for name in set(listing.split("\0")) if name)
    return [path for path in paths if (ROOT / path).is_file()]


def tail(text, lines=40):
    return "\n".join(text.rstrip().splitlines()[-lines:])
