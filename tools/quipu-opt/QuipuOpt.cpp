#include "tools/quipu-opt/Register.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  quipu::registerDialects(registry);
  quipu::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Quipu's passes, one by one\n", registry));
}
