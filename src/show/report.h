// report.h: what the parts of the report share, inside `show`: HTML (report_html.c), the data of the
// replay (report_replay.c), sentences about figures (report_text.c, report_shift.c), the tutorial's
// claims (report_claims.c), tables (report_tables.c). report.c puts the page together. Not public.
#ifndef UDY_SHOW_REPORT_H_
#define UDY_SHOW_REPORT_H_

#include "show/figure.h"

// A report under way.
typedef struct udy__report {
    const char *run_path, *web_dir;
    const udy_task *task;
    const udy_results *results;
    const udy_shift *shift;                 // Nullable: not measured
    const udy_experiment_config *settings;  // Nullable: run.yaml could not be read
    const udy_json *facts;                  // results.json. Nullable
    udy__text body, contents, scripts;
    size_t n_bytes;     // embedded so far
    char missing[512];  // figures that the run does not have, by title
} udy__report;

// Everything about the page that can grow stays below this many bytes in all.
#define UDY__REPORT_MAX ((size_t)14500000)

//------------------------------------------ HTML --------------------------------------------------

// Append s with what HTML would take for markup escaped; broken UTF-8 and control characters are
// replaced. Fit for text and for quoted attributes.
void udy__html_add(udy__text *html, const char *s);
// The same of a formatted sentence, numbers in the C locale.
void udy__html_say(udy__text *html, const char *format, ...) UDY_PRINTF(2, 3);
void udy__base64_add(udy__text *text, const void *data, size_t n);
// A tree as JSON that may stand inside a <script>; takes ownership of root.
int udy__html_add_json(udy__text *html, udy_json *root, udy_error *err) UDY_MUST_CHECK;
// A program in a <script> of its own: nothing in it can end the element.
void udy__html_add_script(udy__text *html, const char *js);
// Append a template with every {{name}} replaced, once, by the value of its slot. UDY_EFORMAT names
// one that has no slot.
typedef struct udy__slot {
    const char *name, *value;
} udy__slot;
int udy__html_fill(udy__text *html, const char *path, const char *text, const udy__slot *slots,
                   int n_slots, udy_error *err) UDY_MUST_CHECK;
// <section>'s heading, and its line in the contents.
void udy__section(udy__report *r, const char *id, const char *title);
void udy__paragraph_begin(udy__text *html);
void udy__paragraph_end(udy__text *html);

//------------------------------------------ Words -------------------------------------------------

#define UDY__WORD 64
// "6,985", "0.013"; "unknown" where it is not finite. decimals < 0: three significant digits.
const char *udy__number(char out[UDY__WORD], double value, int decimals);
// "p = 0.012", "p < 0.001", on one line.
const char *udy__p_value(char out[UDY__WORD], double p);
// "fell by 3.1 %", "rose by 0.2 %": of a share that went.
const char *udy__change(char out[UDY__WORD], double gone);
#define CHANGE(gone) udy__change((char[UDY__WORD]){0}, gone)
#define NUMBER(value, decimals) udy__number((char[UDY__WORD]){0}, value, decimals)
#define P_VALUE(p) udy__p_value((char[UDY__WORD]){0}, p)
// Decimals for a return of this size: none for thousands.
int udy__return_decimals(const udy__report *r);

// "BC from 50 episodes", "DAgger (round 7)", "the expert": a policy as sentences call it.
const char *udy__title_of(const udy__report *r, const char *name, const char *label,
                          char out[UDY__WORD]);
#define TITLE(r, policy) udy__title_of(r, (policy)->name, (policy)->label, (char[UDY__WORD]){0})
// Which of the page's colours a policy has: "expert", "bc", "few", "dagger", "random", "other".
const char *udy__colour_of(const udy__report *r, const char *name);

//------------------------------------------ The run's policies ------------------------------------

// A row of the results by name, or NULL. Of DAgger's rounds, "dagger-best" is the one tested afresh.
const udy_result_row *udy__row_named(const udy__report *r, const char *name);
// A policy of the shift by name; the best round is found under either of its names. NULL: none.
const udy_shift_policy *udy__policy_named(const udy__report *r, const char *name);
// Those that sentences are about: BC, BC from DAgger's first demonstrations, DAgger's best; of another
// shift the first three. Measured in full. Returns how many.
#define UDY__SUBJECTS_MAX 3
int udy__subjects(const udy__report *r, const udy_shift_policy *out[UDY__SUBJECTS_MAX]);
// The expert on other seeds. NULL: no shift.
const udy_shift_policy *udy__null_of(const udy__report *r);

// A loss that falls by less over a tenth of the epochs has settled. Not more: with a fast expert a tenth
// less of it was worth a fifth of the return (docs/sweep.md).
#define UDY__SETTLED 0.01
// The share of the held-out loss that went in the last tenth of the epochs: its mean over those against
// the tenth before. NaN: nothing held out, or too few epochs.
double udy__late_gain(const udy_results *results);

//------------------------------------------ Parts -------------------------------------------------

// Sentences under a figure, as paragraphs. Each copes with whatever the run lacks.
void udy__text_loss(udy__report *r);
void udy__text_dagger(udy__report *r);
void udy__text_returns(udy__report *r);
void udy__text_labels(udy__report *r);
void udy__text_states(udy__report *r);
void udy__text_traces(udy__report *r);
void udy__text_map(udy__report *r);
void udy__text_divergence(udy__report *r);
void udy__text_dimensions(udy__report *r);
void udy__text_rounds(udy__report *r);
void udy__text_compounding(udy__report *r);
void udy__text_falls(udy__report *r);
void udy__text_pushes(udy__report *r);

void udy__report_lead(udy__report *r);
void udy__report_claims(udy__report *r);
void udy__report_results(udy__report *r);
void udy__report_language(udy__report *r);
int udy__report_settings(udy__report *r, udy_error *err) UDY_MUST_CHECK;
int udy__report_replay(udy__report *r, udy_error *err) UDY_MUST_CHECK;

// A paragraph that says what is not here.
void udy__report_missing(udy__report *r, const char *what);
// A file of the page's parts under web_dir, as text; free with udy_free.
int udy__report_part(const udy__report *r, const char *name, char **out, udy_error *err)
    UDY_MUST_CHECK;

#endif  // UDY_SHOW_REPORT_H_
