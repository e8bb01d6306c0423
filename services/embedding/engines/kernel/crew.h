/* Threads that help whoever encodes one text alone: a text's work is cut into parts, and whoever is free takes the next.
 *
 * Which thread does a part changes nothing in what comes out. Nobody waits for a helper that has not begun: where none
 * comes in time, the caller does all parts itself.
 */
#ifndef SOTTO_CREW_H
#define SOTTO_CREW_H

#include <stdbool.h>
#include <stdint.h>

#define CREW 4 /* threads at most, the caller among them */

typedef void sotto_part(const void *work, int worker, int n);

/* See to it that up to `threads` can work on one text; returns how many can. */
int32_t sotto_crew(int32_t threads);

/* Every call of the encoder begins and ends with these. The first returns how many threads may work on it, at most
 * `threads`: only the caller's own when others are encoded meanwhile. What it returned is told to the other two. */
int sotto_crew_begin(int threads);
void sotto_crew_end(int workers);

/* Do parts 0 to `parts`-1; all are done when it returns. `worker`, below `workers`, says who does one. */
void sotto_crew_share(int workers, sotto_part *part, const void *work, int parts);

/* The first part of those that are `worker`'s own before it takes what others left. */
static inline int sotto_crew_first(int parts, int worker, int workers) { return parts * worker / workers; }

#endif
