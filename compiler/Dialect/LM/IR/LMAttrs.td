#ifndef QUIPU_DIALECT_LM_IR_LMATTRS_TD
#define QUIPU_DIALECT_LM_IR_LMATTRS_TD

include "compiler/Dialect/LM/IR/LMDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def LM_ActivationKind : I32EnumAttr<"ActivationKind", "pointwise activation function", [
    I32EnumAttrCase<"silu", 0>,
    I32EnumAttrCase<"gelu_tanh", 1>,
    I32EnumAttrCase<"gelu_erf", 2>,
    I32EnumAttrCase<"relu", 3>,
    I32EnumAttrCase<"relu2", 4>,
    I32EnumAttrCase<"sigmoid", 5>
  ]> {
  let cppNamespace = "::quipu::lm";
  let genSpecializedAttr = 0;
}

def LM_Activation : EnumAttr<LM_Dialect, LM_ActivationKind, "act"> {
  let cppClassName = "ActivationAttr";
  let assemblyFormat = "$value";
}

def LM_RouteScore : I32EnumAttr<"RouteScore", "what a router makes of its logits", [
    I32EnumAttrCase<"softmax", 0>,
    I32EnumAttrCase<"sigmoid", 1>
  ]> {
  let cppNamespace = "::quipu::lm";
  let genSpecializedAttr = 0;
}

def LM_Score : EnumAttr<LM_Dialect, LM_RouteScore, "score"> {
  let cppClassName = "RouteScoreAttr";
  let assemblyFormat = "$value";
}

def LM_RopeLayout : I32EnumAttr<"RopeLayout", "which two features of a head turn together", [
    I32EnumAttrCase<"split_half", 0>,
    I32EnumAttrCase<"interleaved", 1>
  ]> {
  let cppNamespace = "::quipu::lm";
  let genSpecializedAttr = 0;
}

def LM_Rope : AttrDef<LM_Dialect, "Rope"> {
  let mnemonic = "rope";
  let summary = "rotary position embedding of one head";
  let description = [{
    Pair i of the first `rotated` of a head's `dim` features is turned by the angle position * `inv_freq`[i]; cos and sin
    are multiplied by `attention_factor` (1 where the scaling scheme has none). The pairs are (i, i + rotated/2) with
    `split_half`, as in Hugging Face checkpoints, and (2i, 2i + 1) with `interleaved`. The features past `rotated`, which
    is `dim` where it is not stated, stay as they are.

    The frequencies are stated one by one, so every scaling scheme (linear, Llama 3, YaRN) is the same op.

    ```mlir
    #lm.rope<dim = 4, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 0.01]>
    ```

    Constraints:
    - (C1) `dim` is even and >= 2
    - (C2) `inv_freq` has rotated / 2 entries
    - (C3) each entry of `inv_freq` is finite and >= 0
    - (C4) `attention_factor` is finite and > 0
    - (C5) `rotated` is even and 2 to `dim`
  }];
  let parameters = (ins
    "int64_t":$dim,
    "int64_t":$rotated,
    EnumParameter<LM_RopeLayout>:$layout,
    APFloatParameter<"attention_factor">:$factor,
    "::mlir::DenseF64ArrayAttr":$frequencies
  );
  let builders = [AttrBuilder<(ins "int64_t":$dim, "RopeLayout":$layout, "double":$attentionFactor,
                                   "::llvm::ArrayRef<double>":$invFreq), [{
    return $_get($_ctxt, dim, static_cast<int64_t>(2 * invFreq.size()), layout, ::llvm::APFloat(attentionFactor),
                 ::mlir::DenseF64ArrayAttr::get($_ctxt, invFreq));
  }]>];
  let extraClassDeclaration = [{
    double getAttentionFactor() const { return getFactor().convertToDouble(); }
    /// rotated / 2 angles a position, in radians.
    ::llvm::ArrayRef<double> getInvFreq() const { return getFrequencies().asArrayRef(); }
  }];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let genMnemonicAlias = 1;
}

#endif
