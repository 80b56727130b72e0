#ifndef QUIPU_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
#define QUIPU_DIALECT_KERNEL_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def PlanBuffers : Pass<"kernel-plan-buffers", "::quipu::kernel::ProgramOp"> {
  let summary = "Places every activation in one arena";
  let description = [{
    A buffer is alive from the launch that first names it to the last one, both included: a launch never writes where
    it reads. Each buffer gets the lowest offset (a multiple of 64 bytes) where nothing lies that is alive at the same
    time, in two orders: largest first, and largest bytes times launches first; the smaller arena is taken. Sizes are
    those of the largest step. Activations no launch names are removed.

    ```mlir
    kernel.program "cpu:x86-64-v3" tokens 16 sequences 1 rows 16 context 64 {
      %a = kernel.buffer activation "a" f32[tokens, 16]
      ...
    ```
    becomes
    ```mlir
    kernel.program "cpu:x86-64-v3" tokens 16 sequences 1 rows 16 context 64 arena 2048 {
      %a = kernel.buffer activation "a" f32[tokens, 16] at 0
      ...
    ```
  }];
  let statistics = [
    Statistic<"arenaBytes", "arena-bytes", "bytes of the arenas">,
    Statistic<"liveBytes", "live-bytes", "most bytes alive at one launch: no plan takes less">,
    Statistic<"activationBytes", "activation-bytes", "bytes of all activations: a plan without reuse">,
  ];
}

def VerifyPlan : Pass<"kernel-verify-plan", "::quipu::kernel::ProgramOp"> {
  let summary = "Ends the phase `kernels`: activations are placed and none overlaps another that is alive";
  let description = [{
    States what code generation and the artifact rely on; the error names the pass that should have made it so.
    - every activation has an offset (`kernel-plan-buffers`)
    - activations alive at the same launch do not share bytes (`kernel-plan-buffers`)
    - every `kernel.def` is a stage of some launch (`convert-lm-to-kernel`)
    - the sizes and storage types among a kernel's parameters are those of the operands that its launches give it (`convert-lm-to-kernel`)
  }];
}

#endif // QUIPU_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
