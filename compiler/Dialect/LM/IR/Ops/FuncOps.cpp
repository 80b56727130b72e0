#include "compiler/Dialect/LM/IR/LMOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace quipu::lm;

void FuncOp::build(OpBuilder &builder, OperationState &state, StringRef name, FunctionType type) {
  buildWithEntryBlock(builder, state, name, type, /*attrs=*/{}, type.getInputs());
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &builder, ArrayRef<Type> arguments, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag,
                      std::string &) { return builder.getFunctionType(arguments, results); };
  return function_interface_impl::parseFunctionOp(parser, result, /*allowVariadic=*/false,
                                                  getFunctionTypeAttrName(result.name), buildType,
                                                  getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void FuncOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
                                           getArgAttrsAttrName(), getResAttrsAttrName());
}

LogicalResult FuncOp::verify() {
  // (C1)
  if (!getBody().hasOneBlock())
    return emitOpError("expected a body of one block, got ") << getBody().getBlocks().size();
  return success();
}

void FuncOp::getAsmBlockArgumentNames(Region &region, OpAsmSetValueNameFn setName) {
  if (region.getNumArguments() < 2 || !isIntsType(region.getArgument(0).getType()))
    return;
  StringRef intNames[] = {"ids", "pos", "rows"};
  size_t ints = 0;
  for (BlockArgument argument : region.getArguments()) {
    if (isIntsType(argument.getType()) && ints < std::size(intNames))
      setName(argument, intNames[ints++]);
    else if (isa<BatchType>(argument.getType()))
      setName(argument, "batch");
    else if (isa<SamplingType>(argument.getType()))
      setName(argument, "sampling");
  }
}

LogicalResult ReturnOp::verify() {
  ArrayRef<Type> expected = cast<FuncOp>((*this)->getParentOp()).getResultTypes();
  // (C1)
  if (getNumOperands() != expected.size())
    return emitOpError("expected ") << expected.size() << " operands (results of the function), got "
                                    << getNumOperands();
  // (C2)
  for (auto [index, got, want] : llvm::enumerate(getOperandTypes(), expected))
    if (got != want)
      return emitOpError("expected operand ") << index << " of type " << want << " (result type), got " << got;
  return success();
}
