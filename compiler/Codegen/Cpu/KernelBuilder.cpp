#include "compiler/Codegen/Cpu/KernelBuilder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <cstddef>

namespace quipu::cpu {

using namespace mlir;

KernelBuilder::KernelBuilder(ModuleOp module, llvm::StringRef symbol, const KernelSignature &signature,
                             const Chip &chip)
    : signature(signature), target(chip), builder(module.getContext()), location(builder.getUnknownLoc()),
      module(module), symbol(symbol) {
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(builder, location, symbol, builder.getFunctionType({pointer()}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  args = function.getArgument(0);
}

void KernelBuilder::finish() { func::ReturnOp::create(builder, location); }

Value KernelBuilder::field(int64_t byteOffset, Type type) { return load(offset(args, byteOffset), type, 4); }

Value KernelBuilder::buffer(llvm::StringRef operand) {
  auto index = int64_t(signature.operand(std::string_view(operand)));
  Value table = field(offsetof(KernelArgs, buffers), pointer());
  return load(offset(table, index * int64_t(sizeof(void *))), pointer(), 8);
}

Value KernelBuilder::dim(StepDim dim) {
  Value table = field(offsetof(KernelArgs, dims), pointer());
  return load(offset(table, int64_t(dim) * int64_t(sizeof(int64_t))), builder.getI64Type(), 8);
}

Value KernelBuilder::worker() { return toI64(field(offsetof(KernelArgs, worker), i32())); }
Value KernelBuilder::workers() { return toI64(field(offsetof(KernelArgs, workers), i32())); }

std::pair<Value, Value> KernelBuilder::workerRange(Value count) {
  Value index = worker(), all = workers();
  return {div(mul(count, index), all), div(mul(count, add(index, 1)), all)};
}

Value KernelBuilder::take() {
  Value counter = field(offsetof(KernelArgs, taken), pointer());
  Value taken = LLVM::AtomicRMWOp::create(builder, location, LLVM::AtomicBinOp::add, counter, constant(1, i32()),
                                          LLVM::AtomicOrdering::monotonic);
  return zeroExtend(taken, builder.getI64Type());
}

void KernelBuilder::shareItems(Value count, ArrayRef<Value> initial, CarryBody body) {
  Value share = div(mul(count, 3), mul(workers(), 4)), rest = mul(workers(), share);
  Value first = mul(worker(), share), last = add(first, share);
  // State: the next item of the own share, then what the body carries.
  Values state = {first};
  state.append(initial.begin(), initial.end());
  auto before = [&](OpBuilder &inner, Location, ValueRange state) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(inner.getInsertionBlock());
    Values item =
        when(less(state[0], last), [&] { return Values{state[0]}; }, [&] { return Values{add(rest, take())}; });
    Values passed = {item[0]};
    passed.append(state.begin(), state.end());
    scf::ConditionOp::create(builder, location, less(item[0], count), passed);
  };
  auto after = [&](OpBuilder &inner, Location, ValueRange passed) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(inner.getInsertionBlock());
    Values carried(passed.drop_front(2)), next = {add(passed[1], 1)};
    next.append(body(passed[0], carried));
    scf::YieldOp::create(builder, location, next);
  };
  Values passedTypes = {count};
  passedTypes.append(state);
  scf::WhileOp::create(builder, location, ValueRange(passedTypes).getTypes(), state, before, after);
}

Value KernelBuilder::scratch(int64_t bytes) {
  Value piece = offset(field(offsetof(KernelArgs, scratch), pointer()), scratchUsed);
  scratchUsed += (bytes + 63) / 64 * 64;
  return piece;
}

Value KernelBuilder::offset(Value base, Value index, int64_t elementBytes) {
  Value bytes = elementBytes == 1 ? index : mul(index, elementBytes);
  return LLVM::GEPOp::create(builder, location, pointer(), builder.getI8Type(), base, ArrayRef<LLVM::GEPArg>{bytes});
}

Value KernelBuilder::offset(Value base, int64_t bytes) { return bytes == 0 ? base : offset(base, constant(bytes), 1); }

Value KernelBuilder::load(Value address, Type type, int64_t align) {
  return LLVM::LoadOp::create(builder, location, type, address, align);
}

Value KernelBuilder::loadOr0(Value address, Type type, Value mask, int64_t align) {
  return LLVM::MaskedLoadOp::create(builder, location, type, address, mask, zero(type), uint32_t(align));
}

void KernelBuilder::store(Value value, Value address, int64_t align) {
  LLVM::StoreOp::create(builder, location, value, address, align);
}

void KernelBuilder::store(Value value, Value address, Value mask, int64_t align) {
  LLVM::MaskedStoreOp::create(builder, location, value, address, mask, align);
}

void KernelBuilder::prefetch(Value address, int level) {
  LLVM::Prefetch::create(builder, location, address, /*rw=*/0, /*hint=*/uint32_t(4 - level), /*cache=*/1);
}

void KernelBuilder::memoryBarrier() {
  LLVM::InlineAsmOp::create(builder, location, TypeRange(), ValueRange(), /*asm_string=*/"",
                            /*constraints=*/"~{memory}",
                            /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
                            /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr);
}

Value KernelBuilder::settled(Value vector) {
  return LLVM::InlineAsmOp::create(builder, location, TypeRange(vector.getType()), ValueRange(vector),
                                   /*asm_string=*/"", /*constraints=*/"=v,0", /*has_side_effects=*/true,
                                   /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
                                   /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr)
      .getResult(0);
}

void KernelBuilder::loop(Value first, Value last, int64_t step, Body body) {
  loop(first, last, step, {}, [&](Value index, ArrayRef<Value>) {
    body(index);
    return Values();
  });
}

void KernelBuilder::loopOrOnce(int64_t count, int64_t step, Body body) {
  if (count <= step)
    body(constant(0));
  else
    loop(constant(0), constant(count), step, body);
}

Values KernelBuilder::loop(Value first, Value last, int64_t step, ArrayRef<Value> initial, CarryBody body) {
  auto loop = scf::ForOp::create(builder, location, first, last, constant(step), initial,
                                 [&](OpBuilder &, Location, Value index, ValueRange carried) {
                                   OpBuilder::InsertionGuard guard(builder);
                                   builder.setInsertionPointToEnd(index.getParentBlock());
                                   Values values(carried.begin(), carried.end());
                                   scf::YieldOp::create(builder, location, body(index, values));
                                 });
  return Values(loop.getResults().begin(), loop.getResults().end());
}

Values KernelBuilder::repeat(ArrayRef<Value> initial, RepeatBody body) {
  auto before = [&](OpBuilder &inner, Location, ValueRange carried) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(inner.getInsertionBlock());
    auto [again, values] = body(Values(carried.begin(), carried.end()));
    scf::ConditionOp::create(builder, location, again, values);
  };
  auto after = [&](OpBuilder &inner, Location, ValueRange passed) { scf::YieldOp::create(inner, location, passed); };
  auto loop = scf::WhileOp::create(builder, location, ValueRange(initial).getTypes(), initial, before, after);
  return Values(loop.getResults().begin(), loop.getResults().end());
}

void KernelBuilder::forVectors(int64_t size, llvm::function_ref<void(Value, Value)> body) {
  loop(constant(0), constant(size), lanes(),
       [&](Value column) { body(column, tailMask(sub(constant(size), column), lanes())); });
}

void KernelBuilder::when(Value condition, llvm::function_ref<void()> then) {
  auto branch = scf::IfOp::create(builder, location, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  then();
}

Values KernelBuilder::when(Value condition, llvm::function_ref<Values()> then, llvm::function_ref<Values()> otherwise) {
  // scf.if hands its callbacks a builder of its own; ours must stand in the same block.
  auto at = [&](llvm::function_ref<Values()> body) {
    return [this, body](OpBuilder &inner, Location) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToEnd(inner.getInsertionBlock());
      scf::YieldOp::create(builder, location, body());
    };
  };
  auto branch = scf::IfOp::create(builder, location, condition, at(then), at(otherwise));
  return Values(branch.getResults().begin(), branch.getResults().end());
}

void KernelBuilder::outline(ArrayRef<Value> arguments, llvm::function_ref<void(ArrayRef<Value> parameters)> body) {
  std::string name = symbol + "_" + std::to_string(outlined++);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(module.getBody());
    auto type = builder.getFunctionType(ValueRange(arguments).getTypes(), {});
    auto function = func::FuncOp::create(builder, location, name, type);
    function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(builder.getContext(), LLVM::Linkage::Internal));
    builder.setInsertionPointToStart(function.addEntryBlock());
    body(Values(function.getArguments().begin(), function.getArguments().end()));
    func::ReturnOp::create(builder, location);
  }
  func::CallOp::create(builder, location, name, TypeRange(), arguments);
}

Value KernelBuilder::intrinsic(llvm::StringRef name, Type result, ArrayRef<Value> arguments) {
  return LLVM::CallIntrinsicOp::create(builder, location, result, builder.getStringAttr(name), arguments).getResults();
}

} // namespace quipu::cpu
