// understudy.h: the whole library.
#ifndef UNDERSTUDY_UNDERSTUDY_H_
#define UNDERSTUDY_UNDERSTUDY_H_

#include "understudy/base.h"
#include "understudy/io.h"
#include "understudy/learn.h"
#include "understudy/nn.h"
#include "understudy/show.h"
#include "understudy/sim.h"
#include "understudy/study.h"

#endif  // UNDERSTUDY_UNDERSTUDY_H_
