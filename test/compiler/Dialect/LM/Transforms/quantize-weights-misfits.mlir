// RUN: quipu-opt %s --lm-quantize-weights=storage=q4_k --verify-diagnostics
// One warning for each format that some rows do not divide into.

lm.func @one_warning_a_format(%x: tensor<?x96xf32>) -> tensor<?x8xf32> {
  // expected-warning @+1 {{weight w0 is stored as iq4_nl, not q4_k, whose blocks of 256 do not divide its rows; so are 1 others}}
  %w0 = lm.weight @w0 : tensor<8x96xbf16>
  %a = lm.matmul %x, %w0 : tensor<?x96xf32>, tensor<8x96xbf16>
  %w1 = lm.weight @w1 : tensor<8x96xbf16>
  %b = lm.matmul %x, %w1 : tensor<?x96xf32>, tensor<8x96xbf16>
  %c = lm.add %a, %b : tensor<?x8xf32>
  // expected-warning @+1 {{weight odd is stored as bf16, not q4_k, whose blocks of 256 do not divide its rows}}
  %odd = lm.weight @odd : tensor<8x8xbf16>
  %d = lm.matmul %c, %odd : tensor<?x8xf32>, tensor<8x8xbf16>
  %e = lm.activation silu %d : tensor<?x8xf32>
  lm.return %e : tensor<?x8xf32>
}
