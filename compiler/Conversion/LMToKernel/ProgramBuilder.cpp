#include "compiler/Conversion/LMToKernel/ProgramBuilder.h"

#include "compiler/Conversion/KernelDefs/KernelDefs.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace quipu::kernel;

namespace quipu {

ProgramBuilder::ProgramBuilder(OpBuilder &outer, Location loc, StringRef target, const ProgramLimits &limits)
    : builder(outer), loc(loc) {
  program = ProgramOp::create(outer, loc, target, limits.tokens, limits.sequences, limits.rows, limits.context,
                              /*arena_bytes=*/nullptr);
  program.getBody().emplaceBlock();
}

OpBuilder ProgramBuilder::atDeclarations() {
  OpBuilder at(program.getBody());
  if (Operation *after = lastDeclaration ? lastDeclaration : lastKernel)
    at.setInsertionPointAfter(after);
  return at;
}

Value ProgramBuilder::absent() {
  Value &value = declared["absent"];
  if (!value) {
    OpBuilder at = atDeclarations();
    lastDeclaration = AbsentOp::create(at, loc, BufferType::get(at.getContext()));
    value = lastDeclaration->getResult(0);
  }
  return value;
}

Value ProgramBuilder::buffer(Role role, StringRef name, Type dtype, Dim rows, int64_t columns, int64_t extraRows) {
  OpBuilder at = atDeclarations();
  auto buffer = BufferOp::create(at, loc, BufferType::get(at.getContext()), role, name, dtype, rows, extraRows, columns,
                                 /*offset=*/nullptr);
  lastDeclaration = buffer;
  return buffer;
}

Value ProgramBuilder::weight(const WeightSource &source, Layout layout) {
  std::string key =
      llvm::formatv("weight {0} {1} {2}", llvm::join(source.names, "+"), stringifyLayout(layout), source.type);
  Value &value = declared[key];
  if (!value) {
    OpBuilder at = atDeclarations();
    lastDeclaration = WeightOp::create(at, loc, BufferType::get(at.getContext()), at.getStrArrayAttr(source.names),
                                       layout, source.type);
    value = lastDeclaration->getResult(0);
  }
  return value;
}

Value ProgramBuilder::kvCache(int64_t layer, int64_t heads, int64_t dim, Type elem, int64_t pageSize, KvLayout layout) {
  Value &value = declared[llvm::formatv("kv {0}", layer).str()];
  if (!value) {
    OpBuilder at = atDeclarations();
    lastDeclaration =
        KvCacheOp::create(at, loc, BufferType::get(at.getContext()), layer, heads, dim, elem, pageSize, layout);
    value = lastDeclaration->getResult(0);
  }
  return value;
}

Value ProgramBuilder::ropeTable(int64_t dim, double attentionFactor, ArrayRef<double> invFreq) {
  OpBuilder at = atDeclarations();
  auto factor = at.getF64FloatAttr(attentionFactor);
  auto frequencies = at.getDenseF64ArrayAttr(invFreq);
  // Exact values, as attributes print them.
  Value &value = declared[llvm::formatv("rope {0} {1} {2}", dim, factor, Attribute(frequencies)).str()];
  if (!value) {
    lastDeclaration =
        RopeTableOp::create(at, loc, BufferType::get(at.getContext()), at.getI64IntegerAttr(dim), factor, frequencies);
    value = lastDeclaration->getResult(0);
  }
  return value;
}

FlatSymbolRefAttr ProgramBuilder::define(const KernelSpec &spec) {
  auto generator = builder.getStringAttr(spec.generator);
  DictionaryAttr params = attributesOf(builder, spec.params);
  FlatSymbolRefAttr &symbol = kernels[{generator, params}];
  if (symbol)
    return symbol;
  // Names leave out what seldom differs (an epsilon, a scale); a number tells such kernels apart.
  std::string name = spec.symbol;
  if (int count = symbols[name]++)
    name += "_v" + std::to_string(count + 1);
  OpBuilder at(program.getBody());
  if (lastKernel)
    at.setInsertionPointAfter(lastKernel);
  lastKernel = DefOp::create(at, loc, name, generator, params);
  symbol = FlatSymbolRefAttr::get(builder.getContext(), name);
  return symbol;
}

void ProgramBuilder::launch(const LaunchRequest &request) {
  SmallVector<Attribute> variants;
  for (const VariantChoice &variant : request.variants) {
    SmallVector<FlatSymbolRefAttr> stages;
    for (const KernelSpec &stage : variant.stages)
      stages.push_back(define(stage));
    variants.push_back(VariantAttr::get(builder.getContext(), variant.maxValue, stages));
  }
  OpBuilder at = OpBuilder::atBlockEnd(&program.getBody().front());
  LaunchOp::create(at, request.source->getLoc(), request.name, request.source->getName().getStringRef(), request.index,
                   request.reads, request.writes, request.dim, at.getArrayAttr(variants));
}

} // namespace quipu
