// The kernel generators by name. A generator is a pure function of (parameters, chip): it builds the body of one
// kernel.
#pragma once

#include "compiler/Codegen/KernelSpec.h"

#include <string_view>

namespace quipu::cpu {

class KernelBuilder;

using Generator = Expected<> (*)(const KernelSpec &, KernelBuilder &);

// Null when there is none of that name.
Generator findGenerator(std::string_view name);

// One function each; the .cpp file is named after the generator or its group.
Expected<> generateAttention(const KernelSpec &, KernelBuilder &);
Expected<> generateAttentionMerge(const KernelSpec &, KernelBuilder &);
Expected<> generateEmbedding(const KernelSpec &, KernelBuilder &);
Expected<> generateExpertGroup(const KernelSpec &, KernelBuilder &);
Expected<> generateExpertMatmul(const KernelSpec &, KernelBuilder &);
Expected<> generateExpertPack(const KernelSpec &, KernelBuilder &);
Expected<> generateMatmul(const KernelSpec &, KernelBuilder &);
Expected<> generateNorm(const KernelSpec &, KernelBuilder &);
Expected<> generatePackInput(const KernelSpec &, KernelBuilder &);
Expected<> generateKvAppend(const KernelSpec &, KernelBuilder &);
Expected<> generatePointwise(const KernelSpec &, KernelBuilder &);
Expected<> generatePositionScale(const KernelSpec &, KernelBuilder &);
Expected<> generateRope(const KernelSpec &, KernelBuilder &);
Expected<> generateRopeAppend(const KernelSpec &, KernelBuilder &);
Expected<> generateRoute(const KernelSpec &, KernelBuilder &);
Expected<> generateSample(const KernelSpec &, KernelBuilder &);
Expected<> generateSelectRows(const KernelSpec &, KernelBuilder &);
Expected<> generateSliceColumns(const KernelSpec &, KernelBuilder &);

} // namespace quipu::cpu
