// RUN: quipu-opt %s --pass-pipeline="builtin.module(kernel.program(kernel-verify-plan))" --split-input-file --verify-diagnostics

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 {
  kernel.def @k generator "toy" {}
  // expected-error @below {{expected an offset for every activation; kernel-plan-buffers places them}}
  %a = kernel.buffer activation "a" f32[tokens, 16]
  kernel.launch "0" of "lm.add" 0 () -> (%a) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 2048 {
  kernel.def @k generator "toy" {}
  %a = kernel.buffer activation "a" f32[tokens, 16] at 0
  // expected-error @below {{overlaps activation "a", which is alive at the same launch; kernel-plan-buffers keeps them apart}}
  %b = kernel.buffer activation "b" f32[tokens, 16] at 960
  kernel.launch "0" of "lm.add" 0 () -> (%a) by tokens {any : @k}
  kernel.launch "1" of "lm.add" 1 (%a) -> (%b) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 0 {
  // expected-error @below {{is no stage of any launch; convert-lm-to-kernel defines only what launches ask for}}
  kernel.def @k generator "toy" {}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "matmul" {gated = true, k = 16, n = 8, tile = 1}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 8] at 1024
  %w = kernel.weight ["w"] panel64_gated : tensor<16x16xf32>
  %none = kernel.absent
  kernel.launch "0" of "lm.matmul" 0 (%x, %none, %w, %none, %none, %none) -> (%none, %y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @fits generator "matmul" {k = 16, n = 8, tile = 1}
  kernel.def @longer generator "matmul" {k = 160, n = 8, tile = 2}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 8] at 1024
  %w = kernel.weight ["w"] panel64 : tensor<8x16xf32>
  %none = kernel.absent
  // expected-error @below {{gives operand "x" with a size of 16 to kernel @longer (matmul): k is 160}}
  kernel.launch "0" of "lm.matmul" 0 (%x, %none, %w, %none, %none, %none) -> (%none, %y) by tokens {1 : @fits, any : @longer}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "matmul" {k = 16, n = 8}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 8] at 1024
  %w = kernel.weight ["w"] panel64 : tensor<4x16xf32>
  %none = kernel.absent
  // expected-error @below {{gives operand "weight" with a size of 4 to kernel @k (matmul): n * (1 + gated) is 8}}
  kernel.launch "0" of "lm.matmul" 0 (%x, %none, %w, %none, %none, %none) -> (%none, %y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "attention" {heads = 2, kv_heads = 2, dim = 8, page_size = 32}
  %q = kernel.buffer input "q" f32[tokens, 16]
  %p = kernel.buffer input "positions" i32[tokens, 1]
  %s = kernel.buffer input "seq_starts" i32[sequences + 1, 1]
  %l = kernel.buffer input "context_lens" i32[sequences, 1]
  %t = kernel.buffer input "page_table" i32[sequences, 4]
  %none = kernel.absent
  %y = kernel.buffer activation "y" f32[tokens, 16] at 1024
  %kv = kernel.kv_cache layer 0 heads 2 dim 8 f32 page 16 keys_transposed
  // expected-error @below {{gives operand "cache" with a size of 16 to kernel @k (attention): page_size is 32}}
  kernel.launch "0" of "lm.cached_attention" 0 (%q, %p, %s, %l, %t, %kv) -> (%none, %y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "embedding" {rows = 8, dim = 16}
  %y = kernel.buffer activation "y" f32[tokens, 16] at 0
  // expected-error @below {{gives kernel @k (embedding) 0 operands to read and 1 to write; it has 2 and 1}}
  kernel.launch "0" of "lm.embedding" 0 () -> (%y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "matmul" {k = 16, n = 8, storage = "f32"}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 8] at 1024
  %w = kernel.weight ["w"] panel64 : tensor<8x16xbf16>
  %none = kernel.absent
  // expected-error @below {{gives operand "weight" in bf16 to kernel @k (matmul): storage is f32}}
  kernel.launch "0" of "lm.matmul" 0 (%x, %none, %w, %none, %none, %none) -> (%none, %y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "rms_norm" {n = 16, rows_dim = 2}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[rows, 16] at 1024
  %g = kernel.weight ["g"] row_major : tensor<16xf32>
  %none = kernel.absent
  // expected-error @below {{gives operand "x" of tokens to kernel @k (rms_norm): its rows are of rows}}
  kernel.launch "0" of "lm.rms_norm" 0 (%x, %g, %none) -> (%y) by rows {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "rms_norm" {n = 16, rows_dim = 0}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 16] at 1024
  %none = kernel.absent
  // expected-error @below {{gives operand "gain" as a buffer to kernel @k (rms_norm): it is to be a weight}}
  kernel.launch "0" of "lm.rms_norm" 0 (%x, %x, %none) -> (%y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "rms_norm" {n = 16, rows_dim = 0}
  %x = kernel.buffer input "x" f32[tokens, 16]
  %y = kernel.buffer activation "y" f32[tokens, 16] at 1024
  %g = kernel.weight ["g"] row_major : tensor<1x16xf32>
  %none = kernel.absent
  // expected-error @below {{gives operand "gain" of rank 2 to kernel @k (rms_norm): its rank is 1}}
  kernel.launch "0" of "lm.rms_norm" 0 (%x, %g, %none) -> (%y) by tokens {any : @k}
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "rms_norm" {n = 16, rows_dim = 0}
  %y = kernel.buffer activation "y" f32[tokens, 16] at 1024
  %none = kernel.absent
  // expected-error @below {{gives operand "x" absent to kernel @k (rms_norm): it may not be}}
  kernel.launch "0" of "lm.rms_norm" 0 (%none, %none, %none) -> (%y) by tokens {any : @k}
}

// -----

// A parameter of a dim's name says nothing of the rows.
kernel.program "cpu:x" tokens 16 sequences 1 rows 16 context 64 arena 4096 {
  kernel.def @k generator "embedding" {rows = 2, dim = 16, storage = "f32"}
  %ids = kernel.buffer input "ids" i32[tokens, 1]
  %y = kernel.buffer activation "y" f32[tokens, 16] at 0
  %t = kernel.weight ["t"] row_major : tensor<2x16xf32>
  kernel.def @s generator "attention_split" {heads = 2, kv_heads = 2, dim = 8, page_size = 16, tokens = 2}
  %p = kernel.buffer input "positions" i32[tokens, 1]
  %s = kernel.buffer input "seq_starts" i32[sequences + 1, 1]
  %l = kernel.buffer input "context_lens" i32[sequences, 1]
  %pages = kernel.buffer input "page_table" i32[sequences, 4]
  %none = kernel.absent
  %z = kernel.buffer activation "z" f32[tokens, 16] at 1024
  %kv = kernel.kv_cache layer 0 heads 2 dim 8 f32 page 16 rows
  kernel.launch "0" of "lm.embedding" 0 (%ids, %t) -> (%y) by tokens {any : @k}
  kernel.launch "1" of "lm.cached_attention" 1 (%y, %p, %s, %l, %pages, %kv) -> (%none, %z) by tokens {any : @s}
}
