#ifndef QUIPU_DIALECT_LM_IR_LMOPSEXPERTS_TD
#define QUIPU_DIALECT_LM_IR_LMOPSEXPERTS_TD

include "compiler/Dialect/LM/IR/LMAttrs.td"
include "compiler/Dialect/LM/IR/LMDialect.td"
include "compiler/Dialect/LM/IR/LMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def LM_RouteOp : LM_Op<"route", [Pure, InferTypeOpAdaptor]> {
  let summary = "the experts each token goes to, and their weights";
  let description = [{
    `logits` are [T, E], one for each expert. In this order:
    1. `softmax` over the experts, or `sigmoid` of each, gives their scores;
    2. the `choose` experts of the largest scores are chosen, largest first, of equals the lower number. `bias` is added
       to the scores for the choice alone (DeepSeek-AI, 2024). With `groups = G keep = L` experts come in G groups of one
       size, and only those of the L groups can be chosen whose two largest (biased) scores have the largest sum;
    3. the weights are the scores of the chosen; with `normalize` divided by their sum; times `scale`.

    A softmax over the chosen logits alone is `softmax` with `normalize`.

    ```mlir
    %ids, %weights = lm.route softmax %logits choose 8 normalize : tensor<?x128xf32>
    %i, %w = lm.route sigmoid %logits bias %b choose 8 normalize scale 2.5 groups 8 keep 4
               : tensor<?x256xf32>, tensor<256xf32>
    ```

    Constraints:
    - (C1) `choose` is 1 to the features of `logits`
    - (C2) size of `bias` = features of `logits`
    - (C3) `scale` is finite
    - (C4) `groups` >= 1 divides the features of `logits`; of several groups each has two experts or more
    - (C5) `keep` is 1 to `groups`, and the groups that are kept have at least `choose` experts
  }];
  let arguments = (ins LM_Rows:$logits, Optional<LM_Vector>:$bias, LM_Score:$score, I64Attr:$chosen, UnitAttr:$normalize,
                       OptionalAttr<F64Attr>:$scale, DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$kept_groups);
  let results = (outs LM_Choice:$ids, LM_Rows:$weights);
  let builders = [OpBuilder<(ins "::mlir::Value":$logits, "::mlir::Value":$bias, "RouteScore":$score,
                                 "int64_t":$chosen), [{
    build($_builder, $_state, logits, bias, RouteScoreAttr::get($_builder.getContext(), score),
          $_builder.getI64IntegerAttr(chosen), /*normalize=*/nullptr, /*scale=*/nullptr, $_builder.getI64IntegerAttr(1),
          $_builder.getI64IntegerAttr(1));
  }]>];
  let assemblyFormat = [{
    `` $score $logits (`bias` $bias^)? `choose` $chosen (`normalize` $normalize^)? (`scale` $scale^)?
    (`groups` $groups^ `keep` $kept_groups)? attr-dict `:` type(operands)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getExperts() { return getLogits().getType().getDimSize(1); }
  }];
}

def LM_ExpertMatmulOp : LM_Op<"expert_matmul", [Pure, AttrSizedOperandSegments, InferTypeOpAdaptor]> {
  let summary = "matmul of each token with the weights of the experts it goes to";
  let description = [{
    `weight` is a stack W of E matrices [N, K], `ids` [T, S] the S experts of each token. A row of `x` is what all of
    them read, [T, K], or a part for each, [T, S * K]. Product s of token t is x W[ids[t, s]]^T. In this order:
    1. `activation` is applied to it; with `gated`, matrices are [2N, K], rows 0 to N-1 the gate projection and N to 2N-1
       the up projection, and it is activation(gate) * up;
    2. the result is [T, S * N], product after product; with `combine`, weights [T, S], it is [T, N]: the sum of the
       products times their weights;
    3. `residual` is added.

    ```mlir
    %h = lm.expert_matmul %x, %gate_up, %ids activation silu gated
           : tensor<?x64xf32>, tensor<8x96x64xbf16>, tensor<?x2xi32>
    %y = lm.expert_matmul %h, %down, %ids combine %weights residual %r
           : tensor<?x96xf32>, tensor<8x64x48xbf16>, tensor<?x2xi32>, tensor<?x2xf32>, tensor<?x64xf32>
    ```

    Types of the operands follow in the order x, weight, ids, combine, residual.

    Constraints:
    - (C1) features of `x` = columns of a matrix, or S times as many
    - (C2) the features of `combine` are as many as the experts of a token
    - (C3) `gated` needs an `activation`
    - (C4) a gated matrix has an even number of rows
    - (C5) `residual` needs `combine`, and its type is the result's
  }];
  let arguments = (ins
    LM_Rows:$x,
    LM_Stack:$weight,
    LM_Choice:$ids,
    Optional<LM_Rows>:$combine,
    Optional<LM_Rows>:$residual,
    OptionalAttr<LM_Activation>:$activation,
    UnitAttr:$gated
  );
  let results = (outs LM_Rows:$result);
  let assemblyFormat = [{
    $x `,` $weight `,` $ids (`activation` `` $activation^)? (`gated` $gated^)? (`combine` $combine^)?
    (`residual` $residual^)? attr-dict `:` type(operands)
  }];
  let hasVerifier = 1;
  let builders = [
    OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$weight, "::mlir::Value":$ids), [{
      build($_builder, $_state, x, weight, ids, /*combine=*/nullptr, /*residual=*/nullptr, /*activation=*/nullptr,
            /*gated=*/nullptr);
    }]>,
    // Gated.
    OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$weight, "::mlir::Value":$ids,
                   "::quipu::lm::ActivationAttr":$activation), [{
      build($_builder, $_state, x, weight, ids, /*combine=*/nullptr, /*residual=*/nullptr, activation,
            $_builder.getUnitAttr());
    }]>
  ];
  let extraClassDeclaration = [{
    int64_t getExperts() { return getWeight().getType().getDimSize(0); }
    /// Experts of a token.
    int64_t getChosen() { return getIds().getType().getDimSize(1); }
    /// K: columns of a matrix.
    int64_t getInFeatures() { return getWeight().getType().getDimSize(2); }
    /// N: features of one product, half the rows of a gated matrix.
    int64_t getOutFeatures() { return getWeight().getType().getDimSize(1) / (getGated() ? 2 : 1); }
    /// Whether each of a token's experts reads a part of its own of the token's row.
    bool readsParts() { return getX().getType().getDimSize(1) != getInFeatures(); }
  }];
}

#endif
