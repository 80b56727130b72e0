// One slow, obvious function per lm op: the meaning of the dialect. Every kernel is held to these, and these are held
// to goldens from Hugging Face transformers. All arithmetic is float64; [T, D] is T rows of D.
#pragma once

#include "compiler/Reference/Tensor.h"
#include "runtime/Artifact/Program_generated.h"
#include <optional>
#include <string>

namespace quipu::reference {

enum class Activation { Silu, GeluTanh, GeluErf, Relu, Relu2, Sigmoid };

// Result of a one-argument activation: silu x / (1 + exp(-x)); gelu as in Hendrycks and Gimpel 2016, exact or with
// tanh; relu; relu2 max(x, 0)^2; sigmoid.
double activate(Activation kind, double x);

// out[t] = table row ids[t]. Ids are in range: the caller checks.
Tensor embedding(const IntTensor &ids, const Weight &table);

struct NormShape {
  bool centred = false; // layer norm (Ba et al. 2016): (x - mean) / sqrt(variance + eps); else that of Zhang and
                        // Sennrich 2019: x / sqrt(mean(x^2) + eps)
  double eps = 0;
  int64_t groups = 1; // equal parts of a row that are normalised apart
};
// Row by row, then times gain, plus bias: vectors over a row, or over one group; null: 1 and 0.
Tensor norm(const Tensor &x, const Weight *gain, const Weight *bias, const NormShape &shape);

// x [T, K] times the transpose of w [N, K]: [T, N].
Tensor matmul(const Tensor &x, const Weight &w);

Tensor addBias(Tensor x, const Weight &bias);
Tensor activation(Activation kind, Tensor x);
// x is [T, 2N]: activation(first half) * second half (Shazeer 2020, GLU variants).
Tensor gate(Activation kind, const Tensor &x);
Tensor scale(Tensor x, double factor);
Tensor softcap(Tensor x, double cap); // cap tanh(x / cap)
Tensor add(Tensor a, const Tensor &b);
Tensor multiply(Tensor a, const Tensor &b);
Tensor sliceColumns(const Tensor &x, int64_t offset, int64_t size);
Tensor selectRows(const Tensor &x, const IntTensor &rows);

// How a router chooses: lm.route has the words.
struct RouteShape {
  bool sigmoid = false; // scores of each expert apart; otherwise softmax over all
  int64_t chosen = 1;   // experts a token
  bool normalize = false;
  double scale = 1;
  int64_t groups = 1, keptGroups = 1;
};
struct Routing {
  IntTensor ids;  // [T, chosen]
  Tensor weights; // [T, chosen]
};
// logits is [T, experts]; bias, a vector over the experts or null, counts for the choice alone.
Routing route(const Tensor &logits, const Weight *bias, const RouteShape &shape);
// The weights of experts that were chosen already.
Tensor routeWeights(const Tensor &logits, const IntTensor &ids, const RouteShape &shape);

// Product s of token t is with matrix ids[t * chosen + s] of `w`, matrices of `rows` rows one after the other. x is [T,
// K], or [T, chosen * K] with a part for each product. [T, chosen * rows]. Ids are in range: the caller checks.
Tensor expertMatmul(const Tensor &x, const Weight &w, int64_t rows, const IntTensor &ids, int64_t chosen);
// products is [T, chosen * N], weights [T, chosen]: the weighted sum of each token's products, [T, N].
Tensor combine(const Tensor &products, const Tensor &weights);

// Rotary embedding (Su et al. 2021). Angle of pair i at position p is p * invFreq[i].
struct Rope {
  int64_t dim = 0;              // of a head
  int64_t rotated = 0;          // its first features, which turn; invFreq has rotated / 2 entries
  bool interleaved = false;     // pairs are (2i, 2i+1); otherwise (i, i + rotated/2)
  double attentionFactor = 1.0; // multiplies cos and sin
  std::vector<double> invFreq;
};
// x is [T, heads * dim]; each head is rotated by its token's position.
Tensor rope(Tensor x, const IntTensor &positions, const Rope &rope);

// Row t times 1 + beta ln(1 + floor(positions[t] / length)).
Tensor positionScale(Tensor x, const IntTensor &positions, double beta, int64_t length);

struct AttentionShape {
  int64_t heads = 0;
  int64_t kvHeads = 0; // heads is a multiple: query head h reads key head h / (heads / kvHeads)
  double scale = 1.0;
  std::optional<int64_t> window;      // a query at p sees positions p - window + 1 .. p
  std::optional<double> softcap = {}; // of the scaled scores
};
// Causal attention of one sequence: row t of q sees rows 0 .. t of k and v. q is [T, heads * dim], k and v [T, kvHeads
// * dim].
Tensor attention(const Tensor &q, const Tensor &k, const Tensor &v, const AttentionShape &shape, bool causal);

// Writes this step's keys and values behind what each sequence of the batch holds, as the cache's element type stores
// them: f32, f16, bf16, or i8 with a scale for each head's key and value.
void kvAppend(Cache &cache, const Tensor &k, const Tensor &v, const Batch &batch, fb::DType element, int64_t dim);

// Each token of q sees the positions <= its own of its own sequence.
Tensor cachedAttention(const Tensor &q, const Cache &cache, const Batch &batch, const AttentionShape &shape);

// A head's key or value as i8 stores it: whole multiples, at most 127, of a float32 scale: the largest magnitude / 127.
void roundToInt8(double *head, int64_t dim);

// Rounds to f32, f16 or bf16 and back, to nearest even.
double roundTo(fb::DType element, double x);

} // namespace quipu::reference
