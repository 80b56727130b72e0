#include "compiler/Dialect/LM/IR/LMAttrs.h"
#include "compiler/Dialect/LM/IR/LMDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace quipu::lm;

#include "compiler/Dialect/LM/IR/LMEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/LM/IR/LMAttrs.cpp.inc"

void LMDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "compiler/Dialect/LM/IR/LMAttrs.cpp.inc"
      >();
}

static ParseResult parseDouble(AsmParser &parser, double &value) {
  APFloat parsed(0.0);
  if (parser.parseFloat(APFloat::IEEEdouble(), parsed))
    return failure();
  value = parsed.convertToDouble();
  return success();
}

static ParseResult parseKey(AsmParser &parser, StringRef key) {
  return failure(parser.parseKeyword(key) || parser.parseEqual());
}

/// `rotated = 16,`, which is left out where it is `dim`.
static ParseResult parseRotated(AsmParser &parser, int64_t dim, int64_t &rotated) {
  rotated = dim;
  if (failed(parser.parseOptionalKeyword("rotated")))
    return success();
  return failure(parser.parseEqual() || parser.parseInteger(rotated) || parser.parseComma());
}

Attribute RopeAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  int64_t dim, rotated = 0;
  FailureOr<RopeLayout> layout;
  double attentionFactor;
  SmallVector<double> frequencies;
  if (parser.parseLess() || parseKey(parser, "dim") || parser.parseInteger(dim) || parser.parseComma() ||
      parseRotated(parser, dim, rotated) || parseKey(parser, "layout") ||
      failed(layout = FieldParser<RopeLayout>::parse(parser)) || parser.parseComma() ||
      parseKey(parser, "attention_factor") || parseDouble(parser, attentionFactor) || parser.parseComma() ||
      parseKey(parser, "inv_freq") ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     [&] { return parseDouble(parser, frequencies.emplace_back()); }) ||
      parser.parseGreater())
    return {};
  return RopeAttr::getChecked([&] { return parser.emitError(start); }, parser.getContext(), dim, rotated, *layout,
                              APFloat(attentionFactor), DenseF64ArrayAttr::get(parser.getContext(), frequencies));
}

void RopeAttr::print(AsmPrinter &printer) const {
  printer << "<dim = " << getDim();
  if (getRotated() != getDim())
    printer << ", rotated = " << getRotated();
  printer << ", layout = " << stringifyRopeLayout(getLayout()) << ", attention_factor = ";
  printer.printFloat(getFactor());
  printer << ", inv_freq = [";
  llvm::interleaveComma(getInvFreq(), printer, [&](double frequency) { printer.printFloat(APFloat(frequency)); });
  printer << "]>";
}

LogicalResult RopeAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t dim, int64_t rotated, RopeLayout,
                               APFloat factor, DenseF64ArrayAttr frequencies) {
  // (C1)
  if (dim < 2 || dim % 2 != 0)
    return emitError() << "expected an even rope dim >= 2, got " << dim;
  // (C2)
  if (static_cast<int64_t>(frequencies.size()) != rotated / 2)
    return emitError() << "expected " << rotated / 2 << " entries of inv_freq (rotated / 2), got "
                       << frequencies.size();
  // (C3)
  for (double frequency : frequencies.asArrayRef())
    if (!std::isfinite(frequency) || frequency < 0)
      return emitError() << "expected entries of inv_freq that are finite and >= 0, got " << frequency;
  // (C4)
  if (!factor.isFinite() || factor.convertToDouble() <= 0)
    return emitError() << "expected an attention_factor that is finite and > 0, got " << factor.convertToDouble();
  // (C5)
  if (rotated < 2 || rotated % 2 != 0 || rotated > dim)
    return emitError() << "expected rotated that is even and 2 to " << dim << " (dim), got " << rotated;
  return success();
}
