// RUN: quipu-opt %s --pass-pipeline="builtin.module(kernel.program(kernel-verify-plan))" --split-input-file --verify-diagnostics

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 {
  kernel.def @k generator "pointwise" {}
  // expected-error @below {{expected an offset for every activation; kernel-plan-buffers places them}}
  %a = kernel.buffer activation "a" f32[tokens, 16]
  kernel.launch "0" of "lm.add" 0 () -> (%a) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 2048 {
  kernel.def @k generator "pointwise" {}
  %a = kernel.buffer activation "a" f32[tokens, 16] at 0
  // expected-error @below {{overlaps activation "a", which is alive at the same launch; kernel-plan-buffers keeps them apart}}
  %b = kernel.buffer activation "b" f32[tokens, 16] at 960
  kernel.launch "0" of "lm.add" 0 () -> (%a) by tokens {any : @k}
  kernel.launch "1" of "lm.add" 1 (%a) -> (%b) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 0 {
  // expected-error @below {{is no stage of any launch; convert-lm-to-kernel defines only what launches ask for}}
  kernel.def @k generator "pointwise" {}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "matmul" {k = 16, n = 8, tile = 1}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 8] at 1024
  %w = kernel.weight ["w"] panel64_gated : tensor<16x16xf32>
  %none = kernel.absent
  kernel.launch "0" of "lm.matmul" 0 (%x, %none, %w, %none, %none) -> (%none, %y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @fits generator "matmul" {k = 16, n = 8, tile = 1}
  kernel.def @longer generator "matmul" {k = 160, n = 8, tile = 2}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 8] at 1024
  %w = kernel.weight ["w"] panel64 : tensor<8x16xf32>
  %none = kernel.absent
  // expected-error @below {{gives operand 0 with a size of 16 to kernel @longer, whose parameter k is 160}}
  kernel.launch "0" of "lm.matmul" 0 (%x, %none, %w, %none, %none) -> (%none, %y) by tokens {1 : @fits, any : @longer}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "matmul" {k = 16, n = 8}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 8] at 1024
  %w = kernel.weight ["w"] panel64 : tensor<4x16xf32>
  %none = kernel.absent
  // expected-error @below {{gives operand 2 with a size of 4 to kernel @k, whose parameter n is 8}}
  kernel.launch "0" of "lm.matmul" 0 (%x, %none, %w, %none, %none) -> (%none, %y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "attention" {heads = 2, kv_heads = 2, dim = 8, page_size = 32}
  %q = kernel.buffer input "q" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 16] at 1024
  %kv = kernel.kv_cache layer 0 heads 2 dim 8 f32 page 16 keys_transposed
  // expected-error @below {{gives operand 5 with a size of 16 to kernel @k, whose parameter page_size is 32}}
  kernel.launch "0" of "lm.cached_attention" 0 (%q, %q, %q, %q, %q, %kv) -> (%y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "embedding" {rows = 8, dim = 16}
  %y = kernel.buffer activation "y" f32[tokens, 16] at 0
  // expected-error @below {{gives kernel @k (embedding) no operand 1}}
  kernel.launch "0" of "lm.embedding" 0 () -> (%y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "matmul" {k = 16, n = 8, storage = "f32"}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 8] at 1024
  %w = kernel.weight ["w"] panel64 : tensor<8x16xbf16>
  %none = kernel.absent
  // expected-error @below {{gives operand 2 in bf16 to kernel @k, whose parameter storage is f32}}
  kernel.launch "0" of "lm.matmul" 0 (%x, %none, %w, %none, %none) -> (%none, %y) by tokens {any : @k}
}
