// `understudy import` as a person meets it: a model of Stable-Baselines3 becomes an expert that drives
// evaluate, demos, bc and dagger like any other, and what is wrong is said.
#include "program.h"

#include <sys/stat.h>

#define SAMPLES UDY_SOURCE_DIR "/tests/data/sb3/"
#define SHORT "--set max_episode_steps=20 --quiet "

static void an_imported_expert_drives_evaluate_demos_bc_and_dagger(void **state) {
    (void)state;
    outcome o = run_program("import " SAMPLES "ant.zip -o ant.safetensors --task Ant-v5");
    assert_done(o);
    assert_contains(o.out, "ant.safetensors: PPO of Stable-Baselines3 2.");
    assert_contains(o.out, "27-2-8, tanh, output clipped to the action bounds");
    assert_string_equal(o.err, "");
    done(o);
    o = run_program("evaluate ant.safetensors --episodes 2 --seed 1 --json " SHORT);
    assert_done(o);
    assert_contains(o.out, "\"mean\": ");
    done(o);
    o = run_program("demos collect --expert ant.safetensors --episodes 3 --out demos " SHORT);
    assert_done(o);
    done(o);
    o = run_program("bc demos --out bc.safetensors --set epochs=2 --set hidden=[8] --quiet");
    assert_done(o);
    done(o);
    o = run_program(
        "dagger --expert ant.safetensors --set rounds=1 --set initial_episodes=1 "
        "--set select_episodes=1 --set episodes_per_round=1 --set bc.epochs=1 "
        "--set bc.hidden=[8] --out dagger " SHORT);
    assert_done(o);
    done(o);
}

static void the_form_with_contact_forces_is_told_by_its_size(void **state) {
    (void)state;
    outcome o = run_program("import " SAMPLES
                            "ant-contact.zip -o contact.safetensors --task Ant-v5 --json");
    assert_done(o);
    assert_contains(o.out, "\"contact_obs\": true");
    assert_contains(o.out, "\"obs_dim\": 105");
    assert_contains(o.out, "\"algorithm\": \"PPO\"");
    assert_contains(o.out, "\"clipped\": true");
    assert_contains(o.out, "\"gaussian\": false");
    done(o);
    o = run_program("evaluate contact.safetensors --episodes 1 --json " SHORT);
    assert_done(o);
    done(o);
    assert_error(run_program("import " SAMPLES "ant-contact.zip -o c.safetensors --task Ant-v5 "
                             "--set contact_obs=false"),
                 1, "takes 105 observations and gives 8 actions, Ant-v5 has 27 and 8");
}

static void a_task_that_the_sizes_leave_alone_is_taken(void **state) {
    (void)state;
    outcome o = run_program("import " SAMPLES "pendulum.zip -o pendulum.safetensors");
    assert_done(o);
    assert_contains(o.err, "4 observations and 1 action are InvertedPendulum-v5's alone");
    assert_contains(o.out, "for InvertedPendulum-v5");
    done(o);
    assert_error(run_program("import " SAMPLES "sac.zip -o s.safetensors"), 2,
                 "5 observations and 2 actions fit none that is known");
}

static void another_task_is_an_error_that_names_both(void **state) {
    (void)state;
    assert_error(
        run_program("import " SAMPLES "ant.zip -o x.safetensors --task InvertedPendulum-v5"), 1,
        "takes 27 observations and gives 8 actions, InvertedPendulum-v5 has 4 and 1");
    assert_error(run_program("import " SAMPLES "sac.zip -o x.safetensors --task Ant-v5"), 1,
                 "takes 5 observations and gives 2 actions, Ant-v5 has 27 or 105 and 8");
    assert_error(run_program("import " SAMPLES "ant.zip -o x.safetensors --task Ant-v6"), 1,
                 "Ant-v5");
    assert_true(access("x.safetensors", F_OK) != 0);
}

static void what_cannot_be_imported_is_said(void **state) {
    (void)state;
    assert_error(run_program("import " SAMPLES "td3-mish.zip -o x.safetensors"), 1, "Mish");
    assert_error(run_program("import " SAMPLES "ppo-discrete.zip -o x.safetensors"), 1, "Discrete");
    assert_error(run_program("import nosuch.zip -o x.safetensors"), 1, "nosuch.zip");
    assert_error(run_program("import " SAMPLES "ant.expected.safetensors -o x.safetensors"), 1,
                 "not a zip archive");
    assert_error(run_program("import " SAMPLES "ant.zip"), 2, "-o FILE.safetensors");
    assert_error(run_program("import -o x.safetensors"), 2, "wants MODEL.zip");
    assert_error(run_program("import " SAMPLES "ant.zip -o no/such/x.safetensors --task Ant-v5"), 1,
                 "no/such");
    assert_error(run_program("import " SAMPLES "ant.zip -o x.safetensors --task Ant-v5 "
                             "--vecnormalize " SAMPLES "ppo-normalized.vecnormalize.pkl"),
                 1, "statistics of 5 observations, the model takes 27");
    assert_true(access("x.safetensors", F_OK) != 0);
}

static void a_file_that_is_there_is_kept_unless_told_otherwise(void **state) {
    (void)state;
    outcome o = run_program("import " SAMPLES "ant.zip -o twice.safetensors --task Ant-v5");
    assert_done(o);
    done(o);
    assert_error(run_program("import " SAMPLES "ant.zip -o twice.safetensors --task Ant-v5"), 1,
                 "--force");
    o = run_program("import " SAMPLES "ant.zip -o twice.safetensors --task Ant-v5 --force");
    assert_done(o);
    done(o);
}

// The trained model of ../shared/interop, with its statistics.
static void normalisation_is_asked_for_folded_and_said(void **state) {
    (void)state;
    static const char folder[] = UDY_SHARED_DIR "/interop";
    if (access(folder, F_OK) != 0) {
        print_message("skipped: no ../shared/interop\n");
        skip();
    }
    outcome o = run_program("import %s/ppo-ant-v5.zip -o raw.safetensors --task Ant-v5", folder);
    assert_done(o);
    assert_contains(o.err, "give --vecnormalize FILE");
    done(o);
    o = run_program(
        "import %s/ppo-ant-v5.zip -o ppo.safetensors --task Ant-v5 --vecnormalize "
        "%s/ppo-ant-v5.vecnormalize.pkl",
        folder, folder);
    assert_done(o);
    assert_contains(o.err, "clipped at 10 standard deviations");
    assert_contains(o.out, "normalisation folded in, observations clipped");
    done(o);
    o = run_program("evaluate ppo.safetensors --episodes 1 --json " SHORT);
    assert_done(o);
    done(o);
}

int main(void) {
    make_work_dir("import");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_imported_expert_drives_evaluate_demos_bc_and_dagger),
        cmocka_unit_test(the_form_with_contact_forces_is_told_by_its_size),
        cmocka_unit_test(a_task_that_the_sizes_leave_alone_is_taken),
        cmocka_unit_test(another_task_is_an_error_that_names_both),
        cmocka_unit_test(what_cannot_be_imported_is_said),
        cmocka_unit_test(a_file_that_is_there_is_kept_unless_told_otherwise),
        cmocka_unit_test(normalisation_is_asked_for_folded_and_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
