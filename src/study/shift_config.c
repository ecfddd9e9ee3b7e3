// Settings of a shift's measurement: the table that --set and range checks use. Without the levels of
// intervals: table, figures and report call them 95 %.
#include <stddef.h>

#include "study/settings.h"

#define AT(field) offsetof(udy_shift_config, field)
const udy_field *udy_shift_fields(void) {
    static const udy_field fields[] = {
        {"seed", UDY_FIELD_U64, AT(seed), 0, 0, 4294967295.0, NULL,
         "of episodes, tests and intervals"},
        {"episodes", UDY_FIELD_INT, AT(episodes), 0, 3, 1000, NULL, "of each policy"},
        {"window", UDY_FIELD_INT, AT(window), 0, 1, 1e6, NULL,
         "control steps, of the curves by time"},
        {"map_bins", UDY_FIELD_INT, AT(map_bins), 0, 2, 512, NULL,
         "cells a side of the map of states"},
        {"push_episodes", UDY_FIELD_INT, AT(push_episodes), 0, 0, 1000, NULL,
         "pushes of each size; 0: none"},
        {"push_speed_1", UDY_FIELD_F64, AT(push_speeds[0]), 0, 0, 100, NULL,
         "given to the main body by the first size, m/s"},
        {"push_speed_2", UDY_FIELD_F64, AT(push_speeds[1]), 0, 0, 100, NULL, "by the second"},
        {"push_speed_3", UDY_FIELD_F64, AT(push_speeds[2]), 0, 0, 100, NULL, "by the third"},
        {"push_speed_4", UDY_FIELD_F64, AT(push_speeds[3]), 0, 0, 100, NULL, "by the fourth"},
        {"n_push_speeds", UDY_FIELD_INT, AT(n_push_speeds), 0, 1, 4, NULL,
         "how many of these sizes to use"},
        {"push_steps", UDY_FIELD_INT, AT(push_steps), 0, 20, 100000, NULL,
         "control steps that a policy has to come back"},
        {"divergence.rows_per_episode", UDY_FIELD_INT, AT(divergence.rows_per_episode), 0, 0, 1e6,
         NULL, "rows of an episode that tests look at; 0: all"},
        {"divergence.permutations", UDY_FIELD_INT, AT(divergence.permutations), 0, 0, 1e6, NULL,
         "shuffles of whole episodes; 0: no tests"},
        {"divergence.resamples", UDY_FIELD_INT, AT(divergence.resamples), 0, 0, 1e6, NULL,
         "bootstrap draws of whole episodes; 0: no intervals"},
        {"divergence.n_bins", UDY_FIELD_INT, AT(divergence.n_bins), 0, 1, UDY_BINS_MAX, NULL,
         "bins of the Jensen-Shannon distance"},
        {"divergence.bandwidth", UDY_FIELD_F64, AT(divergence.bandwidth), 0, 0, 1e9, NULL,
         "of the kernel, standard deviations; 0: the median distance"},
        {"classifier.hidden", UDY_FIELD_INTS, AT(classifier.hidden), 0, 1, 4096, NULL,
         "widths of its hidden layers"},
        {"classifier.rows_per_episode", UDY_FIELD_INT, AT(classifier.rows_per_episode), 0, 0, 1e6,
         NULL, "rows of an episode that it sees; 0: all"},
        {"classifier.updates", UDY_FIELD_INT, AT(classifier.updates), 0, 1, 1e7, NULL,
         "minibatches of Adam"},
        {"classifier.batch_size", UDY_FIELD_INT, AT(classifier.batch_size), 0, 2, 65536, NULL,
         "rows of a minibatch, half of each policy; even"},
        {"classifier.learning_rate", UDY_FIELD_F64, AT(classifier.learning_rate), 0, 1e-9, 1, NULL,
         "Adam's"},
        {"classifier.weight_decay", UDY_FIELD_F64, AT(classifier.weight_decay), 0, 0, 1, NULL,
         "decoupled, as AdamW's"},
        {"classifier.train_share", UDY_FIELD_F64, AT(classifier.train_share), 0, 0.05, 0.95, NULL,
         "of the episodes; the rest test it"},
        {"classifier.permutations", UDY_FIELD_INT, AT(classifier.permutations), 0, 0, 1e6, NULL,
         "shuffles of the held-out episodes; 0: no test"},
        {"classifier.resamples", UDY_FIELD_INT, AT(classifier.resamples), 0, 0, 1e6, NULL,
         "bootstrap draws of them; 0: no interval"},
        {0},
    };
    return fields;
}
#undef AT

udy_shift_config udy_shift_config_default(void) {
    return (udy_shift_config){.episodes = 20,
                              .window = 10,
                              .map_bins = 48,
                              .push_episodes = 20,
                              .push_speeds = {0.5, 1, 2, 4},
                              .n_push_speeds = 4,
                              .push_steps = 200,
                              .divergence = udy_divergence_config_default(),
                              .classifier = udy_classifier_config_default()};
}
