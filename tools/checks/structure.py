"""Rules of the tree that a program can check. Each rule is a function that yields one line per breach."""
import collections
import pathlib
import re

import doc_rules
from results import ROOT, Results, tracked_files

LONGEST_FILE = 800
# A longer file stands here with its reason.
LONG_FILES = {}
FULLEST_FOLDER = 25
FORBIDDEN_STEMS = {"util", "utils", "common", "misc", "helper", "helpers"}
CODE = {".c", ".cpp", ".h", ".td", ".fbs", ".py", ".cmake", ".mlir", ".test"}
TEXT = CODE | {".md", ".txt", ".in"}
# What lies at the root. A new name there is a decision, written down here.
ROOT_FILES = {".clang-format", ".clang-tidy", ".gitignore", "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md"}
# Inputs and goldens are what another program wrote.
DATA_FOLDERS = {"inputs", "goldens", "golden", "corpus", "data", "demo"}
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")

# Folder -> what its files may not include.
LAYERS = {
    "runtime": ("compiler/", "models/", "mlir/", "mlir-c/", "llvm/", "llvm-c/", "clang/", "lld/", "cuda", "hip/", "nvrtc"),
    "models/import": ("compiler/", "mlir/", "mlir-c/", "llvm/", "llvm-c/"),
}


def is_data(path):
    return bool(DATA_FOLDERS & set(path.parts[:-1]))


def is_text(path):
    return path.suffix in TEXT or path.parts[0] == "tools" and not path.suffix or path.name == ".clang-tidy"


def read(path):
    return (ROOT / path).read_text(errors="replace")


def long_files(files):
    for path in files:
        if path.suffix not in CODE | {".md"} or is_data(path) or path.is_relative_to("docs/reference"):
            continue
        lines = read(path).count("\n")
        if lines > LONGEST_FILE and str(path) not in LONG_FILES:
            yield f"{path}: {lines} lines, more than {LONGEST_FILE}"
    for path, reason in LONG_FILES.items():
        if not (ROOT / path).is_file() or read(path).count("\n") <= LONGEST_FILE:
            yield f"tools/checks/structure.py: {path} needs no place in LONG_FILES any more ({reason})"


def forbidden_names(files):
    for path in files:
        if any(part.lower() in FORBIDDEN_STEMS for part in [path.stem, *path.parts[:-1]]):
            yield f"{path}: name it after what it holds"


def unfinished_work(files):
    for path in files:
        if not is_text(path) or is_data(path):
            continue
        for number, line in enumerate(read(path).splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{path}:{number}: {line.strip()[:100]}"


def stray_files(files):
    for path in files:
        if len(path.parts) == 1 and path.name not in ROOT_FILES:
            yield f"{path}: is no file of the root; move it, remove it or add it to ROOT_FILES in tools/checks/structure.py"


def white_space(files):
    for path in files:
        if not is_text(path) or is_data(path):
            continue
        text = read(path)
        for number, line in enumerate(text.splitlines(), 1):
            if "\t" in line:
                yield f"{path}:{number}: tab"
            elif line != line.rstrip():
                yield f"{path}:{number}: blanks at the end of the line"
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at the end"


def includes(path):
    return re.findall(r'^\s*#\s*include\s*(["<])([^">]+)[">]', read(path), re.M)


def layers(files):
    for path in files:
        if path.suffix not in {".c", ".cpp", ".h"}:
            continue
        for folder, refused in LAYERS.items():
            if not path.is_relative_to(folder):
                continue
            for _, name in includes(path):
                if name.startswith(refused):
                    yield f'{path}: {folder}/ may not include "{name}"'


def headers(files):
    present = {str(path) for path in files}
    for path in files:
        if path.suffix == ".h" and "#pragma once" not in read(path) and path.parent.name != "include":
            yield f"{path}: no #pragma once"
        if path.suffix in {".c", ".cpp", ".h"}:
            for quote, name in includes(path):
                top = name.split("/")[0]
                generated = name.endswith((".inc", "_generated.h"))
                if quote == '"' and top in {"compiler", "runtime", "models", "tools", "test"} and not generated and name not in present:
                    yield f'{path}: includes "{name}", which is not in the tree'


def passes(files):
    """FuseNormMatmul.cpp = --lm-fuse-norm-matmul = fuse-norm-matmul.mlir"""
    tests = {path.stem for path in files if path.suffix == ".mlir" and path.parts[0] == "test"}
    for path in files:
        if path.name != "Passes.td":
            continue
        sources = {other.stem.lower() for other in files if other.suffix == ".cpp" and other.is_relative_to(path.parent)}
        for flag in re.findall(r'\bPass<\s*"([^"]+)"', read(path)):
            name = re.sub(r"^(lm|kernel)-", "", flag)
            if name not in tests:
                yield f"{path}: pass {flag} has no test {name}.mlir under test/"
            if name.replace("-", "") not in sources:
                yield f"{path}: pass {flag} has no source of its name beside it"


def full_folders(files):
    entries = collections.defaultdict(set)
    for path in files:
        for parent in path.parents:
            entries[parent].add(path.relative_to(parent).parts[0])
    for folder, names in sorted(entries.items()):
        if len(names) > FULLEST_FOLDER and not is_data(folder / "x"):
            yield f"{folder}: {len(names)} entries, divide it at about {FULLEST_FOLDER}"


RULES = [long_files, forbidden_names, stray_files, unfinished_work, white_space, layers, headers, passes, *doc_rules.RULES]


def check(_options=None):
    files = [pathlib.PurePath(path) for path in tracked_files()]
    outcome = Results(note=f"{len(RULES)} rules over {len(files)} files")
    for rule in RULES:
        outcome.claim(list(rule(files)), f"rule {rule.__name__}")
    outcome.warnings += full_folders(files)
    return outcome
