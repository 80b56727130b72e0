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
    - (C3) `elem` is f32, f16, bf16 or i8; i8 has an f32 scale for each position's key and one for its value
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

def LM_Sampling : LM_Type<"Sampling", "sampling"> {
  let summary = "how the next token of each asked-for row is chosen";
  let description = [{
    Of each row temperature, top-k, top-p, min-p, repetition penalty and the key of its noise
    (runtime/Artifact/RowSampling.h), and which tokens its sequence has.
  }];
}

// Its text is the format's name, so it has no mnemonic: LMDialect parses and prints it.
def LM_Blocked : TypeDef<LM_Dialect, "Blocked"> {
  let typeName = "lm.blocked";
  let summary = "element of a weight that is stored in blocks";
  let description = [{
    The element type of a matrix whose rows are blocks of a storage format (runtime/Artifact/StorageFormat.h): `!lm.q8_0`,
    `!lm.q4_0`, `!lm.q5_1`, `!lm.q4_k`, `!lm.iq4_xs`, `!lm.mxfp4`, ..., and integers per group, `!lm.i8_g64`, `!lm.i4_g32z`, ...
    The value of an element is what the format's decoder gives. f32, f16 and bf16 are MLIR's own types.

    ```mlir
    %w = lm.weight @model.layers.0.self_attn.q_proj.weight : tensor<64x64x!lm.q4_0>
    ```
  }];
  let parameters = (ins "const ::quipu::StorageFormat *":$format);
}

// Row tensors: one row a token, or one a row whose logits are asked for.
def LM_Rows : Type<CPred<"::quipu::lm::isRowsType($_self)">, "rows of f32 features, tensor<?xDxf32>",
                   "::mlir::RankedTensorType">;

// Token ids, positions, row numbers.
def LM_Ints : Type<CPred<"::quipu::lm::isIntsType($_self)">, "tensor<?xi32>", "::mlir::RankedTensorType">,
              BuildableType<"::quipu::lm::getIntsType($_builder.getContext())">;

// Which experts each token goes to, K of them.
def LM_Choice : Type<CPred<"::quipu::lm::isChoiceType($_self)">, "numbers of chosen experts, tensor<?xKxi32>",
                     "::mlir::RankedTensorType">;

def LM_Matrix : Type<CPred<"::quipu::lm::isWeightType($_self, 2)">, "weight matrix of a storage type, out x in",
                     "::mlir::RankedTensorType">;
def LM_Vector : Type<CPred<"::quipu::lm::isWeightType($_self, 1)">, "weight vector of f32, f16 or bf16",
                     "::mlir::RankedTensorType">;
// The matrices of all experts of a layer.
def LM_Stack : Type<CPred<"::quipu::lm::isWeightType($_self, 3)">,
                    "stack of weight matrices of a storage type, experts x out x in", "::mlir::RankedTensorType">;
def LM_Weight : AnyTypeOf<[LM_Matrix, LM_Vector], "weight matrix or vector", "::mlir::RankedTensorType">;

#endif
