// Which kernels a target uses for a launch, and how it wants weights and caches to lie. The conversion to the kernel
// dialect asks here for what differs between targets; operands, buffers and names are the same for all of them.
#pragma once

#include "compiler/Codegen/AttentionShape.h"
#include "compiler/Codegen/ExpertShape.h"
#include "compiler/Codegen/KernelSpec.h"
#include "runtime/Artifact/StorageFormat.h"

#include <optional>
#include <string>
#include <vector>

namespace quipu {

// Rows of an operand: tokens of the step, or those whose logits are asked for. As the generators' `rows_dim`.
enum class RowsDim : int64_t { Tokens = 0, Rows = 2 };

// In symbols: kernels over tokens are the usual ones, those over rows say so.
inline std::string rowsSuffix(RowsDim rows) { return rows == RowsDim::Rows ? "_rows" : ""; }

// Kernels that run one after the other on the operands of one launch.
using KernelStages = std::vector<KernelSpec>;

// Stages that run while the launch's dim is at most maxValue; the last variant of a launch takes any.
struct VariantChoice {
  static constexpr uint32_t any = 0xffffffff;
  uint32_t maxValue = any;
  KernelStages stages;
};

// The buffer that `pack_input` fills: rows come in tiles, each of `columns` elements. No tile: no variant packs.
struct PackedForm {
  int64_t tile = 0;
  int64_t columns = 0;
  std::string element; // "f32", "f16", "bf16" or "i8"
};

struct MatmulKernels {
  std::vector<VariantChoice> variants;
  PackedForm packed;
};

// A matmul's norm of its input.
struct NormShape {
  double eps = 0;
  bool centred = false; // layer_norm, else rms_norm
  bool shift = false;   // it has a bias

  void addTo(KernelParams &params) const;
  // "rms_norm_", in front of the kernel's.
  std::string symbolPrefix() const { return centred ? "layer_norm_" : "rms_norm_"; }
};

// What a matmul launch computes, as its kernels see it.
struct MatmulShape {
  int64_t n = 0; // columns of the result: half the weight's rows where gated
  int64_t k = 0;
  std::string storage;
  std::string activation; // empty: none
  bool gated = false;
  bool bias = false;
  bool residual = false;
  std::optional<double> scale, softcap;
  std::optional<NormShape> norm;
  RowsDim rows = RowsDim::Tokens;

  // "matmul_silu_gated_bf16_n8192_k2048"
  std::string symbolStem() const;
  // The product and what follows it: all parameters but those of the norm and of a variant.
  KernelParams productParams() const;
};

// The next token of each row of logits.
struct SampleShape {
  int64_t n = 0; // tokens of the vocabulary
  RowsDim rows = RowsDim::Rows;

  std::string symbolStem() const; // "sample_rows_n32000"
  KernelParams params() const;
};

class KernelChoice {
public:
  virtual ~KernelChoice() = default;

  virtual MatmulKernels matmul(const MatmulShape &shape) const = 0;
  // Stages of experts' matmuls; the packed form is a row's for each of a token's experts, in tiles of one row. None
  // where the target has no kernels for them.
  virtual std::optional<MatmulKernels> experts(const ExpertShape &) const { return std::nullopt; }
  // One kernel for every size unless a target knows better.
  virtual std::vector<VariantChoice> attention(const AttentionShape &shape) const;
  // f32 that stages of attention pass on, in the operand `partials`; 0: it is absent.
  virtual int64_t attentionPartials(const AttentionShape &) const { return 0; }
  virtual std::vector<VariantChoice> sample(const SampleShape &shape) const;

  // Stages that compute what these do, on the same operands and buffers, and may be faster in a launch of `rows` rows:
  // what --tune measures against them. Few, for the target's cost model has ruled out the rest. None where there is
  // nothing to choose.
  virtual std::vector<KernelStages> alternatives(const KernelStages &, int64_t /*rows*/) const { return {}; }

  // Whether matmuls and embeddings have kernels for weights of this format. Every target takes f32, f16 and bf16.
  virtual bool takes(const StorageFormat &format) const = 0;

  // Names of the layouts in which matmuls read their weights (runtime/Artifact/WeightLayout.h) and of a KV page
  // (runtime/Artifact/KvLayout.h).
  virtual std::string matmulLayout(bool gated) const = 0;
  virtual std::string kvLayout() const = 0;
  // The layout of an embedding table that no matmul reads.
  virtual std::string tableLayout(const StorageFormat &) const { return "row_major"; }
};

} // namespace quipu
