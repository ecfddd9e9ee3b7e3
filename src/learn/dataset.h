// dataset.h: what the files of `learn` share about datasets: columns of an episode in the map.
#ifndef UNDERSTUDY_SRC_LEARN_DATASET_H_
#define UNDERSTUDY_SRC_LEARN_DATASET_H_

#include "understudy/learn.h"

// Episode i as udy_dataset_append takes it: arrays point into the map and are not the caller's to
// free; action is what was executed. labels (out): its rows of labels.
udy_episode udy__dataset_view(const udy_dataset *dataset, int i, const float **labels);

// Does the dataset hold this task in this observation form? UDY_EMISMATCH names both.
int udy__dataset_fits(const udy_dataset *dataset, const udy_task *task, udy_error *err)
    UDY_MUST_CHECK;

// What the episodes are of, as a text: noted at the first call, while the dataset is empty; later
// ones must agree, so that a collection that goes on is of one policy, seed and task.
int udy__dataset_source(udy_dataset *dataset, const char *source, udy_error *err) UDY_MUST_CHECK;

// What udy__dataset_source noted, and who made it; "" where nothing was said.
const char *udy__dataset_source_of(const udy_dataset *dataset);
const char *udy__dataset_made_by(const udy_dataset *dataset);

// The seed that episode 0 was reset with; episode i's is i more. false where it was not noted.
bool udy__dataset_seed(const udy_dataset *dataset, uint64_t *seed);
// Play episodes first..first+n again, with a batch of the dataset's task.
//   last   [n, O] out: the observation after the last step
//   found  [n] out: did all that was recorded come out alike? Else last says nothing
int udy__dataset_again(const udy_dataset *dataset, udy_batch *batch, int first, int n, float *last,
                       bool *found, udy_error *err) UDY_MUST_CHECK;

// Fills minibatches for udy_regression from a dataset; ctx is the dataset.
void udy__dataset_fill(void *ctx, const uint32_t *index, int n, float *x, float *y);

#endif  // UNDERSTUDY_SRC_LEARN_DATASET_H_
