#ifndef QUIPU_CONVERSION_LMTOKERNEL_PASSES_TD
#define QUIPU_CONVERSION_LMTOKERNEL_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertLMToKernel : Pass<"convert-lm-to-kernel", "::mlir::ModuleOp"> {
  let summary = "Cached form of a model to one kernel.program a target";
  let description = [{
    Each op of the cached form that computes becomes one launch; weights, caches and RoPE tables become the buffers it
    reads. `lm.concat_rows` is only a longer list of names: rows are joined when weights are packed. A matmul weight
    lies in panels, an embedding table row by row, unless a matmul reads the same table: then both read its panels.

    ```mlir
    %y = lm.matmul %x, %w norm %g eps 1.0e-5 : tensor<?x64xf32>, tensor<96x64xf32>, tensor<64xf32>
    ```
    becomes
    ```mlir
    kernel.launch "layers.0.q_proj" of "lm.matmul" 7 (%x, %g, %w, %none, %none) -> (%packed, %y)
      by tokens {1 : @rms_norm_matmul_f32_n96_k64_t1, ..., any : @pack_input_... then @matmul_...}
    ```

    Kernels with equal generator and parameters are one `kernel.def`, so a model of 32 layers has as few as one of 2.
    The cached form is removed.
  }];
  let dependentDialects = ["::quipu::kernel::KernelDialect"];
  let options = [
    ListOption<"targets", "targets", "std::string", "targets to make a program for, such as cpu:x86-64-v3">,
    Option<"maxTokens", "max-tokens", "int64_t", "512", "most tokens of one step">,
    Option<"maxSequences", "max-sequences", "int64_t", "8", "most sequences of one step">,
    Option<"maxContext", "max-context", "int64_t", "4096", "most positions of a sequence">,
  ];
}

#endif // QUIPU_CONVERSION_LMTOKERNEL_PASSES_TD
