#include "compiler/Codegen/Gpu/SourcePrinter.h"

#include "compiler/Codegen/Gpu/DeviceHeaders.inc"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>

namespace quipu::gpu {
namespace {

constexpr std::string_view includeOfDevice = "#include \"compiler/Codegen/Gpu/device/";

std::string chipMacros(const Chip &chip) {
  std::string text = fmt::format("// for {}\n#define QUIPU_WAVE {}\n", chip.name, chip.waveWidth);
  auto define = [&](bool condition, std::string_view macro) {
    if (condition)
      text += fmt::format("#define QUIPU_{} 1\n", macro);
  };
  define(chip.vendor == Vendor::Nvidia, "NVIDIA");
  define(chip.vendor == Vendor::Amd, "AMD");
  define(chip.matrix == Matrix::MmaSync || chip.matrix == Matrix::Wgmma, "MMA_SYNC");
  define(chip.matrix == Matrix::Wgmma, "WGMMA");
  define(chip.matrix == Matrix::Mfma || chip.matrix == Matrix::MfmaWide, "MFMA");
  define(chip.matrix == Matrix::MfmaWide, "MFMA_WIDE");
  define(chip.hasDotF16, "DOT_F16");
  define(chip.matrix == Matrix::WmmaRdna3, "WMMA_RDNA3");
  define(chip.matrix == Matrix::WmmaRdna4, "WMMA_RDNA4");
  define(chip.asyncCopy != AsyncCopy::None, "CP_ASYNC");
  define(chip.asyncCopy == AsyncCopy::Bulk, "BULK_COPY");
  define(chip.earlyStart, "EARLY_START");
  return text;
}

// As the device headers name it.
std::string deviceElement(const std::string &element, const KernelParams &params) {
  auto param = params.find(element);
  const std::string *named = param == params.end() ? nullptr : std::get_if<std::string>(&param->second);
  const std::string &name = named ? *named : element;
  if (name == "f32")
    return "float";
  return name == "bf16" || name == "f16" || name == "i32" ? name : "u8";
}

} // namespace

std::string Chip::print() const {
  return fmt::format(
      "{} vendor={} wave={} matrix={} copy={} bf16={} early={} dot={} units={} shared={}/{} registers={}/{} threads={} "
      "l2={} memory={}",
      name, int(vendor), waveWidth, int(matrix), int(asyncCopy), hasBf16Matrix, earlyStart, hasDotF16, computeUnits,
      sharedPerBlock, sharedPerUnit, registersPerThread, registersPerUnit, threadsPerUnit, l2Bytes,
      memoryBytesPerClock);
}

SourcePrinter::SourcePrinter(const Chip &chip) : text(chipMacros(chip)), earlyStart(chip.earlyStart) {
  include("platform.h");
}

void SourcePrinter::include(std::string_view header) {
  if (std::find(included.begin(), included.end(), header) != included.end())
    return;
  std::string_view source = deviceHeader(header);
  assert(!source.empty() && "no such device header");
  included.push_back(header);
  std::string own;
  while (!source.empty()) {
    std::string_view line = source.substr(0, source.find('\n'));
    source.remove_prefix(std::min(source.size(), line.size() + 1));
    if (line.substr(0, includeOfDevice.size()) == includeOfDevice) {
      std::string_view name = line.substr(includeOfDevice.size());
      include(name.substr(0, name.find('"')));
    } else if (line != "#pragma once") {
      own += line;
      own += '\n';
    }
  }
  text += own;
}

void SourcePrinter::declare(std::string_view declaration) {
  text += declaration;
  text += '\n';
}

Kernel SourcePrinter::kernel(const KernelSpec &spec, const LaunchGeometry &launch, std::string_view body, int minBlocks,
                             int64_t scratchBytes) {
  text += fmt::format("\nQUIPU_KERNEL({}, {})\n{}(", launch.threads, std::max(minBlocks, 1), spec.symbol);
  // Of memory that no other pointer leads to a compiler may read before it waits for the kernel that writes it.
  std::string_view restrict = earlyStart ? "" : "__restrict__ ";
  const std::vector<OperandSignature> &operands = findSignature(spec.generator)->operands;
  for (const OperandSignature &operand : operands)
    text += fmt::format("{}{} *{}{}, ", operand.role == OperandRole::Read ? "const " : "",
                        deviceElement(operand.element, spec.params), restrict, operand.name);
  text += fmt::format("const i32 *{0}dims, void *{0}scratch, u32 *{0}mark) {{\n  {1}(mark);\n{2}\n}}\n", restrict,
                      waitsItself ? "beginEarly" : "beginInTurn", body);
  text += fmt::format("QUIPU_DESCRIBE_KERNEL({})\n", operands.size() + 3);
  Kernel kernel{std::move(text), launch, scratchBytes};
  kernel.launch.earlyStart = earlyStart;
  return kernel;
}

std::string_view deviceHeader(std::string_view name) {
  for (const auto &header : deviceHeaders)
    if (header.name == name)
      return header.text;
  return {};
}

std::string floatLiteral(double value) { return fmt::format("{:a}f", double(float(value))); }

} // namespace quipu::gpu
