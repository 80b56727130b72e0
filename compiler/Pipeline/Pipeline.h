// The phases of a compile. Each ends in a verifier pass that states what must hold then; a compile can stop after any
// of them and go on from the text of the first three. PhasePasses.cpp is the only code that knows the order of passes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace quipu {

enum class Phase { Definition, Specialised, Kernels, Code, Artifact };

struct PhaseInfo {
  Phase phase;
  std::string_view name;
  std::string_view help;
};

constexpr std::array<PhaseInfo, 5> phases = {{
    {Phase::Definition, "definition", "the model as its family defines it: lm, plain form, weights by name, no cache"},
    {Phase::Specialised, "specialised", "after fusion and KV cache passes: lm, cached form, one launch an op"},
    {Phase::Kernels, "kernels", "launches, buffers and their place in memory: one kernel.program a target"},
    {Phase::Code, "code", "machine code of every kernel (as text: assembly)"},
    {Phase::Artifact, "artifact", "the .qpu file: program, code, tokenizer, weights"},
}};

constexpr std::string_view phaseName(Phase phase) { return phases[static_cast<size_t>(phase)].name; }

inline std::optional<Phase> findPhase(std::string_view name) {
  for (const PhaseInfo &info : phases)
    if (info.name == name)
      return info.phase;
  return std::nullopt;
}

// Passes that a compile may leave out (--disable-pass NAME): the result is slower or larger, and the same.
constexpr std::array<std::string_view, 8> optionalPasses = {
    "join-projections",   "fuse-gated-activation", "fuse-matmul-activation", "fuse-scale",
    "fuse-norm-residual", "fuse-matmul-residual",  "fuse-norm-matmul",       "fuse-rope-kv-append",
};

} // namespace quipu
