#include "compiler/Target/Cpu/Chip.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

#include <algorithm>

namespace quipu::cpu {
namespace {

enum class Level { V3, V4 };

struct Row {
  const char *name;
  Level level;
  const char *tune;
  bool bf16Dot, vnni;
  int64_t l1KiB, l2KiB;
};

// Cache sizes: the vendors' optimisation manuals; the two levels take the smallest core they stand for.
constexpr Row chips[] = {
    {"x86-64-v3", Level::V3, "x86-64-v3", false, false, 32, 256},
    {"x86-64-v4", Level::V4, "x86-64-v4", false, false, 32, 1024},
    {"haswell", Level::V3, "haswell", false, false, 32, 256},
    {"broadwell", Level::V3, "broadwell", false, false, 32, 256},
    {"skylake", Level::V3, "skylake", false, false, 32, 256},
    {"alderlake", Level::V3, "alderlake", false, false, 32, 1280},
    {"znver1", Level::V3, "znver1", false, false, 32, 512},
    {"znver2", Level::V3, "znver2", false, false, 32, 512},
    {"znver3", Level::V3, "znver3", false, false, 32, 512},
    {"skylake-avx512", Level::V4, "skylake-avx512", false, false, 32, 1024},
    {"cascadelake", Level::V4, "cascadelake", false, true, 32, 1024},
    {"cooperlake", Level::V4, "cooperlake", true, true, 32, 1024},
    {"icelake-server", Level::V4, "icelake-server", false, true, 48, 1280},
    {"sapphirerapids", Level::V4, "sapphirerapids", true, true, 48, 2048},
    {"emeraldrapids", Level::V4, "emeraldrapids", true, true, 48, 2048},
    {"graniterapids", Level::V4, "graniterapids", true, true, 48, 2048},
    {"znver4", Level::V4, "znver4", true, true, 32, 1024},
    {"znver5", Level::V4, "znver5", true, true, 48, 1024},
};

Chip describe(const Row &row) {
  Chip chip;
  chip.name = row.name;
  chip.tuneCpu = row.tune;
  chip.hasBf16Dot = row.bf16Dot;
  chip.hasVnni = row.vnni;
  chip.l1Bytes = row.l1KiB << 10;
  chip.l2Bytes = row.l2KiB << 10;
  chip.llvmCpu = row.level == Level::V4 ? "x86-64-v4" : "x86-64-v3";
  // The psABI's micro-architecture levels, less what every 64-bit chip with AVX2 has (SSE4.2, POPCNT, CX16).
  chip.features = {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"};
  if (row.level == Level::V4) {
    chip.lanes = 16;
    chip.vectorRegisters = 32;
    chip.features.insert(chip.features.end(), {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  }
  if (row.bf16Dot)
    chip.features.push_back("avx512bf16");
  if (row.vnni)
    chip.features.push_back("avx512vnni");
  return chip;
}

const Row *findRow(std::string_view name) {
  auto row = std::find_if(std::begin(chips), std::end(chips), [&](const Row &r) { return name == r.name; });
  return row == std::end(chips) ? nullptr : row;
}

// The named chip when this host is one and its features are all switched on (a virtual machine may hide some), else the
// highest level that runs here.
Expected<Chip> hostChip() {
  std::string name = llvm::sys::getHostCPUName().str();
  for (const char *candidate : {name.c_str(), "x86-64-v4", "x86-64-v3"})
    if (const Row *row = findRow(candidate))
      if (Chip chip = describe(*row); hostRuns(chip))
        return chip;
  return makeError(
      "this CPU ({}) has no AVX2 and FMA, which Quipu needs; compile with --target cpu:x86-64-v3 for another "
      "machine",
      name);
}

} // namespace

std::string Chip::extraFeatures() const {
  std::string text;
  if (hasBf16Dot)
    text += "+avx512bf16";
  if (hasVnni)
    text += text.empty() ? "+avx512vnni" : ",+avx512vnni";
  return text;
}

std::string Chip::print() const {
  return fmt::format("{} {} {} {} lanes={} registers={} l1={} l2={}", name, llvmCpu, tuneCpu, extraFeatures(), lanes,
                     vectorRegisters, l1Bytes, l2Bytes);
}

Expected<Chip> findChip(std::string_view name) {
  if (name == "cpu")
    return hostChip();
  if (const Row *row = findRow(name))
    return describe(*row);
  std::string known = "cpu";
  for (const std::string &chip : knownChips())
    known += ", " + chip;
  return makeError("unknown CPU \"{}\"; the known ones, all with AVX2 and FMA: {}", name, known);
}

bool hostRuns(const Chip &chip) {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  return std::all_of(chip.features.begin(), chip.features.end(),
                     [&](const std::string &feature) { return host.lookup(feature); });
}

std::vector<std::string> knownChips() {
  std::vector<std::string> names;
  for (const Row &row : chips)
    names.push_back(row.name);
  return names;
}

} // namespace quipu::cpu
