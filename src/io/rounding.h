// rounding.h: weights held in fewer bits, for exported C: rounding.c rounds, c_source*.c print what it
// gives.
#ifndef UNDERSTUDY_IO_ROUNDING_H_
#define UNDERSTUDY_IO_ROUNDING_H_

#include "understudy/io.h"

// IEEE 754 binary16, to the nearest, halves to even. Beyond its range: infinity.
uint16_t udy__half_of(float x);
float udy__half_value(uint16_t half);  // of a finite one

// A layer's weights [out, in] as q * row[out] * column[in]: a column's scale is its largest magnitude,
// a row's then makes its largest q 127. Nullable: column (all 1)
void udy__int8_layer(int8_t *q, float *row, float *column, const udy_plain_layer *layer);

#endif  // UNDERSTUDY_IO_ROUNDING_H_
