"""`quipu tokenize`: the same ids from a folder, an artifact and a file of a tokenizer alone, and the text back."""
import json

import case_runner
import checkpoints
from quipu_command import CommandTest

DEMO = checkpoints.ROOT / "models" / "demo"
TEXT = "Now is the winter of our discontent"


class TokenizeCommand(CommandTest):
    @classmethod
    def setUpClass(cls):
        cls.artifact = cls.compile_for_class(DEMO)

    def ids(self, model, *arguments, **options):
        printed = self.run_well("tokenize", model, "--ids", *arguments, **options).stdout.decode()
        return [int(word) for word in printed.split(",") if word.strip()]

    def answers(self, requests, *arguments):
        path = self.folder / "requests"
        path.write_text("".join(json.dumps(request) + "\n" for request in requests))
        with open(path, "rb") as lines:
            ran = self.run_well("tokenize", DEMO, "--json-lines", *arguments, stdin=lines)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def test_every_form_of_a_model_gives_the_ids_that_run_takes(self):
        expected = self.run_json("run", self.artifact, "-p", TEXT, "-n", "1")["prompt_ids"]
        for model in (DEMO, self.artifact, DEMO / "tokenizer.json"):
            with self.subTest(model=model):
                self.assertEqual(self.ids(model, "-p", TEXT), expected)

    def test_gguf_file_and_folder_of_one_model_agree(self):
        file = checkpoints.SHARED_DATA / "gguf" / "stories260k-f32.gguf"
        if not file.exists():
            self.skipTest(f"no {file}")
        self.assertEqual(self.ids(file, "-p", "Once upon"), self.ids(checkpoints.SHARED_DATA / "models" / "stories260k", "-p", "Once upon"))

    def test_text_from_a_file_and_from_standard_input(self):
        path = self.folder / "text"
        path.write_text(TEXT)
        expected = self.ids(DEMO, "-p", TEXT)
        self.assertEqual(self.ids(DEMO, "-f", path), expected)
        self.assertEqual(self.ids(DEMO, "-p", "", "--no-special-tokens"), [])
        with open(path, "rb") as text:
            self.assertEqual(self.ids(DEMO, stdin=text), expected)

    def test_tokens_are_shown_one_a_line(self):
        lines = self.run_well("tokenize", DEMO, "-p", TEXT).stdout.decode().splitlines()
        self.assertEqual([int(line.split()[0]) for line in lines], self.ids(DEMO, "-p", TEXT))
        self.assertIn(TEXT, "".join(json.loads(line[line.index('"'):]) for line in lines))

    def test_ids_become_text(self):
        ids = ",".join(map(str, self.ids(DEMO, "-p", TEXT)))
        self.assertEqual(self.run_well("tokenize", DEMO, "--decode", ids).stdout.decode(), TEXT + "\n")

    def test_lines_of_json_are_answered_by_lines_of_json(self):
        ids = self.ids(DEMO, "-p", TEXT)
        answers = self.answers([TEXT, ids, "", {"text": 1}, [-1]])
        wrong = {"error": "the line is neither a string nor an array of token ids"}
        self.assertEqual(answers[:2] + answers[3:], [ids, TEXT, wrong, wrong])
        self.assertEqual(self.answers([TEXT], "--no-special-tokens"), [self.ids(DEMO, "-p", TEXT, "--no-special-tokens")])

    def test_what_has_no_tokenizer_is_refused(self):
        self.assert_refused(["tokenize", checkpoints.SMALL, "-p", "x"], checkpoints.SMALL, "tokenizer")
        self.assert_refused(["tokenize", "/no/such/model", "-p", "x"], "/no/such/model")
        self.assert_refused(["tokenize", __file__, "-p", "x"], __file__)
        self.assert_refused(["tokenize", DEMO, "-p", "x", "--decode", "1"], "-p", "--decode")
        self.assert_refused(["tokenize", DEMO, "--decode", ""], "--decode")

    def test_text_that_is_no_utf8_is_refused(self):
        path = self.folder / "latin1"
        path.write_bytes("Gr\u00fc\u00dfe".encode("latin-1"))
        self.assert_refused(["tokenize", DEMO, "-f", path], path, "UTF-8")


if __name__ == "__main__":
    case_runner.main()
