/* The kernel under sanitisers: models and texts of random sizes, at every level, each text alone, on one thread or several, and in
 * a batch. Every buffer is exactly as large as it is said to be. Prints how many texts had the same bits. */
#include "encoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t sotto_levels(void);
sotto_scratch *sotto_scratch_new(const sotto_model *, int32_t);
void sotto_scratch_free(sotto_scratch *);
int32_t sotto_encode(int32_t, const sotto_model *, sotto_scratch *, const int32_t *, const int32_t *, int32_t, float *, int32_t);
int32_t sotto_crew(int32_t);

static uint64_t state;
static uint32_t chance(uint32_t below) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(state >> 33) % below;
}
static uint16_t bfloat16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (uint16_t)(bits >> 16);
}
static uint16_t *small(size_t count, int half) { /* bfloat16, or float16 of the same */
    uint16_t *p = malloc(count * 2);
    for (size_t i = 0; i < count; i++) p[i] = half ? (uint16_t)(chance(2) << 15 | (0x2800 + chance(0x1000))) : bfloat16(((int)chance(2001) - 1000) / 4000.0f);
    return p;
}
static float *wide(size_t count, float around) {
    float *p = malloc(count * 4);
    for (size_t i = 0; i < count; i++) p[i] = around + ((int)chance(2001) - 1000) / 5000.0f;
    return p;
}
static int8_t *bytes(int8_t *p, size_t count) {
    for (size_t i = 0; i < count; i++) p[i] = (int8_t)((int)chance(255) - 127);
    return p;
}
static sotto_linear linear(size_t outputs, size_t inputs, int whole) { /* of signed bytes, or of bfloat16 */
    const size_t count = PADDED(outputs) * inputs;
    if (!whole) return (sotto_linear){small(count, 0), wide(PADDED(outputs), 0), NULL, NULL};
    return (sotto_linear){bytes(malloc(count), count), wide(PADDED(outputs), 0), wide(PADDED(outputs), 0), wide(PADDED(outputs), 0)};
}
static void *words(size_t count, size_t hidden, int whole) {
    if (!whole) return small(count * hidden, 1);
    float *p = malloc(count * (4 + hidden));
    for (size_t i = 0; i < count; i++) p[i] = 0.01f;
    bytes((int8_t *)(p + count), count * hidden);
    return p;
}

static void model_of(sotto_model *m, sotto_layer *layers, int longest, int whole) {
    const int size = 16 * (1 + chance(4)), heads = 1 + chance(3);
    *m = (sotto_model){.hidden = size * heads, .inner = 16 * (1 + chance(9)), .heads = heads, .layers = 1 + chance(2),
                       .positions = longest, .words = 1 + chance(50), .pooling = chance(4), .epsilon = 1e-12f};
    m->word = words(m->words, m->hidden, whole);
    m->position = wide((size_t)m->positions * m->hidden, 0);
    m->second = chance(2) ? wide(m->hidden, 0) : NULL; /* half of them know a second text */
    m->distance = chance(2) ? wide((size_t)m->heads * (2 * m->positions + 17), 0) : NULL;
    m->gain = wide(m->hidden, 1);
    m->shift = wide(m->hidden, 0);
    m->layer = layers;
    for (int i = 0; i < m->layers; i++)
        layers[i] = (sotto_layer){linear(3 * m->hidden, m->hidden, whole), linear(m->hidden, m->hidden, whole), linear(m->inner, m->hidden, whole),
                                  linear(m->hidden, m->inner, whole), wide(m->hidden, 1), wide(m->hidden, 0), wide(m->hidden, 1), wide(m->hidden, 0)};
}

static void gone(sotto_model *m) {
    for (const sotto_layer *l = m->layer; l < m->layer + m->layers; l++) {
        const sotto_linear all[] = {l->qkv, l->out, l->up, l->down};
        const float *norms[] = {l->gain1, l->shift1, l->gain2, l->shift2};
        for (int i = 0; i < 4; i++) { free((void *)all[i].weight); free((void *)all[i].bias); free((void *)all[i].scale); free((void *)all[i].sum); free((void *)norms[i]); }
    }
    free((void *)m->word); free((void *)m->position); free((void *)m->second); free((void *)m->distance); free((void *)m->gain); free((void *)m->shift);
}

static int round_of(int level, int longest) {
    sotto_layer layers[2];
    sotto_model m;
    model_of(&m, layers, longest, level > 3);
    const int count = chance(7);
    int32_t *starts = calloc(count + 1, 4);
    for (int i = 0; i < count; i++) starts[i + 1] = starts[i] + 1 + chance(chance(4) ? 20 : longest) % longest;
    int32_t *ids = malloc((size_t)starts[count] * 4 + 1);
    for (int i = 0; i < starts[count]; i++) ids[i] = chance(m.words * (m.second ? 2 : 1));
    float *together = malloc((size_t)count * m.hidden * 4 + 1), *alone = malloc((size_t)m.hidden * 4);
    sotto_scratch *s = sotto_scratch_new(&m, m.positions);
    int same = sotto_encode(level, &m, s, ids, starts, count, together, 2) == ENCODED;
    for (int i = 0; i < count; i++) {
        int32_t *own = malloc((size_t)(starts[i + 1] - starts[i]) * 4), edges[2] = {0, starts[i + 1] - starts[i]};
        memcpy(own, ids + starts[i], (size_t)edges[1] * 4);
        same &= sotto_encode(level, &m, s, own, edges, 1, alone, 1 + chance(4)) == ENCODED;
        same &= memcmp(alone, together + (size_t)i * m.hidden, (size_t)m.hidden * 4) == 0;
        float length = 0;
        for (int k = 0; k < m.hidden; k++) length += alone[k] * alone[k];
        same &= m.pooling == POOL_FIRST ? isfinite(length) : fabsf(length - 1) < 1e-3f;
        own[chance(edges[1])] = chance(2) ? -1 - (int)chance(9) : m.words * (m.second ? 2 : 1) + (int)chance(9);
        same &= sotto_encode(level, &m, s, own, edges, 1, alone, 1) == BAD_ID;
        free(own);
    }
    int32_t none[2] = {0, 0}, many[2] = {0, m.positions + 1};
    same &= sotto_encode(level, &m, s, ids, none, 1, alone, 2) == BAD_LENGTH;
    same &= sotto_encode(level, &m, s, ids, many, 1, alone, 2) == BAD_LENGTH;
    same &= sotto_encode(9, &m, s, ids, starts, count, together, 2) == BAD_LEVEL;
    sotto_scratch_free(s);
    free(ids); free(starts); free(together); free(alone);
    gone(&m);
    return same;
}

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? atoi(argv[1]) : 20;
    int good = 0, all = 0;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    all = sotto_crew(3) != 3;
    for (int level = 0; level < 6; level++)
        for (int i = 0; (sotto_levels() >> level & 1) && i < rounds; i++, all++) good += round_of(level, 1 + chance(i % 8 ? 64 : 512));
    printf("%d of %d\n", good, all);
    return good != all;
}
