// settings.h: one table of settings made of the tables of its parts.
#ifndef UNDERSTUDY_SRC_STUDY_SETTINGS_H_
#define UNDERSTUDY_SRC_STUDY_SETTINGS_H_

#include "understudy/study.h"

enum { UDY__FIELDS_MAX = 96 };

typedef struct udy__fields {
    udy_field fields[UDY__FIELDS_MAX + 1];
    char keys[UDY__FIELDS_MAX][64];
} udy__fields;

// Where a part's table goes. The order of the parts is the order of the printed settings.
typedef struct udy__fields_part {
    const char *prefix;  // "sac."; "" for none
    const udy_field *table;
    size_t offset;  // of the part's struct in the whole
} udy__fields_part;

// Fill out from the parts' tables; returns its rows, which live as long as out.
const udy_field *udy__fields_join(udy__fields *out, const udy__fields_part *parts, int n_parts);

#endif  // UNDERSTUDY_SRC_STUDY_SETTINGS_H_
