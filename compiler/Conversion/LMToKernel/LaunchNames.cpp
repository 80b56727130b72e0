#include "compiler/Conversion/LMToKernel/LaunchNames.h"

#include "llvm/ADT/SmallVector.h"

using namespace llvm;

namespace quipu {

static StringRef trim(StringRef tensor) {
  tensor = tensor.split(' ').first; // what is done to the tensor is no part of where it is
  tensor.consume_front("model.");
  if (!tensor.consume_back(".weight"))
    tensor.consume_back(".bias");
  return tensor;
}

std::string weightLocation(ArrayRef<StringRef> tensors) {
  std::string name = trim(tensors.front()).str();
  for (StringRef tensor : tensors.drop_front()) {
    StringRef other = trim(tensor);
    // The path up to the last dot that both have.
    size_t shared = 0;
    for (size_t i = 0; i < std::min(name.size(), other.size()) && name[i] == other[i]; ++i)
      if (name[i] == '.')
        shared = i + 1;
    name += "+" + other.drop_front(shared).str();
  }
  return name;
}

} // namespace quipu
