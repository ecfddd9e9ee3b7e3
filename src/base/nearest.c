// The nearest name, for errors that suggest what was meant: keys, commands, options, tensors.
#include <string.h>

#include "understudy/base.h"

#define WORD_MAX 96

static size_t min3(size_t a, size_t b, size_t c) {
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

// Damerau-Levenshtein in its optimal-string-alignment form: insertion, deletion, substitution and
// the swap of two neighbours cost 1 each. Three rows: this one, the last, the one before it.
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b) {
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= n_b; j++) {
        last[j] = j;
        before[j] = 0;  // read from the second row on only
    }
    for (size_t i = 1; i <= n_a; i++) {
        now[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < now[j]) {
                now[j] = before[j - 2] + 1;
            }
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[n_b];
}

const char *udy_nearest(const char *word, const char *const *names, size_t n) {
    size_t n_word = word ? strlen(word) : 0;
    if (n_word == 0 || n_word > WORD_MAX) return NULL;
    const char *best = NULL;
    size_t best_distance = 1 + n_word / 3;
    for (size_t i = 0; i < n; i++) {
        size_t n_name = names[i] ? strlen(names[i]) : 0;
        if (n_name == 0 || n_name > WORD_MAX) continue;
        size_t d = distance(word, n_word, names[i], n_name);
        // The first of equals stays; a bound reached for the first time counts.
        if (d < best_distance || (d == best_distance && !best)) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}
