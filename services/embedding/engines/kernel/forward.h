/* One pass through a BERT encoder, written once for all processors; ENCODE names the function that it makes.
 *
 * Sequences lie one after the other without padding. What is computed for a token depends on its own sequence alone,
 * and always in the same order: a row is the same bits alone, in any batch, and in any place of it. That needs a
 * compiler that reorders nothing (-ffp-contract=off, no -ffast-math).
 */
#include <stdbool.h>

#define INLINE static inline __attribute__((always_inline))

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

/* out[m] = linear(a[m]) for all m, as floats; or its GELU, as what matrices are applied to */
INLINE void apply(const bool gelu, const A *a, int stride, int count, int inputs, const sotto_linear *l,
                  const void *then, int outputs, sotto_scratch *s, void *out) {
    const size_t size = gelu ? sizeof(A) : sizeof(float);
    const Rows taken = rows_of(a, stride, count, inputs, s);
    for (int n = 0; n < outputs; n += PANEL) {
        const W *w = (const W *)l->weight + (size_t)n * inputs, *next = n + PANEL < outputs ? w + (size_t)PANEL * inputs : then;
        int m = 0;
#define TILE(rows) tile(rows, gelu, &taken, m, inputs, w, next, next ? wanted(m, count) : 0, l, n, (char *)out + ((size_t)m * outputs + n) * size, outputs)
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
}

static __attribute__((noinline)) void linear(const A *a, int stride, int count, int inputs, const sotto_linear *l, const void *then, int outputs, sotto_scratch *s, float *out) {
    apply(false, a, stride, count, inputs, l, then, outputs, s, out);
}
static __attribute__((noinline)) void linear_gelu(const A *a, int stride, int count, int inputs, const sotto_linear *l, const void *then, int outputs, sotto_scratch *s, A *out) {
    apply(true, a, stride, count, inputs, l, then, outputs, s, out);
}

/* state = norm(state + added), and the same as `seen`; rows of `added` are `stride` apart, NULL adds nothing */
static void norm(const sotto_model *m, float *state, const float *added, int stride, int count, const float *gain,
                 const float *shift, A *seen) {
    const int hidden = m->hidden;
    for (int t = 0; t < count; t++, state += hidden, seen += hidden) {
        V sum = v_set(0.0f), square = sum;
        for (int i = 0; i < hidden; i += LANES) {
            V x = v_load(state + i);
            if (added) x = v_add(x, v_load(added + (size_t)t * stride + i));
            v_store(state + i, x);
            sum = v_add(sum, x);
        }
        V mean = v_set(v_sum(sum) / (float)hidden);
        for (int i = 0; i < hidden; i += LANES) {
            V x = v_sub(v_load(state + i), mean);
            square = v_fma(x, x, square);
        }
        V scale = v_set(1.0f / sqrtf(v_sum(square) / (float)hidden + m->epsilon));
        for (int i = 0; i < hidden; i += LANES) {
            V x = v_mul(v_sub(v_load(state + i), mean), scale);
            x = v_fma(x, v_load(gain + i), v_load(shift + i));
            v_store(state + i, x);
            a_put(seen + i, x);
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
static void attend(const sotto_model *m, const float *qkv, int stride, int length, sotto_scratch *s, A *context) {
    const int size = m->hidden / m->heads, padded = (length + LANES - 1) / LANES * LANES;
    const V scale = v_set(1.0f / sqrtf((float)size));
    for (int j = 0; j < padded; j++) { /* what fills up the last lanes is no token */
        s->absent[j] = j < length ? 0.0f : -INFINITY;
        s->there[j] = j < length ? 1.0f : 0.0f;
    }
    for (int h = 0; h < m->heads; h++) {
        const float *distance = m->distance ? m->distance + (size_t)h * (2 * m->positions + 17) + m->positions : NULL;
        const float *query = qkv + h * size, *key = query + m->hidden, *value = key + m->hidden;
        for (int d = 0; d < size; d++) {
            float *row = s->keys + (size_t)d * padded;
            for (int j = 0; j < length; j++) row[j] = key[(size_t)j * stride + d];
            for (int j = length; j < padded; j++) row[j] = 0.0f;
        }
        for (int i = 0; i < length; i++, query += stride) {
            for (int j = 0; j < padded; j += LANES) {
                V even = v_set(0.0f), odd = even;
                for (int d = 0; d < size; d += 2) {
                    even = v_fma(v_set(query[d]), v_load(s->keys + (size_t)d * padded + j), even);
                    odd = v_fma(v_set(query[d + 1]), v_load(s->keys + (size_t)(d + 1) * padded + j), odd);
                }
                V score = v_mul(v_add(even, odd), scale);
                if (distance) score = v_add(score, v_load(distance - i + j));
                v_store(s->scores + j, v_add(score, v_load(s->absent + j)));
            }
            const V whole = v_set(softmax(s->scores, s->there, padded));
            A *out = context + (size_t)i * m->hidden + h * size;
            int d = 0;
            for (; d + 2 * LANES <= size; d += 2 * LANES) {
                V one = v_set(0.0f), two = one;
                for (int j = 0; j < length; j++) {
                    const float *row = value + (size_t)j * stride + d;
                    V share = v_set(s->scores[j]);
                    one = v_fma(share, v_load(row), one);
                    two = v_fma(share, v_load(row + LANES), two);
                }
                a_put(out + d, v_mul(one, whole));
                a_put(out + d + LANES, v_mul(two, whole));
            }
            for (; d < size; d += LANES) {
                V one = v_set(0.0f);
                for (int j = 0; j < length; j++) one = v_fma(v_set(s->scores[j]), v_load(value + (size_t)j * stride + d), one);
                a_put(out + d, v_mul(one, whole));
            }
        }
    }
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
    const int wide = PADDED(3 * hidden), inner = PADDED(m->inner), narrow = PADDED(hidden);
    A *seen = s->seen, *context = s->seen, *between = s->wide; /* each is read whole before the other is written */
    float *qkv = s->wide;
    for (int i = 0; i < count; i++) embed(m, ids + starts[i], starts[i + 1] - starts[i], s->state + (size_t)(starts[i] - base) * hidden);
    norm(m, s->state, NULL, 0, tokens, m->gain, m->shift, seen);
    for (const sotto_layer *l = m->layer; l < m->layer + m->layers; l++) {
        linear(seen, hidden, tokens, hidden, &l->qkv, l->out.weight, wide, s, qkv);
        for (int i = 0; i < count; i++) {
            size_t at = (size_t)(starts[i] - base);
            attend(m, qkv + at * wide, wide, starts[i + 1] - starts[i], s, context + at * hidden);
        }
        linear(context, hidden, tokens, hidden, &l->out, l->up.weight, narrow, s, s->mixed);
        norm(m, s->state, s->mixed, narrow, tokens, l->gain1, l->shift1, seen);
        linear_gelu(seen, hidden, tokens, hidden, &l->up, l->down.weight, inner, s, between);
        linear(between, inner, tokens, m->inner, &l->down, l + 1 < m->layer + m->layers ? l[1].qkv.weight : NULL, narrow, s, s->mixed);
        norm(m, s->state, s->mixed, narrow, tokens, l->gain2, l->shift2, seen);
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
