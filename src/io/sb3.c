// Stable-Baselines3's models as policies: the zip's tensors (policy.pth) in the order in which the
// policy class that the model names (sb3_data.c) runs them. Between the file and udy_plain_policy,
// which learn makes a policy of.
#include "io/sb3.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/archive.h"
#include "io/io_internal.h"
#include "io/sha.h"
#include "io/torch_file.h"

#define WIDEST (1 << 16)

// A linear layer of the policy, by its tensors.
typedef struct linear {
    int in, out;
    const udy__torch_tensor *weight, *bias;
} linear;

typedef struct model {
    const char *path;
    udy__sb3_data data;
    udy__torch_file *tensors;
    linear layer[UDY_PLAIN_LAYERS_MAX];
    int n_layers;
    linear head;  // log-std; weight NULL: none
    udy_error *err;
} model;

//------------------------------------------ Tensors -----------------------------------------------

static const udy__torch_tensor *find(const model *m, const char *name, const char *suffix) {
    char whole[160];
    snprintf(whole, sizeof whole, "%s.%s", name, suffix);
    return udy__torch_find(m->tensors, whole);
}

// A linear layer "name.weight" [out, in], "name.bias" [out].
static int take_linear(model *m, linear *out, const char *name, int in) {
    const udy__torch_tensor *w = find(m, name, "weight"), *b = find(m, name, "bias");
    if (!w || !b)
        return udy_error_set(m->err, UDY_EFORMAT, "%s: no tensor '%s.%s'", m->path, name,
                             w ? "bias" : "weight");
    if (w->ndim != 2 || w->shape[1] != in || w->shape[0] < 1 || w->shape[0] > WIDEST)
        return udy_error_set(m->err, UDY_EFORMAT,
                             "%s: tensor '%s.weight' is [%lld, %lld] in %d dimensions, expected "
                             "[1 to %d, %d]",
                             m->path, name, (long long)w->shape[0], (long long)w->shape[1], w->ndim,
                             WIDEST, in);
    if (b->ndim != 1 || b->shape[0] != w->shape[0])
        return udy_error_set(
            m->err, UDY_EFORMAT, "%s: tensor '%s.bias' is [%lld] in %d dimensions, expected [%lld]",
            m->path, name, (long long)b->shape[0], b->ndim, (long long)w->shape[0]);
    *out = (linear){.in = in, .out = (int)w->shape[0], .weight = w, .bias = b};
    int status = udy__torch_check(m->tensors, w, m->err);
    return status ? status : udy__torch_check(m->tensors, b, m->err);
}

static int width(const model *m) {
    return m->n_layers ? m->layer[m->n_layers - 1].out : m->data.obs_dim;
}

static int append(model *m, const char *name) {
    if (m->n_layers == UDY_PLAIN_LAYERS_MAX)
        return udy_error_set(m->err, UDY_EUNSUPPORTED, "%s: more than %d layers", m->path,
                             UDY_PLAIN_LAYERS_MAX);
    int status = take_linear(m, &m->layer[m->n_layers], name, width(m));
    if (!status) m->n_layers++;
    return status;
}

// Layers 0, 2, 4, ... of an nn.Sequential, an activation after each.
static int append_sequence(model *m, const char *name) {
    int status = UDY_OK;
    for (int k = 0; !status; k += 2) {
        char one[96];
        snprintf(one, sizeof one, "%s.%d", name, k);
        if (!find(m, one, "weight")) break;
        status = append(m, one);
    }
    return status;
}

static bool begins(const char *text, const char *prefix) {
    return !strncmp(text, prefix, strlen(prefix));
}

static bool is_used(const model *m, const udy__torch_tensor *t) {
    for (int l = 0; l < m->n_layers; l++)
        if (t == m->layer[l].weight || t == m->layer[l].bias) return true;
    return t == m->head.weight || t == m->head.bias;
}

// What belongs to the critics, to targets and to exploration may be anything; nothing else may be
// left over, or the policy is not the one that was put together.
static int refuse_strangers(const model *m) {
    static const char *const others[][5] = {
        [UDY__SB3_ACTOR_CRITIC] = {"mlp_extractor.value_net.", "value_net."},
        [UDY__SB3_SAC] = {"critic.", "critic_target."},
        [UDY__SB3_TD3] = {"critic.", "critic_target.", "actor_target."}};
    for (size_t i = 0; i < udy__torch_count(m->tensors); i++) {
        const udy__torch_tensor *t = udy__torch_at(m->tensors, i);
        bool known = is_used(m, t);
        for (const char *const *o = others[m->data.kind]; *o; o++) known |= begins(t->name, *o);
        known |= !strcmp(t->name, "log_std") && m->data.kind == UDY__SB3_ACTOR_CRITIC;
        known |= !strcmp(t->name, "actor.log_std") && m->data.gsde;
        if (known) continue;
        char shown[UDY__SHOW_MAX];
        return udy_error_set(
            m->err, UDY_EUNSUPPORTED, "%s: tensor '%s' has no place in a policy of linear layers%s",
            m->path, udy__text_show(shown, t->name, strlen(t->name)),
            strstr(t->name, "features_extractor") ? ": it has a features extractor of its own"
            : strstr(t->name, "lstm")             ? ": it is recurrent"
                                                  : "");
    }
    return UDY_OK;
}

static int find_layers(model *m) {
    int status;
    if (m->data.kind == UDY__SB3_ACTOR_CRITIC) {
        // shared_net: layers before the two nets part, up to Stable-Baselines3 1.7.
        status = append_sequence(m, "mlp_extractor.shared_net");
        if (!status) status = append_sequence(m, "mlp_extractor.policy_net");
        if (!status) status = append(m, "action_net");
    } else if (m->data.kind == UDY__SB3_TD3) {
        status = append_sequence(m, "actor.mu");
        if (!status && !m->n_layers) status = append(m, "actor.mu.0");  // says that it is missing
    } else {
        status = append_sequence(m, "actor.latent_pi");
        int in = width(m);
        bool clipped = m->data.gsde && m->data.clip_mean > 0;
        if (!status) status = append(m, clipped ? "actor.mu.0" : "actor.mu");
        if (!status && !m->data.gsde) status = take_linear(m, &m->head, "actor.log_std", in);
    }
    if (!status && width(m) != m->data.act_dim)
        status =
            udy_error_set(m->err, UDY_EFORMAT, "%s: the network gives %d numbers for %d actions",
                          m->path, width(m), m->data.act_dim);
    if (!status && m->head.weight && m->head.out != m->data.act_dim)
        status = udy_error_set(m->err, UDY_EFORMAT, "%s: %d log-std for %d actions", m->path,
                               m->head.out, m->data.act_dim);
    return status ? status : refuse_strangers(m);
}

//------------------------------------------ The policy --------------------------------------------

static size_t numbers_of(int in, int out) {
    return (size_t)in * (size_t)out + (size_t)out;
}

static int read_linear(model *m, const linear *from, udy__sb3_layer *to, float **at) {
    *to = (udy__sb3_layer){.in = from->in, .out = from->out, .weight = *at};
    to->bias = to->weight + (size_t)from->in * (size_t)from->out;
    *at = to->bias + from->out;
    int status = udy__torch_read(m->tensors, from->weight, to->weight, m->err);
    return status ? status : udy__torch_read(m->tensors, from->bias, to->bias, m->err);
}

// SAC with gSDE clips its mean to [-c, c] before the tanh. Where the hidden activation is ReLU that
// is one more layer: clip(z) = relu(z + c) - relu(z - c) - c.
static int clips_mean(const model *m) {
    return m->data.kind == UDY__SB3_SAC && m->data.gsde && m->data.clip_mean > 0;
}

static int check_clip(const model *m) {
    if (!clips_mean(m)) return UDY_OK;
    if (strcmp(m->data.activation, "relu"))
        return udy_error_set(m->err, UDY_EUNSUPPORTED,
                             "%s: gSDE with activation %s: its mean is clipped to %g, which can be "
                             "read with ReLU alone (or trained with clip_mean=0)",
                             m->path, m->data.activation, m->data.clip_mean);
    if (m->n_layers < UDY_PLAIN_LAYERS_MAX) return UDY_OK;
    return udy_error_set(m->err, UDY_EUNSUPPORTED,
                         "%s: gSDE with %d layers; its clipped mean takes one more, and %d are "
                         "supported",
                         m->path, m->n_layers, UDY_PLAIN_LAYERS_MAX);
}

// The last layer [A, H] becomes [2A, H]: z + c and z - c. After it comes [I, -I] and -c.
static void add_clip(udy__sb3_layer *layer, int *n, float *at, double c) {
    udy__sb3_layer *mean = &layer[*n - 1], *last = &layer[*n];
    size_t A = (size_t)mean->out, H = (size_t)mean->in;
    udy__sb3_layer twice = {.in = mean->in, .out = 2 * mean->out, .weight = at};
    twice.bias = twice.weight + 2 * A * H;
    *last = (udy__sb3_layer){.in = twice.out, .out = mean->out, .weight = twice.bias + 2 * A};
    last->bias = last->weight + 2 * A * A;
    for (size_t k = 0; k < A; k++) {
        for (size_t half = 0; half < 2; half++) {
            memcpy(twice.weight + (half * A + k) * H, mean->weight + k * H, H * sizeof(float));
            twice.bias[half * A + k] = (float)((double)mean->bias[k] + (half ? -c : c));
            last->weight[k * 2 * A + half * A + k] = half ? -1.0f : 1.0f;
        }
        last->bias[k] = (float)-c;
    }
    *mean = twice;
    *n += 1;
}

static size_t room_for(const model *m) {
    size_t n = m->head.weight ? numbers_of(m->head.in, m->head.out) : 0;
    for (int l = 0; l < m->n_layers; l++) n += numbers_of(m->layer[l].in, m->layer[l].out);
    if (clips_mean(m)) {
        const linear *mean = &m->layer[m->n_layers - 1];
        n += numbers_of(mean->in, 2 * mean->out) + numbers_of(2 * mean->out, mean->out);
    }
    return n;
}

// Bounds of the actions, which a policy file can hold where they are finite.
static int take_bounds(const model *m, udy_plain_policy *out) {
    int A = m->data.act_dim, infinite = 0;
    for (int k = 0; k < A; k++) {
        out->low[k] = m->data.low[k];
        out->high[k] = m->data.high[k];
        infinite += isinf(out->low[k]) || isinf(out->high[k]);
        if (!(out->low[k] < out->high[k]))
            return udy_error_set(m->err, UDY_EFORMAT,
                                 "%s: action %d is bounded by [%g, %g], expected the low end first",
                                 m->path, k, out->low[k], out->high[k]);
    }
    if (infinite && (m->data.squashed || infinite < A))
        return udy_error_set(m->err, UDY_EUNSUPPORTED,
                             "%s: %d of %d actions have no finite bounds; all or, without "
                             "squashing, none can be read",
                             m->path, infinite, A);
    out->bounded = !infinite;
    out->clip = !infinite && !m->data.squashed;
    return UDY_OK;
}

static int read_layers(model *m, udy__sb3_layer *layer, udy__sb3_layer *head, float **at) {
    int status = UDY_OK;
    for (int l = 0; !status && l < m->n_layers; l++)
        status = read_linear(m, &m->layer[l], &layer[l], at);
    if (!status && m->head.weight) status = read_linear(m, &m->head, head, at);
    return status;
}

static int build(model *m, udy_plain_policy *out, udy_sb3_facts *facts, const char *vecnormalize) {
    udy__sb3_layer layer[UDY_PLAIN_LAYERS_MAX + 1], first[2];
    double *low = out->block, *high = low + m->data.obs_dim;
    float *at = (float *)(void *)(high + m->data.obs_dim);
    int n = m->n_layers;
    bool clips = false;
    udy__sb3_layer head = {0};
    int status = read_layers(m, layer, &head, &at);
    if (!status && vecnormalize) {
        // Without hidden layers the head, too, stands on the observation.
        bool both = n == 1 && head.weight;
        first[0] = layer[0];
        first[1] = head;
        status =
            udy__sb3_normalize(first, both ? 2 : 1, low, high, &clips, facts, vecnormalize, m->err);
    }
    if (status) return status;
    if (clips) {
        out->obs_low = low;
        out->obs_high = high;
    }
    if (clips_mean(m)) add_clip(layer, &n, at, m->data.clip_mean);
    out->n_layers = n;
    out->obs_dim = m->data.obs_dim;
    out->act_dim = m->data.act_dim;
    for (int l = 0; l < n; l++)
        out->layer[l] =
            (udy_plain_layer){layer[l].in, layer[l].out, layer[l].weight, layer[l].bias};
    snprintf(out->activation, sizeof out->activation, "%s", m->data.activation);
    snprintf(out->output, sizeof out->output, "%s", m->data.squashed ? "tanh" : "identity");
    if (head.weight) {
        out->log_std_weight = head.weight;
        out->log_std_bias = head.bias;
        snprintf(out->log_std_bound, sizeof out->log_std_bound, "clamp");
        out->log_std_range[0] = -20;
        out->log_std_range[1] = 2;
    }
    return UDY_OK;
}

//------------------------------------------ The file ----------------------------------------------

// Sizes of the entries that are read: text and weights shrink by so much at the very best.
static size_t most_bytes(udy__archive *zip) {
    uint64_t n = udy__archive_bytes(zip);
    return n > ((uint64_t)1 << 30) / 64 ? (size_t)(n > (uint64_t)1 << 30 ? n : (uint64_t)1 << 30)
                                        : (size_t)(64 * n + 65536);
}

static int read_entry(model *m, udy__archive *zip, const char *entry, char **data, size_t *n) {
    int status = udy__archive_read(zip, entry, most_bytes(zip), data, n, m->err);
    if (status == UDY_ENOENT)
        return udy_error_set(m->err, UDY_EFORMAT,
                             "%s: no entry '%s' in it: not a model that Stable-Baselines3 saved",
                             m->path, entry);
    return status;
}

static int read_data(model *m, udy__archive *zip) {
    char *text, name[UDY_PATH_MAX + 16];
    size_t n;
    udy_json *root = NULL;
    int status = read_entry(m, zip, "data", &text, &n);
    if (status) return status;
    snprintf(name, sizeof name, "%s: data", m->path);
    status = udy__python_json(&root, text, n, name, m->err);
    udy_free(text);
    if (!status) status = udy__sb3_data_read(&m->data, root, m->path, m->err);
    udy_json_free(root);
    return status;
}

// The entry's first line, as far as it is fit to be kept in metadata.
static void read_version(udy__archive *zip, udy_sb3_facts *facts) {
    char *text;
    size_t n, k = 0;
    if (udy__archive_read(zip, "_stable_baselines3_version", 256, &text, &n, NULL)) return;
    for (size_t i = 0; i < n && k + 1 < sizeof facts->version; i++) {
        bool fit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') ||
                   strchr(".+-", text[i]);
        if (!fit || !text[i]) break;
        facts->version[k++] = text[i];
    }
    facts->version[k] = '\0';
    udy_free(text);
}

static int read_model(model *m, udy__archive *zip, udy_plain_policy *out, udy_sb3_facts *facts,
                      const char *vecnormalize) {
    char *weights = NULL, name[UDY_PATH_MAX + 16];
    size_t n = 0;
    int status = read_data(m, zip);
    if (!status) status = read_entry(m, zip, "policy.pth", &weights, &n);
    if (status) return status;
    read_version(zip, facts);
    snprintf(name, sizeof name, "%s: policy.pth", m->path);
    status = udy__torch_open(&m->tensors, weights, n, name, m->err);
    if (!status) status = find_layers(m);
    if (!status) status = check_clip(m);
    if (!status) status = take_bounds(m, out);
    if (!status) {
        out->block =
            udy_alloc(2 * (size_t)m->data.obs_dim * sizeof(double) + room_for(m) * sizeof(float));
        status = out->block ? build(m, out, facts, vecnormalize)
                            : udy_error_set(m->err, UDY_ENOMEM, "%s: out of memory", m->path);
    }
    snprintf(facts->algorithm, sizeof facts->algorithm, "%s", m->data.algorithm);
    facts->gsde = m->data.gsde;
    facts->saw_normalized = m->data.saw_normalized;
    udy__torch_close(m->tensors);
    udy_free(weights);
    return status;
}

static int hash_files(udy_sb3_facts *facts, const char *path, const char *vecnormalize,
                      udy_error *err) {
    uint64_t n;
    int status = udy__sha_file(facts->sha256, &n, UDY__SHA256, path, err);
    if (!status && vecnormalize)
        status = udy__sha_file(facts->vecnormalize_sha256, &n, UDY__SHA256, vecnormalize, err);
    return status;
}

int udy_sb3_read(udy_plain_policy *out, udy_sb3_facts *facts, const char *path,
                 const char *vecnormalize, udy_error *err) {
    *out = (udy_plain_policy){0};
    *facts = (udy_sb3_facts){0};
    udy__archive *zip;
    int status = udy__archive_open(&zip, path, err);
    if (status) return status;
    model m = {.path = path, .err = err};
    status = read_model(&m, zip, out, facts, vecnormalize);
    if (!status) status = hash_files(facts, path, vecnormalize, err);
    udy__archive_close(zip);
    if (!status) return UDY_OK;
    udy_free(out->block);
    *out = (udy_plain_policy){0};
    *facts = (udy_sb3_facts){0};
    return status;
}
