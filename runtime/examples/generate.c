/* Generates text with a compiled model:   generate MODEL.qpu "Once upon a time" [NEW_TOKENS]
 *
 *   cc generate.c -I runtime/include -L build/release/lib -lquipu -Wl,-rpath,$PWD/build/release/lib -o generate */
#include <quipu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int print_token(void *user, const quipu_token *token) {
  (void)user;
  fputs(token->text, stdout);
  fflush(stdout);
  return 0;
}

static int fail(char *error) {
  fprintf(stderr, "%s\n", error);
  quipu_free(error);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s MODEL.qpu PROMPT [NEW_TOKENS]\n", argv[0]);
    return 2;
  }
  uint32_t new_tokens = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 64;

  quipu_engine *engine;
  char *error;
  if (quipu_load(argv[1], NULL, &engine, &error))
    return fail(error);

  int32_t *prompt;
  size_t count;
  int failed = quipu_tokenize(engine, argv[2], strlen(argv[2]), 1, &prompt, &count, &error);
  if (!failed) {
    quipu_sampling sampling;
    quipu_sampling_init(&sampling);
    sampling.temperature = 0.8f;
    sampling.top_p = 0.9f;
    failed = quipu_generate(engine, prompt, count, &sampling, new_tokens, print_token, NULL, NULL, &error);
    quipu_free(prompt);
    putchar('\n');
  }
  quipu_unload(engine);
  return failed ? fail(error) : 0;
}
