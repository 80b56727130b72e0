// The operand `groups` of experts' matmuls: the rows of each expert, in the order of experts. A row is a pair of a
// token and one of its experts; pair p is expert p % chosen of token p / chosen.
//
// i32 words: how many experts are active; their numbers [experts], ascending; the first row of each [experts + 1], and
// the end of the last; from headerWords() on the pair of each row [tokens * chosen].
#pragma once

#include "compiler/Codegen/Cpu/KernelBuilder.h"
#include "runtime/Support/Rounding.h"

namespace quipu::cpu {

class ExpertGroups {
public:
  ExpertGroups(KernelBuilder &b, int64_t experts) : b(b), experts(experts), buffer(b.buffer("groups")) {}

  static int64_t headerWords(int64_t experts) { return roundUp(2 * experts + 2, 16); }

  Value activeCount() { return word(b.constant(0)); }
  // Of an active expert, by its index among them.
  Value expert(Value index) { return word(b.add(index, 1)); }
  Value firstRow(Value index) { return word(b.add(index, 1 + experts)); }
  Value endRow(Value index) { return word(b.add(index, 2 + experts)); }
  Value pairOf(Value row) { return word(b.add(row, headerWords(experts))); }

  void setActiveCount(Value count) { setWord(b.constant(0), count); }
  void setExpert(Value index, Value expert) { setWord(b.add(index, 1), expert); }
  void setFirstRow(Value index, Value row) { setWord(b.add(index, 1 + experts), row); }
  void setPair(Value row, Value pair) { setWord(b.add(row, headerWords(experts)), pair); }

private:
  Value word(Value index) { return b.toI64(b.load(b.offset(buffer, index, 4), b.i32())); }
  void setWord(Value index, Value value) { b.store(b.truncate(value, b.i32()), b.offset(buffer, index, 4)); }

  KernelBuilder &b;
  int64_t experts;
  Value buffer;
};

} // namespace quipu::cpu
