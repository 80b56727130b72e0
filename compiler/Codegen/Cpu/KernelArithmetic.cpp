// The part of KernelBuilder that computes: constants, pointwise operations, vectors and storage types.
#include "compiler/Codegen/Cpu/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace quipu::cpu {

using namespace mlir;

Type KernelBuilder::vectorOf(Type element, int64_t lanes) {
  return lanes == 1 ? element : Type(VectorType::get({lanes}, element));
}
Type KernelBuilder::f32(int64_t lanes) { return vectorOf(builder.getF32Type(), lanes); }
Type KernelBuilder::i64(int64_t lanes) { return vectorOf(builder.getI64Type(), lanes); }
Type KernelBuilder::i32(int64_t lanes) { return vectorOf(builder.getI32Type(), lanes); }
Type KernelBuilder::i16(int64_t lanes) { return vectorOf(builder.getI16Type(), lanes); }
Type KernelBuilder::i8(int64_t lanes) { return vectorOf(builder.getI8Type(), lanes); }
Type KernelBuilder::pointer() { return LLVM::LLVMPointerType::get(builder.getContext()); }

static int64_t laneCount(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.getNumElements() : 1;
}

Value KernelBuilder::constant(int64_t value) { return constant(value, builder.getI64Type()); }

Value KernelBuilder::constant(int64_t value, Type type) {
  auto attribute = builder.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(builder, location, DenseElementsAttr::get(vector, Attribute(attribute)));
  return arith::ConstantOp::create(builder, location, attribute);
}

Value KernelBuilder::real(double value, int64_t lanes) {
  auto attribute = builder.getF32FloatAttr(float(value));
  if (lanes == 1)
    return arith::ConstantOp::create(builder, location, attribute);
  return arith::ConstantOp::create(builder, location,
                                   DenseElementsAttr::get(cast<VectorType>(f32(lanes)), Attribute(attribute)));
}

Value KernelBuilder::zero(Type type) { return arith::ConstantOp::create(builder, location, builder.getZeroAttr(type)); }

Value KernelBuilder::add(Value a, Value b) { return arith::AddIOp::create(builder, location, a, b); }
Value KernelBuilder::add(Value a, int64_t b) { return b == 0 ? a : add(a, constant(b, a.getType())); }
Value KernelBuilder::sub(Value a, Value b) { return arith::SubIOp::create(builder, location, a, b); }
Value KernelBuilder::mul(Value a, Value b) { return arith::MulIOp::create(builder, location, a, b); }
Value KernelBuilder::mul(Value a, int64_t b) { return b == 1 ? a : mul(a, constant(b, a.getType())); }
Value KernelBuilder::div(Value a, Value b) { return arith::DivUIOp::create(builder, location, a, b); }
Value KernelBuilder::div(Value a, int64_t b) { return div(a, constant(b, a.getType())); }
Value KernelBuilder::divUp(Value a, int64_t b) { return div(add(a, b - 1), b); }
Value KernelBuilder::rem(Value a, Value b) { return arith::RemUIOp::create(builder, location, a, b); }
Value KernelBuilder::rem(Value a, int64_t b) { return rem(a, constant(b, a.getType())); }
Value KernelBuilder::smaller(Value a, Value b) { return arith::MinSIOp::create(builder, location, a, b); }
Value KernelBuilder::larger(Value a, Value b) { return arith::MaxSIOp::create(builder, location, a, b); }
Value KernelBuilder::bitAnd(Value a, Value b) { return arith::AndIOp::create(builder, location, a, b); }
Value KernelBuilder::bitOr(Value a, Value b) { return arith::OrIOp::create(builder, location, a, b); }
Value KernelBuilder::shiftLeft(Value a, int64_t bits) {
  return arith::ShLIOp::create(builder, location, a, constant(bits, a.getType()));
}
// LLVM would move a broadcast count to another kind of register for another instruction.
Value KernelBuilder::shiftLeftEach(Value a, Value bits) {
  return intrinsic(lanes() == 16 ? "llvm.x86.avx512.psllv.d.512" : "llvm.x86.avx2.psllv.d.256", a.getType(), {a, bits});
}
Value KernelBuilder::shiftRight(Value a, int64_t bits) { return shiftRight(a, constant(bits, a.getType())); }
Value KernelBuilder::shiftRight(Value a, Value bits) { return arith::ShRUIOp::create(builder, location, a, bits); }
Value KernelBuilder::shiftRightSigned(Value a, int64_t bits) {
  return arith::ShRSIOp::create(builder, location, a, constant(bits, a.getType()));
}
Value KernelBuilder::bitXor(Value a, Value b) { return arith::XOrIOp::create(builder, location, a, b); }
Value KernelBuilder::less(Value a, Value b) {
  return arith::CmpIOp::create(builder, location, arith::CmpIPredicate::slt, a, b);
}
Value KernelBuilder::equal(Value a, Value b) {
  return arith::CmpIOp::create(builder, location, arith::CmpIPredicate::eq, a, b);
}
Value KernelBuilder::notEqual(Value a, Value b) {
  return arith::CmpIOp::create(builder, location, arith::CmpIPredicate::ne, a, b);
}
Value KernelBuilder::toI64(Value a) { return arith::ExtSIOp::create(builder, location, builder.getI64Type(), a); }

Value KernelBuilder::signExtend(Value a, Type type) { return arith::ExtSIOp::create(builder, location, type, a); }
Value KernelBuilder::zeroExtend(Value a, Type type) { return arith::ExtUIOp::create(builder, location, type, a); }
Value KernelBuilder::truncate(Value a, Type type) { return arith::TruncIOp::create(builder, location, type, a); }

Value KernelBuilder::addf(Value a, Value b) {
  return arith::AddFOp::create(builder, location, a, b, arith::FastMathFlags::contract);
}
Value KernelBuilder::subf(Value a, Value b) {
  return arith::SubFOp::create(builder, location, a, b, arith::FastMathFlags::contract);
}
Value KernelBuilder::mulf(Value a, Value b) {
  return arith::MulFOp::create(builder, location, a, b, arith::FastMathFlags::contract);
}
Value KernelBuilder::divf(Value a, Value b) { return arith::DivFOp::create(builder, location, a, b); }
Value KernelBuilder::fma(Value a, Value b, Value c) { return LLVM::FMAOp::create(builder, location, a, b, c); }
Value KernelBuilder::negf(Value a) { return arith::NegFOp::create(builder, location, a); }
Value KernelBuilder::absf(Value a) { return LLVM::FAbsOp::create(builder, location, a); }
Value KernelBuilder::sqrtf(Value a) { return LLVM::SqrtOp::create(builder, location, a); }
Value KernelBuilder::roundEven(Value a) { return LLVM::RoundEvenOp::create(builder, location, a); }
Value KernelBuilder::lessf(Value a, Value b) {
  return arith::CmpFOp::create(builder, location, arith::CmpFPredicate::OLT, a, b);
}
Value KernelBuilder::atLeastf(Value a, Value b) {
  return arith::CmpFOp::create(builder, location, arith::CmpFPredicate::OGE, a, b);
}
// Compare and select are what maxps and minps do in one instruction; llvm.maxnum would add a NaN check.
Value KernelBuilder::maxf(Value a, Value b) { return select(lessf(b, a), a, b); }
Value KernelBuilder::minf(Value a, Value b) { return select(lessf(a, b), a, b); }
Value KernelBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(builder, location, condition, a, b);
}

Value KernelBuilder::broadcast(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(builder, location, vectorOf(scalar.getType(), lanes), scalar);
}

static Value reduce(OpBuilder &builder, Location location, vector::CombiningKind kind, Value vector) {
  return vector::ReductionOp::create(builder, location, kind, vector,
                                     arith::FastMathFlags::reassoc | arith::FastMathFlags::nnan);
}
Value KernelBuilder::reduceAdd(Value vector) {
  if (isa<IntegerType>(getElementTypeOrSelf(vector.getType())))
    return vector::ReductionOp::create(builder, location, vector::CombiningKind::ADD, vector);
  return vector::ReductionOp::create(builder, location, vector::CombiningKind::ADD, vector,
                                     arith::FastMathFlags::reassoc);
}
Value KernelBuilder::reduceMax(Value vector) {
  if (isa<IntegerType>(getElementTypeOrSelf(vector.getType())))
    return vector::ReductionOp::create(builder, location, vector::CombiningKind::MAXSI, vector);
  return reduce(builder, location, vector::CombiningKind::MAXNUMF, vector);
}
Value KernelBuilder::reduceMin(Value vector) {
  if (isa<IntegerType>(getElementTypeOrSelf(vector.getType())))
    return vector::ReductionOp::create(builder, location, vector::CombiningKind::MINSI, vector);
  return reduce(builder, location, vector::CombiningKind::MINNUMF, vector);
}

Value KernelBuilder::shuffle(Value a, Value b, ArrayRef<int64_t> mask) {
  return vector::ShuffleOp::create(builder, location, a, b, mask);
}

Value KernelBuilder::concatenate(Value a, Value b) {
  llvm::SmallVector<int64_t> inOrder;
  for (int64_t lane = 0; lane < 2 * laneCount(a.getType()); ++lane)
    inOrder.push_back(lane);
  return shuffle(a, b, inOrder);
}

Value KernelBuilder::extract(Value vector, int64_t lane) {
  return vector::ExtractOp::create(builder, location, vector, lane);
}
Value KernelBuilder::insert(Value scalar, Value vector, int64_t lane) {
  return vector::InsertOp::create(builder, location, scalar, vector, lane);
}

Value KernelBuilder::iota(int64_t lanes) {
  llvm::SmallVector<int32_t> values(lanes);
  for (int64_t lane = 0; lane < lanes; ++lane)
    values[lane] = int32_t(lane);
  return arith::ConstantOp::create(builder, location, builder.getI32VectorAttr(values));
}

Value KernelBuilder::tailMask(Value count, int64_t lanes) {
  Value clamped = smaller(larger(count, constant(0)), constant(lanes));
  Value count32 = arith::TruncIOp::create(builder, location, i32(), clamped);
  return less(iota(lanes), broadcast(count32, lanes));
}

Value KernelBuilder::maskBits(Value mask) {
  Value bits = bitcast(mask, builder.getIntegerType(unsigned(laneCount(mask.getType()))));
  return zeroExtend(bits, builder.getI64Type());
}

Value KernelBuilder::maskOf(Value bits) {
  return bitcast(bits, vectorOf(builder.getI1Type(), bits.getType().getIntOrFloatBitWidth()));
}

Value KernelBuilder::lowestBit(Value value) {
  return LLVM::CountTrailingZerosOp::create(builder, location, value, /*is_zero_poison=*/true);
}

Value KernelBuilder::countBits(Value value) { return LLVM::CtPopOp::create(builder, location, value); }

Value KernelBuilder::compress(Value vector, Value mask) {
  Type type = vector.getType();
  if (lanes() == 16) // into a register: with a destination in memory some cores take 100 clocks
    return intrinsic("llvm.experimental.vector.compress", type, {vector, mask, zero(type)});
  Value places = load(offset(compressionTable(), maskBits(mask), 8), i8(8), 8);
  return bitcast(intrinsic("llvm.x86.avx2.permd", i32(8), {bitcast(vector, i32(8)), zeroExtend(places, i32(8))}), type);
}

// For each mask of 8 lanes the places of its bits, a byte each.
Value KernelBuilder::compressionTable() {
  std::string name = symbol + "_places";
  auto table = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!table) {
    std::vector<int64_t> places(256);
    for (size_t mask = 0; mask < places.size(); ++mask)
      for (int64_t lane = 0, at = 0; lane < 8; ++lane)
        if (mask >> lane & 1)
          places[mask] |= lane << 8 * at++;
    auto values = DenseElementsAttr::get(RankedTensorType::get({256}, builder.getI64Type()), ArrayRef<int64_t>(places));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    table = LLVM::GlobalOp::create(builder, location, LLVM::LLVMArrayType::get(builder.getI64Type(), 256),
                                   /*isConstant=*/true, LLVM::Linkage::Internal, name, values, /*alignment=*/8);
  }
  return LLVM::AddressOfOp::create(builder, location, table);
}

Value KernelBuilder::bitcast(Value value, Type type) { return LLVM::BitcastOp::create(builder, location, type, value); }

Value KernelBuilder::intToFloat(Value value) {
  return arith::SIToFPOp::create(builder, location, f32(laneCount(value.getType())), value);
}
Value KernelBuilder::floatToInt(Value value) {
  int64_t count = laneCount(value.getType());
  if (count == 16 && lanes() == 16) // one instruction where LLVM makes two
    return intrinsic("llvm.x86.avx512.mask.cvtps2dq.512", i32(count),
                     {value, zero(i32(count)), constant(-1, i16()), constant(4, i32())});
  return arith::FPToSIOp::create(builder, location, i32(count), roundEven(value));
}

Value KernelBuilder::widenBf16(Value bits) {
  int64_t lanes = laneCount(bits.getType());
  return bitcast(shiftLeft(arith::ExtUIOp::create(builder, location, i32(lanes), bits), 16), f32(lanes));
}

Value KernelBuilder::roundToBf16(Value value) {
  int64_t lanes = laneCount(value.getType());
  // The instruction flushes denormal inputs to zero, as vdpbf16ps does with its own: below 2^-126, of no weight here.
  if (target.hasBf16Dot && lanes == target.lanes) {
    Type bf16 = vectorOf(builder.getBF16Type(), lanes);
    return bitcast(intrinsic("llvm.x86.avx512bf16.cvtneps2bf16.512", bf16, {value}), i16(lanes));
  }
  Type wide = i32(lanes);
  Value bits = bitcast(value, wide);
  Value odd = bitAnd(shiftRight(bits, 16), constant(1, wide));
  Value rounded = shiftRight(add(add(bits, constant(0x7fff, wide)), odd), 16);
  Value isNan = arith::CmpFOp::create(builder, location, arith::CmpFPredicate::UNO, value, value);
  Value quiet = bitOr(shiftRight(bits, 16), constant(0x40, wide));
  return arith::TruncIOp::create(builder, location, i16(lanes), select(isNan, quiet, rounded));
}

Value KernelBuilder::widenF16(Value bits) {
  int64_t lanes = laneCount(bits.getType());
  Value half = bitcast(bits, vectorOf(builder.getF16Type(), lanes));
  return arith::ExtFOp::create(builder, location, f32(lanes), half);
}

Value KernelBuilder::roundToF16(Value value) {
  int64_t lanes = laneCount(value.getType());
  Value half = arith::TruncFOp::create(builder, location, vectorOf(builder.getF16Type(), lanes), value);
  return bitcast(half, i16(lanes));
}

Value KernelBuilder::dotBytes(Value acc, Value unsignedBytes, Value signedBytes) {
  Type bytes = i8(4 * lanes());
  return intrinsic("llvm.x86.avx512.vpdpbusd.512", acc.getType(),
                   {acc, bitcast(unsignedBytes, bytes), bitcast(signedBytes, bytes)});
}

Value KernelBuilder::multiplyPairs(Value a, Value b) {
  return intrinsic(lanes() == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", i32(lanes()), {a, b});
}

Value KernelBuilder::dotPairs(Value acc, Value a, Value b) {
  if (!target.hasVnni)
    return add(acc, multiplyPairs(a, b));
  return intrinsic("llvm.x86.avx512.vpdpwssd.512", acc.getType(), {acc, a, b});
}

Value KernelBuilder::multiplyBytes(Value unsignedBytes, Value signedBytes) {
  Type bytes = i8(4 * lanes());
  return intrinsic(lanes() == 16 ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw", i16(2 * lanes()),
                   {bitcast(unsignedBytes, bytes), bitcast(signedBytes, bytes)});
}

Value KernelBuilder::addPairs(Value pairs) { return multiplyPairs(pairs, constant(1, pairs.getType())); }

Value KernelBuilder::lookUp16(const uint8_t *table, Value bytes) {
  int64_t count = 4 * lanes();
  // The instruction looks up within 128 bits, so each has the whole table.
  SmallVector<int8_t> repeated;
  for (int64_t i = 0; i < count; ++i)
    repeated.push_back(int8_t(table[i % 16]));
  auto type = cast<VectorType>(i8(count));
  Value tables = arith::ConstantOp::create(builder, location, DenseElementsAttr::get(type, ArrayRef<int8_t>(repeated)));
  Value found = intrinsic(lanes() == 16 ? "llvm.x86.avx512.pshuf.b.512" : "llvm.x86.avx2.pshuf.b", type,
                          {tables, bitcast(bytes, type)});
  return bitcast(found, bytes.getType());
}

} // namespace quipu::cpu
