"""sequences.py LIBRARY ARTIFACT DEVICE CASES.json: greedy text of all cases at a time, through the C interface; the exit
status is not 0 where a case's ids are not those it must have."""
import ctypes
import json
import sys


class Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("device", ctypes.c_char_p), ("threads", ctypes.c_uint32),
                ("max_context", ctypes.c_uint32), ("max_sequences", ctypes.c_uint32)]


class Token(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("sequence", ctypes.c_uint64), ("id", ctypes.c_int32),
                ("finish", ctypes.c_int), ("text", ctypes.c_char_p)]


class StepResult(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("tokens", ctypes.POINTER(Token)), ("count", ctypes.c_size_t),
                ("working", ctypes.c_int)]


def main(library_path, artifact, device, cases_path):
    library = ctypes.CDLL(library_path)
    error = ctypes.c_char_p()

    def call(function, *arguments):
        if getattr(library, function)(*arguments, ctypes.byref(error)):
            raise SystemExit(error.value.decode(errors="replace"))

    with open(cases_path) as file:
        cases = json.load(file)
    options, engine = Options(), ctypes.c_void_p()
    library.quipu_options_init(ctypes.byref(options))
    options.device = device.encode()
    call("quipu_load", artifact.encode(), ctypes.byref(options), ctypes.byref(engine))
    ids = {}
    for case in cases:
        prompt, sequence = (ctypes.c_int32 * len(case["prompt"]))(*case["prompt"]), ctypes.c_uint64()
        call("quipu_add", engine, prompt, ctypes.c_size_t(len(prompt)), None, ctypes.c_uint32(case["steps"]),
             ctypes.byref(sequence))
        ids[sequence.value] = []
    result, most = StepResult(), 0
    library.quipu_step_result_init(ctypes.byref(result))
    while True:
        call("quipu_step", engine, ctypes.byref(result))
        if not result.working:
            break
        most = max(most, result.count)
        for i in range(result.count):
            ids[result.tokens[i].sequence].append(result.tokens[i].id)
    library.quipu_unload(engine)
    for case, got in zip(cases, ids.values()):
        sure = min(case["sure"], case["steps"], len(got))
        if not got or got[:sure] != case["want"][:sure]:
            raise SystemExit(f"a prompt of {len(case['prompt'])} ids goes on as {got[:sure]}, not {case['want'][:sure]}")
    print(f"{len(cases)} prompts, up to {most} in a step, greedy ids as golden")


main(*sys.argv[1:])
