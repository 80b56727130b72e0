"""Formatting and clang-tidy."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex

from results import JOBS, RELEASE, ROOT, Results, run, tracked_files

SOURCES = {".c", ".cpp", ".h"}


def check_format(_options):
    files = [path for path in tracked_files() if path.suffix in SOURCES]
    outcome = Results(note=f"{len(files)} files")
    chunks = [files[start::JOBS] for start in range(JOBS)]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for chunk, result in zip(chunks, pool.map(dry_run, chunks)):
            bad = sorted(set(re.findall(r"^(?:\./)?([^:\s]+):\d+:\d+: error", result.stdout, re.M)))
            fix = ["clang-format-22 -i " + " ".join(bad)] if bad else [result.stdout]
            outcome.claim(fix if result.returncode else [], "not formatted")
    return outcome


def dry_run(files):
    return run(["clang-format-22", "--dry-run", "-Werror", *files] if files else ["true"])


def check_lint(_options):
    """clang-tidy over every linted file that changed, or includes something that changed, since it was last found clean."""
    outcome = Results()
    version = run(["clang-tidy-22", "--version"]).stdout
    config = (ROOT / ".clang-tidy").read_text()
    cache = cache_folder() / "lint"
    cache.mkdir(parents=True, exist_ok=True)
    commands = [entry for entry in json.loads((RELEASE / "compile_commands.json").read_text()) if is_linted(entry)]

    def lint(entry):
        clean = cache / content_key(entry, version + config)
        if clean.exists():
            return None
        ran = run(["clang-tidy-22", "-quiet", "-p", RELEASE, entry["file"]])
        if ran.returncode == 0:
            clean.touch()
        return entry["file"], ran

    run_count = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for result in pool.map(lint, commands):
            run_count += result is not None
            findings = result[1].stdout.replace(f"{ROOT}/", "").splitlines() if result and result[1].returncode else []
            outcome.claim(findings[:30], f"clang-tidy {result[0] if result else ''}")
    outcome.note = f"{run_count} of {len(commands)} files changed"
    return outcome


def cache_folder():
    """The folder that the compiler keeps its kernels in."""
    if os.environ.get("QUIPU_CACHE_DIR"):
        return pathlib.Path(os.environ["QUIPU_CACHE_DIR"])
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "quipu"


def is_linted(entry):
    """Tests repeat themselves and crash on purpose; everything else of ours is linted."""
    path = pathlib.Path(entry["file"])
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ("compiler", "runtime", "models", "tools")


def content_key(entry, salt):
    """Hash of the command and of all the project's text that the file includes, wherever the checkout lies."""
    words = shlex.split(entry["command"])
    folders = [pathlib.Path(word[2:]) for word in words if word.startswith("-I")]
    folders = [folder for folder in folders if folder.is_relative_to(ROOT)]
    digest = hashlib.sha256((salt + entry["command"].replace(str(ROOT), ".")).encode())
    seen, waiting = set(), [pathlib.Path(entry["file"])]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        text = path.read_bytes()
        digest.update(text)
        for name in re.findall(rb'^\s*#\s*include\s*"([^"]+)"', text, re.M):
            candidates = [folder / name.decode() for folder in [path.parent, *folders]]
            waiting += [candidate for candidate in candidates if candidate.is_file()][:1]
    return digest.hexdigest()
