/* One pass through a BERT encoder, written once for all processors; ENCODE names the function that it makes.
 *
 * Sequences lie one after the other without padding. What is computed for a token depends on its own sequence alone,
 * and always in the same order: a row is the same bits alone, in any batch, and in any place of it. That needs a
 * compiler that reorders nothing (-ffp-contract=off, no -ffast-math).
 */
#include "crew.h"

#define INLINE static inline __attribute__((always_inline))

#ifndef TURNS
/* sixteen rows become columns; of the rows only `there` are read, the others are zero */
INLINE void v_turn(const float *from, int stride, int there, float *to) {
    for (int d = 0; d < LANES; d++, from++, to += LANES)
        for (int j = 0; j < LANES; j++) to[j] = j < there ? from[(size_t)j * stride] : 0.0f;
}
#endif

/* e^x within 2 units in the last place (Cephes expf), for x up to 88 */
INLINE V v_exp(V x) {
    x = v_max(v_min(x, v_set(88.0f)), v_set(-87.0f));
    V n = v_round(v_mul(x, v_set(1.44269504f)));
    V r = v_fma(n, v_set(-0.693359375f), x);
    r = v_fma(n, v_set(2.12194440e-4f), r);
    V y = v_set(1.9875691500e-4f);
    y = v_fma(y, r, v_set(1.3981999507e-3f));
    y = v_fma(y, r, v_set(8.3334519073e-3f));
    y = v_fma(y, r, v_set(4.1665795894e-2f));
    y = v_fma(y, r, v_set(1.6666665459e-1f));
    y = v_fma(y, r, v_set(5.0000001201e-1f));
    y = v_fma(y, v_mul(r, r), v_add(r, v_set(1.0f)));
    return v_scale(y, n);
}

/* x times the normal distribution up to x, within 2.2e-6 up to |x| = 5 and 1e-6 |x| beyond: its odd part is x P(x^2), P
 * the least maximal error on [0, 25], in powers of 2 x^2/25 - 1 so that nothing cancels; beyond 5 it stays what it is */
INLINE V v_gelu(V x) {
    V z = v_max(v_min(x, v_set(5.0f)), v_set(-5.0f));
    V u = v_fma(v_mul(z, z), v_set(0.08f), v_set(-1.0f));
    V y = v_set(-0.001096376f);
    y = v_fma(y, u, v_set(0.00319447345f));
    y = v_fma(y, u, v_set(-0.0038868275f));
    y = v_fma(y, u, v_set(0.00511323567f));
    y = v_fma(y, u, v_set(-0.0101654883f));
    y = v_fma(y, u, v_set(0.0169101582f));
    y = v_fma(y, u, v_set(-0.0236249417f));
    y = v_fma(y, u, v_set(0.0313567184f));
    y = v_fma(y, u, v_set(-0.0403919853f));
    y = v_fma(y, u, v_set(0.0515253991f));
    y = v_fma(y, u, v_set(-0.0702982321f));
    y = v_fma(y, u, v_set(0.141363755f));
    return v_mul(x, v_fma(z, y, v_set(0.5f)));
}

#define SLICE 16 /* rows that are one part of what is done row by row */
#define SLICES(count) (((count) + SLICE - 1) / SLICE)
INLINE int slice_end(int slice, int count) { return (slice + 1) * SLICE < count ? (slice + 1) * SLICE : count; }

#ifdef INT8
#include "matrix_int8.h"
#else
#include "matrix.h"
#endif

/* Which of the three lines of each step in the next panel the tile of row m brings closer: they are spread over the
 * tiles, for a few rows are multiplied in less time than all of the weights take to come. */
INLINE int wanted(int m, int count) {
    if (count <= ROWS) return 7;
    if (count <= 2 * ROWS) return m ? 4 : 3;
    return m < 3 * ROWS ? 1 << m / ROWS : 0;
}

/* A matrix of the model: `panels` times PANEL outputs. */
typedef struct { const sotto_linear *l; int inputs, panels; } Matrix;

INLINE const W *panel_of(const Matrix *m, int n) { return (const W *)m->l->weight + (size_t)n * PANEL * m->inputs; }

/* out[m] = linear(a[m]) for all m of `count`; what comes after it is `then`, or nothing. */
typedef struct { Rows taken; int count, workers; Matrix linear, then; void *out; } Product;

/* The n-th panel of outputs for all rows, as floats; or their GELU, as what matrices are applied to */
INLINE void panel(const bool gelu, const Product *p, int worker, int n) {
    const int inputs = p->linear.inputs, panels = p->linear.panels, count = p->count;
    const W *w = panel_of(&p->linear, n), *next = NULL;
    if (n + 1 != sotto_crew_first(panels, worker + 1, p->workers)) next = n + 1 < panels ? w + (size_t)PANEL * inputs : NULL;
    else if (p->then.l) next = panel_of(&p->then, sotto_crew_first(p->then.panels, worker, p->workers));
    const size_t row = (size_t)panels * PANEL * (gelu ? sizeof(A) : sizeof(float));
    char *out = (char *)p->out + (size_t)n * PANEL * (gelu ? sizeof(A) : sizeof(float));
    int m = 0;
#define TILE(rows) tile(rows, gelu, &p->taken, m, inputs, w, next, next ? wanted(m, count) : 0, p->linear.l, n * PANEL, out + m * row, panels * PANEL)
    for (; m + ROWS <= count; m += ROWS) TILE(ROWS);
    switch (count - m) {
    case 1: TILE(1); break;
#if ROWS > 2
    case 2: TILE(2); break;
    case 3: TILE(3); break;
#endif
#if ROWS > 4
    case 4: TILE(4); break;
    case 5: TILE(5); break;
    case 6: TILE(6); break;
    case 7: TILE(7); break;
#endif
    }
#undef TILE
}

static void floats_of(const void *product, int worker, int n) { panel(false, product, worker, n); }
static void gelus_of(const void *product, int worker, int n) { panel(true, product, worker, n); }

/* out = linear(a), or its GELU, for `count` rows of `a` that are `stride` apart */
static void multiply(sotto_part *part, const A *a, int stride, int count, Matrix linear, Matrix then, sotto_scratch *s, void *out) {
    const Product product = {rows_of(a, stride, count, linear.inputs, s), count, s->workers, linear, then, out};
    sotto_crew_share(s->workers, part, &product, linear.panels);
}

/* state = norm(state + added), and the same as `seen`; rows of `added` are `stride` apart, NULL adds nothing */
typedef struct { const sotto_model *m; float *state; const float *added, *gain, *shift; int stride, count; A *seen; } Norm;

static void norm_of(const void *work, int worker, int slice) {
    (void)worker;
    const Norm *w = work;
    const int hidden = w->m->hidden, until = slice_end(slice, w->count);
    for (int t = slice * SLICE; t < until; t++) {
        float *state = w->state + (size_t)t * hidden;
        V sum = v_set(0.0f), square = sum;
        for (int i = 0; i < hidden; i += LANES) {
            V x = v_load(state + i);
            if (w->added) x = v_add(x, v_load(w->added + (size_t)t * w->stride + i));
            v_store(state + i, x);
            sum = v_add(sum, x);
        }
        V mean = v_set(v_sum(sum) / (float)hidden);
        for (int i = 0; i < hidden; i += LANES) {
            V x = v_sub(v_load(state + i), mean);
            square = v_fma(x, x, square);
        }
        V scale = v_set(1.0f / sqrtf(v_sum(square) / (float)hidden + w->m->epsilon));
        for (int i = 0; i < hidden; i += LANES) {
            V x = v_mul(v_sub(v_load(state + i), mean), scale);
            x = v_fma(x, v_load(w->gain + i), v_load(w->shift + i));
            v_store(state + i, x);
            a_put(w->seen + (size_t)t * hidden + i, x);
        }
    }
}

/* e^(scores - their maximum) in place, zero where `there` is; returns one over the sum */
INLINE float softmax(float *scores, const float *there, int padded) {
    V top = v_set(-INFINITY), sum = v_set(0.0f);
    for (int j = 0; j < padded; j += LANES) top = v_max(top, v_load(scores + j));
    top = v_set(v_top(top));
    for (int j = 0; j < padded; j += LANES) {
        V x = v_mul(v_exp(v_sub(v_load(scores + j), top)), v_load(there + j));
        v_store(scores + j, x);
        sum = v_add(sum, x);
    }
    return 1.0f / v_sum(sum);
}

/* One sequence attends to itself: `qkv` has `stride` floats a token, `context` gets `hidden`. */
typedef struct { const sotto_model *m; const float *qkv; int stride, length, padded; sotto_scratch *s; A *context; } Attention;

/* One head of it: its queries, and memory to compute in. */
typedef struct {
    const float *query, *distance, *absent, *there;
    float *keys, *scores; /* keys: [padded/16][size][16]; scores: [QUERIES][padded] */
    A *context;
    int stride, size, hidden, length, padded;
} Head;

/* `wide` registers of the values that `rows` tokens see, by their scores */
INLINE void blend(const int rows, const int wide, const Head *h, int i, int d, const float *whole) {
    const float *value = h->query + 2 * h->hidden + d;
    V sum[QUERIES][2];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = v_set(0.0f);
    for (int j = 0; j < h->length; j++, value += h->stride)
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            const V share = v_set(h->scores[(size_t)r * h->padded + j]);
#pragma GCC unroll 2
            for (int k = 0; k < wide; k++) sum[r][k] = v_fma(share, v_load(value + k * LANES), sum[r][k]);
        }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
        for (int k = 0; k < wide; k++) a_put(h->context + (size_t)(i + r) * h->hidden + d + k * LANES, v_mul(sum[r][k], v_set(whole[r])));
}

/* What `rows` tokens from the i-th on see; each adds in the same order, whatever `rows` is. */
INLINE void look(const int rows, const Head *h, int i) {
    const float *query = h->query + (size_t)i * h->stride;
    const V scale = v_set(1.0f / sqrtf((float)h->size));
    float whole[QUERIES];
    for (int j = 0; j < h->padded; j += LANES) {
        const float *key = h->keys + (size_t)j * h->size;
        V even[QUERIES], odd[QUERIES];
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) even[r] = odd[r] = v_set(0.0f);
        for (int d = 0; d < h->size; d += 2) {
            const V one = v_load(key + d * LANES), two = v_load(key + (d + 1) * LANES);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                even[r] = v_fma(v_set(query[(size_t)r * h->stride + d]), one, even[r]);
                odd[r] = v_fma(v_set(query[(size_t)r * h->stride + d + 1]), two, odd[r]);
            }
        }
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            V score = v_mul(v_add(even[r], odd[r]), scale);
            if (h->distance) score = v_add(score, v_load(h->distance - (i + r) + j));
            v_store(h->scores + (size_t)r * h->padded + j, v_add(score, v_load(h->absent + j)));
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) whole[r] = softmax(h->scores + (size_t)r * h->padded, h->there, h->padded);
    int d = 0;
    for (; d + 2 * LANES <= h->size; d += 2 * LANES) blend(rows, 2, h, i, d, whole);
    if (d < h->size) blend(rows, 1, h, i, d, whole);
}

static void head_of(const void *work, int worker, int n) {
    const Attention *a = work;
    const sotto_model *m = a->m;
    const int size = m->hidden / m->heads;
    float *own = a->s->own + (size_t)worker * a->s->each;
    const float *distance = m->distance ? m->distance + (size_t)n * (2 * m->positions + 17) + m->positions : NULL;
    const Head h = {a->qkv + n * size, distance, a->s->absent, a->s->there, own + QUERIES * a->padded, own,
                    a->context + n * size, a->stride, size, m->hidden, a->length, a->padded};
    for (int j = 0; j < a->padded; j += LANES)
        for (int d = 0; d < size; d += LANES)
            v_turn(h.query + m->hidden + (size_t)j * a->stride + d, a->stride, a->length - j, h.keys + (size_t)j * size + d * LANES);
    int i = 0;
    for (; i + QUERIES <= a->length; i += QUERIES) look(QUERIES, &h, i);
    for (; i < a->length; i++) look(1, &h, i);
}

static void attend(const sotto_model *m, const float *qkv, int stride, int length, sotto_scratch *s, A *context) {
    const Attention attention = {m, qkv, stride, length, (length + LANES - 1) / LANES * LANES, s, context};
    for (int j = 0; j < attention.padded; j++) { /* what fills up the last lanes is no token */
        s->absent[j] = j < length ? 0.0f : -INFINITY;
        s->there[j] = j < length ? 1.0f : 0.0f;
    }
    sotto_crew_share(s->workers, head_of, &attention, m->heads);
}

static void embed(const sotto_model *m, const int32_t *ids, int length, float *state) {
    for (int t = 0; t < length; t++, state += m->hidden) {
        const bool second = ids[t] >= m->words;
        const size_t word = (size_t)(ids[t] - (second ? m->words : 0));
        const float *position = m->position + (size_t)t * m->hidden;
        for (int i = 0; i < m->hidden; i += LANES) {
            V x = v_add(word_of(m, word, i), v_load(position + i));
            v_store(state + i, second ? v_add(x, v_load(m->second + i)) : x);
        }
    }
}

/* One vector of length 1 for a sequence. */
static void pool(const sotto_model *m, const float *state, int length, float *out) {
    const int first = m->pooling == POOL_LAST ? length - 1 : 0, until = m->pooling == POOL_CLS ? 1 : length;
    if (m->pooling == POOL_FIRST) {
        memcpy(out, state, (size_t)m->hidden * sizeof(float));
        return;
    }
    V square = v_set(0.0f);
    for (int i = 0; i < m->hidden; i += LANES) {
        V sum = v_set(0.0f);
        for (int t = first; t < until; t++) sum = v_add(sum, v_load(state + (size_t)t * m->hidden + i));
        v_store(out + i, sum);
        square = v_fma(sum, sum, square);
    }
    V scale = v_set(1.0f / sqrtf(v_sum(square) + 1e-24f));
    for (int i = 0; i < m->hidden; i += LANES) v_store(out + i, v_mul(v_load(out + i), scale));
}

static void forward(const sotto_model *m, sotto_scratch *s, const int32_t *ids, const int32_t *starts, int count, float *out) {
    const int base = starts[0], tokens = starts[count] - base, hidden = m->hidden;
    const int wide = PANELS(3 * hidden), inner = PANELS(m->inner), narrow = PANELS(hidden);
    A *seen = s->seen, *context = s->seen, *between = s->wide; /* each is read whole before the other is written */
    float *qkv = s->wide;
    Norm norm = {m, s->state, NULL, m->gain, m->shift, narrow * PANEL, tokens, seen};
    for (int i = 0; i < count; i++) embed(m, ids + starts[i], starts[i + 1] - starts[i], s->state + (size_t)(starts[i] - base) * hidden);
    sotto_crew_share(s->workers, norm_of, &norm, SLICES(tokens));
    norm.added = s->mixed;
    for (const sotto_layer *l = m->layer, *end = l + m->layers; l < end; l++) {
        const Matrix first = {&l->qkv, hidden, wide}, mix = {&l->out, hidden, narrow}, up = {&l->up, hidden, inner}, down = {&l->down, m->inner, narrow};
        const Matrix after = {l + 1 < end ? &l[1].qkv : NULL, hidden, wide};
        multiply(floats_of, seen, hidden, tokens, first, mix, s, qkv);
        for (int i = 0; i < count; i++) {
            size_t at = (size_t)(starts[i] - base);
            attend(m, qkv + at * wide * PANEL, wide * PANEL, starts[i + 1] - starts[i], s, context + at * hidden);
        }
        multiply(floats_of, context, hidden, tokens, mix, up, s, s->mixed);
        norm.gain = l->gain1, norm.shift = l->shift1;
        sotto_crew_share(s->workers, norm_of, &norm, SLICES(tokens));
        multiply(gelus_of, seen, hidden, tokens, up, down, s, between);
        multiply(floats_of, between, inner * PANEL, tokens, down, after, s, s->mixed);
        norm.gain = l->gain2, norm.shift = l->shift2;
        sotto_crew_share(s->workers, norm_of, &norm, SLICES(tokens));
    }
    for (int i = 0; i < count; i++) pool(m, s->state + (size_t)(starts[i] - base) * hidden, starts[i + 1] - starts[i], out + (size_t)i * hidden);
}

int ENCODE(const sotto_model *m, sotto_scratch *s, const int32_t *ids, const int32_t *starts, int32_t count, float *out) {
    for (int i = 0; i < count; i++) {
        int length = starts[i + 1] - starts[i];
        if (length < 1 || length > m->positions || length > s->tokens) return BAD_LENGTH;
        for (int t = starts[i]; t < starts[i + 1]; t++)
            if (ids[t] < 0 || ids[t] >= (m->second ? 2 : 1) * (int64_t)m->words) return BAD_ID;
    }
    for (int first = 0, until; first < count; first = until) { /* a sequence alone may be longer than a group */
        for (until = first + 1; until < count && starts[until + 1] - starts[first] <= GROUP; until++) {}
        forward(m, s, ids, starts + first, until - first, out + (size_t)first * m->hidden);
    }
    return ENCODED;
}
