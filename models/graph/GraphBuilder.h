// What the definitions of the families are written with: a forward pass in the plain form, layer by layer.
#pragma once

#include "compiler/Dialect/LM/IR/LMOps.h"
#include "models/config/DecoderConfig.h"
#include "models/import/DType.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <string>

namespace quipu::models {

// The type a checkpoint holds a tensor in; none if it has no such tensor.
using WeightTypes = std::function<std::optional<DType>(const std::string &name)>;

struct AttentionParameters {
  int64_t heads, kvHeads;
  double scale;                       // of the scores
  std::optional<int64_t> window;      // in tokens, the query's own among them
  std::optional<double> softcap = {}; // of the scaled scores
};

// Matrices of experts, [experts, out, in] all together.
struct StackShape {
  int64_t experts, out, in;
};

struct Routing {
  mlir::Value ids, weights; // [tokens, chosen]
};

struct NormParameters {
  double eps;
  bool centred = false;   // layer norm; otherwise rms norm
  bool bias = false;      // of a layer norm: NAME.bias
  double gainOffset = 0;  // gains are stored less this: 1 in Gemma
  int64_t groups = 1;     // equal parts of a row that are normalised apart
  bool sharedGain = true; // of groups: the gain is that of one part; otherwise parts have NAME.0, NAME.1 and so on
};

// Some rows of a joined projection that has `of` rows.
struct JoinedRows {
  WeightPiece::Runs runs;
  int64_t of;
};

// How the checkpoint holds the matrix of a linear module.
struct LinearParameters {
  bool bias = false;
  bool transposed = false;             // in x out, as GPT-2's Conv1D
  std::optional<JoinedRows> rows = {}; // of a joined projection: those of this one, in matrix and bias
};

// Builds the one function of a module, `@model(ids, positions) -> logits`. The names of modules are those of the
// checkpoint without ".weight" and ".bias"; each op carries the name of its module as its location. Every weight is one
// lm.weight, however many ops read it (tied embeddings).
class GraphBuilder {
public:
  GraphBuilder(mlir::MLIRContext &context, WeightTypes weightTypes);

  // The modules that follow are those of `prefix`, such as "model.layers.3."; empty for the outermost.
  void enter(std::string prefix) { modulePrefix = std::move(prefix); }

  // Rows of a [vocab, width] table for the ids: [tokens, width].
  mlir::Value embedding(const std::string &module, int64_t vocab, int64_t width);
  // Rows of a [positions, width] table of learned positions.
  mlir::Value positionEmbedding(const std::string &module, int64_t positions, int64_t width);
  // x W^T + b, from [tokens, in] to [tokens, out].
  mlir::Value linear(mlir::Value x, const std::string &module, int64_t out, const LinearParameters &parameters = {});
  // The experts of each token by the product of a router, `config` says how.
  Routing route(mlir::Value logits, const ExpertsConfig &config);
  // One expert for every token, with the sigmoid of the only logit as its weight.
  Routing routeToOne(mlir::Value logits);
  // Products with the matrices of each token's experts, [tokens, chosen * out]; x is [tokens, in], or has a part for
  // each of them. `module` may have * in the place of an expert's number: the checkpoint has a tensor for each then, or
  // one of all under the name without it. With `combine` their weighted sum, [tokens, out].
  mlir::Value expertLinear(mlir::Value x, const std::string &module, const StackShape &shape, mlir::Value ids,
                           mlir::Value combine = {});
  // activation(gate) * up of one module whose matrices are [2 out, in], the gate's rows first.
  mlir::Value gatedExperts(mlir::Value x, const std::string &module, const StackShape &shape, mlir::Value ids,
                           Activation activation);
  mlir::Value norm(mlir::Value x, const std::string &module, const NormParameters &parameters);
  mlir::Value rope(mlir::Value x, lm::RopeAttr rope);
  // Each row times 1 + beta ln(1 + floor(position / length)).
  mlir::Value positionScale(mlir::Value x, double beta, int64_t length);
  mlir::Value sliceColumns(mlir::Value x, int64_t offset, int64_t size);
  // Causal, over [tokens, heads * dim], [tokens, kvHeads * dim] and the same of v.
  mlir::Value attention(mlir::Value q, mlir::Value k, mlir::Value v, const std::string &module,
                        const AttentionParameters &parameters);
  mlir::Value activation(mlir::Value x, Activation activation);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs);
  mlir::Value scale(mlir::Value x, double factor); // x itself where the factor is 1
  mlir::Value softcap(mlir::Value x, double cap);

  mlir::MLIRContext &getContext() { return *builder.getContext(); }

  // Ends the function.
  mlir::OwningOpRef<mlir::ModuleOp> finish(mlir::Value logits);
  // Weights asked for that the checkpoint does not have, in the order of the forward pass.
  const std::vector<std::string> &missingWeights() const { return missing; }

private:
  mlir::Value weight(const std::string &module, const char *kind, llvm::ArrayRef<int64_t> shape);
  mlir::Value stack(const std::string &module, const StackShape &shape);
  // Rows of a weight, or all of it.
  mlir::Value rowsOf(mlir::Value weight, const std::optional<JoinedRows> &rows);
  mlir::Value normGain(mlir::Value x, const std::string &module, const NormParameters &parameters);
  mlir::Value linearWeight(const std::string &module, int64_t out, int64_t in, const LinearParameters &parameters);
  mlir::Location locationOf(const std::string &module);
  static int64_t widthOf(mlir::Value x) { return mlir::cast<mlir::RankedTensorType>(x.getType()).getDimSize(1); }

  mlir::OpBuilder builder;
  WeightTypes weightTypes;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  lm::FuncOp func;
  std::string modulePrefix;
  llvm::StringMap<mlir::Value> weights;
  std::vector<std::string> missing;
};

} // namespace quipu::models
