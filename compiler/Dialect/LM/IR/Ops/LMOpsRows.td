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

def LM_ArgmaxOp : LM_Op<"argmax", [Pure]> {
  let summary = "column of the largest element of each row";
  let description = [{
    The lowest column wins a tie.

    ```mlir
    %token = lm.argmax %logits : tensor<?x512xf32>
    ```
  }];
  let arguments = (ins LM_Rows:$x);
  let results = (outs LM_Ints:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

#endif
