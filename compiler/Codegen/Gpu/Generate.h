// The GPU kernel generators by name. A generator is a pure function of (parameters, chip): it decides block and grid in
// C++ and prints a short instantiation of the templates in device/.
#pragma once

#include "compiler/Codegen/Gpu/Chip.h"
#include "compiler/Codegen/Gpu/Kernel.h"
#include "compiler/Codegen/KernelSpec.h"

#include <string_view>

namespace quipu::gpu {

// The kernel of a spec for a chip. Errors: an unknown generator, a parameter at fault, shapes the chip has no room for.
Expected<Kernel> generate(const KernelSpec &spec, const Chip &chip);

// One function each; the .cpp file is named after the generator or its group.
Expected<Kernel> generateAttention(const KernelSpec &, const Chip &);
Expected<Kernel> generateAttentionSplit(const KernelSpec &, const Chip &);
Expected<Kernel> generateAttentionMerge(const KernelSpec &, const Chip &);
Expected<Kernel> generateEmbedding(const KernelSpec &, const Chip &);
Expected<Kernel> generateKvAppend(const KernelSpec &, const Chip &);
Expected<Kernel> generateMatmul(const KernelSpec &, const Chip &);
Expected<Kernel> generatePackInput(const KernelSpec &, const Chip &);
Expected<Kernel> generatePointwise(const KernelSpec &, const Chip &);
Expected<Kernel> generateRmsNorm(const KernelSpec &, const Chip &);
Expected<Kernel> generateRope(const KernelSpec &, const Chip &);
Expected<Kernel> generateRopeAppend(const KernelSpec &, const Chip &);
Expected<Kernel> generateSample(const KernelSpec &, const Chip &);
Expected<Kernel> generateSampleSplit(const KernelSpec &, const Chip &);
Expected<Kernel> generateSampleMerge(const KernelSpec &, const Chip &);
Expected<Kernel> generateSelectRows(const KernelSpec &, const Chip &);
Expected<Kernel> generateSliceColumns(const KernelSpec &, const Chip &);

} // namespace quipu::gpu
