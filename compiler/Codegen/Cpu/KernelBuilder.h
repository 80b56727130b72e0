// Builds the body of one kernel so that a generator reads like its algorithm. It hides pointer arithmetic, typed and
// masked vector memory access, loops, the worker's share and the conversions between storage types.
//
// Values: integers are i64 unless the name says otherwise; pointers are llvm.ptr; a vector is a 1-D vector of f32, i32,
// i16 or i1. The natural vector has lanes() elements; LLVM splits longer ones and they are fine where registers allow.
// Pointwise operations take scalars and vectors alike (both operands of one type).
#pragma once

#include "compiler/Codegen/KernelSpec.h"
#include "compiler/Target/Cpu/Chip.h"
#include "runtime/Device/Cpu/KernelAbi.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace quipu::cpu {

using mlir::Value;
using Values = llvm::SmallVector<Value>;

class KernelBuilder {
public:
  using Body = llvm::function_ref<void(Value index)>;
  using CarryBody = llvm::function_ref<Values(Value index, llvm::ArrayRef<Value> carried)>;
  using RepeatBody = llvm::function_ref<std::pair<Value, Values>(llvm::ArrayRef<Value> carried)>;

  // Adds `func @symbol(const KernelArgs *)` to the module and starts its body.
  KernelBuilder(mlir::ModuleOp module, llvm::StringRef symbol, const KernelSignature &signature, const Chip &chip);
  // Ends the body.
  void finish();

  const Chip &chip() const { return target; }
  int64_t lanes() const { return target.lanes; }

  // ---- the kernel's arguments
  // An operand by its name in the signature.
  Value buffer(llvm::StringRef operand);
  Value dim(StepDim dim);
  // The rows of an operand whose leading axis is T or R; `rows_dim` of the generators.
  Value rows(int64_t rowsDim) { return dim(static_cast<StepDim>(rowsDim)); }
  // This worker's contiguous part [first, last) of `count` equal items.
  std::pair<Value, Value> workerRange(Value count);
  // body(item, carried) for this worker's items of `count`: three quarters of its equal share in order, then of the
  // common rest one after the other, whoever is free. Cores are not equally fast, nor is their way to memory. At most
  // once a kernel, by all workers.
  void shareItems(Value count, llvm::ArrayRef<Value> initial, CarryBody body);
  // The next number, from 0 on, that no worker has taken yet: shareItems, for items whose order the kernel knows.
  Value take();
  Value worker();
  Value workers(); // how many there are
  // A piece of this worker's scratch, 64-byte aligned. The sum is the kernel's scratch size.
  Value scratch(int64_t bytes);
  int64_t scratchBytes() const { return scratchUsed; }

  // ---- types
  mlir::Type f32(int64_t lanes = 1);
  mlir::Type i64(int64_t lanes = 1);
  mlir::Type i32(int64_t lanes = 1);
  mlir::Type i16(int64_t lanes = 1);
  mlir::Type i8(int64_t lanes = 1);
  mlir::Type pointer();

  // ---- constants
  Value constant(int64_t value);                  // i64
  Value constant(int64_t value, mlir::Type type); // integer or vector of integers
  Value real(double value, int64_t lanes = 1);    // f32
  Value zero(mlir::Type type);

  // ---- arithmetic on integers; divisions and comparisons are signed
  Value add(Value a, Value b);
  Value add(Value a, int64_t b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b);
  Value div(Value a, int64_t b); // a >= 0, rounds down
  Value div(Value a, Value b);
  Value divUp(Value a, int64_t b);
  Value rem(Value a, int64_t b);
  Value rem(Value a, Value b);
  Value smaller(Value a, Value b);
  Value larger(Value a, Value b);
  Value bitAnd(Value a, Value b);
  Value bitOr(Value a, Value b);
  Value shiftLeft(Value a, int64_t bits);
  Value shiftLeftEach(Value a, Value bits); // vectors of lanes() i32; bits below 32
  Value shiftRight(Value a, int64_t bits);  // logical
  Value shiftRight(Value a, Value bits);
  Value shiftRightSigned(Value a, int64_t bits);
  Value bitXor(Value a, Value b);
  Value less(Value a, Value b); // i1 or a vector of it
  Value equal(Value a, Value b);
  Value notEqual(Value a, Value b);
  Value toI64(Value a); // sign extension of a scalar
  Value signExtend(Value a, mlir::Type type);
  Value zeroExtend(Value a, mlir::Type type);
  Value truncate(Value a, mlir::Type type);

  // ---- arithmetic on f32. None of it is reordered; addf and mulf may be contracted to a fused multiply-add.
  Value addf(Value a, Value b);
  Value subf(Value a, Value b);
  Value mulf(Value a, Value b);
  Value divf(Value a, Value b);
  Value fma(Value a, Value b, Value c); // a * b + c, one rounding
  Value maxf(Value a, Value b);         // a > b ? a : b
  Value minf(Value a, Value b);         // a < b ? a : b
  Value negf(Value a);
  Value absf(Value a);
  Value sqrtf(Value a);
  Value roundEven(Value a);
  Value lessf(Value a, Value b);    // ordered: false with a NaN
  Value atLeastf(Value a, Value b); // a >= b, ordered
  Value select(Value condition, Value a, Value b);

  // ---- vectors
  Value broadcast(Value scalar, int64_t lanes);
  Value reduceAdd(Value vector); // any order
  Value reduceMax(Value vector);
  Value reduceMin(Value vector);
  Value shuffle(Value a, Value b, llvm::ArrayRef<int64_t> mask);
  Value concatenate(Value a, Value b); // the lanes of a, then those of b
  Value extract(Value vector, int64_t lane);
  Value insert(Value scalar, Value vector, int64_t lane);
  Value iota(int64_t lanes);                  // i32: 0, 1, 2, ...
  Value tailMask(Value count, int64_t lanes); // lane < count (i64, clamped to 0 .. lanes)
  Value maskBits(Value mask);                 // i64 whose bit i is lane i
  Value maskOf(Value bits);                   // an integer of as many bits as lanes -> mask
  Value lowestBit(Value i64Value);            // its place; the value is not 0
  Value countBits(Value i64Value);
  // The lanes of the mask moved together to the front; those behind them have no meaning. lanes() of 32 bits.
  Value compress(Value vector, Value mask);
  Value bitcast(Value value, mlir::Type type); // same bits
  Value intToFloat(Value i32Value);
  Value floatToInt(Value f32Value); // rounds to nearest even; the value must fit

  // ---- storage types as bit patterns: i16 elements
  Value widenBf16(Value i16Vector);   // -> f32
  Value roundToBf16(Value f32Vector); // -> i16, to nearest even, NaN stays NaN
  Value widenF16(Value i16Vector);
  Value roundToF16(Value f32Vector);

  // ---- small integers, four bytes or two halves in a 32-bit word, lanes() words
  Value dotBytes(Value acc, Value unsignedBytes, Value signedBytes); // acc + the four products; needs hasVnni
  Value multiplyPairs(Value a, Value b);                             // i16 [2 lanes] -> i32: the two products' sum
  Value dotPairs(Value acc, Value a, Value b);                       // acc + the two products
  Value addPairs(Value pairs);                                       // i16 [2 lanes] -> i32
  // i16 [2 lanes]: sums of two neighbours' products, which must not be beyond 16 bits.
  Value multiplyBytes(Value unsignedBytes, Value signedBytes);
  Value lookUp16(const uint8_t *table, Value bytes); // each byte, 0 .. 15, by the table's entry

  // ---- memory. `align` is what the address is known to be aligned to, in bytes.
  Value offset(Value base, Value index, int64_t elementBytes);
  Value offset(Value base, int64_t bytes);
  Value load(Value address, mlir::Type type, int64_t align = 4);
  Value loadOr0(Value address, mlir::Type type, Value mask, int64_t align = 4);
  void store(Value value, Value address, int64_t align = 4);
  void store(Value value, Value address, Value mask, int64_t align = 4);
  void prefetch(Value address, int level = 1); // for reading, into that cache
  // No load or store moves across it, so that LLVM's scheduler does not lengthen live ranges beyond the registers there
  // are.
  void memoryBarrier();
  // The vector, which no arithmetic that makes it is put off beyond this point.
  Value settled(Value vector);

  // ---- control
  void loop(Value first, Value last, int64_t step, Body body);
  // From 0 to count; no loop where one step covers it.
  void loopOrOnce(int64_t count, int64_t step, Body body);
  Values loop(Value first, Value last, int64_t step, llvm::ArrayRef<Value> initial, CarryBody body);
  // Until body(carried) gives false with what it carries on; at least once.
  Values repeat(llvm::ArrayRef<Value> initial, RepeatBody body);
  // Calls body(column, mask) for the vectors that cover `size` elements; lanes past the end are off in the mask.
  void forVectors(int64_t size, llvm::function_ref<void(Value column, Value mask)> body);
  void when(Value condition, llvm::function_ref<void()> then);
  Values when(Value condition, llvm::function_ref<Values()> then, llvm::function_ref<Values()> otherwise);

  // Builds `body` as a function of its own and calls it. Registers are allocated function by function, so this keeps
  // the constants of the surrounding code out of an inner loop that needs all of them. Arguments are scalars and
  // pointers.
  void outline(llvm::ArrayRef<Value> arguments, llvm::function_ref<void(llvm::ArrayRef<Value> parameters)> body);

  // An LLVM intrinsic by name: "llvm.x86.avx512bf16.dpbf16ps.512".
  Value intrinsic(llvm::StringRef name, mlir::Type result, llvm::ArrayRef<Value> arguments);

  mlir::OpBuilder &ops() { return builder; }
  mlir::Location loc() const { return location; }

private:
  mlir::Type vectorOf(mlir::Type element, int64_t lanes);
  Value field(int64_t byteOffset, mlir::Type type);
  Value compressionTable();

  const KernelSignature &signature;
  Chip target;
  mlir::OpBuilder builder;
  mlir::Location location;
  mlir::ModuleOp module;
  std::string symbol;
  Value args;
  int64_t outlined = 0;
  int64_t scratchUsed = 0;
};

} // namespace quipu::cpu
