#ifndef QUIPU_KERNEL_DIALECT_TD
#define QUIPU_KERNEL_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def KernelDialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::quipu::kernel";
  let summary = "Launches of one step: which kernel reads and writes which buffer";
  let description = [{
    The launch level. A `kernel.program` is the step of one target: its buffers, the kernels it needs
    (`kernel.def`, still without code) and the launches in the order they run. It is what `plan-buffers` lays out in
    memory, what code generation reads, and what the artifact's program section is written from. Nothing here is tied
    to a device: a target differs by the generators and variants that the conversion chooses.

    ```mlir
    kernel.program "cpu:x86-64-v3" tokens 512 sequences 8 rows 512 context 4096 arena 266240 {
      kernel.def @rms_norm_matmul_f32_n96_k64_t1 generator "matmul" {k = 64, n = 96, storage = f32, tile = 1}
      %none = kernel.absent
      %x = kernel.buffer activation "embed_tokens" f32[tokens, 64] at 0
      %g = kernel.weight ["model.layers.0.input_layernorm.weight"] row_major : tensor<64xf32>
      %w = kernel.weight ["model.layers.0.self_attn.q_proj.weight"] panel64 : tensor<96x64xf32>
      %y = kernel.buffer activation "layers.0.self_attn.q_proj" f32[tokens, 96] at 131072
      kernel.launch "layers.0.self_attn.q_proj" of "lm.matmul" 3 (%x, %g, %w, %none, %none) -> (%none, %y)
        by tokens {any : @rms_norm_matmul_f32_n96_k64_t1}
    }
    ```
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

def BufferType : TypeDef<KernelDialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "memory a launch reads or writes";
}

// Printed as its bare keyword, with no space of its own in front.
class KeywordAttr<EnumInfo info, string mnemonic> : EnumAttr<KernelDialect, info, mnemonic> {
  let assemblyFormat = "`` $value";
}

def DimTokens : I32EnumCase<"Tokens", 0, "tokens">;
def DimSequences : I32EnumCase<"Sequences", 1, "sequences">;
def DimRows : I32EnumCase<"Rows", 2, "rows">;
def DimPageStride : I32EnumCase<"PageStride", 3, "page_stride">;
def DimNone : I32EnumCase<"None", 255, "none">; // of a buffer whose size is fixed
def Dim : I32Enum<"Dim", "symbolic dim of a step", [DimTokens, DimSequences, DimRows, DimPageStride, DimNone]> {
  let cppNamespace = "::quipu::kernel";
}
def DimAttr : KeywordAttr<Dim, "dim">;

def RoleInput : I32EnumCase<"Input", 0, "input">;
def RoleOutput : I32EnumCase<"Output", 1, "output">;
def RoleActivation : I32EnumCase<"Activation", 2, "activation">;
def Role : I32Enum<"Role", "who places a buffer of a step", [RoleInput, RoleOutput, RoleActivation]> {
  let cppNamespace = "::quipu::kernel";
}
def RoleAttr : KeywordAttr<Role, "role">;

def LayoutRowMajor : I32EnumCase<"RowMajor", 0, "row_major">;
def LayoutPanel64 : I32EnumCase<"Panel64", 1, "panel64">;
def LayoutPanel64Gated : I32EnumCase<"Panel64Gated", 2, "panel64_gated">;
def LayoutTile64 : I32EnumCase<"Tile64", 3, "tile64">;
def LayoutTile64Gated : I32EnumCase<"Tile64Gated", 4, "tile64_gated">;
def Layout : I32Enum<"Layout", "how a weight lies in memory", [
    LayoutRowMajor, LayoutPanel64, LayoutPanel64Gated, LayoutTile64, LayoutTile64Gated]> {
  let cppNamespace = "::quipu::kernel";
}
def LayoutAttr : KeywordAttr<Layout, "layout">;

def KvLayoutKeysTransposed : I32EnumCase<"KeysTransposed", 0, "keys_transposed">;
def KvLayoutRows : I32EnumCase<"Rows", 1, "rows">;
def KvLayout : I32Enum<"KvLayout", "order within a page of a KV cache", [KvLayoutKeysTransposed, KvLayoutRows]> {
  let cppNamespace = "::quipu::kernel";
}
def KvLayoutAttr : KeywordAttr<KvLayout, "kv_layout">;

def VariantAttr : AttrDef<KernelDialect, "Variant"> {
  let mnemonic = "variant";
  let summary = "stages a launch runs while its dim is at most max_value";
  let parameters = (ins "uint32_t":$maxValue, ArrayRefParameter<"::mlir::FlatSymbolRefAttr">:$stages);
  let assemblyFormat = "`<` $maxValue `,` $stages `>`";
  let extraClassDeclaration = [{
    // The max_value of the variant that takes every size the others left.
    static constexpr uint32_t any = 0xffffffff;
  }];
}

#endif // QUIPU_KERNEL_DIALECT_TD
