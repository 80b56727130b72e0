#ifndef QUIPU_DIALECT_LM_IR_LMOPSPOINTWISE_TD
#define QUIPU_DIALECT_LM_IR_LMOPSPOINTWISE_TD

include "compiler/Dialect/LM/IR/LMAttrs.td"
include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMInterfaces.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_ActivationOp : LM_Op<"activation", [
    Pure, SameOperandsAndResultType, RowwiseOpInterface
  ]> {
  let summary = "activation function of each element";
  let description = [{
    - `silu`: x / (1 + exp(-x))
    - `gelu_tanh`: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
    - `gelu_erf`: x/2 (1 + erf(x / sqrt(2)))
    - `relu`: max(x, 0)
    - `relu2`: max(x, 0)^2
    - `sigmoid`: 1 / (1 + exp(-x))

    ```mlir
    %y = lm.activation silu %x : tensor<?x64xf32>
    ```
  }];
  let arguments = (ins LM_Activation:$kind, LM_Rows:$x);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "`` $kind $x attr-dict `:` type($x)";
}

def LM_ScaleOp : LM_Op<"scale", [
    Pure, SameOperandsAndResultType, RowwiseOpInterface
  ]> {
  let summary = "every element times a constant";
  let description = [{
    ```mlir
    %y = lm.scale %x {factor = 0.25} : tensor<?x64xf32>
    ```

    Constraints:
    - (C1) `factor` is finite
  }];
  let arguments = (ins LM_Rows:$x, F64Attr:$factor);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$x ` ` `{` `factor` `=` $factor `}` attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def LM_SoftcapOp : LM_Op<"softcap", [
    Pure, SameOperandsAndResultType, RowwiseOpInterface
  ]> {
  let summary = "every element squeezed between -cap and cap";
  let description = [{
    cap tanh(x / cap), as Gemma 2 bounds its logits (Gemma Team, 2024).

    ```mlir
    %y = lm.softcap %x {cap = 30.0} : tensor<?x64xf32>
    ```

    Constraints:
    - (C1) `cap` is finite and > 0
  }];
  let arguments = (ins LM_Rows:$x, F64Attr:$cap);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$x ` ` `{` `cap` `=` $cap `}` attr-dict `:` type($x)";
  let hasVerifier = 1;
}

class LM_BinaryOp<string mnemonic> : LM_Op<mnemonic, [
    Pure, Commutative, SameOperandsAndResultType, RowwiseOpInterface
  ]> {
  let arguments = (ins LM_Rows:$lhs, LM_Rows:$rhs);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def LM_AddOp : LM_BinaryOp<"add"> {
  let summary = "sum of two row tensors, element by element";
  let description = [{
    ```mlir
    %y = lm.add %a, %b : tensor<?x64xf32>
    ```
  }];
}

def LM_MulOp : LM_BinaryOp<"mul"> {
  let summary = "product of two row tensors, element by element";
  let description = [{
    ```mlir
    %y = lm.mul %a, %b : tensor<?x64xf32>
    ```
  }];
}

#endif
