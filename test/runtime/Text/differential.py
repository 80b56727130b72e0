#!/usr/bin/env python3
"""Random Unicode strings through real tokenizers, by Quipu and by the original libraries: the same ids, the same text.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3 [transformers gguf torch]
    python3 test/runtime/Text/differential.py --quipu build/release/bin/quipu [--count 5000] [TOKENIZER...]

A TOKENIZER is a tokenizer.json (against Hugging Face's `tokenizers`), a tokenizer.model (against `sentencepiece`), a GGUF
file (against what transformers makes of its vocabulary), or a folder, of which every such file is taken. Without one: all
that lie in $QUIPU_SHARED_DATA, or ../shared/data. The status is 1 where anything differs.

Two things are known to differ and left out: code points that this Python's Unicode does not have (14.0 in Python 3.11, the
same as in PCRE2 10.42; Oniguruma's is newer), and broken bytes by byte fallback, where Hugging Face drops the good
characters beside them as well.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import unicodedata

# Blocks of Unicode that tokenizers treat differently, by first and last code point.
BLOCKS = {
    "ascii": (0x20, 0x7E), "control": (0x00, 0x1F), "c1": (0x7F, 0x9F), "latin1": (0xA0, 0xFF), "latin": (0x100, 0x24F),
    "ipa": (0x250, 0x2FF), "marks": (0x300, 0x36F), "greek": (0x370, 0x3FF), "cyrillic": (0x400, 0x52F),
    "hebrew": (0x591, 0x5F4), "arabic": (0x600, 0x6FF), "devanagari": (0x900, 0x97F), "bengali": (0x980, 0x9FE),
    "tamil": (0xB82, 0xBFA), "thai": (0xE01, 0xE5B), "tibetan": (0xF00, 0xFDA), "georgian": (0x10A0, 0x10FF),
    "jamo": (0x1100, 0x11FF), "khmer": (0x1780, 0x17F9), "greek extended": (0x1F00, 0x1FFE), "spaces": (0x2000, 0x206F),
    "super": (0x2070, 0x209C), "currency": (0x20A0, 0x20C0), "letterlike": (0x2100, 0x218B), "arrows": (0x2190, 0x22FF),
    "enclosed": (0x2460, 0x24FF), "dingbats": (0x2600, 0x27BF), "cjk marks": (0x3000, 0x303F), "kana": (0x3041, 0x30FF),
    "han": (0x4E00, 0x9FFF), "hangul": (0xAC00, 0xD7A3), "private": (0xE000, 0xE0FF), "compatible": (0xF900, 0xFAFF),
    "forms": (0xFB00, 0xFDFF), "variation": (0xFE00, 0xFE0F), "wide": (0xFF01, 0xFFEE), "specials": (0xFFF9, 0xFFFF),
    "linear b": (0x10000, 0x1005D), "gothic": (0x10330, 0x1034A), "math": (0x1D400, 0x1D7FF), "emoji": (0x1F300, 0x1F64F),
    "flags": (0x1F1E6, 0x1F1FF), "more emoji": (0x1F680, 0x1FAFF), "han b": (0x20000, 0x200FF), "tags": (0xE0020, 0xE007F),
}
SPACES = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u00a0", "\u1680", "\u2003", "\u2028",
          "\u2029", "\u202f", "\u3000", "\u200b", "\u180e", "\ufeff"]
WORDS = ["the", "The", "THE", "it's", "IT'S", "don't", "we'll", "they've", "I'M", "'tis", "\u2019s", "caf\u00e9", "cafe\u0301", "stra\u00dfe", "\u0130stanbul", "\u017ft",
         "\u212aelvin", "'\u017f", "na\u00efve", "\ufb01x", "\u00bd", "\u2167", "x\u00b2", "hello_world", "fooBar", "HTTPServer2", "C++", "e.g.", "...", "!!!", "?!", "://",
         "</s>", "<s>", "<0x0A>", "<0xE2>", "\u2581", "\u2581the", "\u2581\u2581", "\u0120", "\u00c3\u00a9", "\u2047", "12", "345", "6789", "3.14", "1,000", "0x1F", "\u0663\u0664", "\u096a",
         "\u4f60\u597d", "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155", "\u1112\u1161\u11ab", "\u0645\u0631\u062d\u0628\u0627", "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea",
         "\u2764\ufe0f", "\U0001f44d\U0001f3fd", "a\u0323\u0301\u0316", "q\u0307\u0323", "\u1e9b\u0323", "\u00c5\u212b", "\u1100\u1161\u11a8"]


class Strings:
    """Strings of one tokenizer, mixed of everything above and of its own tokens."""

    def __init__(self, seed, tokens):
        self.random = random.Random(seed)
        self.tokens = tokens

    def part(self):
        r = self.random
        kind = r.random()
        if kind < 0.25:
            return r.choice(WORDS)
        if kind < 0.45:
            return "".join(r.choice(SPACES) for _ in range(r.choice([1, 1, 1, 2, 4])))
        if kind < 0.5:
            return r.choice([" ", "\n", "\t", "a", "=", "-", "0", "\u2581", "\r\n", "\u00e9", "\u3042"]) * r.randrange(1, 40)
        if kind < 0.75:
            first, last = BLOCKS[r.choice(list(BLOCKS))]
            return "".join(self.assigned(first, last) for _ in range(r.randrange(1, 8)))
        if kind < 0.8:
            return "".join(r.choice("0123456789") for _ in range(r.randrange(1, 12)))
        if kind < 0.85:
            return "".join(self.assigned(0, 0x10FFFF) for _ in range(r.randrange(1, 4)))
        if kind < 0.9:
            base = chr(r.choice([0x61, 0x41, 0xE9, 0x3B1, 0x915, 0x4E00, 0x1F600]))
            return base + "".join(chr(r.randint(0x300, 0x36F)) for _ in range(r.randrange(1, 5)))
        token = r.choice(self.tokens) if self.tokens else "</s>"
        if kind < 0.93:  # a piece of one
            begin = r.randrange(len(token) + 1)
            return token[begin:r.randrange(begin, len(token) + 1)]
        return token

    def assigned(self, first, last):
        while True:
            point = self.random.randint(first, last)
            noncharacter = point & 0xFFFE == 0xFFFE  # in no version of Unicode
            if noncharacter or unicodedata.category(chr(point)) not in ("Cn", "Cs"):
                return chr(point)

    def __iter__(self):
        while True:
            count = self.random.choice([1, 2, 3, 5, 8, 13])
            yield "".join(self.part() for _ in range(count))


class HuggingFace:
    """tokenizer.json by `tokenizers`."""

    def __init__(self, path):
        import tokenizers
        self.tokenizer = tokenizers.Tokenizer.from_file(str(path))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def tokens(self):
        added = [t.content for t in self.tokenizer.get_added_tokens_decoder().values()]
        return added * 3 + list(self.tokenizer.get_vocab())

    def encode(self, text, special):
        return self.tokenizer.encode(text, add_special_tokens=special).ids

    def decode(self, ids, skip_special):
        """None where it is known to differ."""
        text = self.tokenizer.decode(ids, skip_special_tokens=skip_special)
        return None if "\ufffd" in text and "ByteFallback" in str(self.tokenizer.decoder) else text

    def size(self):
        return self.tokenizer.get_vocab_size()

    flags = ()


class SentencePiece:
    """tokenizer.model by `sentencepiece`, which reads no control symbols out of a text and adds none."""

    def __init__(self, path):
        import sentencepiece
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def tokens(self):
        return [self.processor.id_to_piece(i) for i in range(self.processor.get_piece_size())]

    def encode(self, text, special):
        return self.processor.encode(text)

    def decode(self, ids, skip_special):
        return self.processor.decode(ids)

    def size(self):
        return self.processor.get_piece_size()

    flags = ("--plain-text",)


class Gguf(HuggingFace):
    """The vocabulary of a GGUF file as transformers reads it. BOS and EOS are the file's business, not compared."""

    def __init__(self, path):
        import transformers
        made = transformers.AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
        self.tokenizer = made.backend_tokenizer


LIBRARIES = {".gguf": Gguf, ".json": HuggingFace, ".model": SentencePiece}


def found(paths):
    for path in paths:
        if path.is_file():
            yield path
            continue
        for file in sorted(path.rglob("tokenizer.*")):
            # Beside a tokenizer.json, which Quipu would take, the other file may be of another format.
            if file.name == "tokenizer.json" or file.name == "tokenizer.model" and not file.with_suffix(".json").exists():
                yield file


class Quipu:
    """`quipu tokenize --json-lines` as a process of its own."""

    def __init__(self, program, model, flags):
        self.command = [program, "tokenize", model, "--json-lines", *flags]

    def ask(self, requests):
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        ran = subprocess.run(self.command, input=lines, capture_output=True, text=True, encoding="utf-8")
        if ran.returncode:
            raise RuntimeError(ran.stderr.strip())
        return [json.loads(line) for line in ran.stdout.split("\n") if line]


def id_runs(rng, size, count):
    """Random tokens, which spell broken characters where they stand for bytes."""
    return [[rng.randrange(size) for _ in range(rng.choice([1, 2, 3, 8]))] for _ in range(count)]


def differences(program, path, count, seed):
    """Yields (what, input, expected, got)."""
    original = LIBRARIES[path.suffix](path)
    strings = Strings(seed, original.tokens())
    texts = [text for text, _ in zip(strings, range(count))]
    for special, flags in ((True, ()), (False, ("--no-special-tokens",))):
        if special and original.flags:
            continue
        if special and isinstance(original, Gguf):
            continue
        quipu = Quipu(program, path, (*flags, *original.flags))
        decoder = Quipu(program, path, ()) if isinstance(original, SentencePiece) else None  # it never shows control symbols
        expected = [original.encode(text, special) for text in texts]
        for text, want, got in zip(texts, expected, quipu.ask(texts)):
            if want != got:
                yield "ids", text, want, got
        runs = [ids for ids in expected if ids]
        runs += id_runs(strings.random, original.size(), count // 5)
        for ids, got in zip(runs, (decoder or quipu).ask(runs)):
            want = original.decode(ids, special)
            if want is not None and want != got:
                yield "text", ids, want, got


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tokenizers", nargs="*", type=pathlib.Path, metavar="TOKENIZER")
    parser.add_argument("--quipu", default="build/release/bin/quipu")
    parser.add_argument("--count", type=int, default=5000, help="strings for each tokenizer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5, help="differences printed for each tokenizer")
    options = parser.parse_args()
    paths = options.tokenizers or [pathlib.Path(os.environ.get("QUIPU_SHARED_DATA", "../shared/data"))]
    failed = 0
    for path in found(paths):
        bad = list(differences(options.quipu, path, options.count, options.seed))
        print(f"{path}: {options.count} strings, {len(bad)} differences", flush=True)
        for what, given, want, got in bad[:options.show]:
            print(f"  {what} of {ascii(given)}\n    expected {ascii(want)}\n    got      {ascii(got)}")
        failed += bool(bad)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
