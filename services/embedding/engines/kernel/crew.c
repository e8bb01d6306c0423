/* See crew.h. */
#define _GNU_SOURCE /* SCHED_BATCH, and which processor a thread may use */
#include "crew.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#define LINGER 5000 /* looks for the next text, about 0.1 ms, before a helper sleeps: to wake it takes as long */
#define PATIENCE 100 /* looks in vain, before the processor is left to others for a moment */

/* What one worker begins with: number of the sharing << 32 | next part << 16 | end. The number keeps a helper that was
 * held up from taking a part of another sharing. */
typedef struct { _Alignas(64) _Atomic uint64_t left; } Own;

static Own own[CREW];
static _Alignas(64) atomic_int undone;
static _Alignas(64) atomic_int encoding; /* calls under way, of whatever kind */
static atomic_bool taken;                /* one of them has the helpers */
static atomic_int workers_now;           /* of the text under way; 0 between texts */
static sotto_part *part_now;             /* set before parts can be taken, and left alone until all are done */
static const void *work_now;
static uint64_t sharing;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t called = PTHREAD_COND_INITIALIZER;
static unsigned calls;     /* texts begun; under the gate */
static atomic_int helpers; /* threads that exist beside the callers */
static pthread_t helper[CREW];
static int kept_from = -1; /* the processor that they are not woken on */

/* After the n-th look in vain */
static inline void wait_a_moment(int looks) {
    if (looks % PATIENCE == 0) sched_yield(); /* whoever is waited for may want this very processor */
#if defined(__x86_64__) || defined(__i386__)
    else __builtin_ia32_pause();
#elif defined(__aarch64__)
    else __asm__ volatile("yield");
#endif
}

static bool take(Own *from, int *n) {
    uint64_t left = atomic_load_explicit(&from->left, memory_order_acquire);
    while ((left >> 16 & 0xffff) < (left & 0xffff))
        if (atomic_compare_exchange_weak_explicit(&from->left, &left, left + 0x10000, memory_order_acq_rel, memory_order_acquire)) {
            *n = (int)(left >> 16 & 0xffff);
            return true;
        }
    return false;
}

/* Whatever there is to do now, one's own first; whether there was something. */
static bool work(int worker, int workers) {
    bool some = false;
    for (int k = 0, n; k < workers; k++)
        for (; take(&own[(worker + k) % workers], &n); some = true) {
            part_now(work_now, worker, n);
            atomic_fetch_sub_explicit(&undone, 1, memory_order_release);
        }
    return some;
}

static void *help(void *number) {
    const int worker = (int)(intptr_t)number;
#ifdef SCHED_BATCH
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &(struct sched_param){0}); /* woken, it takes nobody's processor */
#endif
    for (unsigned seen = 0;;) {
        pthread_mutex_lock(&gate);
        while (calls == seen) pthread_cond_wait(&called, &gate);
        seen = calls;
        pthread_mutex_unlock(&gate);
        for (int looks = 1; atomic_load(&encoding) < 2; looks++) {
            const int workers = atomic_load_explicit(&workers_now, memory_order_acquire);
            if (worker >= workers && looks > LINGER) break;
            if (worker < workers && work(worker, workers)) looks = 0;
            else wait_a_moment(looks);
        }
    }
    return NULL;
}

/* Helpers are woken on other processors than the caller's own, where they would only take its time. */
static void send_elsewhere(int workers) {
#ifdef __linux__
    const int here = sched_getcpu();
    cpu_set_t able;
    if (here == kept_from || here < 0 || sched_getaffinity(0, sizeof able, &able)) return;
    CPU_CLR(here, &able);
    for (int k = 1; k < workers && CPU_COUNT(&able); k++) pthread_setaffinity_np(helper[k], sizeof able, &able);
    kept_from = here;
#else
    (void)workers;
#endif
}

/* In a child nothing of this is alive: not the helpers, nor the calls that were under way, nor who held the gate. */
static void forked(void) {
    gate = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    called = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    for (int k = 0; k < CREW; k++) atomic_store(&own[k].left, 0);
    atomic_store(&undone, 0);
    atomic_store(&workers_now, 0);
    atomic_store(&encoding, 0);
    atomic_store(&taken, false);
    atomic_store(&helpers, 0);
}

int32_t sotto_crew(int32_t threads) {
    static bool watched;
    sigset_t all, before;
    pthread_mutex_lock(&gate);
    if (!watched) watched = pthread_atfork(NULL, NULL, forked) == 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the threads of whoever loaded this */
    for (int n = atomic_load(&helpers) + 1; watched && n < threads && n < CREW; n++) {
        if (pthread_create(&helper[n], NULL, help, (void *)(intptr_t)n)) break;
        pthread_detach(helper[n]);
        kept_from = -1;
        atomic_store(&helpers, n);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_unlock(&gate);
    return atomic_load(&helpers) + 1;
}

int sotto_crew_begin(int threads) {
    const bool others = atomic_fetch_add(&encoding, 1) > 0;
    const int able = atomic_load(&helpers) + 1, workers = threads < able ? threads : able;
    if (others || workers < 2 || atomic_exchange(&taken, true)) return 1;
    send_elsewhere(workers);
    atomic_store_explicit(&workers_now, workers, memory_order_release);
    pthread_mutex_lock(&gate);
    calls++;
    pthread_cond_broadcast(&called);
    pthread_mutex_unlock(&gate);
    return workers;
}

void sotto_crew_end(int workers) {
    if (workers > 1) {
        atomic_store_explicit(&workers_now, 0, memory_order_release);
        atomic_store(&taken, false);
    }
    atomic_fetch_sub(&encoding, 1);
}

void sotto_crew_share(int workers, sotto_part *part, const void *what, int parts) {
    if (workers == 1 || parts == 1 || parts > 0xffff) {
        for (int n = 0; n < parts; n++) part(what, 0, n);
        return;
    }
    part_now = part;
    work_now = what;
    sharing++;
    atomic_store_explicit(&undone, parts, memory_order_relaxed);
    for (int k = 0; k < workers; k++) {
        const uint64_t first = (uint64_t)sotto_crew_first(parts, k, workers), end = (uint64_t)sotto_crew_first(parts, k + 1, workers);
        atomic_store_explicit(&own[k].left, sharing << 32 | first << 16 | end, memory_order_release);
    }
    work(0, workers);
    for (int looks = 1; atomic_load_explicit(&undone, memory_order_acquire); looks++) wait_a_moment(looks);
}
