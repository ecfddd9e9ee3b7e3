// replay_internal.h: the replay as its two files share it: replay.c holds the ring in memory,
// replay_files.c writes it to segments and reads it back.
#ifndef UDY_LEARN_REPLAY_INTERNAL_H_
#define UDY_LEARN_REPLAY_INTERNAL_H_

#include "learn/replay.h"

// The word of flags at a row's end. The bits above are the row's seal, a checksum that
// replay_files.c puts there when it writes the row, so that the disk gets the ring's bytes as they
// lie and each row can be checked alone, wherever appends stopped.
#define UDY__REPLAY_TERMINATED 1u
#define UDY__REPLAY_TRUNCATED 2u
#define UDY__REPLAY_FLAGS (UDY__REPLAY_TERMINATED | UDY__REPLAY_TRUNCATED)

// Row i of those ever appended lies at position i % capacity:
//   obs [O], action [A], next_obs [O], reward, flags, zeros up to a whole number of cache lines
// Ant's (27-D) is 64 floats with nothing to spare.
struct udy__replay {
    int obs_dim, act_dim, n_envs, capacity;
    size_t row_floats;
    size_t next_at, reward_at, flags_at;  // floats before them in a row
    float *rows;                          // [capacity, row_floats]
    uint32_t head;                        // position that the next row gets
    int64_t count;                        // rows ever appended
    int64_t segment_rows;                 // rows of a full segment; tests make it small
    int64_t saved;           // rows below this one are safe in dir, if the ring held them
    char dir[UDY_PATH_MAX];  // the folder last saved to or loaded from; "": none
};

static inline float *udy__replay_row(const udy__replay *replay, uint32_t position) {
    return replay->rows + position * replay->row_floats;
}

#endif  // UDY_LEARN_REPLAY_INTERNAL_H_
