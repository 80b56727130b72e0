// The kernel generators by name. A generator is a pure function of (parameters, chip): it builds the body of one
// kernel.
#pragma once

#include "compiler/Codegen/Cpu/KernelSpec.h"

#include <string_view>

namespace quipu::cpu {

class KernelBuilder;

using Generator = Expected<> (*)(const KernelSpec &, KernelBuilder &);

// Null when there is none of that name.
Generator findGenerator(std::string_view name);

// One function each, in the file of the same name.
Expected<> generateEmbedding(const KernelSpec &, KernelBuilder &);
Expected<> generateMatmul(const KernelSpec &, KernelBuilder &);
Expected<> generatePackInput(const KernelSpec &, KernelBuilder &);

} // namespace quipu::cpu
