#ifndef QUIPU_DIALECT_LM_IR_LMDIALECT_TD
#define QUIPU_DIALECT_LM_IR_LMDIALECT_TD

include "mlir/IR/OpBase.td"

def LM_Dialect : Dialect {
  let name = "lm";
  let cppNamespace = "::quipu::lm";
  let summary = "Graphs of language models";
  let description = [{
    `lm` is a tensor dialect whose ops are the words of the field: attention, rotary embedding, norm, matmul with a
    weight, KV cache. A model definition emits the *plain form* (causal attention over one whole sequence, weights by
    name, no cache), so it reads like the paper; passes make the *cached form* of it, a step over a ragged batch.

    Shapes: rows (tokens, or asked-for rows) are dynamic, features are static. Activations are `tensor<?xDxf32>`;
    ids, positions and row numbers `tensor<?xi32>`. A weight is `tensor<NxKx{f32,f16,bf16,!lm.q8_0,...}>`, out x in as in
    Hugging Face checkpoints, or a vector; its element type is its storage type: the value is the checkpoint's, rounded
    to it.

    Every op is pure. A KV cache is a value: `lm.kv_append` takes one and gives the next.
  }];
  let useDefaultTypePrinterParser = 0;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerTypes();
    void registerAttributes();
    mlir::Type parseType(mlir::DialectAsmParser &parser) const override;
    void printType(mlir::Type type, mlir::DialectAsmPrinter &printer) const override;

  }];
}

class LM_Op<string mnemonic, list<Trait> traits = []> : Op<LM_Dialect, mnemonic, traits>;

#endif
