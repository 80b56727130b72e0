#ifndef QUIPU_DIALECT_LM_IR_LMOPSWEIGHT_TD
#define QUIPU_DIALECT_LM_IR_LMOPSWEIGHT_TD

include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMInterfaces.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class LM_WeightExpression<string mnemonic, list<Trait> traits = []> : LM_Op<mnemonic, [
    Pure, DeclareOpInterfaceMethods<WeightExpressionOpInterface>] # traits>;

def LM_WeightOp : LM_WeightExpression<"weight"> {
  let summary = "tensor of the checkpoint, by name";
  let description = [{
    The value is the checkpoint's tensor, rounded to the element type of the result.

    ```mlir
    %gain = lm.weight @model.norm.weight : tensor<64xf32>
    ```

    Constraints:
    - (C1) the name is not empty
    - (C2) the columns of a matrix that is stored in blocks are whole blocks
  }];
  let arguments = (ins SymbolNameAttr:$tensor_name);
  let results = (outs LM_Weight:$result);
  let assemblyFormat = "$tensor_name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def LM_WeightStackOp : LM_WeightExpression<"weight_stack"> {
  let summary = "the matrices of all experts, from the checkpoint";
  let description = [{
    Expert e's matrix is the tensor whose name has the number e in place of `*`; without `*` the tensor holds all of them,
    [experts, out, in], as in GGUF files. Values are rounded to the element type of the result.

    ```mlir
    %up = lm.weight_stack @"model.layers.0.mlp.experts.*.up_proj.weight" : tensor<128x768x2048xbf16>
    ```

    Constraints:
    - (C1) the name is not empty and has one `*` at most
    - (C2) columns in blocks are whole blocks
  }];
  let arguments = (ins SymbolNameAttr:$tensor_name);
  let results = (outs LM_Stack:$result);
  let assemblyFormat = "$tensor_name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def LM_ConcatRowsOp : LM_WeightExpression<"concat_rows", [InferTypeOpAdaptor]> {
  let summary = "weights joined along their rows";
  let description = [{
    A constant: joined when weights are packed, never at run time. Vectors (biases) are joined end to end; stacks matrix by
    matrix.

    ```mlir
    %qkv = lm.concat_rows %q, %k, %v : tensor<64x64xbf16>, tensor<32x64xbf16>, tensor<32x64xbf16>
    ```

    Constraints:
    - (C1) at least one operand
    - (C2) all operands have the rank of the first
    - (C3) all operands have the element type of the first
    - (C4) all matrices have the columns of the first
    - (C5) all stacks have as many matrices as the first
  }];
  let arguments = (ins Variadic<AnyTypeOf<[LM_Weight, LM_Stack]>>:$weights);
  let results = (outs AnyTypeOf<[LM_Weight, LM_Stack], "weights", "::mlir::RankedTensorType">:$result);
  let assemblyFormat = "$weights attr-dict `:` type($weights)";
  let hasFolder = 1;
  let hasCanonicalizeMethod = 1;
}

def LM_WeightTransposeOp : LM_WeightExpression<"weight_transpose"> {
  let summary = "matrix of the checkpoint, transposed";
  let description = [{
    For checkpoints that keep matrices in x out (GPT-2). The result is rounded to its own element type, after the
    transposition.

    ```mlir
    %t = lm.weight_transpose %w : tensor<64x192xf32> -> tensor<192x64xbf16>
    ```

    Constraints:
    - (C1) `source` is an `lm.weight`
    - (C2) the shape of the result is that of `source`, transposed
    - (C3) columns of a result in blocks are whole blocks
  }];
  let arguments = (ins LM_Matrix:$source);
  let results = (outs LM_Matrix:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def LM_WeightRowsOp : LM_WeightExpression<"weight_rows"> {
  let summary = "some rows of a weight";
  let description = [{
    `count` runs of `size` rows: row i is row first + i / size * stride + i % size of `source`. A joined projection whose
    heads hold q, k and v by turns (GPT-NeoX) is taken apart so. Rows of a vector are its elements.

    ```mlir
    %q = lm.weight_rows %qkv {first = 0, size = 16, stride = 48, count = 4} : tensor<192x64xf32> -> tensor<64x64xf32>
    ```

    Constraints:
    - (C1) `source` is an `lm.weight` or an `lm.weight_transpose`
    - (C2) `first` and `stride` are >= 0, `size` and `count` >= 1
    - (C3) all rows are rows of `source`
    - (C4) the result has size * count rows, and the columns of `source`
    - (C5) columns of a result in blocks are whole blocks
  }];
  let arguments = (ins LM_Weight:$source, I64Attr:$first, I64Attr:$size, I64Attr:$stride, I64Attr:$count);
  let results = (outs LM_Weight:$result);
  let assemblyFormat = [{
    $source ` ` `{` `first` `=` $first `,` `size` `=` $size `,` `stride` `=` $stride `,` `count` `=` $count `}` attr-dict
    `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def LM_WeightAffineOp : LM_WeightExpression<"weight_affine"> {
  let summary = "each value of a weight times a constant, plus a constant";
  let description = [{
    scale * w + add, computed from the checkpoint's values in double precision and then rounded to the result's element
    type. Gemma's norms multiply by 1 + gain.

    ```mlir
    %g = lm.weight_affine %w {scale = 1.0, add = 1.0} : tensor<64xbf16> -> tensor<64xf32>
    ```

    Constraints:
    - (C1) `source` is an `lm.weight`, an `lm.weight_transpose` or an `lm.weight_rows`
    - (C2) `scale` and `add` are finite
    - (C3) the shape of the result is that of `source`
    - (C4) columns of a result in blocks are whole blocks
  }];
  let arguments = (ins LM_Weight:$source, F64Attr:$scale, F64Attr:$add);
  let results = (outs LM_Weight:$result);
  let assemblyFormat = [{
    $source ` ` `{` `scale` `=` $scale `,` `add` `=` $add `}` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif
