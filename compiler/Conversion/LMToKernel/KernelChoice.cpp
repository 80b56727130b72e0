#include "compiler/Conversion/LMToKernel/KernelChoice.h"

#include "compiler/Codegen/Cpu/WeightLayout.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using llvm::formatv;

namespace quipu {
namespace {

// Up to six rows a matmul is bound by reading the weight, so each worker packs its input privately and no barrier is
// spent; above, the input is packed once for all workers and the kernel is bound by arithmetic.
class CpuKernelChoice : public KernelChoice {
public:
  explicit CpuKernelChoice(cpu::Chip chip) : chip(std::move(chip)) {}

  LaunchKernels matmul(Builder &builder, const MatmulShape &shape) const override {
    LaunchKernels kernels;
    for (int64_t tile : {1, 2, 4, 6})
      kernels.variants.push_back({static_cast<uint32_t>(tile), {tiled(builder, shape, tile)}});
    cpu::PackedInput input(shape.k, shape.storage == "bf16" ? cpu::Storage::BF16 : cpu::Storage::F32, chip);
    kernels.packedTile = cpu::packedTile;
    kernels.packedColumns = input.columns();
    kernels.packedElement = input.bf16 ? Type(builder.getBF16Type()) : builder.getF32Type();
    // Seven or eight rows are two tiles of four: less padding than two of six.
    for (auto [rows, tile] : {std::pair<uint32_t, int64_t>(8, 4), {kernel::VariantAttr::any, cpu::packedTile}})
      kernels.variants.push_back({rows, {packInput(builder, shape, tile), packed(builder, shape, tile)}});
    return kernels;
  }

private:
  cpu::Chip chip;

  // "matmul_silu_gated_bf16_n8192_k2048"
  static std::string symbolStem(const MatmulShape &shape) {
    std::string name = "matmul";
    if (shape.bias)
      name += "_bias";
    if (!shape.activation.empty())
      name += "_" + shape.activation;
    if (shape.gated)
      name += "_gated";
    if (shape.residual)
      name += "_residual";
    return formatv("{0}{1}_{2}_n{3}_k{4}", name, rowsSuffix(shape.rows), shape.storage, shape.n, shape.k);
  }

  // The product and what follows it.
  static KernelParams product(Builder &builder, const MatmulShape &shape) {
    KernelParams params(builder);
    params.add("n", shape.n).add("k", shape.k).add("storage", shape.storage).addRows(shape.rows);
    if (!shape.activation.empty())
      params.add("activation", shape.activation);
    params.addFlag("gated", shape.gated).addFlag("bias", shape.bias).addFlag("residual", shape.residual);
    return params;
  }

  static KernelRequest tiled(Builder &builder, const MatmulShape &shape, int64_t tile) {
    KernelParams params = product(builder, shape);
    if (shape.normEps)
      params.addReal("norm_eps", *shape.normEps);
    params.add("tile", tile);
    return params.request("matmul", formatv("{0}{1}_t{2}", shape.normEps ? "rms_norm_" : "", symbolStem(shape), tile));
  }

  static KernelRequest packed(Builder &builder, const MatmulShape &shape, int64_t tile) {
    KernelParams params = product(builder, shape);
    params.add("tile", tile).addFlag("packed_input", true);
    return params.request("matmul", formatv("{0}_packed_t{1}", symbolStem(shape), tile));
  }

  static KernelRequest packInput(Builder &builder, const MatmulShape &shape, int64_t tile) {
    KernelParams params(builder);
    params.add("k", shape.k).add("storage", shape.storage).addRows(shape.rows).add("tile", tile);
    if (shape.normEps)
      params.addReal("norm_eps", *shape.normEps);
    return params.request("pack_input", formatv("{0}pack_input{1}_{2}_k{3}_t{4}", shape.normEps ? "rms_norm_" : "",
                                                rowsSuffix(shape.rows), shape.storage, shape.k, tile));
  }
};

} // namespace

Expected<std::unique_ptr<KernelChoice>> chooseKernels(StringRef target) {
  auto [device, name] = target.split(':');
  if (device != "cpu" || name.empty())
    return makeError("no kernels for target '{}': expected cpu:CHIP, such as cpu:x86-64-v3", target.str());
  Expected<cpu::Chip> chip = cpu::findChip(name.str());
  if (!chip)
    return passError(std::move(chip));
  return std::make_unique<CpuKernelChoice>(*chip);
}

} // namespace quipu
