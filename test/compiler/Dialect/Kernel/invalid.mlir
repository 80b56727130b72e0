// RUN: quipu-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expected a target of the form device:chip, got "cpu"}}
kernel.program "cpu" tokens 1 sequences 1 rows 1 context 1 { // program C1
}

// -----

// expected-error @below {{attribute 'max_tokens' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
kernel.program "cpu:x" tokens 0 sequences 1 rows 1 context 1 { // program C2
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  kernel.def @k generator "g" {}
  %a = kernel.buffer activation "a" f32[tokens, 1]
  %out = kernel.buffer output "logits" f32[rows, 1]
  // expected-error @below {{reads activation "a" before a launch writes it}}
  kernel.launch "l" of "lm.add" 0 (%a) -> (%out) by tokens {any : @k} // program C3
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 1 context 1 arena 64 {
  // expected-error @below {{ends at byte 128 of an arena of 64}}
  %a = kernel.buffer activation "a" f32[tokens, 1] at 64 // program C4
}

// -----

kernel.program "cpu:x" tokens 16 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected an offset for every activation of a program with an arena, and for no other}}
  %a = kernel.buffer activation "a" f32[tokens, 1] at 64 // program C4
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected elements of f32, f16, bf16, i32 or i8, got 'i64'}}
  %a = kernel.buffer input "a" i64[tokens, 1] // buffer C1
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{attribute 'columns' failed to satisfy constraint}}
  %a = kernel.buffer input "a" f32[tokens, 0] // buffer C2
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 arena 640 {
  // expected-error @below {{expected an offset on an activation only, a multiple of 64, got 8}}
  %a = kernel.buffer activation "a" f32[tokens, 1] at 8 // buffer C3
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 arena 640 {
  // expected-error @below {{expected an offset on an activation only, a multiple of 64, got 64}}
  %a = kernel.buffer input "a" f32[tokens, 1] at 64 // buffer C3
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected rows of tokens, rows or none for an activation, got sequences}}
  %a = kernel.buffer activation "a" f32[sequences, 1] // buffer C4
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected rows of a symbolic dim, got none}}
  %a = kernel.buffer output "a" f32[none, 1] // buffer C4
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  kernel.def @k generator "g" {}
  %a = kernel.buffer activation "a" f32[none, 1]
  // expected-error @below {{expected a symbolic dim: tokens, sequences, rows or page_stride}}
  kernel.launch "l" of "lm.add" 0 () -> (%a) by none {any : @k}
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected the name of at least one checkpoint tensor}}
  %w = kernel.weight [] row_major : tensor<4x4xf32> // weight C1
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected a static shape of rank 1 to 3, got 'tensor<4x4x4x4xf32>'}}
  %w = kernel.weight ["w"] row_major : tensor<4x4x4x4xf32> // weight C2
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected matrices for a panel layout, got 'tensor<4xf32>'}}
  %w = kernel.weight ["w"] panel64 : tensor<4xf32> // weight C3
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected an even number of rows (gate and up) for panel64_gated, got 5}}
  %w = kernel.weight ["w"] panel64_gated : tensor<5x4xf32> // weight C3
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{attribute 'heads' failed to satisfy constraint}}
  %c = kernel.kv_cache layer 0 heads 0 dim 4 f32 page 16 keys_transposed // kv_cache C1
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected elements of f32, f16, bf16 or i8, got 'i32'}}
  %c = kernel.kv_cache layer 0 heads 1 dim 4 i32 page 16 keys_transposed // kv_cache C2
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected a layout that has 'i8' in pages of 16, got rows}}
  %c = kernel.kv_cache layer 0 heads 1 dim 4 i8 page 16 rows // kv_cache C3
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected 4 / 2 frequencies, got 1}}
  %t = kernel.rope_table dim 4 factor 1.0 inv_freq [1.0] // rope_table C1
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected at least one variant}}
  kernel.launch "l" of "lm.add" 0 () -> () by tokens {} // launch C1
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  kernel.def @k generator "g" {}
  // expected-error @below {{expected bounds in ascending order, got 4 after 4}}
  kernel.launch "l" of "lm.add" 0 () -> () by tokens {4 : @k, 4 : @k, any : @k} // launch C2
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  kernel.def @k generator "g" {}
  // expected-error @below {{expected the last variant to take any size, got a bound of 4}}
  kernel.launch "l" of "lm.add" 0 () -> () by tokens {4 : @k} // launch C2
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  // expected-error @below {{expected a kernel.def of this program for stage @k}}
  kernel.launch "l" of "lm.add" 0 () -> () by tokens {any : @k} // launch C3
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  kernel.def @k generator "g" {}
  %ids = kernel.buffer input "ids" i32[tokens, 1]
  // expected-error @below {{expected to write an output, an activation or a KV cache, got kernel.buffer}}
  kernel.launch "l" of "lm.add" 0 () -> (%ids) by tokens {any : @k} // launch C4
}

// -----

kernel.program "cpu:x" tokens 1 sequences 1 rows 1 context 1 {
  kernel.def @k generator "g" {}
  %c = kernel.kv_cache layer 0 heads 1 dim 4 f32 page 16 keys_transposed
  // expected-error @below {{expected to write buffers that it does not read}}
  kernel.launch "l" of "lm.add" 0 (%c) -> (%c) by tokens {any : @k} // launch C5
}
