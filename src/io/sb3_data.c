// What a model of Stable-Baselines3 says of itself: the JSON entry `data`, in which classes, spaces
// and keyword arguments are pickles in base64. See sb3.h.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "io/pickle.h"
#include "io/sb3.h"

//------------------------------------------ Pickles in JSON ---------------------------------------

// Base64 (RFC 4648) into memory of its own; NULL where it is none, or out of memory.
static unsigned char *decode(const char *text, size_t *n_bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text), pad = 0;
    if (n == 0 || n % 4) return NULL;
    while (pad < 2 && text[n - 1 - pad] == '=') pad++;
    unsigned char *out = udy_alloc(n / 4 * 3);
    size_t used = 0;
    uint32_t bits = 0;
    for (size_t i = 0; out && i < n; i++) {
        const char *at = i < n - pad ? strchr(digits, text[i]) : digits;
        if (!at || !*at) {
            udy_free(out);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)(at - digits);
        if (i % 4 != 3) continue;
        for (int k = 16; k >= 0; k -= 8) out[used++] = (unsigned char)(bits >> k);
        bits = 0;
    }
    *n_bytes = used - pad;
    return out;
}

// A pickle and the bytes it lies in.
typedef struct decoded {
    unsigned char *bytes;
    udy__pickle *pickle;
} decoded;

static void decoded_free(decoded *d) {
    udy__pickle_free(d->pickle);
    udy_free(d->bytes);
}

// The pickle of a member such as "action_space": {":serialized:": "gAWV..."}.
static int read_member(decoded *out, const udy_json *member, const char *name, const char *key,
                       const char *const *allowed, udy_error *err) {
    *out = (decoded){0};
    char what[UDY_PATH_MAX + 64];
    snprintf(what, sizeof what, "%s: %s", name, key);
    const char *text = udy_json_string(member, ":serialized:", NULL);
    if (!text)
        return udy_error_set(err, UDY_EFORMAT, "%s: not there, or not as Stable-Baselines3 has it",
                             what);
    size_t n = 0;
    out->bytes = decode(text, &n);
    if (!out->bytes) return udy_error_set(err, UDY_EFORMAT, "%s: no pickle in base64", what);
    int status = udy__pickle_read(&out->pickle, out->bytes, n, what, allowed, err);
    if (status) decoded_free(out);
    return status;
}

//------------------------------------------ Policy class ------------------------------------------

static const struct {
    const char *class;
    udy__sb3_kind kind;
} policy_classes[] = {
    {"stable_baselines3.common.policies ActorCriticPolicy", UDY__SB3_ACTOR_CRITIC},
    {"stable_baselines3.sac.policies SACPolicy", UDY__SB3_SAC},
    {"sb3_contrib.tqc.policies TQCPolicy", UDY__SB3_SAC},
    {"stable_baselines3.td3.policies TD3Policy", UDY__SB3_TD3},
};

// Parts of names of classes that cannot be read, and why.
static const struct {
    const char *part, *why;
} refusals[] = {
    {"Cnn", "a policy for images"},
    {"MultiInput", "a policy for dictionaries of observations"},
    {"Recurrent", "a recurrent policy"},
    {"Lstm", "a recurrent policy"},
    {"DQN", "a policy for discrete actions"},
    {"Maskable", "a policy for discrete actions"},
    {"CrossQ", "a policy with batch renormalisation"},
    {"ARS", "a policy without a network"},
};

static int refuse_class(const char *name, const char *class, udy_error *err) {
    const char *why = "a policy class that is not known";
    char shown[UDY__SHOW_MAX];
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (strstr(class, refusals[i].part)) {
            why = refusals[i].why;
            break;
        }
    return udy_error_set(err, UDY_EUNSUPPORTED,
                         "%s: %s (%s); MlpPolicy of SAC, TD3, DDPG, TQC, PPO and A2C can be read",
                         name, why, udy__text_show(shown, class, strlen(class)));
}

static int read_policy_class(udy__sb3_data *out, const udy_json *root, const char *name,
                             udy_error *err) {
    static const char *const allowed[] = {"stable_baselines3.*", "sb3_contrib.*", NULL};
    decoded d;
    int status =
        read_member(&d, udy_json_get(root, "policy_class"), name, "policy_class", allowed, err);
    if (status == UDY_EUNSUPPORTED)
        return udy_error_wrap(err, status, "a policy class of its maker's own cannot be read");
    if (status) return status;
    const udy__pickle_value *v = udy__pickle_root(d.pickle);
    const char *class = v->kind == UDY__PICKLE_GLOBAL ? udy__pickle_class(v) : NULL;
    size_t i = 0, n = class ? sizeof policy_classes / sizeof *policy_classes : 0;
    while (i < n && strcmp(class, policy_classes[i].class)) i++;
    if (i < n) {
        out->kind = policy_classes[i].kind;
        snprintf(out->algorithm, sizeof out->algorithm, "%s", strstr(class, "TQC") ? "TQC" : "");
    } else {
        status = class ? refuse_class(name, class, err)
                       : udy_error_set(err, UDY_EFORMAT, "%s: policy_class is no class", name);
    }
    decoded_free(&d);
    return status;
}

// Which of the algorithms that share a policy class: by what only one of them keeps.
static void tell_algorithm(udy__sb3_data *out, const udy_json *root) {
    const char *name = "A2C";
    if (out->algorithm[0]) return;
    if (out->kind == UDY__SB3_SAC) name = "SAC";
    // DDPG is TD3 without its three tricks, and the constructor says so.
    if (out->kind == UDY__SB3_TD3)
        name = udy_json_number(root, "policy_delay", 2) == 1 &&
                       udy_json_number(root, "target_noise_clip", 0.5) == 0
                   ? "DDPG"
                   : "TD3";
    if (out->kind == UDY__SB3_ACTOR_CRITIC && udy_json_get(root, "clip_range")) name = "PPO";
    if (out->kind == UDY__SB3_ACTOR_CRITIC && udy_json_get(root, "cg_max_steps")) name = "TRPO";
    snprintf(out->algorithm, sizeof out->algorithm, "%s", name);
}

//------------------------------------------ Keyword arguments -------------------------------------

// policy_kwargs: plain JSON where that can say it, else a pickle.
typedef struct kwargs {
    const udy_json *json;
    const udy__pickle_value *pickle;  // Nullable
} kwargs;

static bool kwargs_truth(const kwargs *k, const char *key, bool fallback) {
    if (k->pickle) return udy__pickle_truth(udy__pickle_get(k->pickle, key), fallback);
    return udy_json_bool(k->json, key, fallback);
}

static double kwargs_number(const kwargs *k, const char *key, double fallback) {
    double number;
    if (!k->pickle) return udy_json_number(k->json, key, fallback);
    return udy__pickle_number(udy__pickle_get(k->pickle, key), &number) ? number : fallback;
}

static int read_activation(udy__sb3_data *out, const kwargs *k, const char *name, udy_error *err) {
    static const struct {
        const char *class, *name;
    } known[] = {{"torch.nn.modules.linear Identity", "identity"},
                 {"torch.nn.modules.activation ReLU", "relu"},
                 {"torch.nn.modules.activation Tanh", "tanh"},
                 {"torch.nn.modules.activation Sigmoid", "sigmoid"},
                 {"torch.nn.modules.activation ELU", "elu"},
                 {"torch.nn.modules.activation SiLU", "silu"},
                 {"torch.nn.modules.activation GELU", "gelu"},
                 {"torch.nn.modules.activation LeakyReLU", "leaky_relu"},
                 {"torch.nn.modules.activation Softplus", "softplus"}};
    const udy__pickle_value *v = udy__pickle_get(k->pickle, "activation_fn");
    const char *usual = out->kind == UDY__SB3_ACTOR_CRITIC ? "tanh" : "relu";
    snprintf(out->activation, sizeof out->activation, "%s", usual);
    if (!v) return UDY_OK;
    const char *class = v->kind == UDY__PICKLE_GLOBAL ? v->text.p : "something that is no class";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(class, known[i].class)) {
            snprintf(out->activation, sizeof out->activation, "%s", known[i].name);
            return UDY_OK;
        }
    char shown[UDY__SHOW_MAX];
    return udy_error_set(
        err, UDY_EUNSUPPORTED,
        "%s: activation_fn is %s; ReLU, Tanh, Sigmoid, ELU, SiLU, GELU, LeakyReLU, "
        "Softplus and Identity can be read",
        name, udy__text_show(shown, class, strlen(class)));
}

static int check_extractor(const kwargs *k, const char *name, udy_error *err) {
    const udy__pickle_value *v = udy__pickle_get(k->pickle, "features_extractor_class");
    const char *class = udy__pickle_class(v);
    if (!v || (class && !strcmp(class, "stable_baselines3.common.torch_layers FlattenExtractor")))
        return UDY_OK;
    char shown[UDY__SHOW_MAX];
    return udy_error_set(
        err, UDY_EUNSUPPORTED,
        "%s: features_extractor_class is %s; only FlattenExtractor, the usual one, can be read",
        name, class ? udy__text_show(shown, class, strlen(class)) : "no class");
}

static int take_kwargs(udy__sb3_data *out, const udy_json *root, const kwargs *k, const char *name,
                       udy_error *err) {
    int status = read_activation(out, k, name, err);
    if (!status) status = check_extractor(k, name, err);
    if (status) return status;
    out->gsde = udy_json_bool(root, "use_sde", false) || kwargs_truth(k, "use_sde", false);
    out->clip_mean = kwargs_number(k, "clip_mean", 2);
    // An actor-critic policy may squash with gSDE alone; the others always do.
    out->squashed = out->kind != UDY__SB3_ACTOR_CRITIC ||
                    (out->gsde && kwargs_truth(k, "squash_output", false));
    if (out->clip_mean >= 0 && out->clip_mean <= 1e6) return UDY_OK;
    return udy_error_set(err, UDY_EUNSUPPORTED, "%s: clip_mean is %g; expected 0 to 1e6", name,
                         out->clip_mean);
}

static int read_kwargs(udy__sb3_data *out, const udy_json *root, const char *name, udy_error *err) {
    static const char *const allowed[] = {"torch.nn.modules.*",
                                          "torch.optim.*",
                                          "stable_baselines3.*",
                                          "sb3_contrib.*",
                                          "collections OrderedDict",
                                          UDY__PICKLE_NUMPY,
                                          NULL};
    kwargs k = {.json = udy_json_get(root, "policy_kwargs")};
    decoded d = {0};
    int status = UDY_OK;
    if (udy_json_get(k.json, ":serialized:")) {
        status = read_member(&d, k.json, name, "policy_kwargs", allowed, err);
        if (!status) k.pickle = udy__pickle_root(d.pickle);
        if (!status && k.pickle->kind != UDY__PICKLE_DICT) {
            decoded_free(&d);
            return udy_error_set(err, UDY_EFORMAT, "%s: policy_kwargs is no dict", name);
        }
    }
    if (!status) status = take_kwargs(out, root, &k, name, err);
    if (d.pickle) decoded_free(&d);
    return status;
}

//------------------------------------------ Spaces ------------------------------------------------

int udy__sb3_box(const udy__pickle_value *space, int *n, double *low, double *high, int max,
                 const char *name, const char *what, udy_error *err) {
    const char *class = udy__pickle_class(space), *word = class ? strrchr(class, ' ') : NULL;
    char shown[UDY__SHOW_MAX];
    if (!word || strcmp(word, " Box"))
        return udy_error_set(err, UDY_EUNSUPPORTED, "%s: the %s is %s; a Box can be read", name,
                             what, word ? udy__text_show(shown, word + 1, strlen(word + 1)) : "?");
    udy__pickle_array ends[2];
    if (!udy__pickle_array_of(&ends[0], udy__pickle_get(space, "low")) ||
        !udy__pickle_array_of(&ends[1], udy__pickle_get(space, "high")) || ends[0].n != ends[1].n ||
        ends[0].ndim != ends[1].ndim)
        return udy_error_set(err, UDY_EFORMAT, "%s: the %s is a Box without bounds", name, what);
    if (ends[0].ndim != 1 || ends[0].n < 1 || ends[0].n > (size_t)max)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: the %s has %d dimensions and %zu numbers; one dimension of 1 to "
                             "%d can be read",
                             name, what, ends[0].ndim, ends[0].n, max);
    *n = (int)ends[0].n;
    for (int i = 0; low && i < *n; i++)
        if (ends[0].type[0] != 'f' || !udy__pickle_array_at(&ends[0], (size_t)i, &low[i]) ||
            !udy__pickle_array_at(&ends[1], (size_t)i, &high[i]) || isnan(low[i]) || isnan(high[i]))
            return udy_error_set(
                err, UDY_EUNSUPPORTED,
                "%s: the %s has bounds of type %s; float32 and float64 can be read", name, what,
                udy__text_show(shown, ends[0].type, strlen(ends[0].type)));
    return UDY_OK;
}

static const char *const space_names[] = {UDY__SB3_SPACES, UDY__PICKLE_NUMPY, NULL};

static int read_space(const udy_json *root, const char *key, int *n, double *low, double *high,
                      int max, const char *name, udy_error *err) {
    decoded d;
    int status = read_member(&d, udy_json_get(root, key), name, key, space_names, err);
    if (status) return status;
    status = udy__sb3_box(udy__pickle_root(d.pickle), n, low, high, max, name, key, err);
    decoded_free(&d);
    return status;
}

// VecNormalize kept the last observation as the model saw it and as it was: are they two things? Only
// a hint, so that nothing here is an error.
static bool saw_normalized(const udy_json *root) {
    decoded d[2] = {{0}, {0}};
    udy__pickle_array seen, original;
    static const char *const keys[] = {"_last_obs", "_last_original_obs"};
    static const char *const names[] = {UDY__PICKLE_NUMPY, NULL};
    bool differ = false;
    if (!read_member(&d[0], udy_json_get(root, keys[0]), "", keys[0], names, NULL) &&
        !read_member(&d[1], udy_json_get(root, keys[1]), "", keys[1], names, NULL) &&
        udy__pickle_array_of(&seen, udy__pickle_root(d[0].pickle)) &&
        udy__pickle_array_of(&original, udy__pickle_root(d[1].pickle)) && seen.n == original.n)
        for (size_t i = 0; i < seen.n && !differ; i++) {
            double a, b;
            differ = udy__pickle_array_at(&seen, i, &a) && udy__pickle_array_at(&original, i, &b) &&
                     (float)a != (float)b && !(isnan(a) && isnan(b));
        }
    for (int i = 0; i < 2; i++)
        if (d[i].pickle) decoded_free(&d[i]);
    return differ;
}

int udy__sb3_data_read(udy__sb3_data *out, const udy_json *root, const char *name, udy_error *err) {
    *out = (udy__sb3_data){0};
    int status = read_policy_class(out, root, name, err);
    if (status) return status;
    tell_algorithm(out, root);
    status = read_space(root, "action_space", &out->act_dim, out->low, out->high,
                        UDY_PLAIN_ACTIONS_MAX, name, err);
    if (!status)
        status =
            read_space(root, "observation_space", &out->obs_dim, NULL, NULL, 1 << 16, name, err);
    if (!status) status = read_kwargs(out, root, name, err);
    out->saw_normalized = !status && saw_normalized(root);
    return status;
}
