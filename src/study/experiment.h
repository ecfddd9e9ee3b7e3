// experiment.h: what the experiment's stages leave for the results.
#ifndef UNDERSTUDY_SRC_STUDY_EXPERIMENT_H_
#define UNDERSTUDY_SRC_STUDY_EXPERIMENT_H_

#include "understudy/study.h"

// A policy of the table. `of`: bits that do not depend on time; `seconds`: to make it.
typedef struct udy__entry {
    char name[32], label[48];
    udy_evaluation of;
    uint64_t labels;
    double seconds;
} udy__entry;

typedef struct udy__outcome {
    const udy_experiment_config *config;
    const udy_policy *expert;
    int n_entries;
    udy__entry *entries;
    int n_epochs, best_epoch;  // best_epoch: 0-based
    int64_t bc_updates;
    udy_bc_epoch *curve;
    const udy_dagger *dagger;
    int n_threads;
    double seconds_total;
} udy__outcome;

// Write results.json (whatever differs from run to run under "timing") and results.csv.
int udy__results_write(const udy__outcome *outcome, const char *run_path, udy_error *err);

#endif  // UNDERSTUDY_SRC_STUDY_EXPERIMENT_H_
