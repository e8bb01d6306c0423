/* What the kernel is told about a model, and what it offers. All weights are used where they lie. */
#ifndef SOTTO_ENCODER_H
#define SOTTO_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#define LANES 16
#define PANEL 48 /* outputs that are computed together: three times LANES */
#define GROUP 192 /* tokens that are computed together, so that what is between stays in the cache */
#define QUERIES 4 /* tokens that look at the others together */
#define PANELS(n) (((n) + PANEL - 1) / PANEL)
#define PADDED(n) (PANELS(n) * PANEL)

enum { POOL_MEAN, POOL_CLS, POOL_LAST, POOL_FIRST }; /* the last: the first token as it is, of no set length */
enum { ENCODED = 0, BAD_LENGTH = -1, BAD_ID = -2, BAD_LEVEL = -3 };

/* weight: bfloat16, packed [PADDED(outputs)/48][inputs/2][3][16][2], or signed bytes [PADDED(outputs)/48][inputs/4][3][16][4];
 * bias: [PADDED(outputs)]; of bytes also what each output's are multiplied by, and their sum so multiplied */
typedef struct { const void *weight; const float *bias, *scale, *sum; } sotto_linear;

typedef struct {
    sotto_linear qkv, out, up, down;
    const float *gain1, *shift1, *gain2, *shift2;
} sotto_layer;

typedef struct {
    int32_t hidden, inner, heads, layers, positions, words, pooling;
    float epsilon;
    const void *word; /* float16 [words][hidden]; or float [words], by which signed bytes [words][hidden] are multiplied */
    const float *position;
    const float *second; /* added to tokens of a second text, ids beyond the words; or NULL */
    const float *distance; /* added to scores: [heads][2 positions + 17], column positions + d for d later; or NULL */
    const float *gain, *shift;
    const sotto_layer *layer;
} sotto_model;

/* What one call computes in; made for a model and a number of tokens. */
typedef struct {
    int32_t tokens;
    int workers; /* threads that this call may use */
    float *state, *mixed;
    float *own; /* of each worker: scores, and keys turned into columns */
    size_t each;
    float *absent, *there; /* for each place of a sequence: 0 and 1, but -INFINITY and 0 beyond its end */
    void *seen; /* what matrices are applied to: float, or bfloat16 where the processor has it */
    void *wide; /* queries, keys and values as floats; when those were read, what is between up and down, as in `seen` */
    uint8_t *bytes; /* the same as whole numbers, and the measure of each row */
    float *least, *step;
} sotto_scratch;

/* ids of `count` texts one after the other, text i in ids[starts[i]] to ids[starts[i+1]-1]; out: [count][hidden]. */
typedef int sotto_encode_fn(const sotto_model *, sotto_scratch *, const int32_t *ids, const int32_t *starts,
                            int32_t count, float *out);

sotto_encode_fn sotto_encode_plain, sotto_encode_avx2, sotto_encode_avx512, sotto_encode_bf16, sotto_encode_int8, sotto_encode_vnni;

#endif
