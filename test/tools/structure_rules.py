"""Each rule of tools/checks finds its breach in a small tree, and nothing in the sound one."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "checks"))
import doc_rules
import structure

SOUND = {
    "README.md": "[docs](docs/README.md) and `runtime/Text/Bpe.cpp`, `runtime/{Text,Text/Bpe.h}`, `compiler/<family>`\n",
    "docs/README.md": "[environment](environment.md)\n",
    "docs/environment.md": "| `QUIPU_SHARED_DATA` | tests |\n",
    "runtime/Text/Bpe.h": "#pragma once\n",
    "runtime/Text/Bpe.cpp": '#include "runtime/Text/Bpe.h"\nauto *x = getenv("QUIPU_SHARED_DATA");\n',
    "compiler/Dialect/LM/Transforms/Passes.td": 'def F : Pass<"lm-fuse-norm-matmul"> {}\n',
    "compiler/Dialect/LM/Transforms/FuseNormMatmul.cpp": "int x;\n",
    "test/compiler/fuse-norm-matmul.mlir": "// RUN: true\n",
}

# rule -> file to write over the sound tree, its text (None removes it), part of the expected message
BREACHES = [
    ("long_files", "runtime/Text/Long.cpp", "int x;\n" * 801, "801 lines"),
    ("forbidden_names", "runtime/Text/Utils.cpp", "int x;\n", "name it after what it holds"),
    ("forbidden_names", "runtime/common/Bpe.cpp", "int x;\n", "name it after what it holds"),
    ("unfinished_work", "runtime/Text/Bpe.cpp", "// TO" + "DO: more\n", "Bpe.cpp:1"),
    ("white_space", "runtime/Text/Bpe.cpp", "\tint x;\n", "tab"),
    ("stray_files", "llama.log", "line\n", "no file of the root"),
    ("white_space", "runtime/Text/Bpe.cpp", "int x; \n", "blanks"),
    ("white_space", "runtime/Text/Bpe.cpp", "int x;", "newline"),
    ("layers", "runtime/Text/Bpe.cpp", "#include <llvm/ADT/StringRef.h>\n", "may not include"),
    ("layers", "models/import/Read.cpp", '#include "mlir/IR/Builders.h"\n', "may not include"),
    ("headers", "runtime/Text/Bpe.h", "int x;\n", "#pragma once"),
    ("headers", "runtime/Text/Bpe.cpp", '#include "runtime/Text/Gone.h"\n', "not in the tree"),
    ("passes", "test/compiler/fuse-norm-matmul.mlir", None, "no test"),
    ("passes", "compiler/Dialect/LM/Transforms/FuseNormMatmul.cpp", None, "no source"),
    ("paths_in_docs", "docs/README.md", "see runtime/Text/Gone.cpp.\n", "runtime/Text/Gone.cpp is not in the tree"),
    ("paths_in_docs", "docs/README.md", "see `runtime/{Text,Gone}`\n", "runtime/Gone is not in the tree"),
    ("links_in_docs", "docs/README.md", "[gone](gone.md)\n", "leads nowhere"),
    ("reachable_pages", "docs/alone.md", "alone\n", "no page links to it"),
    ("environment_variables", "runtime/Text/Bpe.cpp", 'getenv("QUIPU_SHARED_DATA"); getenv' + '("QUIPU' + '_SECRET");\n', "does not list"),
    ("environment_variables", "runtime/Text/Bpe.cpp", 'getenv("QUIPU_SHARED_DATA"); fs::temp_directory_path();\n', "reads TMPDIR"),
    ("environment_variables", "runtime/Text/Bpe.cpp", "int x;\n", "which nothing reads"),
    ("full_folders", None, None, "26 entries"),
]


class RuleTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = structure.ROOT = doc_rules.ROOT = pathlib.Path(folder.name)

    def breaches(self, rule, tree):
        for name, text in tree.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        function = getattr(structure, rule, None) or getattr(doc_rules, rule)
        return list(function([pathlib.PurePath(name) for name in sorted(tree)]))

    def test_sound_tree_passes_every_rule(self):
        for rule in structure.RULES:
            self.assertEqual([], self.breaches(rule.__name__, SOUND), rule.__name__)

    def test_every_rule_has_a_breach_here(self):
        self.assertEqual({rule.__name__ for rule in structure.RULES} | {"full_folders"}, {breach[0] for breach in BREACHES})


def breach_test(rule, name, text, expected):
    def test(self):
        tree = dict(SOUND)
        if rule == "full_folders":
            tree |= {f"runtime/Text/{number}.cpp": "int x;\n" for number in range(24)}
        elif text is None:
            del tree[name]
        else:
            tree[name] = text
        found = self.breaches(rule, tree)
        self.assertEqual(1, len(found), found)
        self.assertIn(expected, found[0])

    return test


for number, breach in enumerate(BREACHES):
    setattr(RuleTest, f"test_{breach[0]}_{number}", breach_test(*breach))

if __name__ == "__main__":
    unittest.main()
