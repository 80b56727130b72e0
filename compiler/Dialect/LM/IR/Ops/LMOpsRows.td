#ifndef QUIPU_DIALECT_LM_IR_LMOPSROWS_TD
#define QUIPU_DIALECT_LM_IR_LMOPSROWS_TD

include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMInterfaces.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_SliceColumnsOp : LM_Op<"slice_columns", [
    Pure, InferTypeOpAdaptor, RowwiseOpInterface
  ]> {
  let summary = "a range of columns, as of a joined projection";
  let description = [{
    ```mlir
    %k = lm.slice_columns %qkv {offset = 64, size = 32} : tensor<?x128xf32>
    ```

    Constraints:
    - (C1) `offset` >= 0 and `size` >= 1
    - (C2) `offset` + `size` <= features of `x`
  }];
  let arguments = (ins LM_Rows:$x, I64Attr:$offset, I64Attr:$size);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $x ` ` `{` `offset` `=` $offset `,` `size` `=` $size `}` attr-dict `:` type($x)
  }];
  let hasFolder = 1;
}

def LM_SelectRowsOp : LM_Op<"select_rows", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "the asked-for rows";
  let description = [{
    Row r of the result is row rows[r] of x. Row numbers are below the rows of x; who feeds them checks that.

    ```mlir
    %last = lm.select_rows %x, %rows : tensor<?x64xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$x, LM_Ints:$rows);
  let results = (outs LM_Rows:$result);
  let assemblyFormat = "$x `,` $rows attr-dict `:` type($x)";
}

def LM_SampleOp : LM_Op<"sample", [Pure]> {
  let summary = "the next token of each asked-for row";
  let description = [{
    Row r of `logits` gives token r by row r of `sampling`, in the order of Hugging Face transformers: repetition penalty,
    temperature (0: the largest, the lowest column of equals), top-k, top-p, min-p, then a draw. The draw's noise is a
    function of the row's key and of the token alone, so the same row gives the same token in any batch and on any
    device. A row with nothing but NaN gives -1. compiler/Reference/Sampling.h is the word on it.

    ```mlir
    %token = lm.sample %logits, %sampling : tensor<?x512xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$logits, LM_Sampling:$sampling);
  let results = (outs LM_Ints:$result);
  let assemblyFormat = "$logits `,` $sampling attr-dict `:` type($logits)";
}

#endif
