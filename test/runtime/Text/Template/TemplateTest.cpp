// The template engine's bounds and errors. What templates render is ChatTemplateTest's.
#include "runtime/Text/Template/Template.h"

#include <gtest/gtest.h>

using namespace quipu;
using jinja::RenderOptions;
using jinja::Template;
using nlohmann::ordered_json;

namespace {

// The text, or "error: " and the message without the name.
std::string render(const std::string &source, const ordered_json &variables = ordered_json::object(),
                   const RenderOptions &options = {}) {
  auto made = Template::parse(source, "t");
  if (!made)
    return "error: " + made.error().message;
  auto text = made->render(variables, options);
  return text ? *text : "error: " + text.error().message;
}

bool failsWith(const std::string &source, const std::string &part) {
  std::string text = render(source);
  if (text.rfind("error: t: line ", 0) == 0 && text.find(part) != std::string::npos)
    return true;
  std::printf("%s gives %s\n", source.substr(0, 80).c_str(), text.substr(0, 300).c_str());
  return false;
}

TEST(Template, errors_name_the_line) {
  EXPECT_EQ(render("a\nb{{ x.y }}"), "error: t: line 2: 'x' is undefined");
  EXPECT_EQ(render("{% macro m(a) %}\n{{ a.b.c }}{% endmacro %}\n\n{{ m({}) }}"),
            "error: t: line 2: 'dict object' has no attribute 'b'");
  EXPECT_EQ(render("\n\n{{ raise_exception('two\nlines') }}"), "error: t: line 3: two lines");
  EXPECT_EQ(render("\n{% if x %}\n"), "error: t: line 2: 'if' is not closed; expected endif");
  EXPECT_EQ(render("x\n{{ 1 + }}"), "error: t: line 2: unexpected '}}'");
  EXPECT_EQ(render("{{ 'a' }}\n{{ 'b"), "error: t: line 2: a string is not closed");
}

TEST(Template, syntax_errors_say_what_was_expected) {
  const std::pair<const char *, const char *> cases[] = {
      {"{{ a b }}", "expected '}}', got 'b'"},
      {"{% frobnicate %}", "unknown tag 'frobnicate'"},
      {"{% for x %}{% endfor %}", "expected 'in'"},
      {"{{ (1 }}", "unexpected '}', expected ')'"},
      {"{{ [1) }}", "unexpected ')', expected ']'"},
      {"{{ 1 ? 2 }}", "unexpected character '?'"},
      {"{# never", "a comment is not closed"},
      {"{% raw %}x", "raw is not closed"},
      {"{{ 1", "not closed by }}"},
      {"{% break %}", "outside a loop"},
      {"{% for x in y %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", "outside a loop"},
      {"{% set loop = 1 %}", "cannot assign to 'loop'"},
      {"{% set true = 1 %}", "cannot assign to 'true'"},
      {"{% macro m(a=1, b) %}{% endmacro %}", "without a default"},
      {"{% call 1 %}{% endcall %}", "needs the call of a macro"},
      {"{{ f(a=1, 2) }}", "in the wrong order"},
      {"{{ '\\ud800' }}", "no character"},
      {"{{ 99999999999999999999 }}", "beyond 64 bits"},
      {"{% endif %}", "unknown tag 'endif'"}};
  for (const auto &[source, message] : cases)
    EXPECT_TRUE(failsWith(source, message));
}

TEST(Template, no_other_file_is_read) {
  for (const char *tag : {"include", "import", "extends"})
    EXPECT_TRUE(failsWith(std::string("{% ") + tag + " '/etc/passwd' %}", "a chat template is one file"));
  EXPECT_TRUE(failsWith("{% from '/etc/passwd' import x %}", "a chat template is one file"));
}

TEST(Template, what_python_would_refuse_is_refused) {
  const std::pair<const char *, const char *> cases[] = {
      {"{{ 'a' + 1 }}", "can only concatenate str"},
      {"{{ 1 + 'a' }}", "+ is not supported between 'int' and 'str'"},
      {"{{ 1 / 0 }}", "division by zero"},
      {"{{ 1 % 0 }}", "division by zero"},
      {"{{ 1 < 'a' }}", "not supported between 'int' and 'str'"},
      {"{{ none[0].x }}", "has no element 0"},
      {"{{ 5|length }}", "has no length"},
      {"{% for x in 5 %}{% endfor %}", "'int' object is not iterable"},
      {"{% for a, b in [[1]] %}{% endfor %}", "1 values cannot be given to 2 names"},
      {"{{ nothing() }}", "'nothing' is undefined"},
      {"{{ 'x'() }}", "'str' object is not callable"},
      {"{{ 'x'.encode() }}", "has no attribute 'encode'"},
      {"{{ [].append(1) }}", "would change it"},
      {"{{ {}.update(a=1) }}", "would change it"},
      {"{{ x|frobnicate }}", "there is no filter 'frobnicate'"},
      {"{{ x is frobnicated }}", "there is no test 'frobnicated'"},
      {"{{ {[]: 1} }}", "unhashable type: 'list'"},
      {"{{ 9223372036854775807 + 1 }}", "beyond 64 bits"},
      {"{{ 2 ** 64 }}", "beyond 64 bits"},
      {"{{ range(1, 2, 0) }}", "the step is zero"},
      {"{{ 'abc'[::0] }}", "slice step cannot be zero"},
      {"{{ 'a'.split('') }}", "separator is empty"},
      {"{{ '%d' % 'x' }}", "%d needs a number"},
      {"{{ '%s %s' % 'x' }}", "needs more values"},
      {"{{ '{'.format(1) }}", "is not closed"},
      {"{{ '{}'.format() }}", "there is no argument 0"},
      {"{{ nothing|tojson }}", "'nothing' is undefined"},
      {"{{ {}.items()|tojson }}", "not JSON serializable"},
      {"{{ '{'|from_json }}", "is not valid JSON"},
      {"{% macro m() %}{% endmacro %}{{ m(1) }}", "takes at most 0 arguments"},
      {"{% macro m() %}{% endmacro %}{{ m(a=1) }}", "takes no argument 'a'"},
      {"{% set x.y = 1 %}", "no namespace"},
      {"{{ 'x'|trim(1) }}", "trim needs a string"},
      {"{{ [1]|join('', '', '') }}", "join takes at most 2 arguments"},
      {"{{ 'x'|upper(a=1) }}", "takes no argument 'a'"}};
  for (const auto &[source, message] : cases)
    EXPECT_TRUE(failsWith(source, message));
}

TEST(Template, endless_loops_end) {
  EXPECT_TRUE(failsWith("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps"));
  EXPECT_TRUE(failsWith("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recurses more than"));
  EXPECT_TRUE(
      failsWith("{% macro m(n) %}{% for i in [1, 2] %}{{ m(n) }}{% endfor %}{% endmacro %}{{ m(1) }}", "more than"));
  EXPECT_TRUE(failsWith("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "recurses more than"));
  EXPECT_TRUE(failsWith("{{ range(100001) }}", "range: has more than"));
}

TEST(Template, sizes_are_bounded) {
  // Lists that double, or hold the last one twice, as often as the loop says.
  auto grown = [](const std::string &step, const std::string &end) {
    return "{% set ns = namespace(s='x', l=[1], m=[1]) %}{% for i in range(60) %}{% set " + step + " %}{% endfor %}" +
           end;
  };
  const std::string ten = "{% set s = 'a' * 9999999 %}";
  const std::string large[] = {"{{ 'x' * 999999999999 }}",
                               "{{ [1] * 999999999 }}",
                               grown("ns.s = ns.s ~ ns.s", ""),
                               grown("ns.l = ns.l + ns.l", ""),
                               grown("ns.l = [ns.l, ns.l]", "{{ ns.l }}"),
                               grown("ns.l = [ns.l, ns.l]", "{{ ns.l|tojson }}"),
                               grown("ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m]", "{{ ns.l == ns.m }}"),
                               ten + "{{ s.replace('a', s) }}",
                               ten + "{{ s|join(s) }}",
                               ten + "{% for i in range(99999) %}{% if 'b' in s %}{% endif %}{% endfor %}",
                               ten + "{% for i in range(99999) %}{{ s }}{% endfor %}",
                               "{{ 'x'.center(999999999999) }}",
                               "{{ '%999999999d' % 1 }}",
                               "{{ '{:999999999}'.format(1) }}",
                               "{{ 'x'|indent(999999999999, true) }}"};
  for (const std::string &source : large)
    EXPECT_TRUE(failsWith(source, "more than"));
}

TEST(Template, depths_are_bounded) {
  constexpr int many = 100000;
  std::string brackets = std::string(many, '[') + std::string(many, ']');
  std::string parentheses = std::string(many, '(') + "1" + std::string(many, ')');
  std::string minus(many, '-'), sums, blocks, attributes = "x";
  for (int i = 0; i < many; ++i) {
    sums += "1+";
    blocks += "{% if 1 %}";
    attributes += ".x";
  }
  EXPECT_TRUE(failsWith("{{ " + brackets + " }}", "more than 200 deep"));
  EXPECT_TRUE(failsWith("{{ " + parentheses + " }}", "more than 200 deep"));
  EXPECT_TRUE(failsWith("{{ " + minus + "1 }}", "more than 200 deep"));
  EXPECT_TRUE(failsWith("{{ " + sums + "1 }}", "more than 600 deep"));
  EXPECT_TRUE(failsWith("{{ " + attributes + " }}", "more than 600 deep"));
  EXPECT_TRUE(failsWith(blocks, "more than 100 deep"));
  EXPECT_TRUE(failsWith("{% set ns = namespace(l=[1]) %}{% for i in range(999) %}{% set ns.l = [ns.l] %}{% endfor %}",
                        "nested more than 100 deep"));
  EXPECT_TRUE(failsWith("{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}", "more than 600 deep"));
  // A chain of namespaces may be as long as it likes; it must come apart again.
  EXPECT_EQ(
      render(
          "{% set a = namespace(n=none) %}{% for i in range(99999) %}{% set a.n = namespace(n=a.n) %}{% endfor %}ok"),
      "ok");
}

TEST(Template, a_source_is_bounded_and_valid) {
  EXPECT_EQ(render(std::string(1 << 21, 'x')), "error: t: has 2097152 bytes, more than 1048576");
  EXPECT_EQ(render("a\xFF"), "error: t: is not valid UTF-8 at byte 1");
}

TEST(Template, variables_must_be_representable) {
  EXPECT_EQ(render("{{ x }}", {{"x", UINT64_MAX}}),
            "error: t: line 1: the number 18446744073709551615 is beyond 64 bits");
  EXPECT_EQ(render("{{ x }}", {{"x", "\xFF"}}), "error: t: line 1: a string is not valid UTF-8");
}

TEST(Template, limits_are_the_callers) {
  RenderOptions options;
  options.limits.output = 10;
  EXPECT_EQ(render("{% for i in range(11) %}x{% endfor %}", {}, options),
            "error: t: line 1: makes a text of more than 10 bytes");
}

TEST(Template, time_is_the_callers_where_it_is_given) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  RenderOptions options;
  options.now = 0;
  EXPECT_EQ(render("{{ strftime_now('%Y-%m-%d %H:%M') }}", {}, options), "1970-01-01 00:00");
}

} // namespace
