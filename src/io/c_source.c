// A policy as C99 that depends on nothing: constant arrays, and a function that multiplies. Floats
// are written with nine digits, which read back to the same bits and which every compiler takes,
// unlike hexadecimal ones.
#include "io/c_source.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "io/io_internal.h"
#include "io/rounding.h"

//------------------------------------------ Names -------------------------------------------------

int udy_c_name_check(const char *name, udy_error *err) {
    char shown[UDY__SHOW_MAX];
    const char *why = NULL;
    if (!name || !*name)
        why = "it is empty";
    else if (strlen(name) >= UDY__C_NAME_MAX)
        why = "it is longer than 47 characters";
    else if (*name == '_')
        why = "names that start with '_' are the compiler's";
    else if (*name >= '0' && *name <= '9')
        why = "it starts with a digit";
    for (const char *p = name; !why && *p; p++)
        // Not isalpha, which asks the locale.
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *p))
            why = "it may have letters, digits and '_' only";
    if (!why) return UDY_OK;
    return udy_error_set(err, UDY_EINVAL, "'%s' cannot start C identifiers: %s",
                         udy__text_show(shown, name ? name : "", name ? strlen(name) : 0), why);
}

// "ant.h" beside "x/ant.c", and the name by which the source includes it.
static int header_path(char out[UDY_PATH_MAX], const char **base, const char *path,
                       udy_error *err) {
    size_t n = path ? strlen(path) : 0;
    if (n < 3 || strcmp(path + n - 2, ".c") != 0 || path[n - 3] == '/')
        return udy_error_set(err, UDY_EINVAL, "%s: expected a name that ends in .c",
                             path ? path : "no path");
    int code = udy_path_format(out, err, "%.*s.h", (int)(n - 2), path);
    if (code) return code;
    const char *slash = strrchr(out, '/');
    *base = slash ? slash + 1 : out;
    for (const char *p = *base; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == '"' || *p == '\\' || *p == 0x7f)
            return udy_error_set(err, UDY_EINVAL,
                                 "%s: '\"', '\\' and control characters cannot stand in #include",
                                 path);
    return UDY_OK;
}

//------------------------------------------ The header --------------------------------------------

static const char header_code[] =
    " */\n"
    "#ifndef $N_H_\n"
    "#define $N_H_\n"
    "\n"
    "#ifdef __cplusplus\n"
    "extern \"C\" {\n"
    "#endif\n"
    "\n";

static const char header_calls[] =
    "\n"
    "/* The action [$N_ACT_DIM] for an observation [$N_OBS_DIM], in the task's own units and order;\n"
    " * the arrays must not overlap. Keeps nothing from call to call: any number of threads may call\n"
    " * it at once. */\n"
    "void $n_act(const float *obs, float *action);\n"
    "\n"
    "#ifdef $N_SELF_TEST\n"
    "/* Observations that came with the policy: 0 where the actions are right, else 1. *worst: the\n"
    " * largest difference. Besides, the source has a main that prints that, unless $N_NO_MAIN is\n"
    " * defined: cc -D$N_SELF_TEST $f -lm && ./a.out */\n"
    "int $n_self_test(float *worst);\n"
    "#endif\n"
    "\n"
    "#ifdef __cplusplus\n"
    "}\n"
    "#endif\n"
    "\n"
    "#endif\n";

// Bytes on the stack for what the layers hand on, in turn from one array to the other.
static void widths(const udy_plain_policy *policy, int width[2]) {
    width[0] = width[1] = 0;
    for (int l = 0; l < policy->n_layers - 1; l++)
        if (policy->layer[l].out > width[l % 2]) width[l % 2] = policy->layer[l].out;
}

// The observation is clipped, or put into the units of int8 weights.
static bool copies_obs(const udy__c *c) {
    return c->policy->obs_low || c->config->weights == UDY_WEIGHTS_INT8;
}

static void comment_pair(udy__c *c, const char *key, const char *value) {
    udy__text line = {0};
    udy__text_printf(&line, "  %-12s ", key);
    udy__text_puts(&line, value);
    if (line.p) udy__c_comment(c, line.p);
    c->text.failed |= line.failed;
    udy__text_drop(&line);
}

static void comment_shape(udy__c *c) {
    const udy_plain_policy *p = c->policy;
    udy__text line = {0};
    udy__text_printf(&line, "%d%s", p->obs_dim, p->obs_low ? " (clipped)" : "");
    for (int l = 0; l < p->n_layers; l++) udy__text_printf(&line, " -> %d", p->layer[l].out);
    udy__text_printf(&line, ", %s between, %s at the end", p->activation, p->output);
    if (c->ending.scale) udy__text_puts(&line, ", scaled to the action bounds");
    if (c->ending.clip) udy__text_puts(&line, ", clipped to the action bounds");
    if (line.p) comment_pair(c, "layers", line.p);
    udy__text_drop(&line);
    char size[120];
    int width[2];
    widths(p, width);
    if (copies_obs(c)) width[0] += p->obs_dim;
    snprintf(size, sizeof size, "%s, %zu bytes of weights; %zu bytes of arrays on the stack",
             udy_weights_name(c->config->weights), udy_weights_bytes(p, c->config->weights),
             sizeof(float) * (size_t)(width[0] + width[1]));
    comment_pair(c, "weights", size);
}

static int make_header(udy__c *c, udy_error *err) {
    udy__facts *facts;
    int code = udy__facts_of(&facts, c->policy, false, c->config->extra, c->config->n_extra, err);
    if (code) return code;
    udy__c_put(c, "/* $n: a policy as C without dependencies, by `understudy export` " UDY_VERSION
                  ".\n *\n");
    comment_shape(c);
    for (size_t i = 0; i < facts->n; i++) {
        // These are in the line of layers.
        static const char *const said[] = {"activation", "output",  "obs_dim",
                                           "act_dim",    "obs_low", "obs_high"};
        bool again = false;
        for (size_t k = 0; k < sizeof said / sizeof said[0]; k++)
            again |= !strcmp(facts->pairs[i].key, said[k]);
        if (!again && *facts->pairs[i].value)
            comment_pair(c, facts->pairs[i].key, facts->pairs[i].value);
    }
    if (c->config->notes && *c->config->notes) {
        udy__text_puts(&c->text, " *\n");
        udy__c_comment(c, c->config->notes);
    }
    udy__c_put(c, header_code);
    udy__text_printf(&c->text, "#define %s_OBS_DIM %d\n#define %s_ACT_DIM %d\n", c->upper,
                     c->policy->obs_dim, c->upper, c->policy->act_dim);
    udy__c_put(c, header_calls);
    udy_free(facts);
    return UDY_OK;
}

//------------------------------------------ Arrays ------------------------------------------------

static int put_int8(udy__c *c, const udy_plain_layer *layer, int l, udy_error *err) {
    const size_t rows = (size_t)layer->out, in = (size_t)layer->in;
    int8_t *q = udy_alloc(rows * in);
    int32_t *whole = udy_alloc(rows * in * sizeof *whole);
    float *row = udy_alloc((rows + in) * sizeof *row);
    char what[16];
    int code = UDY_OK;
    if (q && whole && row) {
        udy__int8_layer(q, row, l ? NULL : row + rows, layer);
        for (size_t i = 0; i < rows * in; i++) whole[i] = q[i];
        snprintf(what, sizeof what, "w%d", l);
        udy__c_whole(c, "int8_t", what, whole, rows * in);
        snprintf(what, sizeof what, "s%d", l);
        udy__c_floats(c, what, row, rows);
        if (l == 0) udy__c_floats(c, "unit", row + rows, in);
    } else {
        code = udy_error_set(err, UDY_ENOMEM, "no memory for %zu weights", rows * in);
    }
    udy_free(row);
    udy_free(whole);
    udy_free(q);
    return code;
}

static int put_fp16(udy__c *c, const udy_plain_layer *layer, int l, udy_error *err) {
    const size_t n = (size_t)layer->in * (size_t)layer->out;
    int32_t *whole = udy_alloc(n * sizeof *whole);
    if (!whole) return udy_error_set(err, UDY_ENOMEM, "no memory for %zu weights", n);
    char what[16];
    snprintf(what, sizeof what, "w%d", l);
    for (size_t i = 0; i < n; i++) whole[i] = udy__half_of(layer->weight[i]);
    udy__c_whole(c, "uint16_t", what, whole, n);
    udy_free(whole);
    return UDY_OK;
}

static int put_weights(udy__c *c, const udy_plain_layer *layer, int l, udy_error *err) {
    if (c->config->weights == UDY_WEIGHTS_INT8) return put_int8(c, layer, l, err);
    if (c->config->weights == UDY_WEIGHTS_FP16) return put_fp16(c, layer, l, err);
    char what[16];
    snprintf(what, sizeof what, "w%d", l);
    udy__c_floats(c, what, layer->weight, (size_t)layer->in * (size_t)layer->out);
    return UDY_OK;
}

static int put_ends(udy__c *c, const char *what, const double *x, udy_error *err) {
    const size_t n = (size_t)c->policy->obs_dim;
    float *single = udy_alloc(n * sizeof *single);
    if (!single) return udy_error_set(err, UDY_ENOMEM, "no memory for %zu bounds", n);
    for (size_t i = 0; i < n; i++) single[i] = (float)x[i];
    udy__c_floats(c, what, single, n);
    udy_free(single);
    return UDY_OK;
}

static int put_arrays(udy__c *c, udy_error *err) {
    const udy_plain_policy *p = c->policy;
    if (p->obs_low) {
        udy__text_puts(&c->text, "\n/* What each observation is clipped to. */\n");
        int code = put_ends(c, "obs_low", p->obs_low, err);
        if (!code) code = put_ends(c, "obs_high", p->obs_high, err);
        if (code) return code;
    }
    for (int l = 0; l < p->n_layers; l++) {
        const udy_plain_layer *layer = &p->layer[l];
        char what[16];
        udy__text_printf(&c->text, "\n/* Layer %d: %d -> %d. */\n", l, layer->in, layer->out);
        int code = put_weights(c, layer, l, err);
        if (code) return code;
        snprintf(what, sizeof what, "b%d", l);
        udy__c_floats(c, what, layer->bias, (size_t)layer->out);
    }
    const size_t A = (size_t)p->act_dim;
    if (c->ending.scale) {
        udy__text_puts(&c->text, "\n/* The middle and half the range of each action. */\n");
        udy__c_floats(c, "mid", c->ending.mid, A);
        udy__c_floats(c, "half", c->ending.half, A);
    }
    if (c->ending.clip) {
        udy__text_puts(&c->text, "\n/* The bounds of each action. */\n");
        udy__c_floats(c, "low", c->ending.low, A);
        udy__c_floats(c, "high", c->ending.high, A);
    }
    return UDY_OK;
}

//------------------------------------------ Code --------------------------------------------------

// How a product reads a weight of each kind: type, expression of the i-th, the end of a row.
static const struct {
    const char *type, *weight, *scale_parameter, *sum;
} products[UDY_WEIGHTS_COUNT] = {
    [UDY_WEIGHTS_F32] = {"float", "w[%s]", "", "(a + c) + (d + e)"},
    [UDY_WEIGHTS_INT8] = {"int8_t", "(float)w[%s]", "const float *scale, ",
                          "*scale++ * ((a + c) + (d + e))"},
    [UDY_WEIGHTS_FP16] = {"uint16_t", "$n_wide(w[%s])", "", "(a + c) + (d + e)"},
};

static const char widen_code[] =
    "\n"
    "/* IEEE 754 binary16 to float: the bits moved, and the exponent put right by a multiplication\n"
    " * by 2^112, which is exact, subnormal numbers included. */\n"
    "static float $n_wide(uint16_t half) {\n"
    "    union {\n"
    "        uint32_t bits;\n"
    "        float value;\n"
    "    } u;\n"
    "    u.bits = (uint32_t)(half & 0x8000u) << 16 | (uint32_t)(half & 0x7fffu) << 13;\n"
    "    return u.value * 5.19229686e+33f;\n"
    "}\n";

static void put_product(udy__c *c) {
    const udy_weights kind = c->config->weights;
    static const char *const sums[] = {"a", "c", "d", "e"};
    char line[160], weight[48];
    if (kind == UDY_WEIGHTS_FP16) udy__c_put(c, widen_code);
    udy__c_put(c,
               "\n/* y [n_out] = W x + bias, by four sums that need not wait for each other. */\n");
    snprintf(line, sizeof line, "static void $n_layer(const %s *w, %sconst float *bias,\n",
             products[kind].type, products[kind].scale_parameter);
    udy__c_put(c, line);
    udy__c_put(c,
               "                     const float *x, int n_in, float *y, int n_out) {\n"
               "    for (; n_out > 0; n_out--, w += n_in) {\n"
               "        float a = 0.0f, c = 0.0f, d = 0.0f, e = 0.0f;\n"
               "        int i = 0;\n"
               "        for (; i + 3 < n_in; i += 4) {\n");
    for (int k = 0; k < 4; k++) {
        char at[8] = "i";
        if (k) snprintf(at, sizeof at, "i + %d", k);
        snprintf(weight, sizeof weight, products[kind].weight, at);
        snprintf(line, sizeof line, "            %s += %s * x[%s];\n", sums[k], weight, at);
        udy__c_put(c, line);
    }
    snprintf(weight, sizeof weight, products[kind].weight, "i");
    snprintf(line, sizeof line,
             "        }\n        for (; i < n_in; i++) a += %s * x[i];\n"
             "        *y++ = *bias++ + %s;\n    }\n}\n",
             weight, products[kind].sum);
    udy__c_put(c, line);
}

static void put_activation(udy__c *c, const char *what, const char *expression) {
    if (!expression) return;
    udy__text_printf(&c->text, "\nstatic float %s_%s(float z) {\n    return %s;\n}\n", c->name,
                     what, expression);
}

// One layer's call in act: from x to y.
static void put_layer(udy__c *c, int l, const char *x, const char *y, const char *hidden) {
    const udy_plain_layer *layer = &c->policy->layer[l];
    const char *n = c->name;
    char scale[UDY__C_NAME_MAX + 24] = "";
    if (c->config->weights == UDY_WEIGHTS_INT8) snprintf(scale, sizeof scale, "%s_s%d, ", n, l);
    udy__text_printf(&c->text, "    %s_layer(%s_w%d, %s%s_b%d, %s, %d, %s, %d);\n", n, n, l, scale,
                     n, l, x, layer->in, y, layer->out);
    if (l < c->policy->n_layers - 1 && hidden)
        udy__text_printf(&c->text, "    for (i = 0; i < %d; i++) %s[i] = %s_hidden(%s[i]);\n",
                         layer->out, y, n, y);
}

// The observation as the first layer sees it.
static void put_beginning(udy__c *c) {
    udy__c_put(c,
               "    for (i = 0; i < $N_OBS_DIM; i++) {\n"
               "        x[i] = obs[i];\n");
    if (c->policy->obs_low)
        udy__c_put(c,
                   "        if (x[i] < $n_obs_low[i]) x[i] = $n_obs_low[i];\n"
                   "        if (x[i] > $n_obs_high[i]) x[i] = $n_obs_high[i];\n");
    if (c->config->weights == UDY_WEIGHTS_INT8)
        udy__c_put(c, "        x[i] *= $n_unit[i]; /* of the weights */\n");
    udy__c_put(c, "    }\n");
}

static void put_act(udy__c *c, const char *hidden, const char *output) {
    const udy_plain_policy *p = c->policy;
    static const char *const arrays[] = {"h0", "h1"};
    int width[2];
    widths(p, width);
    udy__c_put(c, "\nvoid $n_act(const float *obs, float *action) {\n");
    for (int k = 0; k < 2 && width[k]; k++)
        udy__text_printf(&c->text, "    float %s[%d];\n", arrays[k], width[k]);
    const bool ending = output || c->ending.scale || c->ending.clip;
    const bool copies = copies_obs(c);
    if (copies) udy__c_put(c, "    float x[$N_OBS_DIM];\n");
    if (copies || ending || (hidden && p->n_layers > 1)) udy__text_puts(&c->text, "    int i;\n");
    if (copies) put_beginning(c);
    for (int l = 0; l < p->n_layers; l++)
        put_layer(c, l,
                  l        ? arrays[(l - 1) % 2]
                  : copies ? "x"
                           : "obs",
                  l == p->n_layers - 1 ? "action" : arrays[l % 2], hidden);
    if (ending) {
        udy__c_put(c, "    for (i = 0; i < $N_ACT_DIM; i++) {\n");
        if (output) udy__c_put(c, "        action[i] = $n_output(action[i]);\n");
        if (c->ending.scale)
            udy__c_put(c, "        action[i] = $n_mid[i] + $n_half[i] * action[i];\n");
        if (c->ending.clip)
            udy__c_put(c,
                       "        if (action[i] < $n_low[i]) action[i] = $n_low[i];\n"
                       "        if (action[i] > $n_high[i]) action[i] = $n_high[i];\n");
        udy__c_put(c, "    }\n");
    }
    udy__c_put(c, "}\n");
}

static int make_source(udy__c *c, const char *header, udy_error *err) {
    const udy_plain_policy *p = c->policy;
    const udy__activation *hidden = udy__activation_of(p->activation);
    const udy__activation *output = udy__activation_of(p->output);
    const bool uses_hidden = p->n_layers > 1;
    udy__c_put(c, "/* $n: weights and code of a policy; $n_act is described in the header. */\n");
    udy__text_printf(&c->text, "#include \"%s\"\n\n", header);
    if (output->c_math || (uses_hidden && hidden->c_math)) udy__c_put(c, "#include <math.h>\n");
    if (c->config->weights != UDY_WEIGHTS_F32) udy__c_put(c, "#include <stdint.h>\n");
    int code = put_arrays(c, err);
    if (code) return code;
    put_product(c);
    if (uses_hidden) put_activation(c, "hidden", hidden->c);
    put_activation(c, "output", output->c);
    put_act(c, hidden->c, output->c);
    return udy__c_self_test(c, err);
}

//------------------------------------------ Files -------------------------------------------------

static int save(udy__c *c, const char *path, udy_error *err) {
    const size_t n = c->text.n;
    char *text = udy__text_take(&c->text);
    if (!text) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for its text", path);
    int code = udy_file_write(path, text, n, err);
    udy_free(text);
    return code;
}

int udy_c_write(const char *path, const udy_plain_policy *policy, const udy_c_config *config,
                udy_error *err) {
    char header[UDY_PATH_MAX];
    const char *base = NULL;
    int code = header_path(header, &base, path, err);
    if (!code) code = udy_c_name_check(config->name, err);
    // Rounding finds what a kind of weights cannot hold.
    udy_plain_policy rounded;
    if (!code) code = udy_plain_round(&rounded, policy, config->weights, err);
    if (code) return code;
    udy_free(rounded.block);

    const char *slash = strrchr(path, '/');
    udy__c c = {
        .policy = policy, .config = config, .name = config->name, .file = slash ? slash + 1 : path};
    udy__ending_of(&c.ending, policy);
    for (size_t i = 0; i <= strlen(config->name); i++)
        c.upper[i] = (char)toupper((unsigned char)config->name[i]);
    void *locale = udy__locale_enter();
    code = make_source(&c, base, err);
    if (!code) code = save(&c, path, err);
    if (!code) code = make_header(&c, err);
    if (!code) code = save(&c, header, err);
    udy__locale_leave(locale);
    udy__text_drop(&c.text);
    return code;
}
