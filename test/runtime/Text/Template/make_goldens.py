#!/usr/bin/env python3
"""Renders chat templates with transformers, for ChatTemplateTest.

    pip install transformers==5.24.0 jinja2==3.1.6
    python3 test/runtime/Text/Template/make_goldens.py            # templates/*.jinja -> goldens.json
    python3 test/runtime/Text/Template/make_goldens.py FOLDER     # FOLDER/*.jinja -> FOLDER/goldens.json

The second form is for templates of other people, which are not kept here; QUIPU_CHAT_TEMPLATES=FOLDER makes the test
run over them. A case is a template and a conversation: the text of apply_chat_template, or the error it gave.
"""

import datetime
import glob
import json
import os
import sys

import jinja2
import transformers
from tokenizers import Tokenizer, models
from transformers.utils import chat_template_utils

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = 1754012345  # 2025-08-01 01:39:05 UTC
SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather at a place, with \"quotes\" & <signs>.",
    "parameters": {"type": "object", "properties": {
        "place": {"type": "string", "description": "A town, e.g. Zürich"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
        "days": {"type": "integer", "description": "How many days"}}, "required": ["place"]}}}
SEARCH = {"type": "function", "function": {
    "name": "search", "description": "Looks for pages.",
    "parameters": {"type": "object", "properties": {
        "queries": {"type": "array", "items": {"type": "string"}},
        "options": {"type": "object", "properties": {"safe": {"type": "boolean"}, "limit": {"type": ["integer", "null"]}}}},
        "required": ["queries"]}}}
NOTHING = {"type": "function", "function": {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def system(text):
    return {"role": "system", "content": text}


def called(name, arguments, call_id="call00001"):
    return {"type": "function", "id": call_id, "function": {"name": name, "arguments": arguments}}


def tool(text, name="get_weather", call_id="call00001"):
    return {"role": "tool", "name": name, "tool_call_id": call_id, "content": text}


OBJECT = {"place": "Zürich", "days": 3, "exact": True, "more": {"a": [1, 2.5, None], "b": "x\"y\n"}}
WITH_CALL = [user("How is the weather in Zürich?"), assistant("", tool_calls=[called("get_weather", OBJECT)])]
WITH_RESULT = WITH_CALL + [tool("{\"temperature\": 21.5}")]
TWO_CALLS = [user("Weather and news?"),
             assistant("I look.", tool_calls=[called("get_weather", {"place": "Oslo"}, "call00001"),
                                              called("search", {"queries": ["news", "today"]}, "call00002")]),
             tool("rain", "get_weather", "call00001"), tool("[\"a\", \"b\"]", "search", "call00002"),
             assistant("It rains."), user("Thanks")]
PARTS = [{"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "there"}]}]

# name -> messages and what else apply_chat_template takes
CONVERSATIONS = {
    "plain": {"messages": [user("What is the capital of France?")], "add_generation_prompt": True},
    "plain_no_prompt": {"messages": [user("What is the capital of France?")]},
    "system": {"messages": [system("You are brief.  "), user(" Hi! ")], "add_generation_prompt": True},
    "turns": {"messages": [user("Hi"), assistant("Hello."), user("And you?"), assistant("  Fine,\nthanks. "), user("Good")],
              "add_generation_prompt": True},
    "turns_ended": {"messages": [system("S"), user("Hi"), assistant("Hello.")]},
    "unicode": {"messages": [system("Du bist höflich 🦙"), user("東京は?\n\tنعم \u00a0\u2028x"), assistant("ß→ẞ “q” 'a' \\ \"b\"")]},
    "markup": {"messages": [user("<b>bold</b> & {{ braces }} {% tag %} <|im_end|> </s>")], "add_generation_prompt": True},
    "empty_content": {"messages": [system(""), user(""), assistant("")]},
    "thinking": {"messages": [user("2+2?"), assistant("4", reasoning_content="Two and two."), user("3+3?"),
                              assistant("<think>\nhm\n</think>\n\n6"), user("4+4?")], "add_generation_prompt": True},
    "thinking_off": {"messages": [user("2+2?")], "add_generation_prompt": True, "variables": {"enable_thinking": False, "thinking": False}},
    "thinking_on": {"messages": [system("S"), user("2+2?")], "add_generation_prompt": True,
                    "variables": {"enable_thinking": True, "thinking": True, "reasoning_effort": "high"}},
    "parts": {"messages": PARTS, "add_generation_prompt": True},
    "tools": {"messages": [user("Weather?")], "tools": [WEATHER, SEARCH], "add_generation_prompt": True},
    "tools_system": {"messages": [system("Use tools."), user("Weather?")], "tools": [WEATHER, NOTHING], "add_generation_prompt": True},
    "tool_call": {"messages": WITH_CALL, "tools": [WEATHER]},
    "tool_result": {"messages": WITH_RESULT, "tools": [WEATHER], "add_generation_prompt": True},
    "tool_result_text": {"messages": [WITH_CALL[0], assistant("", tool_calls=[called("get_weather", json.dumps(OBJECT))]), WITH_RESULT[2]],
                         "tools": [WEATHER], "add_generation_prompt": True},
    "tool_null_content": {"messages": [WITH_CALL[0], assistant(None, tool_calls=[called("get_weather", {})]), WITH_RESULT[2],
                                       assistant("21.5 degrees")], "tools": [WEATHER]},
    "two_calls": {"messages": TWO_CALLS, "tools": [WEATHER, SEARCH], "add_generation_prompt": True},
    "tool_object_result": {"messages": WITH_CALL + [tool({"temperature": 21.5, "sky": ["blue", None]})], "tools": [WEATHER]},
    "documents": {"messages": [user("Summarise.")], "documents": [{"title": "One", "text": "First text."}, {"title": "Two", "text": "Zweiter."}],
                  "add_generation_prompt": True},
    "roles_wrong": {"messages": [assistant("I begin"), user("No"), user("Twice")], "add_generation_prompt": True},
    "role_unknown": {"messages": [{"role": "wizard", "content": "Abracadabra"}]},
}


def tokenizer():
    return transformers.PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **SPECIAL_TOKENS)


class FixedTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, datetime.timezone.utc).replace(tzinfo=None)


def render(made, source, conversation):
    given = json.loads(json.dumps(conversation))
    try:
        text = made.apply_chat_template(given["messages"], tools=given.get("tools"), documents=given.get("documents"), chat_template=source,
                                        add_generation_prompt=given.get("add_generation_prompt", False), tokenize=False,
                                        **given.get("variables", {}))
        return {"text": text}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "templates")
    goldens = os.path.join(folder if len(sys.argv) > 1 else HERE, "goldens.json")
    assert transformers.__version__ == "5.24.0" and jinja2.__version__ == "3.1.6", (transformers.__version__, jinja2.__version__)
    chat_template_utils.datetime = FixedTime
    # Templates of other programs use it; transformers would refuse them all.
    jinja2.filters.FILTERS["from_json"] = json.loads
    made = tokenizer()
    templates = []
    for path in sorted(glob.glob(os.path.join(folder, "*.jinja"))):
        with open(path, encoding="utf-8", newline="") as file:
            source = file.read()
        cases = [{"conversation": name, **render(made, source, given)} for name, given in CONVERSATIONS.items()]
        templates.append({"file": os.path.basename(path), "cases": cases})
        errors = sum("error" in case for case in cases)
        print(f"{os.path.basename(path)}: {len(cases) - errors} texts, {errors} errors")
    with open(goldens, "w", encoding="utf-8") as file:
        json.dump({"now": NOW, "special_tokens": SPECIAL_TOKENS, "conversations": CONVERSATIONS, "templates": templates}, file, ensure_ascii=True,
                  separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
