// What a program may ask of libquipu_compiler.so. `quipu` opens the library with dlopen when it must compile, so that
// running an artifact needs neither LLVM nor MLIR. Both sides are built from one tree: the types that cross are plain
// C++.
#pragma once

#include "compiler/Target/Gpu/Resources.h"
#include "runtime/Artifact/Format.h"
#include "runtime/Support/Error.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace quipu {

// How a checkpoint's weights and the KV cache are to be stored.
struct StorageChoice {
  std::string storage;                // name of a storage format, "q4_k"; empty: each matrix as the checkpoint has it
  std::vector<std::string> storageOf; // "PATTERN=FORMAT" for matrices of these names; the first that matches counts
  std::string kvStorage;              // "f32", "f16", "bf16", "i8"; empty: bf16, or f32 where every matrix is f32
};

// What decides the passes over the IR.
struct PhaseRequest : StorageChoice {
  std::vector<std::string> targets; // "cpu", "cpu:x86-64-v3"; empty: "cpu"
  uint32_t maxContext = 0;          // positions; 0: the model's limit, at most 4096
  uint32_t maxSequences = 0;        // 0: 8
  uint32_t maxBatchTokens = 0;      // tokens in one step; 0: 512
  std::vector<std::string> disabledPasses;
};

struct CompileRequest : PhaseRequest {
  std::string model;     // checkpoint
  std::string output;    // path of the artifact; empty when `compileTo` stops earlier
  std::string calibrate; // text whose activations weigh the rounding to storage formats; empty: none
  WeightPlacement weights = WeightPlacement::Embed;
  std::string compileTo;         // phase to stop after, by name; empty: all of them
  std::string compileFrom;       // phase whose result is read from `ir`; empty: from the checkpoint
  std::string ir;                // file with MLIR text for `compileFrom`
  bool tune = false;             // choose kernels by measuring them, with `threads` workers
  bool ptx = false;              // keep the PTX of CUDA targets beside their code, for later chips
  bool printAfterPasses = false; // IR after each pass, on standard error
  unsigned threads = 0;          // that compile and pack; 0: one for each CPU
  std::function<void(const std::string &what, uint64_t done, uint64_t total)> progress;
};

struct KernelReport {
  std::string target, symbol;
  double seconds = 0; // to compile it; 0: from the cache
  gpu::Resources resources;
};

// What was chosen for launches of up to so many rows, by measuring. Kernels by their symbols, stage after stage.
struct TuningReport {
  std::string target, model, chosen; // model: the cost model's choice; equal to `chosen` where nothing was faster
  int64_t rows = 0;
  double gain = 0;      // of time
  bool measured = true; // now; else by an earlier compile
};

struct CompileReport {
  std::vector<std::pair<std::string, double>> seconds;     // by phase, "weights" (packing and writing) last
  std::vector<std::pair<std::string, double>> passSeconds; // by pass, in the order they ran
  uint32_t kernels = 0;                                    // distinct ones of all targets
  uint32_t kernelsFromCache = 0;
  uint64_t codeBytes = 0;
  std::vector<KernelReport> gpuKernels;
  std::vector<TuningReport> tuning;
  std::vector<std::string> warnings;
  std::string ir; // printed after `compileTo`
};

struct VerifyRequest : StorageChoice {
  std::string model;
  std::string target; // empty: "cpu"
  std::string device = "cpu";
  uint32_t threads = 0;
  std::vector<int32_t> promptIds; // empty: chosen from the vocabulary by a fixed seed
  std::vector<std::string> disabledPasses;
  std::function<void(const std::string &what, uint64_t done, uint64_t total)> progress; // total 0: not known
};

// One comparison: a pass (its IR evaluated by the reference against the definition's) or a launch (its output on the
// device against the reference's, fed with the reference's operands).
struct VerifyLine {
  std::string name;
  std::string op;   // empty for a pass
  double error = 0; // largest difference over largest magnitude
  double tolerance = 0;
  bool passed() const { return error <= tolerance; } // a NaN fails
};

struct VerifyReport {
  std::vector<VerifyLine> passes;
  std::vector<VerifyLine> launches;
  std::vector<VerifyLine> logits; // whole steps on the device against the definition
};

struct CompilerApi {
  Expected<CompileReport> (*compile)(const CompileRequest &);
  Expected<VerifyReport> (*verify)(const VerifyRequest &);
  std::string (*version)();                                     // also part of every cache key
  std::vector<std::pair<std::string, std::string>> (*phases)(); // name and one line of help
};

} // namespace quipu

// What both sides must agree on, asked for before anything else: a library of another build has other types.
extern "C" const char *quipuCompilerInterface();
extern "C" const quipu::CompilerApi *quipuCompilerApi();
