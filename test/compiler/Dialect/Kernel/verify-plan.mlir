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
