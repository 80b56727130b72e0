#include "compiler/Dialect/LM/IR/LMTypes.h"
#include "compiler/Dialect/LM/IR/LMDialect.h"
#include "runtime/Artifact/StorageFormat.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quipu::lm;

#define GET_TYPEDEF_CLASSES
#include "compiler/Dialect/LM/IR/LMTypes.cpp.inc"

void LMDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "compiler/Dialect/LM/IR/LMTypes.cpp.inc"
      >();
}

Type LMDialect::parseType(DialectAsmParser &parser) const {
  SMLoc location = parser.getCurrentLocation();
  StringRef name;
  Type type;
  if (generatedTypeParser(parser, &name, type).has_value())
    return type; // null where its own parser failed
  const quipu::StorageFormat *format = quipu::findStorageFormat(std::string_view(name));
  if (format && format->isBlocked())
    return BlockedType::get(getContext(), format);
  parser.emitError(location, "'") << name << "' is no type of lm: neither kv nor batch nor a blocked storage format";
  return {};
}

void LMDialect::printType(Type type, DialectAsmPrinter &printer) const {
  if (auto blocked = dyn_cast<BlockedType>(type))
    printer << blocked.getFormat()->name;
  else if (failed(generatedTypePrinter(type, printer)))
    llvm_unreachable("every other type of lm has a mnemonic");
}

llvm::hash_code quipu::lm::hash_value(const KvLayout &layout) {
  return llvm::hash_value(layout.isPaged() ? layout.getPageSize() : int64_t{0});
}

llvm::raw_ostream &quipu::lm::operator<<(llvm::raw_ostream &os, const KvLayout &layout) {
  if (!layout.isPaged())
    return os << "contiguous";
  return os << "paged<" << layout.getPageSize() << ">";
}

FailureOr<KvLayout> FieldParser<KvLayout>::parse(AsmParser &parser) {
  if (succeeded(parser.parseOptionalKeyword("contiguous")))
    return KvLayout::contiguous();
  int64_t pageSize;
  if (failed(parser.parseOptionalKeyword("paged"))) {
    parser.emitError(parser.getCurrentLocation(), "expected a KV layout: contiguous or paged<N>");
    return failure();
  }
  if (parser.parseLess() || parser.parseInteger(pageSize) || parser.parseGreater())
    return failure();
  return KvLayout::paged(pageSize);
}

LogicalResult KvType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t heads, int64_t dim, Type elem,
                             KvLayout layout) {
  // (C1)
  if (heads < 1 || heads > maxHeads)
    return emitError() << "expected heads of 1 to " << maxHeads << ", got " << heads;
  // (C2)
  if (dim < 1 || dim > maxHeads)
    return emitError() << "expected dim of 1 to " << maxHeads << ", got " << dim;
  // (C3)
  if (!isFloatType(elem) && !elem.isSignlessInteger(8))
    return emitError() << "expected elem f32, f16, bf16 or i8, got " << elem;
  // (C4)
  if (layout.isPaged() && layout.getPageSize() < 1)
    return emitError() << "expected page size >= 1, got " << layout.getPageSize();
  return success();
}

bool quipu::lm::isRowsType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 2 && tensor.getElementType().isF32() && tensor.isDynamicDim(0) &&
         !tensor.isDynamicDim(1) && tensor.getDimSize(1) >= 1;
}

bool quipu::lm::isIntsType(Type type) { return type == getIntsType(type.getContext()); }

bool quipu::lm::isChoiceType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 2 && tensor.getElementType().isSignlessInteger(32) && tensor.isDynamicDim(0) &&
         !tensor.isDynamicDim(1) && tensor.getDimSize(1) >= 1;
}

bool quipu::lm::isWeightType(Type type, int64_t rank) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == rank && tensor.hasStaticShape() && tensor.getNumElements() >= 1 &&
         (isFloatType(tensor.getElementType()) || (rank >= 2 && isa<BlockedType>(tensor.getElementType())));
}

bool quipu::lm::isFloatType(Type type) { return type.isF32() || type.isF16() || type.isBF16(); }

const quipu::StorageFormat *quipu::lm::getStorageFormat(Type element) {
  if (auto blocked = dyn_cast<BlockedType>(element))
    return blocked.getFormat();
  if (element.isF32())
    return findStorageFormat(fb::DType::f32);
  if (element.isF16())
    return findStorageFormat(fb::DType::f16);
  return element.isBF16() ? findStorageFormat(fb::DType::bf16) : nullptr;
}

Type quipu::lm::getStorageType(MLIRContext *context, const StorageFormat &format) {
  switch (format.dtype) {
  case fb::DType::f32:
    return Float32Type::get(context);
  case fb::DType::f16:
    return Float16Type::get(context);
  case fb::DType::bf16:
    return BFloat16Type::get(context);
  default:
    // The table's own row, so that equal formats are one type.
    return BlockedType::get(context, findStorageFormat(format.dtype));
  }
}

RankedTensorType quipu::lm::getRowsType(MLIRContext *context, int64_t features) {
  return RankedTensorType::get({ShapedType::kDynamic, features}, Float32Type::get(context));
}

RankedTensorType quipu::lm::getIntsType(MLIRContext *context) {
  return RankedTensorType::get({ShapedType::kDynamic}, IntegerType::get(context, 32));
}

RankedTensorType quipu::lm::getChoiceType(MLIRContext *context, int64_t experts) {
  return RankedTensorType::get({ShapedType::kDynamic, experts}, IntegerType::get(context, 32));
}
