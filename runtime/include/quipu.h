/* Quipu: load a compiled model and generate text. The C interface of libquipu.so.
 *
 * Functions that can fail return 0 on success. On failure they return 1 and, where `error` is not null, set it to one
 * line of text that quipu_free releases. An engine is used from one thread at a time. Structs of a caller's are set up
 * by their init function, so that fields added later have their defaults, or are not written where there is no room. */
#ifndef QUIPU_H
#define QUIPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUIPU_API __attribute__((visibility("default")))

/* A loaded model with its device and its sequences. */
typedef struct quipu_engine quipu_engine;

/* 0 takes the default of the artifact or the machine. */
typedef struct quipu_options {
  size_t struct_size;     /* set by quipu_options_init */
  const char *device;     /* "cpu" */
  uint32_t threads;       /* of the CPU; 0: one for each physical core that the process may use */
  uint32_t max_context;   /* positions of a sequence */
  uint32_t max_sequences; /* that generate at the same time */
} quipu_options;

typedef struct quipu_sampling {
  size_t struct_size;       /* set by quipu_sampling_init */
  float temperature;        /* 0: greedy */
  uint32_t top_k;           /* 0: off */
  float top_p;              /* above 0 to 1; 1: off */
  float min_p;              /* 0 to 1; 0: off */
  float repetition_penalty; /* 1: off */
  uint64_t seed;
} quipu_sampling;

typedef enum quipu_finish {
  QUIPU_FINISH_NONE = 0,         /* goes on */
  QUIPU_FINISH_EOS = 1,          /* the model ended the text */
  QUIPU_FINISH_LENGTH = 2,       /* as many new tokens as were asked for */
  QUIPU_FINISH_CONTEXT_FULL = 3, /* no position is left */
  QUIPU_FINISH_STOPPED = 4       /* the callback wanted no more */
} quipu_finish;

typedef struct quipu_token {
  size_t struct_size; /* of this struct in the library: the next token of an array begins so many bytes later */
  uint64_t sequence;
  int32_t id;
  quipu_finish finish;
  const char *text; /* what the token adds to the text, zero-terminated UTF-8; empty inside a character, and "" for an
                       artifact without a tokenizer */
} quipu_token;

typedef struct quipu_model_info {
  size_t struct_size; /* set by quipu_model_info_init */
  uint32_t vocab;
  uint32_t max_context;
  uint32_t max_sequences;
  uint64_t memory_bytes; /* that the engine has allocated */
  int has_tokenizer;
} quipu_model_info;

QUIPU_API const char *quipu_version(void);
QUIPU_API void quipu_options_init(quipu_options *options);
QUIPU_API void quipu_sampling_init(quipu_sampling *sampling);
QUIPU_API void quipu_model_info_init(quipu_model_info *info);
/* Releases what a function of this header returned for the caller to release; null is allowed. */
QUIPU_API void quipu_free(void *memory);

/* Loads an artifact (.qpu); null options are the defaults. */
QUIPU_API int quipu_load(const char *path, const quipu_options *options, quipu_engine **engine, char **error);
QUIPU_API void quipu_unload(quipu_engine *engine);
QUIPU_API void quipu_get_info(const quipu_engine *engine, quipu_model_info *info);

/* Token ids of a text of `bytes` bytes of UTF-8; add_special puts BOS and the like where the model wants them.
 * The caller releases *ids. */
QUIPU_API int quipu_tokenize(const quipu_engine *engine, const char *text, size_t bytes, int add_special, int32_t **ids,
                             size_t *count, char **error);
/* The text of ids, zero-terminated. The caller releases *text. */
QUIPU_API int quipu_detokenize(const quipu_engine *engine, const int32_t *ids, size_t count, char **text, char **error);

/* Called with each new token; anything but 0 ends the text after it. */
typedef int (*quipu_token_callback)(void *user, const quipu_token *token);
/* Generates up to max_new tokens after a prompt; null sampling is greedy. `finish` may be null. Not while sequences of
 * quipu_add run: their tokens would pass unseen. */
QUIPU_API int quipu_generate(quipu_engine *engine, const int32_t *prompt, size_t count, const quipu_sampling *sampling,
                             uint32_t max_new, quipu_token_callback callback, void *user, quipu_finish *finish,
                             char **error);

/* Several sequences at the same time: add each, then step until `working` is 0. */
typedef struct quipu_step_result {
  size_t struct_size;        /* set by quipu_step_result_init */
  const quipu_token *tokens; /* new ones of this step, valid until the next call with this engine */
  size_t count;
  int working; /* 0: nothing was left to do */
} quipu_step_result;

QUIPU_API void quipu_step_result_init(quipu_step_result *result);
QUIPU_API int quipu_add(quipu_engine *engine, const int32_t *prompt, size_t count, const quipu_sampling *sampling,
                        uint32_t max_new, uint64_t *sequence, char **error);
QUIPU_API int quipu_step(quipu_engine *engine, quipu_step_result *result, char **error);
/* Ends a sequence before its time; an unknown one is ignored. */
QUIPU_API void quipu_cancel(quipu_engine *engine, uint64_t sequence);

#ifdef __cplusplus
}
#endif

#endif
