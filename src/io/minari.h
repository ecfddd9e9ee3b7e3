// minari.h: what reading and writing Minari's datasets share: its names of things, and the
// writer's interface. Reading is behind recording.h.
#ifndef UNDERSTUDY_IO_MINARI_H_
#define UNDERSTUDY_IO_MINARI_H_

#include "understudy/io.h"

// Is it "(namespace/)name-vN", of letters, digits, '-', '_'? The error says so.
int udy__minari_check_id(const char *id, udy_error *err) UDY_MUST_CHECK;

typedef struct udy__minari_facts {
    const char *id;        // "ant/understudy-v0"
    const char *env_spec;  // Gymnasium's EnvSpec as JSON
    const char *description, *made_by;
    const char *last_observation;  // where the last observations come from
    int obs_dim, act_dim;
    const double *act_low, *act_high;
} udy__minari_facts;

typedef struct udy__minari_episode {
    uint64_t n;           // steps
    const float *obs;     // [n + 1, O]: the last one is after the last step
    const float *action;  // [n, A] executed
    const float *label;   // [n, A] the expert's, as infos/expert_action; NULL: none
    const float *reward;  // [n]
    bool terminated, truncated;
    bool has_seed, last_is_true;  // is the last observation what the task gave?
    uint64_t seed;
} udy__minari_episode;

// A dataset <root>/<id>/data, as Minari 0.5 has it. metadata.json is written last: without it Minari
// finds nothing there. force: in the place of one that is there.
typedef struct udy__minari_writer udy__minari_writer;
int udy__minari_create(udy__minari_writer **out, const char *root, const udy__minari_facts *facts,
                       bool force, udy_error *err) UDY_MUST_CHECK;
int udy__minari_append(udy__minari_writer *w, const udy__minari_episode *episode, udy_error *err)
    UDY_MUST_CHECK;
int udy__minari_finish(udy__minari_writer *w, udy_error *err) UDY_MUST_CHECK;  // frees it
void udy__minari_discard(udy__minari_writer *w);                               // NULL is legal

#endif  // UNDERSTUDY_IO_MINARI_H_
