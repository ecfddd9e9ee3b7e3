// config.h: ranges of settings structs, checked where they are used and not only where they are
// read: a caller of the library fills them by hand.
#ifndef UNDERSTUDY_SRC_LEARN_CONFIG_H_
#define UNDERSTUDY_SRC_LEARN_CONFIG_H_

#include "understudy/sim.h"

// Is every number of config in its field's range? prefix: of the keys in the message, "bc.".
// Returns 0, or UDY_EINVAL with key, value and range.
int udy__config_check(const void *config, const udy_field *table, const char *prefix,
                      udy_error *err) UDY_MUST_CHECK;

// The task's options as text, to tell one task from another; free with udy_free.
char *udy__config_print_task(const udy_task *task);

#endif  // UNDERSTUDY_SRC_LEARN_CONFIG_H_
