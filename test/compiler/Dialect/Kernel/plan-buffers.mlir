// RUN: quipu-opt %s --pass-pipeline="builtin.module(kernel.program(kernel-plan-buffers,kernel-verify-plan))" | FileCheck %s

// Bytes at 16 tokens: a and b 1024, c 2048, d 64, e 1088. Placed by bytes times launches (c, a, b, e, d);
// largest first (c, e, a, b, d) would take 4096.
// CHECK: kernel.program "cpu:x86-64-v3" tokens 16 sequences 1 rows 16 context 64 arena 3136 {
kernel.program "cpu:x86-64-v3" tokens 16 sequences 1 rows 16 context 64 {
  kernel.def @k generator "toy" {op = "add"}
  %none = kernel.absent
  %ids = kernel.buffer input "ids" i32[tokens, 1]
  %out = kernel.buffer output "logits" f32[rows, 16]
  // CHECK: "a" f32[tokens, 16] at 2048
  %a = kernel.buffer activation "a" f32[tokens, 16]
  // b is written while a is read, so it cannot lie there, but c is dead by then.
  // CHECK: "c" f32[tokens, 32] at 0
  %c = kernel.buffer activation "c" f32[tokens, 32]
  // CHECK: "b" f32[tokens, 16] at 0
  %b = kernel.buffer activation "b" f32[tokens, 16]
  // CHECK: "d" i32[tokens, 1] at 3072
  %d = kernel.buffer activation "d" i32[tokens, 1]
  // A buffer that no launch names goes away.
  // CHECK-NOT: "unused"
  %unused = kernel.buffer activation "unused" f32[tokens, 1000]
  // CHECK: "e" bf16[tokens + 1, 31] at 1024
  %e = kernel.buffer activation "e" bf16[tokens + 1, 31]
  kernel.launch "0" of "lm.embedding" 0 (%ids) -> (%c) by tokens {any : @k}
  kernel.launch "1" of "lm.add" 1 (%c) -> (%a) by tokens {any : @k}
  kernel.launch "2" of "lm.add" 2 (%a) -> (%b, %d) by tokens {any : @k}
  kernel.launch "3" of "lm.add" 3 (%b, %d) -> (%out, %e) by rows {any : @k}
}
