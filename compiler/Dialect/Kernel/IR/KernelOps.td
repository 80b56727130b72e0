#ifndef QUIPU_KERNEL_OPS_TD
#define QUIPU_KERNEL_OPS_TD

include "compiler/Dialect/Kernel/IR/KernelDialect.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

def Positive : ConfinedAttr<I64Attr, [IntPositive]>;
def NonNegative : ConfinedAttr<I64Attr, [IntNonNegative]>;

class KernelOp<string mnemonic, list<Trait> traits = []> : Op<KernelDialect, mnemonic, traits>;

// An op that declares memory: its result is named after what it holds, so that launches read well.
class DeclarationOp<string mnemonic> : KernelOp<mnemonic, [
    HasParent<"ProgramOp">, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let results = (outs BufferType:$buffer);
  let hasVerifier = 1;
}

def ProgramOp : KernelOp<"program", [
    IsolatedFromAbove, SymbolTable, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "the step of a model on one target";
  let description = [{
    Limits are the largest step: tokens and sequences in one step, rows of logits it gives, positions of a sequence.
    `arena` is the size in bytes of the activation arena at those limits, once `plan-buffers` has placed every
    activation.

    - C1: `target` is `device:chip`
    - C2: every limit is at least 1
    - C3: an activation is written by a launch before a launch reads it
    - C4: either no activation has an offset and there is no arena, or all have one and end within the arena
  }];
  let arguments = (ins StrAttr:$target, Positive:$max_tokens, Positive:$max_sequences, Positive:$max_rows,
                       Positive:$max_context, OptionalAttr<NonNegative>:$arena_bytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $target `tokens` $max_tokens `sequences` $max_sequences `rows` $max_rows `context` $max_context
    (`arena` $arena_bytes^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    // Value of a symbolic dim in the largest step; page_stride counts pages of the given size.
    int64_t getLimit(Dim dim, int64_t pageSize);
  }];
}

def DefOp : KernelOp<"def", [HasParent<"ProgramOp">, Symbol]> {
  let summary = "a kernel: the generator that makes its code, and that generator's parameters";
  let description = [{
    Two launches whose kernels have equal generator and parameters share one `kernel.def`; layer numbers and weight
    names are no part of it.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$generator, DictionaryAttr:$params);
  let assemblyFormat = "$sym_name `generator` $generator custom<Params>($params) attr-dict";
}

def AbsentOp : KernelOp<"absent", [
    HasParent<"ProgramOp">, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "stands for an operand that a launch does without (a null pointer for the kernel)";
  let results = (outs BufferType:$buffer);
  let assemblyFormat = "attr-dict";
}

def BufferOp : DeclarationOp<"buffer"> {
  let summary = "input, output or activation of a step: rows of a symbolic dim";
  let description = [{
    `dtype[dim + extra, columns]`; `extra` rows pad a packed input to its tile, or hold the end of `seq_starts`.
    Activations lie in one arena at `offset` bytes; the runtime places inputs and outputs. An activation whose dim is
    `none` has one row in every step.

    - C1: the dtype is f32, f16, bf16, i32 or i8
    - C2: `columns` is at least 1 and `extra_rows` is not negative
    - C3: only an activation has an offset, and it is a multiple of 64
    - C4: an activation's dim is not sequences, whose most is chosen when a program is loaded; only an activation's is none
  }];
  let arguments = (ins RoleAttr:$role, StrAttr:$name, TypeAttr:$dtype, DimAttr:$rows,
                       DefaultValuedAttr<NonNegative, "0">:$extra_rows, Positive:$columns, OptionalAttr<NonNegative>:$offset);
  let assemblyFormat = [{
    $role $name $dtype `[` $rows (`+` $extra_rows^)? `,` $columns `]` (`at` $offset^)? attr-dict
  }];
  let extraClassDeclaration = [{
    // Bytes at the limits of the program this buffer belongs to.
    int64_t getMaxBytes();
  }];
}

def WeightOp : DeclarationOp<"weight"> {
  let summary = "checkpoint tensors joined along rows, in the layout the kernels read";
  let description = [{
    The tensor type is the logical shape before packing, with the storage type of the elements. Of a stack, [experts,
    rows, columns], each matrix is made of the sources; the expert's number stands in the place of `*` in their names.

    - C1: at least one source tensor is named
    - C2: the shape is static and of rank 1 to 3
    - C3: a panel layout has rank 2 or 3, and a gated one an even number of rows
  }];
  let arguments = (ins StrArrayAttr:$sources, LayoutAttr:$layout, TypeAttrOf<AnyStaticShapeTensor>:$shape);
  let assemblyFormat = "$sources $layout `:` $shape attr-dict";
}

def KvCacheOp : DeclarationOp<"kv_cache"> {
  let summary = "paged keys and values of one layer";
  let description = [{
    - C1: heads, dim and page size are at least 1
    - C2: elements are f32, f16, bf16 or i8
    - C3: the layout stores such elements in pages of that size (runtime/Artifact/KvLayout.h)
  }];
  let arguments = (ins NonNegative:$layer, Positive:$heads, Positive:$dim, TypeAttr:$elem, Positive:$page_size,
                       KvLayoutAttr:$layout);
  let assemblyFormat = [{
    `layer` $layer `heads` $heads `dim` $dim $elem `page` $page_size $layout attr-dict
  }];
  let extraClassDeclaration = [{
    // Bytes of one page, as runtime/Artifact/KvLayout.h says.
    int64_t getPageBytes();
  }];
}

def RopeTableOp : DeclarationOp<"rope_table"> {
  let summary = "cos and sin by position, filled by the runtime";
  let description = [{
    - C1: there is one frequency for each pair of the `dim` rotated columns
  }];
  let arguments = (ins Positive:$dim, F64Attr:$attention_factor, DenseF64ArrayAttr:$inv_freq);
  let assemblyFormat = [{
    `dim` $dim `factor` $attention_factor `inv_freq` custom<Frequencies>($inv_freq) attr-dict
  }];
}

def LaunchOp : KernelOp<"launch", [
    HasParent<"ProgramOp">, AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one fused group: what is read, what is written, and which kernels run at which size";
  let description = [{
    Kernels receive the operands in order, those read first. The first variant whose bound is not below the value of
    `dim` runs; its stages (`@pack then @matmul`) all get the same operands, with a barrier between them.
    `of "lm.matmul" 12` is the op it computes and its index in the cached-form function.

    - C1: there is at least one variant, and each has at least one stage
    - C2: bounds ascend and the last variant takes any size
    - C3: every stage is a `kernel.def` of the same program
    - C4: what is written is an output, an activation, a KV cache or absent
    - C5: nothing is both read and written
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$op, NonNegative:$source, Variadic<BufferType>:$reads,
                       Variadic<BufferType>:$writes, DimAttr:$dim, TypedArrayAttrBase<VariantAttr, "variants">:$variants);
  let assemblyFormat = [{
    $name `of` $op $source ` ` `(` $reads `)` `->` `(` $writes `)` custom<Variants>($dim, $variants)
    attr-dict
  }];
  let hasVerifier = 1;
}

#endif // QUIPU_KERNEL_OPS_TD
