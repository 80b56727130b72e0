#ifndef QUIPU_DIALECT_LM_IR_LMTYPES_TD
#define QUIPU_DIALECT_LM_IR_LMTYPES_TD

include "compiler/Dialect/LM/IR/LMDialect.td"
include "mlir/IR/AttrTypeBase.td"

class LM_Type<string cppName, string typeMnemonic> : TypeDef<LM_Dialect, cppName> {
  let mnemonic = typeMnemonic;
}

def LM_Kv : LM_Type<"Kv", "kv"> {
  let summary = "KV cache of one layer";
  let description = [{
    Keys and values of `heads` KV heads with `dim` features each, stored as `elem`, of every sequence in flight.

    `layout = contiguous`: one run of positions a sequence; `layout = paged<N>`: pages of N positions, found through
    the batch's page tables.

    ```mlir
    !lm.kv<heads = 4, dim = 128, elem = bf16, layout = paged<16>>
    ```

    Constraints:
    - (C1) `heads` is 1 to 65536
    - (C2) `dim` is 1 to 65536
    - (C3) `elem` is f32, f16 or bf16
    - (C4) the page size of a paged layout is >= 1
  }];
  let parameters = (ins
    "int64_t":$heads,
    "int64_t":$dim,
    "::mlir::Type":$elem,
    "::quipu::lm::KvLayout":$layout
  );
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def LM_Batch : LM_Type<"Batch", "batch"> {
  let summary = "ragged batch of one step";
  let description = [{
    T tokens of S sequences: where each sequence starts in the step, how many positions it has, the slots its new keys
    and values go to, and its page table.
  }];
}

// Row tensors: one row a token, or one a row whose logits are asked for.
def LM_Rows : Type<CPred<"::quipu::lm::isRowsType($_self)">, "rows of f32 features, tensor<?xDxf32>",
                   "::mlir::RankedTensorType">;

// Token ids, positions, row numbers.
def LM_Ints : Type<CPred<"::quipu::lm::isIntsType($_self)">, "tensor<?xi32>", "::mlir::RankedTensorType">,
              BuildableType<"::quipu::lm::getIntsType($_builder.getContext())">;

def LM_Matrix : Type<CPred<"::quipu::lm::isWeightType($_self, 2)">, "weight matrix of f32, f16 or bf16, out x in",
                     "::mlir::RankedTensorType">;
def LM_Vector : Type<CPred<"::quipu::lm::isWeightType($_self, 1)">, "weight vector of f32, f16 or bf16",
                     "::mlir::RankedTensorType">;
def LM_Weight : AnyTypeOf<[LM_Matrix, LM_Vector], "weight matrix or vector", "::mlir::RankedTensorType">;

#endif
