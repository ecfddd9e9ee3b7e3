// tensorboard_write.h: what tensorboard.c, which frames and writes events, lends to
// tensorboard_values.c, which fills them, and to logger.c.
#ifndef UNDERSTUDY_IO_TENSORBOARD_WRITE_H_
#define UNDERSTUDY_IO_TENSORBOARD_WRITE_H_

#include "tb_event.pb-c.h"
#include "understudy/io.h"

// UDY_EINVAL where no file is open or the tag is none. what: "a scalar", for the message.
int udy__tb_check_tag(const udy_tb *tb, const char *what, const char *tag, udy_error *err)
    UDY_MUST_CHECK;
// One value, in an event of its own.
int udy__tb_write_value(udy_tb *tb, Udy__Tb__Summary__Value *value, int64_t step, udy_error *err)
    UDY_MUST_CHECK;
const char *udy__tb_path(const udy_tb *tb);
// Remove the event files of ours in its folder that come before it: it says all anew.
int udy__tb_remove_older(const udy_tb *tb, udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_IO_TENSORBOARD_WRITE_H_
