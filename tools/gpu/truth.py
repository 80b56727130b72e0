"""Whether the numbers are right: kernels against the reference, whole models against goldens of other programs."""
import json
import pathlib
import shutil
import struct
import sys
import tempfile

from report import last_json

TOLERANCE = {"f32": 1e-4, "bf16": 3e-2}  # of logits, relative to the largest
MOST_CRASHES = 5
LOGIT_CASES = 2  # of a model; each loads the model anew


def conformance(machine, manifest, results, only):
    after, crashes = "", 0
    while True:
        arguments = ["--device", machine.device, "--only", only, "--json"] + (["--after", after] if after else [])
        status, output, said = machine.run("conformance", machine.folder / manifest["conformance"], *arguments)
        report = last_json(output) or {"kernels": []}
        for kernel in report["kernels"]:
            if kernel["message"]:
                results.add("conformance", kernel["kernel"], "FAILED", kernel["message"])
        passed = [kernel for kernel in report["kernels"] if not kernel["message"]]
        if passed:
            checks = sum(kernel["checks"] for kernel in passed)
            worst = max(passed, key=lambda kernel: kernel["share"])
            results.add("conformance", f"{len(passed)} kernels, {checks} checks", "ok",
                        f"nearest to its tolerance: {worst['kernel']}, {100 * worst['share']:.0f} %")
        if status == 0 or (report["kernels"] and report.get("failed") and "--after" not in said):
            return
        crashes += 1
        if "--after" not in said or crashes == MOST_CRASHES:
            results.add("conformance", "the run", "FAILED", said)
            return
        after = said.split("--after ")[-1].strip()


def sure_steps(case, tolerance):
    """Greedy steps before the first whose choice that tolerance could turn over."""
    margin = 2 * tolerance * max(map(abs, case["last_logits"]))
    margins = case.get("greedy_margins")
    if margins is None:
        return len(case["greedy_ids"]) if case["min_top2_margin"] > margin else 0
    return next((step for step, top in enumerate(margins) if top <= margin), len(margins))


def first_row(path):
    """The first row of a float32 .npy file, as `quipu run --logits` writes it."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack_from("<H", data, 8)
    columns = int(data[10:10 + length].decode("ascii").split("(")[1].split(")")[0].split(",")[1])
    return struct.unpack_from(f"<{columns}f", data, 10 + length)


def relative_error(values, golden):
    differences = [abs(a - b) for a, b in zip(values, golden)]
    if len(values) != len(golden) or any(difference != difference for difference in differences):
        return float("inf")
    return max(differences) / max(map(abs, golden))


def check_case(machine, golden, case, steps, folder):
    """(what is wrong, or None; the error of the logits)."""
    logits = pathlib.Path(folder) / "logits.npy"
    status, output, said = machine.run(
        "run", machine.folder / golden["artifact"], "--device", machine.device, "--prompt-ids",
        ",".join(map(str, case["prompt_ids"])), "--temperature", "0", "-n", str(steps), "--logits", logits, "--json")
    if status != 0:
        return said, None
    error = relative_error(first_row(logits), case["last_logits"])
    tolerance = TOLERANCE[golden["storage"]]
    if not error <= tolerance:
        return f"logits differ by {error:.1e} of the largest, at most {tolerance:.0e}", error
    sure, ids = min(sure_steps(case, tolerance), steps), last_json(output)["ids"]
    if ids[:sure] != case["greedy_ids"][:sure]:
        return f"greedy ids are {ids[:sure]}, not {case['greedy_ids'][:sure]}", error
    return None, error


def goldens(machine, manifest, results):
    for golden in manifest["goldens"]:
        name = f"{golden['name']} {golden['storage']}"
        errors, problem = [], None
        with tempfile.TemporaryDirectory() as folder:
            for case in golden["cases"][:LOGIT_CASES]:
                steps = min(len(case["greedy_ids"]), golden["steps"])
                problem, error = check_case(machine, golden, case, steps, folder)
                errors.append(error or 0)
                if problem:
                    break
        results.check("goldens", name, problem, f"logits within {max(errors):.1e}, greedy ids as golden")


def sequences(machine, manifest, results):
    """All prompts of a model at a time, which share steps; through libquipu.so."""
    script = pathlib.Path(__file__).parent / "sequences.py"
    for golden in manifest["goldens"]:
        cases = [{"prompt": case["prompt_ids"], "steps": min(len(case["greedy_ids"]), golden["steps"]),
                  "want": case["greedy_ids"], "sure": sure_steps(case, TOLERANCE[golden["storage"]])}
                 for case in golden["cases"]]
        if len(cases) < 2:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(cases, file)
            file.flush()
            status, output, said = machine.run(
                script, machine.folder / "lib" / "libquipu.so.0", machine.folder / golden["artifact"], machine.device,
                file.name, program=[sys.executable, "-B"])
        said = None if status == 0 else said
        results.check("several sequences", f"{golden['name']} {golden['storage']}", said, output.strip())


def sanitize(machine, manifest, results, only):
    found = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
    if not found:
        results.add("compute-sanitizer", "conformance", "left out", "there is no compute-sanitizer")
        return
    for tool in ("memcheck", "racecheck", "synccheck"):
        if machine.seconds_left() < 30:
            results.add("compute-sanitizer", tool, "left out", "no time is left")
            continue
        status, output, _ = machine.run(
            "conformance", machine.folder / manifest["conformance"], "--device", machine.device, "--only", only,
            prefix=[found, "--tool", tool, "--error-exitcode", "9"], timeout=120)
        lines = output.splitlines()
        kernels = sum(line.startswith(("ok ", "FAIL ")) for line in lines)
        complaints = [line for line in lines if line.startswith("========= ") and "COMPUTE-SANITIZER" not in line and
                      not line.endswith(" 0 errors")]
        detail = f"{kernels} kernels" + ("" if status is not None else ", then the time was over")
        results.check("compute-sanitizer", tool, complaints[0][10:] if complaints else
                      f"status {status}" if status else None, detail)
