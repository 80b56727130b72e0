"""The committed reference against what TableGen and the tests of GPU chips generate now."""
import filecmp

import gpu_chips

from results import RELEASE, ROOT, Results, run


def check(_options):
    outcome = Results()
    built = run(["cmake", "--build", RELEASE, "--target", "quipu-reference"])
    if built.returncode:
        outcome.failures.append("the reference cannot be generated\n" + built.stdout)
        return outcome
    generated, committed = RELEASE / "docs" / "reference", ROOT / "docs" / "reference"
    names = {path.name for folder in (generated, committed) if folder.is_dir() for path in folder.glob("*.md")}
    names.discard(gpu_chips.PAGE.name)
    current = gpu_chips.PAGE.is_file() and gpu_chips.PAGE.read_text() == gpu_chips.page()
    outcome.claim([] if current else ["run: python3 -B tools/checks/gpu_chips.py"], "docs/reference/gpu-chips.md is not current")
    for name in sorted(names):
        current = all((folder / name).is_file() for folder in (generated, committed))
        current = current and filecmp.cmp(generated / name, committed / name, shallow=False)
        outcome.claim([] if current else ["run: ninja -C build/release quipu-docs"], f"docs/reference/{name} is not current")
    return outcome
