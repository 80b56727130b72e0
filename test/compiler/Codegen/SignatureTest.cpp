#include "compiler/Codegen/Extent.h"
#include "compiler/Codegen/KernelSpec.h"

#include <gtest/gtest.h>
#include <set>

namespace quipu {
namespace {

std::optional<int64_t> value(std::string_view expression) {
  return evaluateExtent(expression, [](std::string_view name) {
    return name == "n" ? std::optional<int64_t>(7) : name == "gated" ? std::optional<int64_t>(1) : std::nullopt;
  });
}

TEST(Extent, operators_bind_as_usual) {
  EXPECT_EQ(value("12"), 12);
  EXPECT_EQ(value("n * (1 + gated)"), 14);
  EXPECT_EQ(value("2 + n * 3 - 1"), 22);
  EXPECT_EQ(value("(n + 31) / 32"), 1);
  EXPECT_EQ(value("20 - 5 - 5"), 10);
}

TEST(Extent, what_is_not_known_or_no_expression_has_no_value) {
  for (const char *text : {"", "k", "n * k", "n n", "(n", "n /", "n / 0", "3n", "n + * 2"})
    EXPECT_EQ(value(text), std::nullopt) << text;
}

class EverySignature : public testing::TestWithParam<std::string> {
protected:
  const KernelSignature &signature = *findSignature(GetParam());
};

TEST_P(EverySignature, lists_what_is_read_before_what_is_written) {
  bool writes = false;
  for (const OperandSignature &operand : signature.operands) {
    writes |= operand.role != OperandRole::Read;
    EXPECT_EQ(writes, operand.role != OperandRole::Read) << operand.name;
  }
  EXPECT_TRUE(writes);
}

TEST_P(EverySignature, has_names_once_and_a_meaning_for_each) {
  std::set<std::string> operands, params;
  EXPECT_NE(signature.help, "");
  for (const OperandSignature &operand : signature.operands) {
    EXPECT_TRUE(operands.insert(operand.name).second) << operand.name;
    EXPECT_NE(operand.help, "") << operand.name;
  }
  for (const ParamSignature &param : signature.params) {
    EXPECT_TRUE(params.insert(param.name).second) << param.name;
    EXPECT_NE(param.help, "") << param.name;
  }
}

TEST_P(EverySignature, sizes_and_types_are_by_its_own_parameters) {
  for (const OperandSignature &operand : signature.operands) {
    for (const std::string &extent : operand.extents) {
      auto one = [&](std::string_view name) {
        const ParamSignature *param = signature.findParam(name);
        EXPECT_TRUE(param && (param->kind == ParamKind::Integer || param->kind == ParamKind::Flag))
            << operand.name << ": " << extent;
        return std::optional<int64_t>(1);
      };
      EXPECT_TRUE(extent.empty() || evaluateExtent(extent, one)) << operand.name << ": " << extent;
    }
    bool fixed = std::set<std::string>{"", "f32", "i32"}.count(operand.element) != 0;
    const ParamSignature *element = signature.findParam(operand.element);
    EXPECT_TRUE(fixed || (element && element->kind == ParamKind::Text)) << operand.name;
    bool isDim = std::set<std::string>{"tokens", "sequences", "rows", "none", "rows_dim"}.count(operand.dim) != 0;
    EXPECT_EQ(isDim, operand.kind == OperandKind::Rows) << operand.name;
    EXPECT_TRUE(operand.dim != "rows_dim" || signature.findParam("rows_dim")) << operand.name;
  }
}

TEST_P(EverySignature, takes_its_own_defaults) {
  for (const ParamSignature &param : signature.params) {
    if (!param.fallback)
      continue;
    KernelSignature alone{signature.generator, "", {}, {param}};
    EXPECT_EQ(findParamError(alone, {{param.name, *param.fallback}}), "");
  }
}

std::vector<std::string> generators() {
  std::vector<std::string> names;
  for (const auto &[name, signature] : kernelSignatures().all())
    names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Signatures, EverySignature, testing::ValuesIn(generators()),
                         [](const auto &info) { return info.param; });

KernelSignature toy() {
  return {"toy",
          "",
          {},
          {integerParam("n", "").between(2, 9), textParam("op", {"add", "mul"}, "").optional(), flagParam("fast", ""),
           realParam("eps", "").fallsBackTo(0.5)}};
}

TEST(FindParamError, names_the_parameter_and_what_it_may_be) {
  auto error = [](const KernelParams &params) { return findParamError(toy(), params); };
  EXPECT_EQ(error({{"n", int64_t(2)}}), "");
  EXPECT_EQ(error({{"n", int64_t(9)}, {"op", std::string("mul")}, {"fast", true}, {"eps", 1.0}}), "");
  EXPECT_EQ(error({}), "expected parameter \"n\"");
  EXPECT_EQ(error({{"n", int64_t(10)}}), "expected parameter \"n\" between 2 and 9, got 10");
  EXPECT_EQ(error({{"n", int64_t(2)}, {"m", true}}), "unknown parameter \"m\"");
  EXPECT_EQ(error({{"n", int64_t(2)}, {"op", std::string("sub")}}),
            "expected parameter \"op\" to be \"add\" or \"mul\", got \"sub\"");
  EXPECT_EQ(error({{"n", int64_t(2)}, {"fast", int64_t(1)}}), "expected parameter \"fast\" to be true or false, got 1");
  EXPECT_EQ(error({{"n", int64_t(2)}, {"eps", int64_t(1)}}), "expected parameter \"eps\" to be a real number, got 1");
}

// A generator of another target may have read it; this one would compute something else than asked for.
TEST(ParamReader, refuses_parameters_that_nobody_reads) {
  KernelSpec spec{"k", "slice_columns", {{"n_in", int64_t(8)}, {"n", int64_t(4)}, {"offset", int64_t(0)}}};
  ParamReader params(spec);
  EXPECT_EQ(params.integer("n_in"), 8);
  EXPECT_EQ(params.integer("rows_dim"), 0); // the signature's default
  EXPECT_EQ(params.integer("n"), 4);
  ASSERT_FALSE(params.finish());
  EXPECT_EQ(params.finish().error().message, "kernel @k (slice_columns): unknown parameter \"offset\"");
  EXPECT_EQ(params.integer("offset"), 0);
  EXPECT_TRUE(params.finish());
}

TEST(KernelSignatureDeathTest, asking_for_an_operand_it_does_not_have_ends_the_program) {
  EXPECT_DEATH(static_cast<void>(findSignature("rope")->operand("cache")), "kernel rope has no operand \"cache\"");
}

} // namespace
} // namespace quipu
