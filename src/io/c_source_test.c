// The self-test of exported C: observations, and the actions that they ought to give, computed in
// float64 from the weights as they were written. It tells a compiler, a mathematics library or a
// cable that damaged something from one that did not.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/c_source.h"

// How far from 0 the observations lie: from layers at rest to saturated ones.
static const double spread[] = {0, 0.1, 0.3, 1, 1, 1, 3, 10};
enum { PAIRS = sizeof spread / sizeof spread[0] };

static const char test_code[] =
    "\n"
    "int $n_self_test(float *worst) {\n"
    "    float action[$N_ACT_DIM];\n"
    "    int k, i, failed = 0;\n"
    "    *worst = 0.0f;\n"
    "    for (k = 0; k < $N_TEST_PAIRS; k++) {\n"
    "        $n_act($n_test_obs + k * $N_OBS_DIM, action);\n"
    "        for (i = 0; i < $N_ACT_DIM; i++) {\n"
    "            float off = action[i] - $n_test_action[k * $N_ACT_DIM + i];\n"
    "            if (off < 0.0f) off = -off;\n"
    "            if (!(off <= $N_TOLERANCE)) failed = 1; /* NaN too */\n"
    "            if (off > *worst) *worst = off;\n"
    "        }\n"
    "    }\n"
    "    return failed;\n"
    "}\n"
    "\n"
    "#ifndef $N_NO_MAIN\n"
    "#include <stdio.h>\n"
    "\n"
    "int main(void) {\n"
    "    float worst;\n"
    "    int failed = $n_self_test(&worst);\n"
    "    printf(\"$n: %s: actions differ by %g, at most %g is expected\\n\",\n"
    "           failed ? \"FAILED\" : \"passed\", (double)worst, (double)$N_TOLERANCE);\n"
    "    return failed;\n"
    "}\n"
    "#endif\n"
    "#endif\n";

// The same in float32, sums in one chain: what rounding by itself may do.
static void act_in_float(const udy_plain_policy *policy, const float *obs, float *action,
                         float *scratch) {
    float *x = scratch, *y = scratch + udy__plain_widest(policy);
    udy__plain_see(policy, obs, x);
    for (int l = 0; l < policy->n_layers; l++) {
        const udy_plain_layer *layer = &policy->layer[l];
        const bool last = l == policy->n_layers - 1;
        const udy__activation *f = udy__activation_of(last ? policy->output : policy->activation);
        for (int o = 0; o < layer->out; o++) {
            const float *row = layer->weight + (size_t)o * (size_t)layer->in;
            float sum = 0;
            for (int i = 0; i < layer->in; i++) sum += row[i] * x[i];
            y[o] = (float)f->value((double)(layer->bias[o] + sum));
        }
        float *swap = x;
        x = y;
        y = swap;
    }
    udy__ending e;
    udy__ending_of(&e, policy);
    for (int k = 0; k < policy->act_dim; k++) {
        float a = e.scale ? e.mid[k] + e.half[k] * x[k] : x[k];
        action[k] = !e.clip ? a : a < e.low[k] ? e.low[k] : a > e.high[k] ? e.high[k] : a;
    }
}

typedef struct pairs {
    float *obs, *action, *single;  // [PAIRS, O], [PAIRS, A], [2 * widest]
    double *scratch, *exact;       // [2 * widest], [A]
} pairs;

// Draws observations and computes their actions; the tolerance is ten times what float32 arithmetic
// does, and a hundred-thousandth of the largest action, which leaves room for another libm's.
static float fill(pairs *p, const udy_plain_policy *policy) {
    const size_t O = (size_t)policy->obs_dim, A = (size_t)policy->act_dim;
    udy_rng rng;
    udy_rng_init_stream(&rng, 0, "export/self-test", 0);
    double largest = 1, off = 0;
    for (size_t k = 0; k < PAIRS; k++) {
        float *obs = p->obs + k * O, *action = p->action + k * A;
        for (size_t i = 0; i < O; i++) obs[i] = (float)(spread[k] * udy_rng_normal(&rng));
        udy__plain_act(policy, obs, p->exact, p->scratch);
        act_in_float(policy, obs, action, p->single);
        for (size_t i = 0; i < A; i++) {
            largest = fmax(largest, fabs(p->exact[i]));
            off = fmax(off, fabs(p->exact[i] - (double)action[i]));
            action[i] = (float)p->exact[i];
        }
    }
    return (float)(10 * off + 1e-5 * largest);
}

static int put_test(udy__c *c, const udy_plain_policy *policy, pairs *p, udy_error *err) {
    const size_t O = (size_t)policy->obs_dim, A = (size_t)policy->act_dim;
    const size_t wide = (size_t)udy__plain_widest(policy);
    p->obs = udy_alloc(PAIRS * O * sizeof(float));
    p->action = udy_alloc(PAIRS * A * sizeof(float));
    p->single = udy_alloc(2 * wide * sizeof(float));
    p->scratch = udy_alloc(2 * wide * sizeof(double));
    p->exact = udy_alloc(A * sizeof(double));
    if (!p->obs || !p->action || !p->single || !p->scratch || !p->exact)
        return udy_error_set(err, UDY_ENOMEM, "no memory for a self-test");
    char tolerance[24];
    udy__c_number(tolerance, fill(p, policy));
    udy__c_put(c, "\n#ifdef $N_SELF_TEST\n");
    udy__text_printf(&c->text, "#define %s_TEST_PAIRS %d\n#define %s_TOLERANCE %s\n\n", c->upper,
                     PAIRS, c->upper, tolerance);
    udy__c_floats(c, "test_obs", p->obs, PAIRS * O);
    udy__c_floats(c, "test_action", p->action, PAIRS * A);
    udy__c_put(c, test_code);
    return UDY_OK;
}

int udy__c_self_test(udy__c *c, udy_error *err) {
    udy_plain_policy rounded;
    int code = udy_plain_round(&rounded, c->policy, c->config->weights, err);
    if (code) return code;
    pairs p = {0};
    code = put_test(c, &rounded, &p, err);
    udy_free(p.obs);
    udy_free(p.action);
    udy_free(p.single);
    udy_free(p.scratch);
    udy_free(p.exact);
    udy_free(rounded.block);
    return code;
}
