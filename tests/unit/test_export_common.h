// test_export_common.h: policies of every activation and way of ending, and the library's own actions,
// for the tests of what is exported.
#ifndef UNDERSTUDY_TESTS_UNIT_TEST_EXPORT_COMMON_H_
#define UNDERSTUDY_TESTS_UNIT_TEST_EXPORT_COMMON_H_

#include <math.h>

#include "test_learn_common.h"

//------------------------------------------ Samples -----------------------------------------------

// How the action ends.
typedef enum { PLAIN, SCALED, CLIPPED, CLIPPED_APART, SEEN_CLIPPED, ENDINGS } ending;
static const char *const ending_names[] = {"plain", "scaled", "clipped", "clipped-apart",
                                           "seen-clipped"};
// What observations are clipped to in the last of them: about half of them.
static const double obs_low[] = {-0.5, -0.1, -1, 0.2, -0.7}, obs_high[] = {0.5, 0.3, 1, 0.4, 0};

typedef struct sample {
    udy_mlp *mlp;
    udy_plain_policy plain;
    char name[64];
} sample;

static inline sample make_sample(int n_layers, const int *dims, udy_activation hidden,
                                 udy_activation output, ending end) {
    sample s = {0};
    udy_mlp_config config = {.n_layers = n_layers, .hidden = hidden, .output = output};
    memcpy(config.dims, dims, sizeof(int) * (size_t)(n_layers + 1));
    CHECK(udy_mlp_create(&s.mlp, &config, err));
    udy_rng rng;
    udy_rng_init(&rng, 7);
    udy_mlp_init(s.mlp, &rng);
    udy_plain_policy *p = &s.plain;
    *p = (udy_plain_policy){.n_layers = n_layers, .obs_dim = dims[0], .act_dim = dims[n_layers]};
    for (int l = 0; l < n_layers; l++)
        p->layer[l] = (udy_plain_layer){dims[l], dims[l + 1], udy_mlp_param(s.mlp, 2 * l).data,
                                        udy_mlp_param(s.mlp, 2 * l + 1).data};
    snprintf(p->activation, sizeof p->activation, "%s", udy_activation_name(hidden));
    snprintf(p->output, sizeof p->output, "%s", udy_activation_name(output));
    snprintf(p->task, sizeof p->task, "Ant-v5");
    p->bounded = end != PLAIN || output == UDY_TANH;
    p->clip = end == CLIPPED || end == CLIPPED_APART;
    for (int k = 0; k < p->act_dim; k++) {
        p->low[k] = end == SCALED ? -0.4 : end == CLIPPED_APART ? -0.01 * (k + 1) : -1;
        p->high[k] = end == SCALED ? 2 + k : end == CLIPPED ? 0.05 : 1;
    }
    if (end == SEEN_CLIPPED) {
        assert_int_equal(p->obs_dim, 5);
        p->obs_low = obs_low;
        p->obs_high = obs_high;
    }
    snprintf(s.name, sizeof s.name, "%s-%s-%s-%d", p->activation, p->output, ending_names[end],
             n_layers);
    return s;
}

static inline void free_sample(sample *s) {
    udy_mlp_destroy(s->mlp);
}

static const int small[] = {5, 12, 7, 3}, ant[] = {27, 256, 256, 8}, single[] = {4, 3};

// Every sample in turn; false past the last.
static inline bool sample_at(sample *s, int i) {
    const int n = UDY_ACTIVATION_COUNT;
    if (i < n) {  // each activation inside, for Ant's sizes
        *s = make_sample(3, ant, (udy_activation)i, UDY_TANH, SCALED);
    } else if (i < 2 * n) {  // and at the end
        *s = make_sample(3, small, UDY_RELU, (udy_activation)(i - n), PLAIN);
    } else if (i < 2 * n + ENDINGS) {
        *s = make_sample(3, small, UDY_GELU, UDY_IDENTITY, (ending)(i - 2 * n));
    } else if (i < 2 * n + ENDINGS + 2) {
        *s = make_sample(1, single, UDY_TANH, i % 2 ? UDY_TANH : UDY_GELU, CLIPPED);
    } else {
        return false;
    }
    return true;
}

// What the library does: the network by its own kernels, then the ending as udy_plain_policy has it.
static inline void library_action(const sample *s, const float *obs, float *action) {
    const udy_plain_policy *p = &s->plain;
    float *scratch = udy_alloc(udy_mlp_scratch_size(s->mlp) * sizeof(float)), seen[27];
    for (int i = 0; i < p->obs_dim; i++)
        seen[i] = !p->obs_low ? obs[i]
                              : fminf(fmaxf(obs[i], (float)p->obs_low[i]), (float)p->obs_high[i]);
    udy_mlp_forward_row(s->mlp, seen, action, scratch);
    for (int k = 0; k < p->act_dim; k++) {
        if (!strcmp(p->output, "tanh"))
            action[k] = (float)(0.5 * (p->low[k] + p->high[k]) +
                                0.5 * (p->high[k] - p->low[k]) * (double)action[k]);
        if (p->clip) action[k] = fminf(fmaxf(action[k], (float)p->low[k]), (float)p->high[k]);
    }
    udy_free(scratch);
}

static inline void draw(float *obs, int n, udy_rng *rng) {
    for (int i = 0; i < n; i++) obs[i] = (float)udy_rng_normal(rng);
}

#endif  // UNDERSTUDY_TESTS_UNIT_TEST_EXPORT_COMMON_H_
