#include "compiler/Dialect/Kernel/IR/Kernel.h"

#include "runtime/Artifact/KvLayout.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace quipu::kernel;

// --- names of values in printed IR

void AbsentOp::getAsmResultNames(OpAsmSetValueNameFn setName) { setName(getBuffer(), "none"); }

void BufferOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  std::string name = getName().str();
  llvm::replace(name, '+', '_'); // the printer would write its code
  setName(getBuffer(), name);
}

void WeightOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (getSources().empty())
    return;
  std::string name = cast<StringAttr>(getSources()[0]).str();
  if (getSources().size() > 1)
    name += ".joined";
  llvm::replace(name, '*', 'n'); // the printer would write its code
  setName(getBuffer(), name);
}

void KvCacheOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getBuffer(), "kv." + std::to_string(getLayer()));
}

void RopeTableOp::getAsmResultNames(OpAsmSetValueNameFn setName) { setName(getBuffer(), "rope_table"); }

// --- `{k = 64, norm_eps = 1.0e-05}`: the types of numbers are the defaults, so they are left out

static ParseResult parseParams(OpAsmParser &parser, DictionaryAttr &params) {
  NamedAttrList list;
  if (parser.parseOptionalAttrDict(list))
    return failure();
  params = list.getDictionary(parser.getContext());
  return success();
}

static void printParams(OpAsmPrinter &printer, Operation *, DictionaryAttr params) {
  printer << '{';
  llvm::interleaveComma(params, printer, [&](NamedAttribute param) {
    printer.printKeywordOrString(param.getName());
    if (isa<UnitAttr>(param.getValue()))
      return;
    printer << " = ";
    if (param.getValue() == Builder(params.getContext()).getBoolAttr(true))
      printer << "true";
    else
      printer.printAttributeWithoutType(param.getValue());
  });
  printer << '}';
}

// --- `[1.0, 0.56234132519034907]`: every digit a double has, which the printer of double arrays leaves out

static ParseResult parseFrequencies(OpAsmParser &parser, DenseF64ArrayAttr &frequencies) {
  SmallVector<double> values;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
        APFloat value(0.0);
        if (parser.parseFloat(APFloat::IEEEdouble(), value))
          return failure();
        values.push_back(value.convertToDouble());
        return success();
      }))
    return failure();
  frequencies = DenseF64ArrayAttr::get(parser.getContext(), values);
  return success();
}

static void printFrequencies(OpAsmPrinter &printer, Operation *, DenseF64ArrayAttr frequencies) {
  printer << '[';
  llvm::interleaveComma(frequencies.asArrayRef(), printer, [&](double value) { printer.printFloat(APFloat(value)); });
  printer << ']';
}

// --- `by tokens {1 : @a, any : @pack then @b}`

static ParseResult parseVariants(OpAsmParser &parser, DimAttr &dim, ArrayAttr &variants) {
  SmallVector<Attribute> list;
  auto parseVariant = [&]() -> ParseResult {
    uint32_t bound = VariantAttr::any;
    if (failed(parser.parseOptionalKeyword("any")) && parser.parseInteger(bound))
      return failure();
    SmallVector<FlatSymbolRefAttr> stages;
    if (parser.parseColon())
      return failure();
    do {
      StringAttr symbol;
      if (parser.parseSymbolName(symbol))
        return failure();
      stages.push_back(FlatSymbolRefAttr::get(symbol));
    } while (succeeded(parser.parseOptionalKeyword("then")));
    list.push_back(VariantAttr::get(parser.getContext(), bound, stages));
    return success();
  };
  StringRef dimName;
  SMLoc dimLoc;
  if (parser.parseKeyword("by") || parser.getCurrentLocation(&dimLoc) || parser.parseKeyword(&dimName))
    return failure();
  auto parsed = symbolizeDim(dimName);
  if (!parsed || *parsed == Dim::None)
    return parser.emitError(dimLoc, "expected a symbolic dim: tokens, sequences, rows or page_stride");
  dim = DimAttr::get(parser.getContext(), *parsed);
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Braces, parseVariant))
    return failure();
  variants = parser.getBuilder().getArrayAttr(list);
  return success();
}

static void printVariants(OpAsmPrinter &printer, Operation *, DimAttr dim, ArrayAttr variants) {
  printer << "by " << stringifyDim(dim.getValue()) << " {";
  auto printVariant = [&](VariantAttr variant) {
    if (variants.size() > 1) {
      printer.printNewline();
      printer << "    ";
    }
    if (variant.getMaxValue() == VariantAttr::any)
      printer << "any : ";
    else
      printer << variant.getMaxValue() << " : ";
    llvm::interleave(variant.getStages(), printer, " then ");
  };
  llvm::interleave(variants.getAsRange<VariantAttr>(), printer, printVariant, ",");
  printer << "}";
}

#define GET_OP_CLASSES
#include "compiler/Dialect/Kernel/IR/KernelOps.cpp.inc"
#include "runtime/Support/Rounding.h"

// --- kernel.program

int64_t ProgramOp::getLimit(Dim dim, int64_t pageSize) {
  switch (dim) {
  case Dim::Tokens:
    return getMaxTokens();
  case Dim::Sequences:
    return getMaxSequences();
  case Dim::Rows:
    return getMaxRows();
  case Dim::PageStride:
    return divideUp(getMaxContext(), pageSize);
  case Dim::None:
    return 1;
  }
  llvm_unreachable("every dim has a limit");
}

LogicalResult ProgramOp::verify() {
  auto [device, chip] = getTarget().split(':');
  if (device.empty() || chip.empty()) // C1
    return emitOpError("expected a target of the form device:chip, got \"") << getTarget() << '"';
  return success();
}

// C3
static LogicalResult verifyWrittenBeforeRead(ProgramOp program) {
  llvm::SmallPtrSet<Operation *, 16> written;
  for (auto launch : program.getOps<LaunchOp>()) {
    for (Value read : launch.getReads()) {
      auto buffer = read.getDefiningOp<BufferOp>();
      if (buffer && buffer.getRole() == Role::Activation && !written.contains(buffer))
        return launch.emitOpError("reads activation \"") << buffer.getName() << "\" before a launch writes it";
    }
    for (Value write : launch.getWrites())
      written.insert(write.getDefiningOp());
  }
  return success();
}

LogicalResult ProgramOp::verifyRegions() {
  if (failed(verifyWrittenBeforeRead(*this)))
    return failure();
  for (auto buffer : getOps<BufferOp>()) { // C4
    if (buffer.getRole() != Role::Activation)
      continue;
    if (buffer.getOffset().has_value() != getArenaBytes().has_value())
      return buffer.emitOpError("expected an offset for every activation of a program with an arena, and for no other");
    if (!buffer.getOffset())
      continue;
    uint64_t end = *buffer.getOffset() + buffer.getMaxBytes();
    if (end > *getArenaBytes())
      return buffer.emitOpError("ends at byte ") << end << " of an arena of " << *getArenaBytes();
  }
  return success();
}

// --- declarations

static bool isFloatStorage(Type type) { return type.isF32() || type.isF16() || type.isBF16(); }

int64_t BufferOp::getMaxBytes() {
  int64_t rows = (*this)->getParentOfType<ProgramOp>().getLimit(getRows(), /*pageSize=*/1) + getExtraRows();
  return rows * getColumns() * (getDtype().getIntOrFloatBitWidth() / 8);
}

LogicalResult BufferOp::verify() {
  if (!isFloatStorage(getDtype()) && !getDtype().isSignlessInteger(32) && !getDtype().isSignlessInteger(8)) // C1
    return emitOpError("expected elements of f32, f16, bf16, i32 or i8, got ") << getDtype();
  if (getOffset() && (getRole() != Role::Activation || *getOffset() % 64 != 0)) // C3
    return emitOpError("expected an offset on an activation only, a multiple of 64, got ") << *getOffset();
  if (getRole() == Role::Activation ? getRows() == Dim::Sequences : getRows() == Dim::None) // C4
    return emitOpError("expected rows of ")
           << (getRole() == Role::Activation ? "tokens, rows or none for an activation" : "a symbolic dim") << ", got "
           << stringifyDim(getRows());
  return success();
}

LogicalResult WeightOp::verify() {
  if (getSources().empty()) // C1
    return emitOpError("expected the name of at least one checkpoint tensor");
  auto shape = dyn_cast<RankedTensorType>(getShape());
  if (!shape || !shape.hasStaticShape() || shape.getRank() < 1 || shape.getRank() > 3) // C2
    return emitOpError("expected a static shape of rank 1 to 3, got ") << getShape();
  if (getLayout() != Layout::RowMajor && shape.getRank() < 2) // C3
    return emitOpError("expected matrices for a panel layout, got ") << getShape();
  if (int64_t rows = shape.getDimSize(shape.getRank() == 3 ? 1 : 0);
      getLayout() == Layout::Panel64Gated && rows % 2 != 0) // C3
    return emitOpError("expected an even number of rows (gate and up) for panel64_gated, got ") << rows;
  return success();
}

static std::optional<quipu::KvLayout> layoutOf(KvCacheOp op) {
  Type elem = op.getElem();
  using quipu::fb::DType;
  DType dtype = elem.isF32() ? DType::f32 : elem.isF16() ? DType::f16 : elem.isBF16() ? DType::bf16 : DType::i8;
  return quipu::findKvLayout(stringifyKvLayout(op.getLayout()), dtype, op.getPageSize(), op.getDim());
}

int64_t KvCacheOp::getPageBytes() { return getHeads() * static_cast<int64_t>(layoutOf(*this)->blockBytes()); }

LogicalResult KvCacheOp::verify() {
  if (!isFloatStorage(getElem()) && !getElem().isSignlessInteger(8)) // C2
    return emitOpError("expected elements of f32, f16, bf16 or i8, got ") << getElem();
  if (!layoutOf(*this)) // C3
    return emitOpError("expected a layout that has ")
           << getElem() << " in pages of " << getPageSize() << ", got " << stringifyKvLayout(getLayout());
  return success();
}

LogicalResult RopeTableOp::verify() {
  if (getInvFreq().size() * 2 != getDim()) // C1
    return emitOpError("expected ") << getDim() << " / 2 frequencies, got " << getInvFreq().size();
  return success();
}

// --- kernel.launch

LogicalResult LaunchOp::verify() {
  if (getVariants().empty()) // C1
    return emitOpError("expected at least one variant");
  int64_t previous = -1;
  for (auto variant : getVariants().getAsRange<VariantAttr>()) {
    if (variant.getStages().empty()) // C1
      return emitOpError("expected at least one stage in each variant");
    if (static_cast<int64_t>(variant.getMaxValue()) <= previous) // C2
      return emitOpError("expected bounds in ascending order, got ") << variant.getMaxValue() << " after " << previous;
    previous = variant.getMaxValue();
  }
  if (previous != VariantAttr::any) // C2
    return emitOpError("expected the last variant to take any size, got a bound of ") << previous;
  for (Value write : getWrites()) {
    Operation *declaration = write.getDefiningOp();
    auto buffer = dyn_cast<BufferOp>(declaration);
    if (!isa<KvCacheOp, AbsentOp>(declaration) && !(buffer && buffer.getRole() != Role::Input)) // C4
      return emitOpError("expected to write an output, an activation or a KV cache, got ") << declaration->getName();
    if (!isa<AbsentOp>(declaration) && llvm::is_contained(getReads(), write)) // C5
      return emitOpError("expected to write buffers that it does not read");
  }
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto program = (*this)->getParentOfType<ProgramOp>();
  for (auto variant : getVariants().getAsRange<VariantAttr>())
    for (FlatSymbolRefAttr stage : variant.getStages())
      if (!symbols.lookupSymbolIn<DefOp>(program, stage)) // C3
        return emitOpError("expected a kernel.def of this program for stage ") << stage;
  return success();
}
