// RUN: quipu-opt %s | quipu-opt | FileCheck %s

// CHECK: kernel.program "cpu:x86-64-v3" tokens 32 sequences 4 rows 32 context 128 arena 12288 {
kernel.program "cpu:x86-64-v3" tokens 32 sequences 4 rows 32 context 128 arena 12288 {
  // CHECK: kernel.def @embedding_f32_n64 generator "embedding" {dim = 64, layout = "row_major", rows = 512, storage = "f32"}
  kernel.def @embedding_f32_n64 generator "embedding" {rows = 512, dim = 64, storage = "f32", layout = "row_major"}
  kernel.def @pack generator "pack_input" {k = 64, tile = 6}
  kernel.def @matmul generator "matmul" {n = 96, k = 64, tile = 6, packed_input}
  kernel.def @matmul_t1 generator "matmul" {n = 96, k = 64, tile = 1}
  // CHECK: %none = kernel.absent
  %none = kernel.absent
  // CHECK: %ids = kernel.buffer input "ids" i32[tokens, 1]
  %0 = kernel.buffer input "ids" i32[tokens, 1]
  // CHECK: %seq_starts = kernel.buffer input "seq_starts" i32[sequences + 1, 1]
  %1 = kernel.buffer input "seq_starts" i32[sequences + 1, 1]
  // CHECK: %logits = kernel.buffer output "logits" f32[rows, 96]
  %2 = kernel.buffer output "logits" f32[rows, 96]
  // CHECK: %x = kernel.buffer activation "x" f32[tokens, 64] at 0
  %3 = kernel.buffer activation "x" f32[tokens, 64] at 0
  // CHECK: %packed = kernel.buffer activation "packed" bf16[tokens + 5, 32] at 8192
  %4 = kernel.buffer activation "packed" bf16[tokens + 5, 32] at 8192
  // CHECK: %embed_tokens.weight = kernel.weight ["embed_tokens.weight"] row_major : tensor<512x64xf32>
  %5 = kernel.weight ["embed_tokens.weight"] row_major : tensor<512x64xf32>
  // CHECK: %gate.weight.joined = kernel.weight ["gate.weight", "up.weight"] panel64_gated : tensor<96x64xbf16>
  %6 = kernel.weight ["gate.weight", "up.weight"] panel64_gated : tensor<96x64xbf16>
  // CHECK: %kv.0 = kernel.kv_cache layer 0 heads 4 dim 8 bf16 page 16 keys_transposed
  %7 = kernel.kv_cache layer 0 heads 4 dim 8 bf16 page 16 keys_transposed
  // CHECK: %rope_table = kernel.rope_table dim 4 factor 1.000000e+00 inv_freq [1.000000e+00, 0.56234132519034907]
  %8 = kernel.rope_table dim 4 factor 1.0 inv_freq [1.0, 0.56234132519034907]
  // CHECK: kernel.launch "embed_tokens" of "lm.embedding" 1 (%ids, %embed_tokens.weight) -> (%x) by tokens {any : @embedding_f32_n64}
  kernel.launch "embed_tokens" of "lm.embedding" 1 (%0, %5) -> (%3) by tokens {any : @embedding_f32_n64}
  // CHECK: kernel.launch "lm_head" of "lm.matmul" 2 (%x, %none, %gate.weight.joined, %none, %none) -> (%packed, %logits)
  // CHECK-SAME: by rows {
  // CHECK-NEXT: 1 : @matmul_t1,
  // CHECK-NEXT: any : @pack then @matmul}
  kernel.launch "lm_head" of "lm.matmul" 2 (%3, %none, %6, %none, %none) -> (%4, %2)
    by rows {1 : @matmul_t1, any : @pack then @matmul}
}
