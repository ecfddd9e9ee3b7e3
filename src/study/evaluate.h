// evaluate.h: what the files of `study` share about evaluations.
#ifndef UNDERSTUDY_SRC_STUDY_EVALUATE_H_
#define UNDERSTUDY_SRC_STUDY_EVALUATE_H_

#include "understudy/study.h"

// Statistics of episodes that were rolled out already; seed: the bootstrap's. No timing.
int udy__evaluation_of(udy_evaluation *e, const udy_episode *episodes, int n, uint64_t seed,
                       udy_error *err);

#endif  // UNDERSTUDY_SRC_STUDY_EVALUATE_H_
