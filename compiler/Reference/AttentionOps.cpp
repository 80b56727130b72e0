#include "compiler/Reference/Ops.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace quipu::reference {

Tensor rope(Tensor x, const IntTensor &positions, const Rope &rope) {
  int64_t half = rope.rotated / 2;
  for (int64_t t = 0; t < x.rows; ++t)
    for (int64_t head = 0; head < x.cols / rope.dim; ++head)
      for (int64_t i = 0; i < half; ++i) {
        double angle = positions[t] * rope.invFreq[i];
        double c = std::cos(angle) * rope.attentionFactor;
        double s = std::sin(angle) * rope.attentionFactor;
        double *values = x.row(t) + head * rope.dim;
        double &first = values[rope.interleaved ? 2 * i : i];
        double &second = values[rope.interleaved ? 2 * i + 1 : i + half];
        double a = first, b = second;
        first = a * c - b * s;
        second = b * c + a * s;
      }
  return x;
}

Tensor positionScale(Tensor x, const IntTensor &positions, double beta, int64_t length) {
  for (int64_t t = 0; t < x.rows; ++t) {
    int64_t periods = positions[t] / length; // whole ones
    for (int64_t i = 0; i < x.cols; ++i)
      x.row(t)[i] *= 1 + beta * std::log1p(double(periods));
  }
  return x;
}

// One head of one query over positions first .. last of k and v: softmax(q k^T scale) v.
static void attendHead(const double *q, const Tensor &k, const Tensor &v, int64_t first, int64_t last, int64_t column,
                       int64_t dim, const AttentionShape &shape, double *out) {
  std::vector<double> scores;
  for (int64_t p = first; p <= last; ++p) {
    double score = 0;
    for (int64_t i = 0; i < dim; ++i)
      score += q[i] * k.row(p)[column + i];
    score *= shape.scale;
    scores.push_back(shape.softcap ? *shape.softcap * std::tanh(score / *shape.softcap) : score);
  }
  double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double &score : scores)
    sum += score = std::exp(score - largest);
  for (int64_t p = first; p <= last; ++p)
    for (int64_t i = 0; i < dim; ++i)
      out[i] += scores[p - first] / sum * v.row(p)[column + i];
}

static void attendToken(const double *q, const Tensor &k, const Tensor &v, int64_t last, const AttentionShape &shape,
                        int64_t dim, double *out, int64_t position) {
  int64_t first = shape.window ? std::max<int64_t>(0, position - *shape.window + 1) : 0;
  for (int64_t head = 0; head < shape.heads; ++head) {
    int64_t column = head / (shape.heads / shape.kvHeads) * dim;
    attendHead(q + head * dim, k, v, first, last, column, dim, shape, out + head * dim);
  }
}

Tensor attention(const Tensor &q, const Tensor &k, const Tensor &v, const AttentionShape &shape, bool causal) {
  Tensor out(q.rows, q.cols);
  for (int64_t t = 0; t < q.rows; ++t)
    attendToken(q.row(t), k, v, causal ? t : k.rows - 1, shape, q.cols / shape.heads, out.row(t), t);
  return out;
}

double roundTo(fb::DType element, double x) {
  float value = static_cast<float>(x);
  if (element == fb::DType::f32)
    return value;
  if (element == fb::DType::f16)
    return static_cast<float>(static_cast<_Float16>(value));
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (!std::isnan(value))
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void roundToInt8(double *head, int64_t dim) {
  double largest = 0;
  for (int64_t i = 0; i < dim; ++i)
    largest = std::max(largest, std::abs(head[i]));
  double scale = static_cast<float>(largest / 127);
  for (int64_t i = 0; i < dim; ++i)
    head[i] = scale == 0 ? 0 : std::nearbyint(head[i] / scale) * scale;
}

static void appendRow(Tensor &to, const double *row, int64_t cols, fb::DType element, int64_t dim) {
  to.cols = cols;
  to.rows += 1;
  to.data.insert(to.data.end(), row, row + cols);
  double *stored = to.row(to.rows - 1);
  if (element != fb::DType::i8)
    for (int64_t i = 0; i < cols; ++i)
      stored[i] = roundTo(element, stored[i]);
  else
    for (int64_t head = 0; head < cols; head += dim)
      roundToInt8(stored + head, dim);
}

void kvAppend(Cache &cache, const Tensor &k, const Tensor &v, const Batch &batch, fb::DType element, int64_t dim) {
  for (size_t s = 0; s < batch.sequences.size(); ++s) {
    size_t sequence = batch.sequences[s];
    if (cache.keys.size() <= sequence) {
      cache.keys.resize(sequence + 1);
      cache.values.resize(sequence + 1);
    }
    for (int64_t t = batch.seqStarts[s]; t < batch.seqStarts[s + 1]; ++t) {
      assert(batch.positions[t] == cache.keys[sequence].rows && "tokens of a sequence arrive in order");
      appendRow(cache.keys[sequence], k.row(t), k.cols, element, dim);
      appendRow(cache.values[sequence], v.row(t), v.cols, element, dim);
    }
  }
}

Tensor cachedAttention(const Tensor &q, const Cache &cache, const Batch &batch, const AttentionShape &shape) {
  Tensor out(q.rows, q.cols);
  for (size_t s = 0; s < batch.sequences.size(); ++s) {
    const Tensor &k = cache.keys[batch.sequences[s]], &v = cache.values[batch.sequences[s]];
    for (int64_t t = batch.seqStarts[s]; t < batch.seqStarts[s + 1]; ++t)
      attendToken(q.row(t), k, v, batch.positions[t], shape, q.cols / shape.heads, out.row(t), batch.positions[t]);
  }
  return out;
}

} // namespace quipu::reference
