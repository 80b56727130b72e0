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

- compiled: every kernel of two Llama shapes, without a spill (`test/EndToEnd/gpu_targets.py`)
- on the host: the generated source of every kernel run thread by thread against the obvious computation
  (`test/Conformance/Gpu/KernelConformanceTest.cpp`); "matmuls": of these alone, the others being those of another chip
- emulated: the machine code of every kernel run by an instruction emulator, where `TINYGRAD_DIR` names one
  (`test/Conformance/Gpu/AmdEmulatorTest.cpp`)
- run: on the device itself (`tools/gpu-check`)

| target | compiled | on the host | emulated | run |
|---|---|---|---|---|
"""


def chips_of_test(name):
    text = (ROOT / "test" / "Conformance" / "Gpu" / name).read_text()
    return [set(re.findall(r'"(\w+)"', names)) for names in re.findall(r"const char \*chip : \{([^}]*)\}", text)]


def compiled_chips():
    folder = ROOT / "test" / "EndToEnd"
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("gpu_targets", folder / "gpu_targets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CHIPS


def page():
    on_host, matmuls_on_host = chips_of_test("KernelConformanceTest.cpp")
    (emulated,) = chips_of_test("AmdEmulatorTest.cpp")
    rows = []
    for chip in compiled_chips():
        backend = "cuda" if chip.startswith("sm_") else "hip"
        run = ", ".join(RUNS[chip]) if chip in RUNS else "no"
        host = "yes" if chip in on_host else "matmuls" if chip in matmuls_on_host else "no"
        rows.append(f"| `{backend}:{chip}` | yes | {host} | "
                    f"{'yes' if chip in emulated else 'no'} | {run} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
