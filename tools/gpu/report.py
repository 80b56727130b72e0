"""The machine under test, and what was found on it."""
import json
import os
import subprocess
import sys
import time


class Machine:
    """Runs the packed command on one device, within a time for everything."""

    def __init__(self, folder, device, seconds):
        self.folder, self.device = folder, device
        self.end = time.monotonic() + seconds
        # The machine's own C++ library where it does: a driver may need one that is newer than the packed one.
        for libraries in ([folder / "lib"], [folder / "lib", folder / "lib" / "c++"]):
            path = [*map(str, libraries), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
            self.environment = os.environ | {"LD_LIBRARY_PATH": ":".join(path)}
            status, _, said = self.run("--version")
            if status == 0:
                return
        raise SystemExit(f"gpu-check: the packed quipu does not run here: {said}")

    def seconds_left(self):
        return self.end - time.monotonic()

    def run(self, *arguments, timeout=None, program=None, prefix=(), packed=True):
        """(exit status, output, last line of the errors); a status of None: out of time. `packed`: with our libraries."""
        command = [*prefix, *(program or [self.folder / "bin" / "quipu"]), *arguments]
        limit = max(1, min(timeout or 1e9, self.seconds_left()))
        try:
            ran = subprocess.run(list(map(str, command)), env=self.environment if packed else None,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 timeout=limit)
        except subprocess.TimeoutExpired as expired:
            return None, (expired.stdout or b"").decode(errors="replace"), f"stopped after {limit:.0f} s"
        errors = ran.stderr.decode(errors="replace").strip().splitlines()
        said = errors[-1] if errors else f"status {ran.returncode}"
        if ran.returncode < 0:
            said = f"ended by signal {-ran.returncode}"
        return ran.returncode, ran.stdout.decode(errors="replace"), said

    def describe(self):
        listed = [line.split() for line in self.run("devices")[1].splitlines()]
        kind = self.device.split(":")[0]
        for words in listed:
            if words[:1] in ([self.device], [f"{self.device}:0"]):
                return " ".join(words)
        reasons = [" ".join(words) for words in listed if words and words[0].split(":")[0] == kind]
        raise SystemExit(f"gpu-check: there is no device {self.device}: {'; '.join(reasons) or 'quipu knows none'}")


def last_json(output):
    """The JSON object of a command's last line; None where there is none."""
    lines = output.strip().splitlines()
    try:
        return json.loads(lines[-1]) if lines else None
    except ValueError:
        return None


class Results:
    """Rows of (stage, what, outcome, detail). Outcomes: ok, FAILED, figure, left out."""

    def __init__(self):
        self.rows, self.device = [], ""

    def add(self, stage, what, outcome, detail=""):
        self.rows.append((stage, what, outcome, detail))
        print(f"{outcome:8} {stage}: {what}{'  ' + detail if detail else ''}", file=sys.stderr, flush=True)

    def check(self, stage, what, problem, detail=""):
        self.add(stage, what, "FAILED" if problem else "ok", problem or detail)

    def failed(self):
        return [row for row in self.rows if row[2] == "FAILED"]

    def print(self, manifest):
        print(f"Quipu {manifest['commit']}, packed {manifest['date']} for {manifest['target']}")
        print(self.device)
        print()
        print("| stage | what | outcome | |\n|---|---|---|---|")
        for row in self.rows:
            print("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in row) + " |")
        print()
        counted = [row for row in self.rows if row[2] in ("ok", "FAILED")]
        print(f"gpu-check: {len(counted) - len(self.failed())} passed, {len(self.failed())} failed")

    def as_json(self, manifest):
        return {"pack": {key: manifest[key] for key in ("commit", "date", "target")}, "device": self.device,
                "rows": [dict(zip(("stage", "what", "outcome", "detail"), row)) for row in self.rows]}
