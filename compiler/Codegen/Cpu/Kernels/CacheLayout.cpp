#include "compiler/Codegen/Cpu/Kernels/CacheLayout.h"

namespace quipu::cpu {

int64_t CacheLayout::elementBytes() const {
  return element == CacheElement::F32 ? 4 : element == CacheElement::I8 ? 1 : 2;
}

int64_t CacheLayout::group() const { return element == CacheElement::BF16 ? 2 : element == CacheElement::I8 ? 4 : 1; }

Value CacheLayout::loadWords(KernelBuilder &b, Value address) const {
  return b.load(address, wordBytes() == 2 ? b.i16(b.lanes()) : b.i32(b.lanes()), wordBytes());
}

Value CacheLayout::part(KernelBuilder &b, Value words, int64_t part) const {
  int64_t lanes = b.lanes();
  switch (element) {
  case CacheElement::F32:
    return b.bitcast(words, b.f32(lanes));
  case CacheElement::F16:
    return b.widenF16(words);
  case CacheElement::BF16:
    return b.bitcast(part == 0 ? b.shiftLeft(words, 16)
                               : b.bitAnd(words, b.constant(int32_t(0xffff0000u), words.getType())),
                     b.f32(lanes));
  case CacheElement::I8:
    return b.intToFloat(b.shiftRightSigned(part == 3 ? words : b.shiftLeft(words, 24 - 8 * part), 24));
  }
  return {};
}

// `dim` f32 at x as elements at `out`, zeros up to a whole group. int8: the scale, largest magnitude / 127, goes to
// scaleAt.
void CacheLayout::round(KernelBuilder &b, Value x, Value out, Value scaleAt) const {
  int64_t lanes = b.lanes(), padded = keyGroups() * group();
  auto vectors = [&](llvm::function_ref<void(Value column, Value in, Value mask)> body) {
    b.loop(b.constant(0), b.constant(padded), lanes, [&](Value column) {
      Value present = b.tailMask(b.sub(b.constant(dim), column), lanes);
      body(column, b.loadOr0(b.offset(x, column, 4), b.f32(lanes), present),
           b.tailMask(b.sub(b.constant(padded), column), lanes));
    });
  };
  if (element != CacheElement::I8) {
    vectors([&](Value column, Value in, Value mask) {
      Value at = b.offset(out, column, elementBytes());
      if (element == CacheElement::F32)
        b.store(in, at, mask);
      else
        b.store(element == CacheElement::BF16 ? b.roundToBf16(in) : b.roundToF16(in), at, mask, 2);
    });
    return;
  }
  // The second carries what is no number (which a maximum loses) into the scale, so that it reaches the result.
  Values found = b.loop(b.constant(0), b.constant(dim), lanes, {b.real(0, lanes), b.real(0, lanes)},
                        [&](Value column, llvm::ArrayRef<Value> carried) {
                          Value present = b.tailMask(b.sub(b.constant(dim), column), lanes);
                          Value in = b.loadOr0(b.offset(x, column, 4), b.f32(lanes), present);
                          return Values{b.maxf(b.absf(in), carried[0]), b.fma(in, b.real(0, lanes), carried[1])};
                        });
  Value scale = b.addf(b.mulf(b.reduceMax(found[0]), b.real(1.0 / 127)), b.reduceAdd(found[1]));
  b.store(scale, scaleAt);
  // Zeros, and values too small to have an inverse, are stored as zeros.
  Value hasInverse = b.lessf(b.real(1e-37), scale);
  Value inverse = b.broadcast(b.select(hasInverse, b.divf(b.real(1), scale), b.real(0)), lanes);
  Value none = b.real(0, lanes), known = b.broadcast(hasInverse, lanes);
  vectors([&](Value column, Value in, Value mask) {
    Value integers = b.floatToInt(b.mulf(b.select(known, in, none), inverse));
    b.store(b.truncate(integers, b.i8(lanes)), b.offset(out, column, 1), mask, 1);
  });
}

void CacheLayout::storeKey(KernelBuilder &b, Value block, Value position, Value key, Value scratch) const {
  round(b, key, scratch, b.offset(b.offset(block, keyScalesAt()), position, 4));
  mlir::Type word = wordBytes() == 2 ? b.i16() : b.i32();
  Value column = b.offset(block, position, wordBytes());
  b.loop(b.constant(0), b.constant(keyGroups()), 1, [&](Value i) {
    b.store(b.load(b.offset(scratch, i, wordBytes()), word, wordBytes()), b.offset(column, i, pageSize * wordBytes()),
            wordBytes());
  });
}

// Positions of a group may be other workers' to write, so each element is stored by itself.
void CacheLayout::storeValue(KernelBuilder &b, Value block, Value position, Value value, Value scratch) const {
  Value values = b.offset(block, keyBytes());
  if (group() == 1) {
    round(b, value, b.offset(values, position, paddedDim() * elementBytes()), Value());
    return;
  }
  round(b, value, scratch, b.offset(b.offset(block, valueScalesAt()), position, 4));
  mlir::Type type = elementBytes() == 1 ? b.i8() : b.i16();
  Value line = b.offset(values, b.div(position, group()), paddedDim() * wordBytes());
  Value first = b.offset(line, b.rem(position, group()), elementBytes());
  b.loop(b.constant(0), b.constant(dim), 1, [&](Value i) {
    b.store(b.load(b.offset(scratch, i, elementBytes()), type, elementBytes()), b.offset(first, i, wordBytes()),
            elementBytes());
  });
}

CacheLayout readCacheLayout(ParamReader &params, int64_t kvHeads, int64_t dim) {
  CacheLayout layout{kvHeads, dim, params.integer("page_size")};
  std::string element = params.text("elem");
  bool known = false;
  for (auto [name, value] : {std::pair("f32", CacheElement::F32), std::pair("f16", CacheElement::F16),
                             std::pair("bf16", CacheElement::BF16), std::pair("i8", CacheElement::I8)})
    if (element == name)
      layout.element = value, known = true;
  params.require(known, fmt::format("expected elem \"f32\", \"f16\", \"bf16\" or \"i8\", got \"{}\"", element));
  params.require(layout.pageSize % 16 == 0,
                 fmt::format("expected page_size to be a multiple of 16, got {}", layout.pageSize));
  return layout;
}

} // namespace quipu::cpu
