"""docs/reference/gpu-chips.md: how far the kernels of each GPU chip are tested, read from the tests themselves.

    python3 -B tools/checks/gpu_chips.py    # writes the page
"""
import importlib.util
import re
import sys

from results import ROOT

PAGE = ROOT / "docs" / "reference" / "gpu-chips.md"
# Chips that tools/gpu-check has passed on: chip -> (device, date, commit).
RUNS = {}

HEAD = """# GPU chips

Generated from the tests (`python3 -B tools/checks/gpu_chips.py`). No GPU is needed for any column but the last.

- compiled: every kernel of two Llama shapes, in every storage type, without a spill (`test/EndToEnd/gpu_targets.py`)
- on the host: the generated source of every kernel run thread by thread against the obvious computation
  (`test/Conformance/Gpu/KernelConformanceTest.cpp`), once where it is the same for several chips
- emulated: the machine code of every kernel run by an instruction emulator, where `TINYGRAD_DIR` names one
  (`test/Conformance/Gpu/AmdEmulatorTest.cpp`)
- run: on the device itself (`tools/gpu-check`)

| target | compiled | on the host | emulated | run |
|---|---|---|---|---|
"""


def chips_of_test(name):
    """The one list of chips in a test."""
    text = (ROOT / "test" / "Conformance" / "Gpu" / name).read_text()
    (names,) = re.findall(r"\{((?:\s*\"(?:sm_|gfx)\w+\",?)+)\}", text)
    return set(re.findall(r'"(\w+)"', names))


def compiled_chips():
    folder = ROOT / "test" / "EndToEnd"
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("gpu_targets", folder / "gpu_targets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CHIPS


def page():
    on_host, emulated = chips_of_test("KernelConformanceTest.cpp"), chips_of_test("AmdEmulatorTest.cpp")
    rows = []
    for chip in compiled_chips():
        backend = "cuda" if chip.startswith("sm_") else "hip"
        run = ", ".join(RUNS[chip]) if chip in RUNS else "no"
        rows.append(f"| `{backend}:{chip}` | yes | {'yes' if chip in on_host else 'no'} | "
                    f"{'yes' if chip in emulated else 'no'} | {run} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
