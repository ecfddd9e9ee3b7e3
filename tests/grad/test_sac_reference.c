// Complete updates of soft actor-critic against PyTorch's numbers: make_sac_reference.py wrote the
// transitions, the settings, the networks before and after, and what each update showed. Here the
// transitions go into a training's replay and udy__sac_update does the rest, rows and noise drawn
// from its own generators, which are NumPy's.
#include <math.h>

#include "../unit/test_sim_common.h"

#include "learn/sac.h"

enum { UPDATES = 6, SHOWED = 5, SEED = 42 };

typedef struct reference {
    const char *name;
    udy_safetensors *file;
    udy_task *task;
    udy_batch *batch;
    udy_pool *pool;
    udy_sac *sac;
    double worst;  // of all movements compared: distance over length
} reference;

//------------------------------------------ The file ----------------------------------------------

static const udy_tensor *tensor(const reference *r, const char *name) {
    const udy_tensor *t = udy_safetensors_find(r->file, name);
    if (!t) fail_msg("%s: no tensor %s", r->name, name);
    return t;
}

static const udy_tensor *tensor_of(const reference *r, const char *name, size_t n_bytes) {
    const udy_tensor *t = tensor(r, name);
    if (t->n_bytes != n_bytes)
        fail_msg("%s: %s has %zu bytes, expected %zu", r->name, name, t->n_bytes, n_bytes);
    return t;
}

// The file's settings, a line each, over the defaults.
static udy_sac_config settings(const reference *r) {
    udy_sac_config c = udy_sac_config_default();
    const char *at = udy_safetensors_metadata(r->file, "settings");
    assert_non_null(at);
    while (*at) {
        char line[128];
        size_t n = strcspn(at, "\n");
        assert_true(n < sizeof line);
        snprintf(line, sizeof line, "%.*s", (int)n, at);
        CHECK(udy_settings_set(&c, udy_sac_config_fields, line, err));
        at += n + (at[n] == '\n');
    }
    return c;
}

//------------------------------------------ Networks ----------------------------------------------

// A block of numbers of a network, and its name in the file after the "<update>.".
typedef struct piece {
    char name[48];
    float *data;
    size_t n;
} piece;

enum { PIECES_MAX = 64 };

static int pieces_of(udy_net *net, const char *prefix, piece *out) {
    int n = 0;
    udy_mlp *mlp = udy_net_mlp(net);
    for (int i = 0; i < udy_mlp_param_count(mlp); i++) {
        udy_param p = udy_mlp_param(mlp, i);
        out[n] = (piece){.data = p.data, .n = (size_t)p.rows * (size_t)p.cols};
        snprintf(out[n++].name, sizeof out->name, "%s.%s", prefix, p.name);
    }
    size_t count;
    float *data = udy_net_gamma(net, &count);
    out[n] = (piece){.data = data, .n = count};
    if (count) snprintf(out[n++].name, sizeof out->name, "%s.gamma", prefix);
    data = udy_net_stats(net, &count);
    out[n] = (piece){.data = data, .n = count};
    if (count) snprintf(out[n++].name, sizeof out->name, "%s.stats", prefix);
    return n;
}

static int all_pieces(udy_sac *s, piece *out) {
    int n = pieces_of(s->actor, "actor", out);
    if (s->average) n += pieces_of(s->average, "average", out + n);
    for (int i = 0; i < 2; i++) {
        n += pieces_of(s->critic[i], i ? "critic1" : "critic0", out + n);
        n += pieces_of(s->target[i], i ? "target1" : "target0", out + n);
    }
    assert_true(n <= PIECES_MAX);
    return n;
}

static const float *piece_in_file(const reference *r, const piece *p, int update) {
    char name[64];
    snprintf(name, sizeof name, "%d.%s", update, p->name);
    return tensor_of(r, name, p->n * sizeof(float))->data;
}

// A target's running statistics are read by nobody: its critic's stand for them.
static bool unused(const piece *p) {
    return !strncmp(p->name, "target", 6) && strstr(p->name, ".stats");
}

static double distance(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

// By how far a tensor moved, not by how large it is: a wrong term of a gradient changes the way, and
// hardly the place. Beside that, the last bits of float32 numbers of about 1.
static void compare_networks(reference *r, int update) {
    piece pieces[PIECES_MAX];
    int n = all_pieces(r->sac, pieces), n_moved = 0;
    for (int i = 0; i < n; i++) {
        const piece *p = &pieces[i];
        if (unused(p)) continue;
        const float *before = piece_in_file(r, p, 0), *after = piece_in_file(r, p, update);
        double way = distance(before, after, p->n), off = distance(p->data, after, p->n);
        double rounding = 1e-7 * sqrt((double)p->n);
        n_moved += way > 100 * rounding;
        if (way > 0) r->worst = fmax(r->worst, off / way);
        if (!(off <= 2e-4 * way + rounding))
            fail_msg("%s: %s is %g from PyTorch's after update %d, having moved by %g", r->name,
                     p->name, off, update, way);
    }
    assert_true(n_moved >= n * 3 / 4);
}

//------------------------------------------ A training --------------------------------------------

static void fill_replay(reference *r) {
    udy_sac *s = r->sac;
    const udy_tensor *t = tensor(r, "rows.obs");
    size_t rows = (size_t)t->shape[0], O = (size_t)s->O, A = (size_t)s->A;
    const float *obs = tensor_of(r, "rows.obs", rows * O * 4)->data;
    const float *action = tensor_of(r, "rows.action", rows * A * 4)->data;
    const float *next = tensor_of(r, "rows.next_obs", rows * O * 4)->data;
    const float *reward = tensor_of(r, "rows.reward", rows * 4)->data;
    const uint8_t *terminated = tensor_of(r, "rows.terminated", rows)->data;
    const uint8_t *truncated = tensor_of(r, "rows.truncated", rows)->data;
    for (size_t i = 0; i < rows; i++) {
        const udy__transition step = {.obs = obs + i * O,
                                      .action = action + i * A,
                                      .next_obs = next + i * O,
                                      .reward = reward[i],
                                      .terminated = terminated[i] != 0,
                                      .truncated = truncated[i] != 0};
        udy__replay_append(s->replay, &step);
    }
}

static reference begin(const char *name, int threads) {
    reference r = {.name = name};
    char path[512];
    snprintf(path, sizeof path, UDY_SOURCE_DIR "/tests/data/sac-%s.safetensors", name);
    CHECK(udy_safetensors_open(&r.file, path, err));
    const udy_sac_config config = settings(&r);
    CHECK(udy_task_create(&r.task, "Hopper-v5", NULL, err));
    CHECK(udy_batch_create(&r.batch, r.task, config.n_envs, 1, err));
    CHECK(udy_pool_create(&r.pool, threads, err));
    CHECK(udy_sac_create(&r.sac, &config, r.task, r.batch, r.pool, SEED, err));
    fill_replay(&r);
    piece pieces[PIECES_MAX];
    int n = all_pieces(r.sac, pieces);
    for (int i = 0; i < n; i++)
        memcpy(pieces[i].data, piece_in_file(&r, &pieces[i], 0), pieces[i].n * sizeof(float));
    udy__net_sync(r.sac->actor);
    for (int i = 0; i < 2; i++) {
        udy__net_sync(r.sac->critic[i]);
        udy__net_sync(r.sac->target[i]);
    }
    const double *spread = tensor_of(&r, "spread", 4 * sizeof *spread)->data;
    r.sac->numbers.spread = (udy__return_spread){spread[0], spread[1], spread[2], spread[3]};
    return r;
}

static void end(reference *r) {
    udy_sac_destroy(r->sac);
    udy_pool_destroy(r->pool);
    udy_batch_destroy(r->batch);
    udy_task_destroy(r->task);
    udy_safetensors_close(r->file);
}

static void expect_number(const reference *r, int update, const char *what, double got,
                          double want) {
    if (!(fabs(got - want) <= 1e-5 * (1 + fabs(want))))
        fail_msg("%s: %s of update %d is %.9g, PyTorch's %.9g", r->name, what, update, got, want);
}

static void replay_updates(const char *name, int threads) {
    reference r = begin(name, threads);
    const double *showed = tensor_of(&r, "showed", UPDATES * SHOWED * sizeof *showed)->data;
    for (int k = 1; k <= UPDATES; k++, showed += SHOWED) {
        CHECK(udy__sac_update(r.sac, err));
        udy_sac_status status = udy_sac_status_take(r.sac);
        assert_int_equal(status.updates, k);
        expect_number(&r, k, "the critics' loss", status.critic_loss, showed[0]);
        expect_number(&r, k, "the target's mean", status.q_mean, showed[1]);
        if (k % 2 == 0) {
            expect_number(&r, k, "the actor's loss", status.actor_loss, showed[2]);
            expect_number(&r, k, "the entropy", status.entropy, showed[3]);
        } else {
            assert_true(isnan(status.actor_loss) && isnan(status.entropy));
        }
        expect_number(&r, k, "log alpha", log(status.temperature), showed[4]);
        if (k == 2 || k == UPDATES) compare_networks(&r, k);
    }
    print_message("%s: ways differ by at most %.2g of their length\n", name, r.worst);
    end(&r);
}

//------------------------------------------ Tests -------------------------------------------------

static void sac_as_published_learns_as_pytorch(void **state) {
    (void)state;
    replay_updates("plain", 1);
}

static void normalised_categorical_sac_learns_as_pytorch(void **state) {
    (void)state;
    replay_updates("batch", 2);
}

static void layer_normalised_sac_with_n_step_returns_learns_as_pytorch(void **state) {
    (void)state;
    replay_updates("layer", 2);
}

static void histogram_targets_constant_rows_and_averages_are_pytorchs(void **state) {
    (void)state;
    replay_updates("histogram", 2);
}

static void batch_normalised_critics_with_running_targets_learn_as_pytorch(void **state) {
    (void)state;
    replay_updates("split", 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sac_as_published_learns_as_pytorch),
        cmocka_unit_test(normalised_categorical_sac_learns_as_pytorch),
        cmocka_unit_test(layer_normalised_sac_with_n_step_returns_learns_as_pytorch),
        cmocka_unit_test(histogram_targets_constant_rows_and_averages_are_pytorchs),
        cmocka_unit_test(batch_normalised_critics_with_running_targets_learn_as_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
