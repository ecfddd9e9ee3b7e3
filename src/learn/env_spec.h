// env_spec.h: a task as Gymnasium's registry writes it down, for datasets that go to its users.
#ifndef UNDERSTUDY_SRC_LEARN_ENV_SPEC_H_
#define UNDERSTUDY_SRC_LEARN_ENV_SPEC_H_

#include "understudy/learn.h"

// gymnasium.envs.registration.EnvSpec.to_json() of the task: gymnasium.make gives it back. Options
// that differ from Gymnasium's defaults are its kwargs. Free with udy_free; NULL: out of memory
char *udy__env_spec(const udy_task *task);

#endif  // UNDERSTUDY_SRC_LEARN_ENV_SPEC_H_
