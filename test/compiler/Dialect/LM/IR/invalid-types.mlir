// RUN: quipu-opt %s --split-input-file --verify-diagnostics
// One case for each numbered constraint of the types and attributes.

// expected-error @+1 {{expected heads of 1 to 65536, got 0}}
lm.func @kv_c1_heads(%c: !lm.kv<heads = 0, dim = 8, elem = f32, layout = contiguous>) {
  lm.return
}

// -----

// expected-error @+1 {{expected dim of 1 to 65536, got -8}}
lm.func @kv_c2_dim(%c: !lm.kv<heads = 1, dim = -8, elem = f32, layout = contiguous>) {
  lm.return
}

// -----

// expected-error @+1 {{expected elem f32, f16, bf16 or i8, got 'i16'}}
lm.func @kv_c3_elem(%c: !lm.kv<heads = 1, dim = 8, elem = i16, layout = contiguous>) {
  lm.return
}

// -----

// expected-error @+1 {{expected page size >= 1, got 0}}
lm.func @kv_c4_page_size(%c: !lm.kv<heads = 1, dim = 8, elem = f32, layout = paged<0>>) {
  lm.return
}

// -----

// expected-error @+2 {{expected a KV layout: contiguous or paged<N>}}
// expected-error @+1 {{failed to parse LM_Kv parameter 'layout'}}
lm.func @kv_unknown_layout(%c: !lm.kv<heads = 1, dim = 8, elem = f32, layout = ring>) {
  lm.return
}

// -----

// expected-error @+1 {{expected an even rope dim >= 2, got 3}}
#rope_c1_dim = #lm.rope<dim = 3, layout = split_half, attention_factor = 1.0, inv_freq = [1.0]>

// -----

// expected-error @+1 {{expected 2 entries of inv_freq (rotated / 2), got 1}}
#rope_c2_entries = #lm.rope<dim = 4, layout = split_half, attention_factor = 1.0, inv_freq = [1.0]>

// -----

// expected-error @+1 {{expected entries of inv_freq that are finite and >= 0, got -1}}
#rope_c3_frequency = #lm.rope<dim = 2, layout = split_half, attention_factor = 1.0, inv_freq = [-1.0]>

// -----

// expected-error @+1 {{expected an attention_factor that is finite and > 0, got 0}}
#rope_c4_attention_factor = #lm.rope<dim = 2, layout = split_half, attention_factor = 0.0, inv_freq = [1.0]>

// -----

// expected-error @+2 {{operand #0 must be rows of f32 features, tensor<?xDxf32>, but got 'tensor<4x64xf32>'}}
lm.func @rows_are_dynamic(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %y = lm.activation silu %x : tensor<4x64xf32>
  lm.return %y : tensor<4x64xf32>
}

// -----

// expected-error @+1 {{'q5_9' is no type of lm: neither kv nor batch nor a blocked storage format}}
lm.func @unknown_format(%w: tensor<4x32x!lm.q5_9>) {
  lm.return
}

// -----

// expected-error @+1 {{'bf16' is no type of lm: neither kv nor batch nor a blocked storage format}}
lm.func @formats_of_single_elements_are_builtin(%w: tensor<4x32x!lm.bf16>) {
  lm.return
}

// -----

// expected-error @+1 {{expected rotated that is even and 2 to 4 (dim), got 6}}
#rope_c5_rotated = #lm.rope<dim = 4, rotated = 6, layout = split_half, attention_factor = 1.0, inv_freq = [1.0, 1.0, 1.0]>
