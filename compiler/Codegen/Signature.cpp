#include "compiler/Codegen/Signature.h"

#include <cassert>
#include <cstdlib>
#include <fmt/format.h>

namespace quipu {

std::string printValue(const ParamValue &value) {
  if (auto *flag = std::get_if<bool>(&value))
    return *flag ? "true" : "false";
  if (auto *integer = std::get_if<int64_t>(&value))
    return fmt::format("{}", *integer);
  if (auto *real = std::get_if<double>(&value))
    return fmt::format("{:a}", *real); // exact: the text decides which kernels are the same
  return fmt::format("\"{}\"", std::get<std::string>(value));
}

// --- operands

OperandSignature rowsOperand(std::string name, std::string element, std::string dim, std::string columns,
                             std::string help) {
  return {std::move(name), OperandKind::Rows,    OperandRole::Read, std::move(element),
          std::move(dim),  {std::move(columns)}, std::move(help)};
}

OperandSignature weightOperand(std::string name, std::string element, std::vector<std::string> extents,
                               std::string help) {
  return {std::move(name),    OperandKind::Weight, OperandRole::Read, std::move(element), "",
          std::move(extents), std::move(help)};
}

OperandSignature cacheOperand(std::string name, std::string help) {
  return {std::move(name), OperandKind::Cache, OperandRole::Read, "elem", "", {"kv_heads", "dim", "page_size"},
          std::move(help)};
}

OperandSignature tableOperand(std::string name, std::string columns, std::string help) {
  return {std::move(name), OperandKind::Table, OperandRole::Read, "f32", "", {std::move(columns)}, std::move(help)};
}

OperandSignature written(OperandSignature operand) {
  operand.role = OperandRole::Written;
  return operand;
}

OperandSignature inPlace(OperandSignature operand) {
  operand.role = OperandRole::InPlace;
  return operand;
}

OperandSignature OperandSignature::orAbsent() const {
  OperandSignature operand = *this;
  operand.mayBeAbsent = true;
  return operand;
}

// --- parameters

ParamSignature integerParam(std::string name, std::string help) {
  return {std::move(name), ParamKind::Integer, std::move(help)};
}

ParamSignature realParam(std::string name, std::string help) {
  return {std::move(name), ParamKind::Real, std::move(help)};
}

ParamSignature flagParam(std::string name, std::string help) {
  return ParamSignature{std::move(name), ParamKind::Flag, std::move(help)}.fallsBackTo(false);
}

ParamSignature textParam(std::string name, std::vector<std::string> texts, std::string help) {
  ParamSignature param{std::move(name), ParamKind::Text, std::move(help)};
  param.texts = std::move(texts);
  return param;
}

ParamSignature rowsDimParam() {
  return integerParam("rows_dim", "the dim of the rows: 0 tokens, 2 those asked for").between(0, 2);
}

ParamSignature ParamSignature::optional() const {
  ParamSignature param = *this;
  param.required = false;
  return param;
}

ParamSignature ParamSignature::fallsBackTo(ParamValue value) const {
  ParamSignature param = optional();
  param.fallback = std::move(value);
  return param;
}

ParamSignature ParamSignature::between(int64_t least, int64_t most) const {
  ParamSignature param = *this;
  param.least = least;
  param.most = most;
  return param;
}

ParamSignature ParamSignature::atLeast(int64_t least) const { return between(least, most); }

// --- kernels

const ParamSignature *KernelSignature::findParam(std::string_view name) const {
  for (const ParamSignature &param : params)
    if (param.name == name)
      return &param;
  return nullptr;
}

std::optional<size_t> KernelSignature::findOperand(std::string_view name) const {
  for (size_t i = 0; i < operands.size(); ++i)
    if (operands[i].name == name)
      return i;
  return std::nullopt;
}

[[noreturn]] static void endFor(const KernelSignature &signature, const char *what, std::string_view name) {
  fmt::print(stderr, "kernel {} has no {} \"{}\"; compiler/Codegen/Signatures declares them\n", signature.generator,
             what, name);
  std::abort();
}

const ParamSignature &KernelSignature::param(std::string_view name) const {
  if (const ParamSignature *found = findParam(name))
    return *found;
  endFor(*this, "parameter", name);
}

size_t KernelSignature::operand(std::string_view name) const {
  if (std::optional<size_t> index = findOperand(name))
    return *index;
  endFor(*this, "operand", name);
}

void Signatures::add(KernelSignature signature) {
  std::string generator = signature.generator;
  [[maybe_unused]] bool isNew = table.emplace(generator, std::move(signature)).second;
  assert(isNew && "two signatures of one generator");
}

const Signatures &kernelSignatures() {
  static const Signatures all = [] {
    Signatures made;
    addAllSignatures(made);
    return made;
  }();
  return all;
}

const KernelSignature *findSignature(std::string_view generator) {
  auto entry = kernelSignatures().all().find(generator);
  return entry == kernelSignatures().all().end() ? nullptr : &entry->second;
}

// --- checks

static std::string wrongKind(const ParamSignature &param, const ParamValue &value) {
  static constexpr const char *kinds[] = {"an integer", "a real number", "true or false", "a string"};
  return fmt::format("expected parameter \"{}\" to be {}, got {}", param.name, kinds[size_t(param.kind)],
                     printValue(value));
}

static std::string quotedList(const std::vector<std::string> &texts) {
  std::string list;
  for (size_t i = 0; i < texts.size(); ++i)
    list += fmt::format("{}\"{}\"", i == 0 ? "" : i + 1 == texts.size() ? " or " : ", ", texts[i]);
  return list;
}

static std::string valueError(const ParamSignature &param, const ParamValue &value) {
  switch (param.kind) {
  case ParamKind::Real:
    return std::holds_alternative<double>(value) ? "" : wrongKind(param, value);
  case ParamKind::Flag:
    return std::holds_alternative<bool>(value) ? "" : wrongKind(param, value);
  case ParamKind::Integer: {
    auto *integer = std::get_if<int64_t>(&value);
    if (!integer)
      return wrongKind(param, value);
    std::string most = param.most == int64_t(1) << 31 ? "2^31" : fmt::format("{}", param.most);
    return *integer >= param.least && *integer <= param.most
               ? ""
               : fmt::format("expected parameter \"{}\" between {} and {}, got {}", param.name, param.least, most,
                             *integer);
  }
  case ParamKind::Text: {
    auto *text = std::get_if<std::string>(&value);
    if (!text)
      return wrongKind(param, value);
    for (const std::string &known : param.texts)
      if (*text == known)
        return "";
    return param.texts.empty() ? ""
                               : fmt::format("expected parameter \"{}\" to be {}, got \"{}\"", param.name,
                                             quotedList(param.texts), *text);
  }
  }
  return "";
}

std::string findParamError(const KernelSignature &signature, const KernelParams &params) {
  for (const auto &[name, value] : params) {
    const ParamSignature *param = signature.findParam(name);
    if (!param)
      return fmt::format("unknown parameter \"{}\"", name);
    if (std::string error = valueError(*param, value); !error.empty())
      return error;
  }
  for (const ParamSignature &param : signature.params)
    if (param.required && params.count(param.name) == 0)
      return fmt::format("expected parameter \"{}\"", param.name);
  return "";
}

} // namespace quipu
