/* Which of the compiled variants this processor can run, and the memory that a thread computes in. */
#include "crew.h"
#include "encoder.h"

#include <stdlib.h>

#define ALIGNMENT 64
#define LARGER(a, b) ((size_t)((a) > (b) ? (a) : (b)))

/* Bit n is set when level n can run, on bfloat16: 0 plain, 1 AVX2, 2 AVX-512, 3 AVX-512 with bfloat16; on bytes: 4 plain,
 * 5 AVX-512 with VNNI. */
int32_t sotto_levels(void) {
    int32_t levels = 1 | 16;
#if defined(HAVE_AVX2) || defined(HAVE_AVX512) || defined(HAVE_BF16) || defined(HAVE_VNNI)
    __builtin_cpu_init();
#endif
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) levels |= 2;
#endif
#ifdef HAVE_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) levels |= 4;
#endif
#ifdef HAVE_BF16
    if ((levels & 4) && __builtin_cpu_supports("avx512bf16")) levels |= 8;
#endif
#ifdef HAVE_VNNI
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")) levels |= 32;
#endif
    return levels;
}

static void *room(size_t count, size_t size) {
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return aligned_alloc(ALIGNMENT, bytes ? bytes : ALIGNMENT);
}

void sotto_scratch_free(sotto_scratch *s) {
    if (!s) return;
    free(s->state); free(s->mixed); free(s->own); free(s->absent); free(s->there);
    free(s->seen); free(s->wide); free(s->bytes); free(s->least); free(s->step); free(s);
}

/* Room for sequences of up to `longest` tokens, or NULL. */
sotto_scratch *sotto_scratch_new(const sotto_model *m, int32_t longest) {
    sotto_scratch *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    const size_t tokens = longest > GROUP ? longest : GROUP, hidden = m->hidden, padded = tokens + LANES;
    s->tokens = longest;
    s->state = room(tokens * hidden, 4);
    s->mixed = room(tokens * PADDED(hidden), 4);
    s->each = (hidden / m->heads + QUERIES) * padded;
    s->own = room(CREW * s->each, 4); /* what is not looked at takes no memory */
    s->absent = room(padded, 4);
    s->there = room(padded, 4);
    s->seen = room(tokens * hidden, 4);
    s->wide = room(tokens * PADDED(LARGER(3 * hidden, m->inner)), 4);
    s->bytes = room(tokens * LARGER(hidden, m->inner), 1);
    s->least = room(tokens, 4);
    s->step = room(tokens, 4);
    if (s->state && s->mixed && s->own && s->absent && s->there && s->seen && s->wide && s->bytes &&
        s->least && s->step) return s;
    sotto_scratch_free(s);
    return NULL;
}

static int encode(int32_t level, const sotto_model *m, sotto_scratch *s, const int32_t *ids, const int32_t *starts,
                  int32_t count, float *out) {
    switch (level) {
#ifdef HAVE_VNNI
    case 5: return sotto_encode_vnni(m, s, ids, starts, count, out);
#endif
    case 4: return sotto_encode_int8(m, s, ids, starts, count, out);
#ifdef HAVE_BF16
    case 3: return sotto_encode_bf16(m, s, ids, starts, count, out);
#endif
#ifdef HAVE_AVX512
    case 2: return sotto_encode_avx512(m, s, ids, starts, count, out);
#endif
#ifdef HAVE_AVX2
    case 1: return sotto_encode_avx2(m, s, ids, starts, count, out);
#endif
    default: return sotto_encode_plain(m, s, ids, starts, count, out);
    }
}

/* Encode at a level; a text alone by up to `threads` at once. ENCODED, or what is wrong with the texts, which are then
 * all left alone. */
int32_t sotto_encode(int32_t level, const sotto_model *m, sotto_scratch *s, const int32_t *ids, const int32_t *starts,
                     int32_t count, float *out, int32_t threads) {
    if (level < 0 || level > 5 || !(sotto_levels() & (1 << level))) return BAD_LEVEL;
    s->workers = sotto_crew_begin(count == 1 ? threads : 1);
    const int wrong = encode(level, m, s, ids, starts, count, out);
    sotto_crew_end(s->workers);
    return wrong;
}
