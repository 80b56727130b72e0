// Descriptions of the x86-64 chips code is generated for. The table is checked in, so a compile for a named chip gives
// the same code on every machine.
#pragma once

#include "runtime/Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quipu::cpu {

struct Chip {
  std::string name;                  // "x86-64-v4", "znver4"
  std::string llvmCpu;               // the instruction set level LLVM generates for: x86-64-v3 or x86-64-v4
  std::string tuneCpu;               // LLVM's scheduling model; changes speed, never what the code needs
  std::vector<std::string> features; // what the machine must have, in LLVM's names: exactly what the code may use
  int64_t lanes = 8;                 // f32 lanes of a vector register
  int64_t vectorRegisters = 16;
  bool hasBf16Dot = false;     // vdpbf16ps
  bool hasVnni = false;        // vpdpbusd on the widest registers
  int64_t l1Bytes = 32 << 10;  // data cache of one core
  int64_t l2Bytes = 512 << 10; // of one core

  // Features on top of llvmCpu, as LLVM's TargetMachine takes them: "+avx512bf16,+avx512vnni".
  std::string extraFeatures() const;
  // Everything code generation depends on, one line; part of the compile cache's key.
  std::string print() const;
};

// The chip of that name; "cpu" is this host. Errors: an unknown name (lists the known ones), a host below AVX2 and FMA.
Expected<Chip> findChip(std::string_view name);

// True when the machine the compiler runs on has all the chip needs, so that its kernels can run here.
bool hostRuns(const Chip &chip);

std::vector<std::string> knownChips();

} // namespace quipu::cpu
