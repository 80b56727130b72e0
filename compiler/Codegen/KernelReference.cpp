// quipu-kernel-reference FILE: writes docs/reference/kernels.md, the page of all signatures.
#include "compiler/Codegen/Signature.h"

#include <cstdio>
#include <fmt/format.h>
#include <fstream>

namespace quipu {
namespace {

constexpr std::string_view introduction = R"(# Kernels

The generators of kernels, as `compiler/Codegen/Signatures` declares them, the same on every target. A launch gives
all its stages its operands in this order. An operand that may be absent is a null pointer then. Sizes are those of the
`kernel` dialect's declarations, by the parameters; a flag counts as 0 or 1. What has no size here is as large as the
target or the step makes it. Layouts of weights and of the cache are those of the declaration.

This page is generated: `ninja -C build/release quipu-docs`.
)";

std::string codeOr(const std::string &text, std::string_view otherwise) {
  return text.empty() ? std::string(otherwise) : fmt::format("`{}`", text);
}

std::string role(const OperandSignature &operand) {
  static constexpr const char *roles[] = {"read", "written", "in place"};
  return fmt::format("{}{}", roles[size_t(operand.role)], operand.mayBeAbsent ? ", or absent" : "");
}

std::string size(const OperandSignature &operand) {
  std::string list = operand.kind == OperandKind::Rows    ? operand.dim
                     : operand.kind == OperandKind::Table ? "positions"
                                                          : "";
  for (const std::string &extent : operand.extents)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", extent.empty() ? "..." : extent);
  static constexpr const char *kinds[] = {"", "weight ", "cache ", "table "};
  return fmt::format("{}`[{}]`", kinds[size_t(operand.kind)], list);
}

std::string values(const ParamSignature &param) {
  switch (param.kind) {
  case ParamKind::Real:
    return "real";
  case ParamKind::Flag:
    return "flag";
  case ParamKind::Integer:
    return param.most == int64_t(1) << 31 ? fmt::format("integer, {} or more", param.least)
                                          : fmt::format("integer, {} to {}", param.least, param.most);
  case ParamKind::Text:
    break;
  }
  std::string list;
  for (const std::string &text : param.texts)
    list += fmt::format("{}`{}`", list.empty() ? "" : ", ", text);
  return list.empty() ? "text" : list;
}

std::string absence(const ParamSignature &param) {
  if (param.required)
    return "required";
  return param.fallback ? printValue(*param.fallback) : "may be absent";
}

std::string page() {
  std::string text(introduction);
  for (const auto &[generator, signature] : kernelSignatures().all()) {
    text += fmt::format("\n## `{}`\n\n{}\n\n", generator, signature.help);
    text += "| operand | | element | size | meaning |\n|---|---|---|---|---|\n";
    for (const OperandSignature &operand : signature.operands)
      text += fmt::format("| {} | {} | {} | {} | {} |\n", operand.name, role(operand),
                          codeOr(operand.element, "as packed"), size(operand), operand.help);
    text += "\n| parameter | values | default | meaning |\n|---|---|---|---|\n";
    for (const ParamSignature &param : signature.params)
      text += fmt::format("| {} | {} | {} | {} |\n", param.name, values(param), absence(param), param.help);
  }
  return text;
}

} // namespace
} // namespace quipu

int main(int argc, char **argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: quipu-kernel-reference FILE\n");
    return 2;
  }
  std::ofstream file(argv[1]);
  file << quipu::page();
  file.close();
  if (!file) {
    fmt::print(stderr, "quipu-kernel-reference: cannot write {}\n", argv[1]);
    return 1;
  }
  return 0;
}
