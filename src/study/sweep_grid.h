// sweep_grid.h: the grid of a sweep: its jobs, a thread each.
#ifndef UNDERSTUDY_SRC_STUDY_SWEEP_GRID_H_
#define UNDERSTUDY_SRC_STUDY_SWEEP_GRID_H_

#include "sweep.h"

// Lay out x->jobs (by expert, method, demonstrations and seed), do those that have no record yet,
// and read all of them: *cells [n_jobs * UDY_SWEEP_TRAININGS], in the order of jobs, the caller's
// to free, also after a failure (then perhaps NULL).
int udy__sweep_grid(udy__sweep *x, udy_run *run, udy__sweep_cell **cells, udy_error *err)
    UDY_MUST_CHECK;

#endif  // UNDERSTUDY_SRC_STUDY_SWEEP_GRID_H_
