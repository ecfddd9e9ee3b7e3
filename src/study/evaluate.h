// evaluate.h: what the files of `study` share about evaluations and results.
#ifndef UNDERSTUDY_SRC_STUDY_EVALUATE_H_
#define UNDERSTUDY_SRC_STUDY_EVALUATE_H_

#include "understudy/study.h"

// Statistics of episodes that were rolled out already; seed: the bootstrap's. No timing.
int udy__evaluation_of(udy_evaluation *e, const udy_episode *episodes, int n, uint64_t seed,
                       udy_error *err);

// What the numbers were made with: understudy, mujoco, onednn, vector_instructions.
udy_json *udy__versions_json(void);

#endif  // UNDERSTUDY_SRC_STUDY_EVALUATE_H_
