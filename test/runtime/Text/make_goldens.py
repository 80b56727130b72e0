#!/usr/bin/env python3
"""Makes the files of goldens/ with the original libraries.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3
    python3 test/runtime/Text/make_goldens.py

Each variant of tokenizer_json.json is a base tokenizer with some fields replaced ("model." fields inside its model), and
cases of text, ids (with special tokens), and the text that the ids decode to. pre_tokenizers.json has the words into which
the tokenizer.json of the models behind a name of tokenizer.ggml.pre splits the texts.
"""

import base64
import io
import json
import os
import tempfile

import sentencepiece
import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = os.path.dirname(os.path.abspath(__file__))

CORPUS = """The quick brown fox jumps over the lazy dog. It's 1234 o'clock, they've said; we'll see the 42nd fox.
Der Fluß führt über die Brücke. 'Tis the season, isn't it? THE END -- the end... the other thing, then.
def f(x):\n    return x + 1\n\n\tif x == 10:\n        print("the value", x)\n
""" * 4

TEXTS = [
    "",
    " ",
    "the",
    " the quick  brown   fox ",
    "They'll say it's THE end...\n\n  isn't it?\r\n",
    "12345 67,890.12 \u0663\u0664 \u00bd \u2167 x2",
    "caf\u00e9 cafe\u0301 \ufb01n \u212b \u1e9b\u0323 \uac00\u1100\u1161\u11a8",
    "\u0130stanbul \u03a3\u03a3 \u00c4\u00d6",
    "a\u0323\u0301\u0316b q\u0307\u0323",
    "\u6f22\u5b57\u304b\u306a\u3001\u30ab\u30ca \ud55c\uae00",
    "\U0001f999 ok \U0001f468\u200d\U0001f469\u200d\U0001f467!",
    "tab\tsep\u00a0nbsp\u2003em\u3000wide\u180emvs\u0085nel",
    "hello_world foo-bar (x) [y] {z} a&b #1 $2 <3 ~tilde \u00bfque? \u2014dash",
    "\u2581the\u2581 \u2581fox",
    "x<mask> y <mask>z[TAG] [TAG]w<s>the</s> <s> the",
    "abTAGcd TAG TAG.e TAG the fox THE FOX Quick QUICK \u00bd$\u00a3\u00d7+\u20ac",
    "aaaaaaaaaaaaaaaaaaaaaaaa bbbbb",
    "\x00\x01 nul",
]


def byte_level_base():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=320, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([CORPUS], trainer)
    return json.loads(tokenizer.to_str())


def character_base():
    """Characters with a visible space, <unk>, and a token for each byte."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    byte_tokens = [f"<0x{i:02X}>" for i in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"] + byte_tokens, show_progress=False)
    tokenizer.train_from_iterator([CORPUS], trainer)
    data = json.loads(tokenizer.to_str())
    data["added_tokens"] = data["added_tokens"][:3]  # the byte tokens are only found by byte fallback
    return data


def regex_split(pattern, behavior="Isolated", invert=False):
    kind = "Regex" if isinstance(pattern, str) else "String"
    return {"type": "Split", "pattern": {kind: pattern if kind == "Regex" else pattern[0]}, "behavior": behavior, "invert": invert}


def sequence(kind, *parts):
    return {"type": "Sequence", kind: list(parts)}


def metaspace(scheme, split=True):
    return {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": split}


def added(base, content, **flags):
    token = {"id": len(base["model"]["vocab"]), "content": content, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": False}
    token.update(flags)
    return token


def template(before, after):
    items = [{"SpecialToken": {"id": t, "type_id": 0}} for t in before]
    items += [{"Sequence": {"id": "A", "type_id": 0}}]
    items += [{"SpecialToken": {"id": t, "type_id": 0}} for t in after]
    ids = {"<s>": 1, "</s>": 2}
    table = {t: {"id": t, "ids": [ids[t]], "tokens": [t]} for t in sorted(set(before + after))}
    return {"type": "TemplateProcessing", "single": items, "pair": items + [{"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": table}


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])


CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
GPT2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
DIGIT = {"type": "Digits", "individual_digits": True}
LINES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|" + LINES
TEKKEN = "|".join([r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
                   r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
                   r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*", LINES])
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
KIMI = "|".join([r"[\p{Han}]+", rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?",
                 rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?", r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*", LINES])
HAN_KANA = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
HAN_HANGUL = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
DEEPSEEK = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"""
CASED = ("A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386"
         "\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba"
         "\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d"
         "\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc"
         "\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184"
         "\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06"
         "\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"
         "\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943")
BLOOM = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+"


def pre_tokenizers_of_models():
    """By the first name of tokenizer.ggml.pre: the steps in the models' tokenizer.json."""
    split, both = regex_split, lambda *steps: [*steps, BYTES]
    return {
        "gpt-2": [GPT2], "mpt": [GPT2], "smollm": [DIGIT, GPT2], "command-r": [DIGIT, GPT2],
        "llama-bpe": both(split(CL100K % "{1,3}")), "glm4": both(split(CL100K % "{1,3}")),
        "dbrx": both(split(CL100K % "{1,3}", "Removed", True)),
        "qwen2": both(split(CL100K % "")), "hunyuan": both(split(CL100K % "")),
        "qwen35": both(split(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + LINES)),
        "gpt-4o": both(split(O200K, "Removed", True)), "tekken": both(split(TEKKEN)),
        "tiny_aya": both(split(r"\d{1,3}(?=(?:\d{3})*\b)"), split(O200K)), "kimi-k2": both(split(KIMI)),
        "deepseek-v3": both(split(r"\p{N}{1,3}"), split(HAN_KANA), split(DEEPSEEK + r"[\r\n]*|" + LINES)),
        "spark2_5": both(split(r"\p{N}{1,3}"), split(HAN_KANA), split(DEEPSEEK + r"|[\r\n]|\s+(?!\S)|\s+"), DIGIT),
        "deepseek-llm": both(split("[\r\n]"), split(rf"\s?[{CASED}]+"), split("\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+"),
                             split(r"\s+$"), split(HAN_HANGUL), DIGIT),
        "deepseek-coder": both(split("[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(HAN_HANGUL), DIGIT),
        "falcon": [{"type": "Punctuation", "behavior": "Contiguous"}, GPT2, {"type": "Digits", "individual_digits": False}, split("[0-9][0-9][0-9]")],
        "seed-coder": both(split(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + LINES)),
        "bailingmoe": both(split(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")),
        "exaone-moe": both(split(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?"
                                                r"|\s*[\r\n]|\s+(?!\S)|\s+")),
        "minicpm5": both(split(r"\p{N}{1,3}"), split(CL100K % "+")),
        "laguna": both(split(r"(?:\r?\n)+(?!\r?\n)", "MergedWithNext"), split(CL100K % "")),
        "bloom": both(split(BLOOM)), "viking": both(split(BLOOM), split(r"\p{N}")),
    }


def pre_tokenizer_words():
    for name, steps in pre_tokenizers_of_models().items():
        data = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "post_processor": None, "decoder": None,
                "pre_tokenizer": sequence("pretokenizers", *steps), "model": {"type": "BPE", "vocab": {}, "merges": []}}
        pre_tokenizer = Tokenizer.from_str(json.dumps(data)).pre_tokenizer
        yield {"name": name, "words": [[word for word, _ in pre_tokenizer.pre_tokenize_str(text)] for text in TEXTS]}


def byte_level_variants(base):
    with_prefix = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    yield "byte_level", {}
    yield "byte_level_prefix_space", {"pre_tokenizer": with_prefix}
    yield "ignore_merges", {"model.ignore_merges": True}
    yield "digits_and_punctuation", {"pre_tokenizer": sequence("pretokenizers", {"type": "Digits", "individual_digits": True},
                                                               {"type": "Punctuation", "behavior": "Contiguous"}, BYTES)}
    yield "digits_together", {"pre_tokenizer": sequence("pretokenizers", {"type": "Digits", "individual_digits": False}, BYTES)}
    yield "white_space_removed", {"pre_tokenizer": sequence("pretokenizers", {"type": "WhitespaceSplit"}, BYTES)}
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        yield f"split_{behavior}", {"pre_tokenizer": sequence("pretokenizers", regex_split(r"\s|e", behavior), BYTES)}
        yield f"split_inverted_{behavior}", {"pre_tokenizer": sequence("pretokenizers", regex_split(r"\w+", behavior, True), BYTES)}
    yield "split_string", {"pre_tokenizer": sequence("pretokenizers", regex_split(["the"], "MergedWithNext"), BYTES)}
    yield "split_empty_matches", {"pre_tokenizer": sequence("pretokenizers", regex_split(r"x*", "Isolated"), BYTES)}
    yield "split_o200k", {"pre_tokenizer": sequence("pretokenizers", regex_split(O200K), BYTES)}
    classes = r"[\p{Han}\p{Hiragana}]+|\bthe\b|[\w]+|[^\S\n]+|\h+|^\S|[[:punct:][:upper:]]"
    yield "split_classes", {"pre_tokenizer": sequence("pretokenizers", regex_split(classes), BYTES)}
    for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase"):
        yield form.lower(), {"normalizer": {"type": form}}
    replace = {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    yield "normalizer_sequence", {"normalizer": sequence("normalizers", replace, strip, {"type": "Prepend", "prepend": "the "})}
    yield "added_tokens", {"added_tokens": [added(base, "<mask>", lstrip=True), added(base, "[TAG]", id=321, rstrip=True, special=True),
                                            added(base, "TAG", id=322, single_word=True), added(base, "isn't", id=323)]}
    yield "added_normalized", {"normalizer": {"type": "Lowercase"}, "added_tokens": [added(base, "THE FOX", normalized=True), added(base, "QUICK", id=321)]}


def character_variants(base):
    fuse = {"type": "Fuse"}
    fallback = {"type": "ByteFallback"}
    unspace = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
    llama = {"pre_tokenizer": None, "normalizer": sequence("normalizers", {"type": "Prepend", "prepend": "\u2581"},
                                                           {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}),
             "decoder": sequence("decoders", unspace, fallback, fuse, {"type": "Strip", "content": " ", "start": 1, "stop": 0}),
             "post_processor": template(["<s>"], [])}
    yield "metaspace_always", {}
    yield "metaspace_first", {"pre_tokenizer": metaspace("first"), "decoder": metaspace("first")}
    yield "metaspace_never", {"pre_tokenizer": metaspace("never"), "decoder": metaspace("never")}
    yield "metaspace_no_split", {"pre_tokenizer": metaspace("always", split=False)}
    yield "fuse_unknown", {"model.fuse_unk": True, "post_processor": template(["<s>"], ["</s>"])}
    yield "byte_fallback", {"model.byte_fallback": True, "decoder": sequence("decoders", unspace, fallback, fuse)}
    yield "llama", {**llama, "model.byte_fallback": True, "model.fuse_unk": True}
    yield "llama_unknown", llama
    yield "no_decoder", {"decoder": None}


def run(base_name, base, variants):
    for name, fields in variants:
        data = json.loads(json.dumps(base))
        for key, value in fields.items():
            if key.startswith("model."):
                data["model"][key[6:]] = value
            else:
                data[key] = value
        tokenizer = Tokenizer.from_str(json.dumps(data))
        rows = []
        for text in TEXTS:
            ids = tokenizer.encode(text).ids
            rows.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids)})
        yield {"name": name, "base": base_name, "fields": fields, "cases": rows}


def write(name, value):
    with open(os.path.join(HERE, "goldens", name), "w") as f:
        json.dump(value, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


def sentencepiece_models():
    rules = {"\ufb01": "fi", "\u212b": "\u00c5", "\u3000": " ", "\u00a0": " ", "\t": " ", "cafe\u0301": "cafe", "\u00bd": "1/2",
             "\u200d": ""}
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as tsv:
        for source, target in rules.items():
            points = [" ".join(f"{ord(c):X}" for c in s) for s in (source, target)]
            tsv.write("\t".join(points) + "\n")
        tsv.flush()
        common = dict(model_type="bpe", character_coverage=1.0, hard_vocab_limit=False)
        yield "rules", dict(common, vocab_size=360, byte_fallback=True, normalization_rule_tsv=tsv.name)
        yield "keep_spaces", dict(common, vocab_size=360, byte_fallback=True, normalization_rule_name="identity",
                                  remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True)
        yield "symbols", dict(common, vocab_size=110, normalization_rule_name="identity", control_symbols=["[TAG]"],
                              user_defined_symbols=["<mask>", "fox ", "TAG"], add_dummy_prefix=False)
        yield "suffix", dict(common, vocab_size=110, normalization_rule_name="identity", treat_whitespace_as_suffix=True)


def main():
    assert tokenizers.__version__ == "0.23.3", tokenizers.__version__
    bases = {"byte_level": byte_level_base(), "character": character_base()}
    variants = list(run("byte_level", bases["byte_level"], byte_level_variants(bases["byte_level"])))
    variants += run("character", bases["character"], character_variants(bases["character"]))
    write("tokenizer_json.json", {"bases": bases, "variants": variants})

    result = []
    for name, options in sentencepiece_models():
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS.split("\n")), model_writer=model,
                                                 minloglevel=2, **options)
        processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
        rows = []
        for text in TEXTS:
            ids = processor.encode(text)
            rows.append({"text": text, "ids": ids, "decoded": processor.decode(ids)})
        result.append({"name": name, "model": base64.b16encode(model.getvalue()).decode(), "cases": rows})
    write("sentencepiece.json", result)
    write("pre_tokenizers.json", {"texts": TEXTS, "rows": list(pre_tokenizer_words())})


if __name__ == "__main__":
    main()
